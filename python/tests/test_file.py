"""RansFile and open: files that are read, written, sought, cut, damaged, pickled."""

from __future__ import annotations

import io
import os
import pickle
import random
import shutil
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import text

import ranstream


@pytest.fixture(scope="module")
def path(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "data.rans"
    path.write_bytes(ranstream.compress(raw, block_size=100_000))
    return path


class Unseekable(io.RawIOBase):
    """What a pipe is, with a few bytes at a time."""

    def __init__(self, data: bytes, most: int = 777) -> None:
        self.data, self.at, self.most = data, 0, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        part = self.data[self.at : self.at + min(len(buffer), self.most)]
        buffer[: len(part)] = part
        self.at += len(part)
        return len(part)


def opened(path: Path, kind: str) -> Any:
    """What `ranstream.open` takes, of several kinds."""
    opened = {
        "path": lambda: path,
        "str": lambda: str(path),
        "file": lambda: path.open("rb"),
        "raw": lambda: path.open("rb", buffering=0),
        "memory": lambda: io.BytesIO(path.read_bytes()),
        "pipe": lambda: Unseekable(path.read_bytes()),
    }[kind]()
    FILES.append(opened)
    return opened


FILES: list[Any] = []


@pytest.fixture(autouse=True)
def close_files() -> Iterator[None]:
    yield
    while FILES:
        if hasattr(file := FILES.pop(), "close"):
            file.close()


KINDS = ["path", "str", "file", "raw", "memory", "pipe"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_all_ways_to_read_give_the_same(raw: bytes, path: Path, kind: str, threads: int) -> None:
    def reader() -> ranstream.RansFile:
        return ranstream.open(opened(path, kind), threads=threads)

    with reader() as file:
        assert file.readable() and not file.writable() and file.mode == "rb"
        assert file.read() == raw and file.read() == b"" and file.tell() == len(raw)
    with reader() as file:
        parts = []
        while part := file.read(70_001):
            parts.append(part)
        assert b"".join(parts) == raw and all(len(part) == 70_001 for part in parts[:-1])
    with reader() as file:
        assert b"".join(iter(file.read1, b"")) == raw
    with reader() as file:
        out = bytearray(len(raw) + 5)
        assert file.readinto(out) == len(raw) and out[: len(raw)] == raw and file.readinto(out) == 0
    with reader() as file:
        assert raw.startswith(file.peek(10)) and file.peek()
        assert file.readinto1(bytearray(10)) == 10 and file.read(5_000_000) == raw[10:]
    with reader() as file:
        copy = io.BytesIO()
        shutil.copyfileobj(file, copy, 12345)
        assert copy.getvalue() == raw
    with reader() as file:
        assert list(file) == list(io.BytesIO(raw))
        assert file.seekable() == (kind != "pipe")
    if hasattr(source := opened(path, kind), "close"):
        with ranstream.open(source) as file:
            pass
        assert not source.closed


def test_one_byte_at_a_time(tmp_path: Path) -> None:
    data = text(5000)
    with ranstream.open(tmp_path / "x.rans", "wb", block_size=700) as file:
        for byte in data:
            assert file.write(bytes([byte])) == 1
        assert file.tell() == len(data)
    for source in (tmp_path / "x.rans", Unseekable((tmp_path / "x.rans").read_bytes(), 1)):
        with ranstream.open(source) as file:
            assert b"".join(iter(lambda: file.read(1), b"")) == data


@pytest.mark.parametrize("kind", ["path", "memory"])
@pytest.mark.parametrize("index", [True, False])
def test_seeks_behave_as_those_of_bytes_io(raw: bytes, tmp_path: Path, kind: str, index: bool) -> None:
    path = tmp_path / "x.rans"
    half = len(raw) // 2
    # Two streams, one behind the other.
    path.write_bytes(b"".join(ranstream.compress(part, block_size=30_000, index=index) for part in (raw[:half], raw[half:])))
    chosen, model = random.Random(5), io.BytesIO(raw)
    with ranstream.open(opened(path, kind)) as file:
        assert file.raw_size == len(raw)
        for _ in range(300):
            match chosen.randrange(7):
                case 0:
                    to = chosen.randrange(len(raw) + 1000)
                    assert file.seek(to) == model.seek(to)
                case 1:
                    by = chosen.randint(-model.tell(), 50_000)
                    assert file.seek(by, 1) == model.seek(model.tell() + by)
                case 2:
                    by = -chosen.randrange(len(raw))
                    assert file.seek(by, 2) == model.seek(by, 2)
                case 3:
                    size = chosen.randrange(100_000)
                    assert file.read(size) == model.read(size)
                case 4:
                    a, b = bytearray(5000), bytearray(5000)
                    assert file.readinto(a) == model.readinto(b) and a == b
                case 5:
                    ready = file.peek(100)
                    assert model.getvalue()[model.tell() :].startswith(ready)
                case 6:
                    ready = file.read1(chosen.choice([-1, 10, 100_000]))
                    assert ready == model.read(len(ready))
            assert file.tell() == model.tell()
        with pytest.raises(ValueError):
            file.seek(-1)
        with pytest.raises(ValueError):
            file.seek(0, 5)


def test_what_a_file_is_not_open_for(path: Path, tmp_path: Path) -> None:
    with ranstream.open(path) as file:
        for call in (lambda: file.write(b"x"), file.truncate, file.fileno):
            with pytest.raises(io.UnsupportedOperation):
                call()
    file.close()
    for call in (file.read, file.tell, file.readable, lambda: file.name, lambda: file.seek(0), file.flush):
        with pytest.raises(ValueError, match="closed"):
            call()
    with ranstream.open(tmp_path / "w.rans", "wb") as file:
        assert file.writable() and not file.seekable() and file.mode == "wb"
        for call in (file.read, lambda: file.seek(0), lambda: file.raw_size, file.blocks, file.peek):
            with pytest.raises(io.UnsupportedOperation):
                call()
    with ranstream.open(Unseekable(path.read_bytes())) as file:
        with pytest.raises(io.UnsupportedOperation):
            file.seek(0)
    for mode in ("", "r+", "q", "rw", "rbt"):
        with pytest.raises(ValueError):
            ranstream.open(path, mode)
    with pytest.raises(ValueError):
        ranstream.open(path, "rb", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        ranstream.open(tmp_path / "nothing")
    with pytest.raises(FileExistsError):
        ranstream.open(path, "xb")
    before = path.read_bytes()
    with pytest.raises(ValueError):
        ranstream.open(path, "wb", block_size=-0)
    assert path.read_bytes() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_what_was_written_is_read(raw: bytes, tmp_path: Path, threads: int) -> None:
    path, memory = tmp_path / "x.rans", io.BytesIO()
    for target in (path, memory):
        with ranstream.open(target, "wb", threads=threads, block_size=64 << 10, level=1) as file:
            for at in range(0, len(raw), 33_333):
                assert file.write(bytearray(raw[at : at + 33_333])) == len(raw[at : at + 33_333])
            file.write(memoryview(b""))
    assert path.read_bytes() == memory.getvalue()
    assert ranstream.decompress(path.read_bytes()) == raw
    assert ranstream.index(path).raw_size == len(raw)


def test_a_flush_shows_what_is_written_so_far(tmp_path: Path) -> None:
    path = tmp_path / "log.rans"
    with ranstream.open(path, "wb") as log:
        log.write(b"a line\n")
        assert path.read_bytes() == b""
        log.flush()
        with ranstream.open(path) as file:
            assert file.read(100) == b"a line\n"
            with pytest.raises(EOFError):
                file.read(100)


def test_appending_goes_on_behind_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "log.rans"
    with pytest.raises(RuntimeError), ranstream.open(path, "ab") as log:
        log.write(b"before ")
        log.flush()
        log.write(b"lost")
        raise RuntimeError
    with pytest.raises(EOFError), ranstream.open(path) as file:
        file.read()
    with ranstream.open(path, "ab") as log:
        log.write(b"after")
    assert ranstream.decompress(path.read_bytes()) == b"before after"
    path.write_bytes(b"something else that is no stream")
    with pytest.raises(ranstream.NotRansError):
        ranstream.open(path, "ab")
    assert path.read_bytes() == b"something else that is no stream"


def test_an_exception_or_a_lost_reference_leaves_no_end(tmp_path: Path) -> None:
    path = tmp_path / "x.rans"

    def leave(mode: str) -> None:
        with pytest.raises(KeyError), ranstream.open(path, mode) as file:
            file.write(b"x" if "b" in mode else "x")
            raise KeyError

    def lose(mode: str) -> None:
        with pytest.warns(ResourceWarning, match="no end"):
            file = ranstream.open(path, mode)
            file.write(b"x" if "b" in mode else "x")
            del file

    for end in (leave, lose):
        for mode in ("wb", "wt"):
            end(mode)
            with pytest.raises(EOFError):
                ranstream.decompress(path.read_bytes())


def test_text_has_lines_encodings_and_newlines(tmp_path: Path) -> None:
    path = tmp_path / "x.rans"
    lines = [f"Zeile {i}: größer\n" for i in range(20_000)]
    with ranstream.open(path, "wt", encoding="latin-1", newline="\r\n") as file:
        file.writelines(lines)
    assert ranstream.decompress(path.read_bytes()) == "".join(lines).replace("\n", "\r\n").encode("latin-1")
    with ranstream.open(path, "rt", encoding="latin-1") as file:
        assert file.readline() == lines[0]
        assert list(file) == lines[1:]
        file.seek(0)
        assert file.read() == "".join(lines)


def test_what_standard_modules_do_over_it(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.zip.rans"
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("one", raw[:5000])
        archive.writestr("two", raw)
    path.write_bytes(ranstream.compress(memory.getvalue()))
    with zipfile.ZipFile(ranstream.open(path)) as archive:
        assert archive.read("two") == raw and archive.namelist() == ["one", "two"]
    with ranstream.open(tmp_path / "p.rans", "wb") as file:
        pickle.dump({"a": raw}, file)
    with ranstream.open(tmp_path / "p.rans") as file:
        assert pickle.load(file) == {"a": raw}


def test_a_file_goes_through_a_pickle_with_its_place(raw: bytes, path: Path) -> None:
    with ranstream.open(path) as file:
        file.seek(500_000)
        with pickle.loads(pickle.dumps(file)) as other:
            assert other.tell() == 500_000 and other.read(10) == raw[500_000:500_010]
    with ranstream.open(io.BytesIO(path.read_bytes())) as file, pytest.raises(TypeError):
        pickle.dumps(file)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_is_an_eof_error_behind_all_good_bytes(raw: bytes, path: Path, tmp_path: Path, kind: str) -> None:
    cut = tmp_path / "cut.rans"
    cut.write_bytes(path.read_bytes()[:300_000])
    good = ranstream.open(cut).read(10_000_000)
    assert len(good) % 100_000 == 0 and len(good) > 300_000 and raw.startswith(good)
    for size in (1000, 70_001, 1 << 20, 10_000_000):
        with ranstream.open(opened(cut, kind)) as file:
            parts = []
            with pytest.raises(EOFError) as caught:
                while part := file.read(size):
                    parts.append(part)
            assert b"".join(parts) == good
            assert caught.value.position == len(good) == file.tell()
    with ranstream.open(opened(cut, kind)) as file:
        # All of it cannot be had; what is there is kept for those who ask for less.
        for _ in range(2):
            with pytest.raises(EOFError):
                file.read()
        assert file.tell() == 0
        out = bytearray(len(raw))
        assert file.readinto(out) == len(good) and out[: len(good)] == good
        with pytest.raises(EOFError):
            file.readinto(out)


def test_damage_is_passed_over_by_a_seek(raw: bytes, path: Path, tmp_path: Path) -> None:
    stream = bytearray(path.read_bytes())
    raw_at, _, coded_at, coded_len = ranstream.index(path)[3]
    stream[coded_at + coded_len // 2] ^= 1
    bad = tmp_path / "bad.rans"
    bad.write_bytes(stream)
    with ranstream.open(bad) as file:
        assert file.read(10_000_000) == raw[:raw_at]
        with pytest.raises(ranstream.CorruptError) as caught:
            file.read(1)
        assert (caught.value.block, caught.value.offset, caught.value.position) == (3, coded_at, raw_at)
        file.seek(raw_at + 100_000)
        assert file.read() == raw[raw_at + 100_000 :]
        file.seek(raw_at)
        with pytest.raises(ranstream.CorruptError):
            file.readinto(bytearray(1))


class Failing(io.BytesIO):
    """Fails once, at the fourth read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads == 4:
            raise ConnectionResetError("once")
        return super().read(size)


def test_an_error_of_the_file_below_comes_out_as_it_was_and_loses_nothing(raw: bytes, path: Path) -> None:
    for read in (lambda file: file.read(), lambda file: file.read(900_000), lambda file: file.readinto(bytearray(900_000))):
        with ranstream.open(Failing(path.read_bytes())) as file:
            with pytest.raises(ConnectionResetError, match="once"):
                read(file)
            assert file.tell() == 0
            assert file.read() == raw

    class Full(io.RawIOBase):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        with ranstream.open(Full(), "wb") as file:
            file.write(raw)
            file.flush()


def test_a_file_below_that_answers_nonsense_is_an_error() -> None:
    class Nonsense(io.BytesIO):
        def __init__(self, answer: object) -> None:
            super().__init__()
            self.answer = answer

        def read(self, size: int | None = -1, /) -> Any:
            return self.answer

    for answer, error in ((b"x" * 100_000, OSError), ("text", TypeError), (None, BlockingIOError)):
        with ranstream.open(Nonsense(answer)) as file, pytest.raises(error):
            file.read(5)


def test_a_file_that_calls_itself_is_an_error_and_no_deadlock() -> None:
    class Circle(io.BytesIO):
        file: ranstream.RansFile

        def read(self, size: int | None = -1, /) -> bytes:
            return self.file.read(5)

    below = Circle()
    with ranstream.open(below) as below.file, pytest.raises(RuntimeError, match="reentrant"):
        below.file.read(5)


def test_threads_share_a_file(raw: bytes, path: Path) -> None:
    parts: list[bytes] = []
    with ranstream.open(path) as file:

        def read() -> None:
            while part := file.read(10_000):
                parts.append(part)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(parts) == sorted(raw[at : at + 10_000] for at in range(0, len(raw), 10_000))


def test_blocks_and_index_say_where_everything_is(raw: bytes, path: Path) -> None:
    index = ranstream.index(path)
    stream = path.read_bytes()
    with ranstream.open(path) as file:
        assert list(file.blocks()) == list(index)
    assert len(index) == 11 and index.raw_size == len(raw) and index[-1] == index[10]
    entries = [index[number] for number in range(11)]
    assert list(index) == entries and entries[4] in index
    for cut in (slice(None), slice(3), slice(-3, None), slice(None, None, -2), slice(8, 2, -3), slice(5, 5), slice(20, 30)):
        assert index[cut] == entries[cut]
    for wrong, error in ((11, IndexError), (-12, IndexError), ("a", TypeError), (slice(None, None, 0), ValueError)):
        with pytest.raises(error):
            index[wrong]
    for start, length, coded, coded_len in index:
        assert index.decode(stream[coded : coded + coded_len], start, start + length) == raw[start : start + length]
    for size in (1, 100_000, 250_000, 1 << 40):
        ranges = index.split(size)
        assert ranges[0][0] == 0 and ranges[-1][1] == len(raw)
        assert all(a[1] == b[0] for a, b in zip(ranges, ranges[1:]))
        assert all(stop - start <= max(size, 100_000) for start, stop in ranges)
    chosen = random.Random(3)
    for _ in range(50):
        start, stop = sorted(chosen.choices(range(len(raw) + 100), k=2))
        first, last = index.coded_range(start, stop)
        assert index.decode(bytearray(stream[first:last]), start, stop) == raw[start:stop]
    assert index.coded_range(5, 5) == (0, 0) and index.decode(b"", 7, 3) == b"" and index.raw_range(9, 2) == (0, 0)
    with pytest.raises(ValueError):
        index.decode(stream[:50], 0, 10)
    again = pickle.loads(pickle.dumps(index))
    assert list(again) == list(index) and again.decode(stream[slice(*index.coded_range(5, 9))], 5, 9) == raw[5:9]
    of, (entries,) = index.__reduce__()
    for wrong in (entries[40:], entries[1:], entries[:40] * 2, entries[:-1], b"\xff" * 40):
        with pytest.raises(ValueError):
            of(wrong)


def test_a_damaged_block_is_named_by_what_decodes_it_alone(path: Path) -> None:
    index, stream = ranstream.index(path), bytearray(path.read_bytes())
    start, length, coded, coded_len = index[4]
    stream[coded + coded_len // 2] ^= 8
    first, last = index.coded_range(start - 10, start + 10)
    with pytest.raises(ranstream.CorruptError) as caught:
        index.decode(stream[first:last], start - 10, start + 10)
    assert (caught.value.block, caught.value.offset, caught.value.position) == (4, coded, start)


class Counted(io.BytesIO):
    reads = 0
    bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.reads += 1
        self.bytes_read += len(data)
        return data


def test_an_index_and_one_seek_read_little(raw: bytes, path: Path) -> None:
    counted = Counted(path.read_bytes())
    ranstream.index(counted)
    assert counted.reads <= 5 and counted.bytes_read < 1000
    counted = Counted(path.read_bytes())
    with ranstream.open(counted) as file:
        file.seek(555_555)
        assert file.read(1000) == raw[555_555:556_555]
    assert counted.bytes_read < 100_000


def test_an_interrupt_ends_a_long_read(tmp_path: Path) -> None:
    path = tmp_path / "long.rans"
    with ranstream.open(path, "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 22))
    size = 64 << 22

    def interrupt() -> None:
        time.sleep(0.03)
        os.kill(os.getpid(), signal.SIGINT)

    stream = path.read_bytes() * 2
    works: list[Any] = [
        lambda: ranstream.decompress_into(stream, bytearray(2 * size), threads=1),
        lambda: ranstream.decompress(bytearray(stream), threads=1),
        lambda: [ranstream.open(path).read() for _ in range(100)],
        lambda: ranstream.compress(text(1 << 20) * 40, level=7, threads=1),
    ]
    for work in works:
        thread = threading.Thread(target=interrupt)
        with pytest.raises(KeyboardInterrupt):
            thread.start()
            work()
            time.sleep(5)
        thread.join()
