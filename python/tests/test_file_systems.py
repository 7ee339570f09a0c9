"""fsspec, pandas, pyarrow and Dask over compressed files."""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import text

import ranstream

fsspec = pytest.importorskip("fsspec")

BLOCK = 100_000


@pytest.fixture()
def memory() -> Any:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    yield memory
    memory.store.clear()


class Counted:
    """What is read of a file system."""

    def __init__(self, fs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads: list[tuple[int, int]] = []
        cat_file = type(fs).cat_file

        def counted(fs: Any, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
            data = cat_file(fs, path, start, end, **options)
            self.reads.append((start or 0, len(data)))
            return data

        monkeypatch.setattr(type(fs), "cat_file", counted)

    @property
    def bytes_read(self) -> int:
        return sum(length for _, length in self.reads)


def put(fs: Any, path: str, raw: bytes, **options: Any) -> bytes:
    stream = ranstream.compress(raw, **{"block_size": BLOCK, **options})
    fs.pipe_file(path, stream)
    return stream


def test_a_file_is_its_raw_bytes(memory: Any, raw: bytes, tmp_path: Path) -> None:
    stream = put(memory, "/folder/x.rans", raw)
    (tmp_path / "x.rans").write_bytes(stream)
    for url in ("rans::memory://folder/x.rans", f"rans::file://{tmp_path}/x.rans", f"rans::{tmp_path}/x.rans"):
        fs, path = fsspec.core.url_to_fs(url)
        info = fs.info(path)
        assert (info["size"], info["coded_size"], info["type"]) == (len(raw), len(stream), "file")
        assert fs.size(path) == len(raw) and fs.isfile(path) and fs.exists(path) and not fs.exists(path + "x")
        assert fs.cat_file(path) == raw and fs.cat(path) == raw
        assert fs.cat_file(path, 5, 500_000) == raw[5:500_000] and fs.cat_file(path, -10) == raw[-10:]
        assert fs.cat_file(path, 10, 5) == b"" and fs.cat_file(path, 1 << 40) == b""
        assert fs.cat_ranges([path] * 2, [0, 99_999], [10, 100_001]) == [raw[:10], raw[99_999:100_001]]
        assert fs.head(path, 10) == raw[:10] and fs.tail(path, 10) == raw[-10:]
        assert fs.read_block(path, 500_000, 100, b" ") in raw
        with fsspec.open(url) as file:
            assert file.read() == raw and file.size == len(raw) and file.seekable()
        with fsspec.open(url, "rt") as lines:
            assert lines.readline().encode() == io.BytesIO(raw).readline()
        assert fsspec.filesystem("rans", fs=fs.fs).cat_file(path, 0, 3) == raw[:3]


def test_a_folder_lists_raw_sizes(memory: Any) -> None:
    put(memory, "/d/a.rans", b"a" * 1000)
    put(memory, "/d/b.rans", b"b" * 2000)
    memory.pipe_file("/d/c.txt", b"plain")
    memory.pipe_file("/d/sub/e.rans", b"not a stream")
    fs, path = fsspec.core.url_to_fs("rans::memory://d")
    assert {entry["name"]: entry["size"] for entry in fs.ls(path)} == {"/d/a.rans": 1000, "/d/b.rans": 2000, "/d/c.txt": 5, "/d/sub": 0}
    assert sorted(fs.ls(path, detail=False)) == ["/d/a.rans", "/d/b.rans", "/d/c.txt", "/d/sub"]
    assert sorted(fs.glob("/d/*.rans")) == ["/d/a.rans", "/d/b.rans"]
    assert fs.isdir(path) and fs.find("/d/a.rans") == ["/d/a.rans"]
    with pytest.raises(ranstream.NotRansError) as caught:
        fs.info("/d/sub/e.rans")
    assert "/d/sub/e.rans" in str(caught.value)
    with pytest.raises(FileNotFoundError):
        fs.info("/d/nothing.rans")


def test_files_are_fetched_walked_and_summed_up(memory: Any, raw: bytes, tmp_path: Path) -> None:
    put(memory, "/d/a.rans", raw)
    put(memory, "/d/sub/b.rans", b"b" * 2000)
    fs, path = fsspec.core.url_to_fs("rans::memory://d")
    assert list(fs.walk(path)) == [("/d", ["sub"], ["a.rans"]), ("/d/sub", [], ["b.rans"])]
    assert fs.du(path) == len(raw) + 2000 and fs.find(path) == ["/d/a.rans", "/d/sub/b.rans"]
    assert fs.cat(["/d/a.rans", "/d/sub/b.rans"]) == {"/d/a.rans": raw, "/d/sub/b.rans": b"b" * 2000}
    fs.get(path, str(tmp_path / "copy"), recursive=True)
    assert (tmp_path / "copy" / "a.rans").read_bytes() == raw
    assert (tmp_path / "copy" / "sub" / "b.rans").read_bytes() == b"b" * 2000
    with pytest.raises(FileNotFoundError):
        fs.get("/d/nothing.rans", str(tmp_path / "nothing"))


def test_reads_behave_as_those_of_bytes_io(memory: Any, raw: bytes) -> None:
    put(memory, "/x.rans", raw)
    chosen, model = random.Random(9), io.BytesIO(raw)
    with fsspec.open("rans::memory://x.rans") as file:
        for _ in range(200):
            if chosen.random() < 0.5:
                to = chosen.randrange(len(raw))
                assert file.seek(to) == model.seek(to)
            size = chosen.choice([0, 1, 100, 99_999, 250_000, -1 if chosen.random() < 0.1 else 50])
            assert file.read(size) == model.read(size)
            assert file.tell() == model.tell()
            if chosen.random() < 0.2:
                a, b = bytearray(300), bytearray(300)
                assert file.readinto(a) == model.readinto(b) and a == b


def test_what_a_split_costs(memory: Any, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = put(memory, "/x.rans", raw)
    counted = Counted(memory, monkeypatch)
    fs, path = fsspec.core.url_to_fs("rans::memory://x.rans", skip_instance_cache=True)
    fs.info(path)
    fs.info(path)
    assert len(counted.reads) <= 3 and counted.bytes_read <= 65536 + 20
    counted.reads.clear()
    with fs.open(path) as file:
        file.seek(555_555)
        assert file.read(1000) == raw[555_555:556_555]
        assert len(counted.reads) == 1 and counted.bytes_read < len(stream) / 8
        # The same block, and the one behind it.
        file.seek(555_000)
        file.read(100)
        assert len(counted.reads) == 1
        file.read(100_000)
        assert len(counted.reads) == 2


def test_a_file_that_changes_is_read_anew(memory: Any) -> None:
    put(memory, "/x.rans", b"a" * 1000)
    fs, path = fsspec.core.url_to_fs("rans::memory://x.rans")
    assert fs.cat_file(path) == b"a" * 1000
    memory.rm("/x.rans")
    put(memory, "/x.rans", b"b" * 5000)
    assert fs.info(path)["size"] == 5000 and fs.cat_file(path) == b"b" * 5000
    assert fs.ukey(path) == memory.ukey("/x.rans")
    assert fs.modified(path) == memory.modified("/x.rans")


def test_a_file_without_an_index_and_two_streams(memory: Any, raw: bytes) -> None:
    half = len(raw) // 2
    memory.pipe_file("/x.rans", b"".join(ranstream.compress(part, index=False) for part in (raw[:half], raw[half:])))
    fs, path = fsspec.core.url_to_fs("rans::memory://x.rans")
    assert fs.cat_file(path, half - 5, half + 5) == raw[half - 5 : half + 5] and fs.info(path)["size"] == len(raw)


def test_nothing_is_written(memory: Any) -> None:
    put(memory, "/x.rans", b"a")
    fs, path = fsspec.core.url_to_fs("rans::memory://x.rans")
    calls: list[Any] = [
        lambda: fs.open(path, "wb"),
        lambda: fs.pipe_file(path, b"x"),
        lambda: fs.rm(path),
        lambda: fs.mkdir("/new"),
        lambda: fs.touch(path),
        lambda: fs.mv(path, "/y.rans"),
    ]
    for call in calls:
        with pytest.raises(NotImplementedError, match="compression"):
            call()
    assert memory.exists("/x.rans")


def test_file_systems_and_files_go_through_a_pickle(memory: Any, raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.rans").write_bytes(ranstream.compress(raw))
    fs, path = fsspec.core.url_to_fs(f"rans::{tmp_path}/x.rans")
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat_file(path, 5, 9) == raw[5:9]
    opened = pickle.loads(pickle.dumps(fsspec.open(f"rans::{tmp_path}/x.rans")))
    with opened as file:
        assert file.read(9) == raw[:9]


def test_damage_names_file_and_place(memory: Any, raw: bytes) -> None:
    stream = bytearray(put(memory, "/bad.rans", raw))
    fs, path = fsspec.core.url_to_fs("rans::memory://bad.rans")
    start, length, coded, coded_len = fs.index(path)[2]
    stream[coded + coded_len // 2] ^= 1
    memory.pipe_file("/bad.rans", bytes(stream))
    assert fs.cat_file(path, 0, start) == raw[:start] and fs.cat_file(path, start + length) == raw[start + length :]
    with pytest.raises(ranstream.CorruptError, match="^/bad.rans: block 2 at byte") as caught:
        fs.cat_file(path, start + length - 1, start + length + 1)
    assert (caught.value.block, caught.value.offset) == (2, coded)
    assert "/bad.rans" in repr(caught.value) and "/bad.rans" in str(pickle.loads(pickle.dumps(caught.value)))


@pytest.fixture()
def registered() -> Iterator[None]:
    ranstream.register()
    yield
    fsspec.compression.compr.pop("rans")
    fsspec.utils.compressions.pop("rans")


def test_a_compression_that_is_registered_is_inferred(tmp_path: Path, raw: bytes, registered: None) -> None:
    ranstream.register()
    with fsspec.open(str(tmp_path / "x.txt.rans"), "wb", compression="infer") as file:
        file.write(raw)
    assert ranstream.decompress((tmp_path / "x.txt.rans").read_bytes()) == raw
    with fsspec.open(str(tmp_path / "x.txt.rans"), "rb", compression="infer") as file:
        assert file.read() == raw
        file.seek(100)
        assert file.read(5) == raw[100:105]


def table(rows: int) -> str:
    chosen = random.Random(3)
    return "id,name,value\n" + "".join(f"{row},name {row % 97},{chosen.random():.6f}\n" for row in range(rows))


def test_pandas_and_pyarrow_read_through_it(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    csv = pytest.importorskip("pyarrow.csv")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, plain = tmp_path / "p.csv.rans", io.StringIO(table(20_000))
    path.write_bytes(ranstream.compress(plain.getvalue().encode(), level=1, block_size=BLOCK))
    expected = pandas.read_csv(plain)
    pandas.testing.assert_frame_equal(pandas.read_csv(f"rans::file://{path}"), expected)
    with ranstream.open(path) as file:
        pandas.testing.assert_frame_equal(pandas.read_csv(file), expected)
    with fsspec.open(f"rans::{path}") as file:
        assert csv.read_csv(file).to_pandas().equals(expected)
    memory = io.BytesIO()
    expected.to_parquet(memory)
    (tmp_path / "p.parquet.rans").write_bytes(ranstream.compress(memory.getvalue()))
    fs, name = fsspec.core.url_to_fs(f"rans::{tmp_path}/p.parquet.rans")
    assert parquet.read_table(name, columns=["value"], filesystem=fs).to_pandas().equals(expected[["value"]])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    lines = text(1 << 20, 11).replace(b"the", b"\n").replace(b"a e", b"\n")
    path = tmp_path_factory.mktemp("log") / "f.log.rans"
    path.write_bytes(ranstream.compress(lines, level=1, block_size=50_000))
    return path, lines


@pytest.mark.filterwarnings("ignore")
def test_dask_splits_a_compressed_file(log: tuple[Path, bytes], tmp_path: Path) -> None:
    bag = pytest.importorskip("dask.bag")
    frame = pytest.importorskip("dask.dataframe")
    path, lines = log
    read = bag.read_text(f"rans::{path}", blocksize=200_000)
    assert read.npartitions >= 5
    assert "".join(read.compute(scheduler="threads")).encode() == lines
    (tmp_path / "t.csv.rans").write_bytes(ranstream.compress(table(20_000).encode(), block_size=BLOCK))
    split = frame.read_csv(f"rans::{tmp_path}/t.csv.rans", blocksize=100_000)
    assert split.npartitions >= 4
    assert split.compute(scheduler="threads").reset_index(drop=True).equals(frame.from_pandas(
        __import__("pandas").read_csv(io.StringIO(table(20_000))), npartitions=1).compute())


@pytest.mark.filterwarnings("ignore")
def test_parts_begin_where_blocks_do(log: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("dask")
    from ranstream.dask import read_bytes

    path, lines = log
    counted = Counted(fsspec.filesystem("file"), monkeypatch)
    size = path.stat().st_size
    ((*parts,),) = read_bytes(f"rans::{path}", 200_000)
    counted.reads.clear()
    assert b"".join(dask.compute(*parts, scheduler="synchronous")) == lines and len(parts) == 6
    # No block twice, no byte of the index again.
    assert counted.bytes_read < size and len(counted.reads) == len(parts)
    counted.reads.clear()
    (parts,) = read_bytes(str(path), "200 kB", delimiter=b"\n")
    pieces = dask.compute(*parts, scheduler="synchronous")
    assert b"".join(pieces) == lines and all(piece.endswith(b"\n") for piece in pieces[:-1])
    names = read_bytes(str(path.parent / "*.rans"), "1MB")
    assert len(names) == 1
