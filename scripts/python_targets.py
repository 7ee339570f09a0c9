#!/usr/bin/env python3
"""What the Python package is to keep to: short calls, seeks, model files, memory, the wheel.

    taskset -c 1 target/python/venv/bin/python scripts/python_targets.py

Each line has what was measured and what is asked. Times are the shortest of many: whatever else the
machine does only adds to them. Needs the package and numpy; scripts/python.sh makes an environment
that has both, and leaves the wheel in target/python/wheels.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy

import ranstream
from ranstream.numpy import load_file, save_file

MISSED = []


def shortest(call: Callable[[], object], calls: int = 200, rounds: int = 100) -> float:
    """Microseconds of one call."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, time.perf_counter() - begun)
    return 1e6 * best / calls


def state(what: str, found: float, most: float, unit: str) -> None:
    is_met = found <= most
    print(f"{'ok    ' if is_met else 'MISSED'} {what}: {found:.2f} {unit}, asked {most:g}")
    if not is_met:
        MISSED.append(what)


def short_calls() -> None:
    chosen = random.Random(1)
    words = ["".join(chosen.choices("etaoinshrdlcu", k=chosen.randint(3, 10))) for _ in range(300)]
    prose = " ".join(chosen.choices(words, k=40)).encode()[:100]
    # A run of one byte is one look at it: nearly all of the call is the call.
    state("compress, the call alone", shortest(lambda: ranstream.compress(bytes(100))), 3, "us")
    record = (b'{"id":1,"name":"a"}' * 6)[:100]
    for name, raw in (("words", prose), ("a record", record), ("random bytes", chosen.randbytes(100))):
        stream, out = ranstream.compress(raw), bytearray(100)
        for level in (0, 3):
            taken = shortest(lambda: ranstream.compress(raw, level=level))
            print(f"       compress(level={level}) of {name}, with the coding of it: {taken:.2f} us")
        state(f"decompress to {name}", shortest(lambda: ranstream.decompress(stream)), 3, "us")
        state(f"decompress_into to {name}", shortest(lambda: ranstream.decompress_into(stream, out)), 3, "us")


def seeks(folder: Path) -> None:
    chosen = random.Random(2)
    raw = bytes(chosen.choices(b"etaoinshrdlcu      ", k=8 << 20))
    path = folder / "seek.rans"
    path.write_bytes(ranstream.compress(raw, level=0))
    block = raw[: 256 << 10]
    stream, out = ranstream.compress(block, level=0), bytearray(len(block))
    one_block = shortest(lambda: ranstream.decompress_into(stream, out), 20)
    with ranstream.open(path) as file:
        places = [chosen.randrange(0, len(raw) >> 18) * (256 << 10) + 100_000 for _ in range(64)]
        at = iter(places * 10_000)

        def read() -> None:
            file.seek(next(at))
            file.read(4096)

        state("seek and read 4 KiB, beside one block", shortest(read, 64) - one_block, 50, "us")


def model_files(folder: Path) -> None:
    path = folder / "thousand.rans"
    save_file({f"layer.{i}": numpy.full((4, 4), i, "f4") for i in range(1000)}, path)

    def opened() -> None:
        with ranstream.safe_open(path) as file:
            file.keys()

    state("safe_open of 1,000 tensors", shortest(opened, 5) / 1000, 5, "ms")
    for task in ("save", "load"):
        command = [sys.executable, __file__, task, str(folder / "large.rans")]
        found = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        state(f"memory of {task}_file beside the tensors, of 192 MiB", found, 64, "MiB")


def peak() -> float:
    """The most MiB that this process had."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def memory(task: str, path: Path) -> None:
    """One task in a process of its own: what it takes beside its tensors."""
    if task == "save":
        weights = numpy.zeros((48, 1 << 20), "f4")
        for row in weights:
            row[:] = numpy.random.default_rng(1).normal(0, 0.02, 1 << 20)
        before = peak()
        save_file({"weights": weights}, path)
        print(peak() - before)
    else:
        before = peak()
        loaded = load_file(path)
        print(peak() - before - sum(tensor.nbytes for tensor in loaded.values()) / (1 << 20))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        short_calls()
        seeks(Path(name))
        model_files(Path(name))
    for wheel in (Path(__file__).parents[1] / "target/python/wheels").glob("*.whl"):
        state("the wheel", wheel.stat().st_size / 1e6, 2, "MB")
    sys.exit(bool(MISSED))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        memory(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
