"""Whole buffers, and streams in pieces."""

from __future__ import annotations

import array
import bz2
import io
import mmap
import pickle
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import needs_proc, resident, text
from hypothesis import given, settings
from hypothesis import strategies as st

import ranstream

SMALL = text(3000, 7)


@pytest.mark.parametrize("threads", [None, 0, 1, 2])
@pytest.mark.parametrize("level", [None, 0, 1, 3])
def test_what_was_compressed_comes_back(raw: bytes, threads: int | None, level: int | None) -> None:
    stream = ranstream.compress(raw, threads=threads, level=level, block_size=1 << 17)
    assert len(stream) < len(raw) * 0.7
    assert ranstream.decompress(stream, threads=threads) == raw
    out = bytearray(len(raw) + 10)
    assert ranstream.decompress_into(stream, out, threads=threads) == len(raw)
    assert out[: len(raw)] == raw


@pytest.mark.parametrize("length", [0, 1, 2, 65535, 65536, 65537, 262143, 262144, 262145, 524288])
def test_lengths_around_blocks_come_back(length: int) -> None:
    data = text(length)
    for kind in (bytes, bytearray):
        stream = ranstream.compress(kind(data))
        assert stream == ranstream.compress(data, threads=1)
        for coded in (stream, bytearray(stream)):
            assert ranstream.decompress(coded) == data
            out = bytearray(length)
            assert ranstream.decompress_into(coded, out) == length
            assert out == data


def mapped(data: bytes) -> mmap.mmap:
    pages = mmap.mmap(-1, max(1, len(data)))
    pages.write(data)
    return pages


KINDS: list[Callable[[bytes], Any]] = [
    bytes,
    bytearray,
    memoryview,
    lambda data: memoryview(b"12345" + data)[5:],
    lambda data: memoryview(bytearray(b"123" + data)).toreadonly()[3:],
    lambda data: array.array("B", data),
    mapped,
]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(min_size=1, max_size=5000), block_size=st.integers(1, 3000), level=st.integers(0, 4))
def test_any_buffer_comes_back(kind: Callable[[bytes], Any], data: bytes, block_size: int, level: int) -> None:
    stream = ranstream.compress(kind(data), block_size=block_size, level=level)
    assert stream == ranstream.compress(data, block_size=block_size, level=level)
    coded = kind(stream)
    assert ranstream.decompress(coded) == data
    out = bytearray(len(data))
    assert ranstream.decompress_into(coded, out) == len(data)
    assert out == data


def test_elements_of_several_bytes_are_bytes() -> None:
    numbers = array.array("d", [1.5, 2.5, -3.0] * 1000)
    stream = ranstream.compress(numbers)
    back = array.array("d", bytes(8 * len(numbers)))
    assert ranstream.decompress_into(stream, back) == 8 * len(numbers)
    assert back == numbers


def test_what_is_no_contiguous_buffer_is_refused() -> None:
    numpy = pytest.importorskip("numpy")
    stream = ranstream.compress(SMALL)
    with pytest.raises(TypeError):
        ranstream.compress("text")
    with pytest.raises(BufferError):
        ranstream.compress(numpy.zeros((10, 10))[:, ::2])
    with pytest.raises(BufferError):
        ranstream.compress(memoryview(SMALL)[::2])
    with pytest.raises(BufferError):
        ranstream.decompress_into(stream, bytes(len(SMALL)))
    with pytest.raises(BufferError):
        ranstream.decompress_into(stream, memoryview(bytearray(len(SMALL))).toreadonly())
    whole = numpy.frombuffer(SMALL * 4, dtype="<f4").reshape(5, -1)
    assert ranstream.decompress(ranstream.compress(whole)) == SMALL * 4


def test_an_output_that_is_too_short_and_one_that_is_the_input(raw: bytes) -> None:
    stream = ranstream.compress(raw)
    for short in (0, 100, len(raw) - 1):
        for coded in (stream, bytearray(stream)):
            for threads in (1, 2):
                with pytest.raises(ValueError, match="output"):
                    ranstream.decompress_into(coded, bytearray(short), threads=threads)
    shared = bytearray(stream)
    with pytest.raises(ValueError, match="share"):
        ranstream.decompress_into(shared, shared)
    # An output that cannot grow meanwhile: the buffer is held, then given back.
    out = bytearray(len(raw))
    ranstream.decompress_into(stream, out)
    out.extend(b"more")


def test_options_outside_their_ranges_are_value_errors() -> None:
    wrong: list[dict[str, Any]] = [{"level": 10}, {"block_size": 0}, {"block_size": 1 << 25}, {"threads": 1025}]
    for options in wrong:
        with pytest.raises(ValueError):
            ranstream.compress(SMALL, **options)
        with pytest.raises(ValueError):
            ranstream.RansCompressor(**options).compress(SMALL)
    with pytest.raises(OverflowError):
        ranstream.compress(SMALL, threads=-1)


def test_streams_one_behind_the_other_are_one() -> None:
    assert ranstream.decompress(ranstream.compress(b"ab") + ranstream.compress(b"") + ranstream.compress(b"c")) == b"abc"


def test_a_limit_is_enforced_before_memory_is_taken() -> None:
    # 12 bytes a block stand for 16 MiB each.
    zeros = ranstream.compress(bytes(1 << 20), block_size=1 << 18)
    assert len(zeros) < 300
    for coded in (zeros, bytearray(zeros)):
        with pytest.raises(ranstream.LimitError):
            ranstream.decompress(coded, max_size=(1 << 20) - 1)
        assert len(ranstream.decompress(coded, max_size=1 << 20)) == 1 << 20
    with pytest.raises(ValueError):
        ranstream.decompress(zeros, max_size=10)


def test_every_cut_is_an_eof_error_behind_the_good_bytes() -> None:
    data = text(700, 3)
    stream = ranstream.compress(data, block_size=200)
    for cut in range(len(stream)):
        out = bytearray(len(data))
        with pytest.raises(EOFError) as caught:
            ranstream.decompress_into(stream[:cut], out)
        assert isinstance(caught.value, ranstream.TruncatedError)
        good = caught.value.position
        assert good is not None and good % 200 in (0, 100)
        assert out[:good] == data[:good]
        with pytest.raises(EOFError):
            ranstream.decompress(bytearray(stream[:cut]))
        decompressor = ranstream.RansDecompressor()
        assert decompressor.decompress(stream[:cut]) == data[:good]
        assert not decompressor.eof and decompressor.needs_input


def test_every_flipped_bit_is_an_error_that_names_the_place() -> None:
    data = text(700, 3)
    stream = ranstream.compress(data, block_size=200)
    blocks = []
    for bit in range(8 * len(stream)):
        damaged = bytearray(stream)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ranstream.RansError) as caught:
            ranstream.decompress(bytes(damaged))
        error = caught.value
        assert isinstance(error, (OSError, EOFError, ranstream.UnsupportedError, ranstream.LimitError))
        if error.block is not None and isinstance(error, ranstream.CorruptError):
            blocks.append(error.block)
            assert error.offset is not None and error.offset <= bit // 8
    assert sorted(set(blocks)) == [0, 1, 2, 3, 4]  # 4: that of the end


def test_what_is_no_stream_is_an_os_error() -> None:
    with pytest.raises(ranstream.NotRansError) as caught:
        ranstream.decompress(b"not a stream at all")
    assert isinstance(caught.value, OSError)
    with pytest.raises(EOFError):
        ranstream.decompress(b"")
    with pytest.raises(ranstream.CorruptError):
        ranstream.decompress(ranstream.compress(SMALL) + b"something else")


def test_errors_survive_a_pickle() -> None:
    stream = bytearray(ranstream.compress(SMALL))
    stream[100] ^= 1
    with pytest.raises(ranstream.CorruptError) as caught:
        ranstream.decompress(stream)
    caught.value.add_note("file x")
    back = pickle.loads(pickle.dumps(caught.value))
    assert type(back) is ranstream.CorruptError
    assert (str(back), back.block, back.offset, back.position) == (str(caught.value), 0, caught.value.offset, 0)
    assert back.__notes__ == ["file x"]


def test_other_threads_run_during_the_work() -> None:
    data = text(1 << 20) * 16
    stream = ranstream.compress(data, threads=1)
    counted, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    time.sleep(0.01)
    before = counted[0]
    out = bytearray(len(data))
    ranstream.decompress_into(stream, out, threads=1)
    ranstream.compress(data, threads=1)
    during = counted[0] - before
    done.set()
    thread.join()
    assert out == data
    # With the lock held it would be one count for each call.
    assert during > 100


def in_pieces(decompressor: Any, stream: bytes, size: int, most: int) -> bytes:
    """The loop that bz2's documentation has."""
    parts, at = [], 0
    while not decompressor.eof:
        piece = b""
        if decompressor.needs_input:
            piece, at = stream[at : at + size], at + size
            assert piece
        parts.append(decompressor.decompress(piece, max_length=most))
        assert most < 0 or len(parts[-1]) <= most
    return b"".join(parts)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=3000),
    block_size=st.integers(1, 1000),
    size=st.integers(1, 700),
    most=st.sampled_from([-1, 1, 7, 1000]),
)
def test_pieces_of_any_size_give_the_same(data: bytes, block_size: int, size: int, most: int) -> None:
    compressor = ranstream.RansCompressor(block_size=block_size)
    stream = b"".join(compressor.compress(data[at : at + size]) for at in range(0, len(data), size))
    stream += compressor.flush()
    assert stream == ranstream.compress(data, block_size=block_size)
    decompressor = ranstream.RansDecompressor()
    assert in_pieces(decompressor, stream + b"more", size, most) == data
    assert decompressor.unused_data in b"more" and not decompressor.needs_input


def test_a_decompressor_behaves_as_that_of_bz2(raw: bytes) -> None:
    ours = (ranstream.RansDecompressor(), ranstream.compress(raw))
    for decompressor, stream in (ours, (bz2.BZ2Decompressor(), bz2.compress(raw))):
        assert not decompressor.eof and decompressor.needs_input and decompressor.unused_data == b""
        assert decompressor.decompress(stream[:10]) == b""
        part = decompressor.decompress(stream[10:] + b"tail", max_length=100)
        assert part == raw[:100]
        assert not decompressor.needs_input and not decompressor.eof
        assert decompressor.decompress(b"", 0) == b""
        assert part + decompressor.decompress(b"") == raw
        assert decompressor.eof and not decompressor.needs_input
        assert decompressor.unused_data == b"tail"
        with pytest.raises(EOFError):
            decompressor.decompress(b"x")


def test_what_is_under_way_is_not_pickled() -> None:
    for coder in (ranstream.RansCompressor(), ranstream.RansDecompressor(), bz2.BZ2Compressor()):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(coder)


@needs_proc
def test_ten_bytes_of_a_bomb_take_little_memory() -> None:
    bomb = ranstream.compress(bytes(64 << 20), block_size=1 << 20)
    assert len(bomb) < 3000
    # One counts what Python asks for, the other all that there is, the decoders' memory among it.
    tracemalloc.start()
    before = resident()
    decompressor = ranstream.RansDecompressor()
    assert decompressor.decompress(bomb, max_length=10) == bytes(10)
    with ranstream.open(io.BytesIO(bomb)) as file:
        assert file.read(10) == bytes(10)
        assert resident() - before < 16 << 20
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_bytes_before_damage_come_before_the_error() -> None:
    data = text(1000)
    stream = bytearray(ranstream.compress(data, block_size=250))
    stream[len(stream) // 2] ^= 4
    decompressor = ranstream.RansDecompressor()
    good = decompressor.decompress(stream)
    assert good == data[: len(good)] and len(good) % 250 == 0
    assert not decompressor.needs_input and not decompressor.eof
    for _ in range(2):
        with pytest.raises(ranstream.CorruptError) as caught:
            decompressor.decompress(b"")
        assert caught.value.position == len(good)


def test_a_flushed_block_can_be_decoded(raw: bytes) -> None:
    compressor, decompressor = ranstream.RansCompressor(), ranstream.RansDecompressor()
    for part in (b"first", b"second" * 100):
        coded = compressor.compress(part) + compressor.flush(ranstream.RansCompressor.BLOCK)
        assert decompressor.decompress(coded) == part
    assert decompressor.decompress(compressor.flush()) == b""
    assert decompressor.eof
    with pytest.raises(ValueError):
        compressor.compress(b"more")
    with pytest.raises(ValueError):
        ranstream.RansCompressor().flush(7)


def test_a_compressor_with_threads_gives_the_same(raw: bytes, tmp_path: Path) -> None:
    compressor = ranstream.RansCompressor(threads=2, block_size=50_000)
    stream = compressor.compress(raw) + compressor.flush()
    assert stream == ranstream.compress(raw, block_size=50_000)
    decompressor = ranstream.RansDecompressor(threads=2)
    assert in_pieces(decompressor, stream, 100_000, -1) == raw


def test_a_call_on_few_bytes_costs_little() -> None:
    data = text(100)
    stream, out = ranstream.compress(data), bytearray(100)
    for call in (lambda: ranstream.decompress_into(stream, out), lambda: ranstream.decompress(stream)):
        times = []
        for _ in range(200):
            start = time.thread_time_ns()
            for _ in range(10):
                call()
            times.append((time.thread_time_ns() - start) / 10)
        # Some 5 us; more than that means that a system is asked each time.
        assert min(times) < 25_000
