#!/usr/bin/env python3
"""What the Python package is to keep to: beside Rust, short calls, seeks, model files, the wheel.

    taskset -c 1 target/python/venv/bin/python scripts/python_targets.py

Each line has what was measured and what is asked. Times are the thread's on its processor: by the
clock, a call is as slow as what else the processor has to do. Long calls take turns with the same
calls in Rust, in a process of its own (python/examples/rust_peer.rs), and the median of the ratios
counts; of short ones the shortest of many does.

Needs the package and numpy: scripts/python.sh makes an environment that has both, and leaves the
wheel in target/python/wheels. The peer is built by cargo, from the sources that are here: install
the package from the same ones.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy

import ranstream
from ranstream.numpy import load_file, save_file

ROOT = Path(__file__).parents[1]
MISSED = []


def shortest(call: Callable[[], object], calls: int = 200, rounds: int = 100) -> float:
    """Microseconds of one call."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        for _ in range(calls):
            call()
        best = min(best, time.thread_time() - begun)
    return 1e6 * best / calls


def state(what: str, found: float, most: float, unit: str) -> None:
    judge(what, found <= most, f"{found:.2f} {unit}, asked {most:g}")


def judge(what: str, is_met: bool, figures: str) -> None:
    print(f"{'ok    ' if is_met else 'MISSED'} {what}: {figures}", flush=True)
    if not is_met:
        MISSED.append(what)


def beside_rust(folder: Path, rounds: int = 31) -> None:
    """The speed of long calls, as a part of Rust's."""
    environment = {**os.environ, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    build = ["cargo", "build", "-q", "--release", "-p", "ranstream-python", "--example", "rust_peer"]
    subprocess.run(build, check=True, cwd=ROOT, env=environment)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    chosen = random.Random(3)
    words = ["".join(chosen.choices("etaoinshrdlcu", k=chosen.randint(2, 10))) for _ in range(5000)]
    often = [1 / (1 + place) for place in range(len(words))]
    raw = " ".join(chosen.choices(words, often, k=1_200_000)).encode()[: 4 << 20]
    (folder / "raw").write_bytes(raw)
    command = [str(target / "release/examples/rust_peer"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        for level in (0, 1, 3):
            beside_rust_at(level, raw, folder, peer, rounds)
        peer.communicate()


def beside_rust_at(level: int, raw: bytes, folder: Path, peer: subprocess.Popen[str], rounds: int) -> None:
    stream, out = ranstream.compress(raw, level=level), bytearray(len(raw))
    (folder / f"{level}.rans").write_bytes(stream)
    writable = bytearray(raw)
    with ranstream.open(folder / f"{level}.rans") as file:

        def readinto() -> None:
            file.seek(0)
            assert file.readinto(out) == len(out)

        def compress_from(data: bytes | bytearray) -> Callable[[], object]:
            return lambda: ranstream.compress(data, level=level, threads=1)

        # With the least part of Rust's speed. What is writable is copied, by design: no target.
        calls: list[tuple[str, str, Callable[[], object], float | None]] = [
            ("compress", "compress", compress_from(raw), 0.97),
            ("compress, of a bytearray", "compress", compress_from(writable), None),
            ("decompress_into", "decompress_into", lambda: ranstream.decompress_into(stream, out, threads=1), 0.97),
            ("decompress", "decompress", lambda: ranstream.decompress(stream, threads=1), 0.9),
            ("RansFile.readinto", "readinto", readinto, 0.95),
        ]
        for what, call, ours, least in calls:
            times = 1 if call == "compress" and level else 4
            part, ours_speed = in_turn(ours, f"{call} {level} {times}", times, peer, rounds, len(raw))
            figures = f"{part:.3f} of Rust's speed, {ours_speed:.2f} GB/s"
            if least is None:
                print(f"       {what} at level {level}: {figures}", flush=True)
            else:
                judge(f"{what} at level {level}", part >= least, f"{figures}, asked {least:g}")


def in_turn(
    ours: Callable[[], object], request: str, times: int, peer: subprocess.Popen[str], rounds: int, size: int
) -> tuple[float, float]:
    """The medians of our part of the peer's speed, and of our GB/s."""
    assert peer.stdin and peer.stdout

    def timed() -> float:
        begun = time.thread_time()
        for _ in range(times):
            ours()
        return time.thread_time() - begun

    def theirs() -> float:
        peer.stdin.write(request + "\n")
        peer.stdin.flush()
        return int(peer.stdout.readline()) / 1e9

    parts, speeds = [], []
    for number in range(rounds + 1):
        # Neither is always the one whose turn follows the other's.
        if number % 2:
            mine, other = timed(), theirs()
        else:
            other, mine = theirs(), timed()
        # The first round brings code and buffers into memory.
        if number:
            parts.append(other / mine)
            speeds.append(times * size / mine / 1e9)
    return statistics.median(parts), statistics.median(speeds)


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
        beside_rust(Path(name))
        short_calls()
        seeks(Path(name))
        model_files(Path(name))
    for wheel in (ROOT / "target/python/wheels").glob("*.whl"):
        state("the wheel", wheel.stat().st_size / 1e6, 2, "MB")
    sys.exit(bool(MISSED))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        memory(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
