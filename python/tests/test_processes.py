"""Forks, spawned processes, signals to them, and memory over many rounds."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from conftest import needs_proc, resident, text

import ranstream

DATA = text(1 << 20)
# Several blocks, so that several threads have one each.
BLOCK = 1 << 16
STREAM = ranstream.compress(DATA, threads=2, block_size=BLOCK)
# What the gate has no time for.
LONG = "RANS_TEST_LONG" in os.environ


def decode(queue: multiprocessing.Queue[bool]) -> None:
    out = bytearray(len(DATA))
    ranstream.decompress_into(STREAM, out, threads=2)
    queue.put(out == DATA and ranstream.compress(DATA, threads=2, block_size=BLOCK) == STREAM)


def has_a_child_decode(method: str) -> None:
    context = multiprocessing.get_context(method)
    queue: multiprocessing.Queue[bool] = context.Queue()
    child = context.Process(target=decode, args=(queue,))
    with warnings.catch_warnings():
        # A process with threads that forks is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    # A child that hangs is an error of the queue.
    assert queue.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_decodes_with_threads_after_its_parent_did(method: str) -> None:
    # A spawned child takes its time to import; a fork is where a pool may be torn.
    for _ in range(20 if method == "fork" or LONG else 3):
        assert ranstream.decompress(STREAM, threads=2) == DATA
        has_a_child_decode(method)


def test_a_child_that_is_forked_while_others_decode_is_not_stuck() -> None:
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            ranstream.decompress(STREAM, threads=2)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20 if LONG else 10):
            has_a_child_decode("fork")
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_process_is_ended_by_its_signal(tmp_path: Path) -> None:
    program = (
        "import ranstream, signal, os, threading, time\n"
        "data = os.urandom(1 << 20) * 64\n"
        "threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "ranstream.compress(data, level=7, threads=1)\n"
        "time.sleep(10)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert b"KeyboardInterrupt" in done.stderr and done.returncode != 0


def rounds(count: int, path: Path) -> None:
    raw, bad = DATA[:300_000], bytearray(ranstream.compress(DATA[:3000]))
    bad[1000] ^= 1
    for _ in range(count):
        stream = ranstream.compress(raw, block_size=BLOCK)
        out = bytearray(len(raw))
        ranstream.decompress_into(bytearray(stream), out)
        assert ranstream.decompress(stream) == raw
        compressor, decompressor = ranstream.RansCompressor(), ranstream.RansDecompressor()
        decompressor.decompress(compressor.compress(raw) + compressor.flush())
        with ranstream.open(path, "wb") as file:
            file.write(raw)
        with ranstream.open(path) as file:
            file.seek(1000)
            file.read()
            file.blocks()
        index = ranstream.index(path)
        index.decode(path.read_bytes()[slice(*index.coded_range(5, 9))], 5, 9)
        for call in (ranstream.decompress, lambda data: ranstream.decompress_into(data, out)):
            try:
                call(bad)
            except OSError:
                continue
            raise AssertionError("damage was not seen")


@needs_proc
def test_a_thousand_rounds_take_no_more_memory_than_a_hundred(tmp_path: Path) -> None:
    rounds(100, tmp_path / "x.rans")
    gc.collect()
    before, references = resident(), sys.getrefcount(DATA)
    rounds(900, tmp_path / "x.rans")
    gc.collect()
    assert resident() - before < 4 << 20
    assert sys.getrefcount(DATA) == references
