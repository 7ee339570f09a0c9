#!/usr/bin/env python3
"""One huge compressed log, read by Dask on one and on several worker processes.

    target/python/venv/bin/python scripts/dask_acceptance.py [MiB of raw bytes, 1024 by default]

Each of what is claimed is checked: the count of words is that of the plain file, the workers read
little more than the file has, a flipped bit costs the parts that touch its block and no other, and
a worker that is killed changes nothing. Needs the package and dask.distributed; scripts/python.sh
makes an environment that has both, and runs a small version of this as a test.
"""

from __future__ import annotations

import collections
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dask.bag
import fsspec
from dask.distributed import Client, LocalCluster

import ranstream
from ranstream.dask import read_bytes

SPLIT = 64 << 20
BLOCK = 256 << 10


def write_log(plain: Path, coded: Path, size: int) -> None:
    """Lines as a server writes them, in one stream of level 1."""
    chosen = random.Random(7)
    words = ["".join(chosen.choices("etaoinshrdlcu", k=chosen.randint(3, 10))) for _ in range(3000)]
    with plain.open("wb") as one, ranstream.open(coded, "wb", level=1, threads=0, block_size=BLOCK) as other:
        written, line = 0, 0
        while written < size:
            lines = []
            for _ in range(5000):
                line += 1
                lines.append(f"{1_700_000_000 + line // 9}.{line % 1000:03} {' '.join(chosen.choices(words, k=9))} {chosen.random():.5f}\n")
            piece = "".join(lines).encode()
            one.write(piece)
            other.write(piece)
            written += len(piece)


def count_words(part: bytes) -> tuple[int, int]:
    return part.count(b"\n"), len(part.split())


def count_lines_of(lines: Any) -> tuple[int, int]:
    found = [0, 0]
    for line in lines:
        found[0] += 1
        found[1] += len(line.split())
    return found[0], found[1]


class Reads:
    """What each worker reads of the file below, counted where it is read."""

    def __init__(self, counts: Path) -> None:
        self.counts = counts

    def setup(self, worker: Any = None) -> None:
        from fsspec.implementations.local import LocalFileSystem

        cat_file, counts = LocalFileSystem.cat_file, self.counts

        def counted(fs: Any, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
            data = cat_file(fs, path, start, end, **options)
            with (counts / f"{os.getpid()}").open("a") as file:
                file.write(f"{len(data)}\n")
            return data

        LocalFileSystem.cat_file = counted

    def take(self) -> tuple[int, int]:
        lengths = [int(line) for path in self.counts.iterdir() for line in path.read_text().split()]
        for path in self.counts.iterdir():
            path.unlink()
        return len(lengths), sum(lengths)


class Spent:
    """What some work takes: seconds by the clock, and of the workers' processors."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __enter__(self) -> Spent:
        self.clock, self.processor = time.perf_counter(), self._processor()
        return self

    def __exit__(self, *exception: object) -> None:
        self.clock, self.processor = time.perf_counter() - self.clock, self._processor() - self.processor

    def _processor(self) -> float:
        return float(sum(self.client.run(time.process_time).values()))

    def __str__(self) -> str:
        return f"{self.clock:.2f} s ({self.processor:.2f} s of processors)"


def total(client: Client, parts: list[Any]) -> tuple[int, int]:
    counts = client.gather(client.compute([dask.delayed(count_words)(part) for part in parts]))
    return sum(lines for lines, _ in counts), sum(words for _, words in counts)


def check(what: str, is_right: bool) -> None:
    print(f"{'ok' if is_right else 'WRONG'}: {what}")
    if not is_right:
        raise SystemExit(1)


def accept(client: Client, processes: int, plain: Path, coded: Path, split: int, expected: tuple[int, int], reads: Reads) -> float:
    client.run(reads.setup)
    size = coded.stat().st_size
    reads.take()
    with Spent(client) as ours:
        (parts,) = read_bytes(str(coded), split, delimiter=b"\n")
        found = total(client, parts)
    count, length = reads.take()
    check(f"{processes} processes count {found[1]} words of {len(parts)} parts, as the plain file has", found == expected)
    # A line over the end of a part is a block that two parts decode.
    allowed = max(1.02, 1 + 1.2 * BLOCK / split) * size + 2 * processes * BLOCK
    check(f"{length} bytes read in {count} reads, {length / size:.4f} of the file", length <= allowed)

    with Spent(client) as by_lines:
        bag = dask.bag.read_text(f"rans::{coded}", blocksize=split)
        counts = client.gather(client.compute([dask.delayed(count_lines_of)(part) for part in bag.to_delayed()]))
    found = tuple(map(sum, zip(*counts)))
    count, length = reads.take()
    check(f"read_text of rans::URL counts the same, {length / size:.4f} of the file read", found == expected)

    with Spent(client) as of_plain:
        _, ((*plain_parts,),) = dask.bytes.read_bytes(str(plain), delimiter=b"\n", blocksize=split, sample=False)
        found = total(client, plain_parts)
    reads.take()
    check(f"compressed {ours}, by lines {by_lines}, plain {of_plain}", found == expected)
    share = ours.processor / of_plain.processor
    print(f"{ours.clock / of_plain.clock:.2f} times the plain file by the clock, {share:.2f} times by processors")
    return ours.clock


def damage(client: Client, coded: Path, split: int, folder: Path) -> None:
    bad, index = folder / "bad.log.rans", ranstream.index(coded)
    data = bytearray(coded.read_bytes())
    block = len(index) // 2
    _, _, at, coded_len = index[block]
    data[at + coded_len // 2] ^= 1
    bad.write_bytes(data)
    (parts,) = read_bytes(str(bad), split)
    futures = client.compute(parts)
    failed = [future.exception() for future in futures if future.exception() is not None]
    error = failed[0]
    check(f"1 of {len(parts)} parts fails: {error}", len(failed) == 1)
    check(f"it is of block {block} at byte {at}", (error.block, error.offset) == (block, at) and str(bad) in str(error))
    (parts,) = read_bytes(str(bad), split, delimiter=b"\n")
    failed = [future for future in client.compute(parts) if future.exception() is not None]
    check(f"with lines across parts, {len(failed)} of {len(parts)} fail", 1 <= len(failed) <= 2)


def kill(client: Client, coded: Path, split: int, expected: tuple[int, int]) -> None:
    (parts,) = read_bytes(str(coded), split, delimiter=b"\n")
    counts = client.compute([dask.delayed(count_words)(part) for part in parts])
    pids = client.run(os.getpid)
    victim = next(iter(pids.values()))
    os.kill(victim, 9)
    found = client.gather(counts)
    check(f"worker {victim} is killed and the counts are the same", tuple(map(sum, zip(*found))) == expected)


def main(size: int, processes: tuple[int, ...] = (1, 2)) -> None:
    split = min(SPLIT, size // 8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain, coded, counts = folder / "plain.log", folder / "x.log.rans", folder / "counts"
        counts.mkdir()
        write_log(plain, coded, size)
        print(f"{plain.stat().st_size} raw bytes, {coded.stat().st_size} coded")
        with plain.open("rb") as file:
            counted = [count_words(piece) for piece in iter(lambda: b"".join(file.readlines(1 << 24)), b"")]
        expected = (sum(lines for lines, _ in counted), sum(words for _, words in counted))
        reads, times = Reads(counts), []
        for number in processes:
            with (
                LocalCluster(n_workers=number, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
                Client(cluster) as client,
            ):
                times.append(accept(client, number, plain, coded, split, expected, reads))
                if number > 1:
                    damage(client, coded, split, folder)
                    kill(client, coded, split, expected)
        print("times:", ", ".join(f"{number} processes {took:.2f} s" for number, took in zip(processes, times)))


if __name__ == "__main__":
    main(int(sys.argv[1] if len(sys.argv) > 1 else 1024) << 20)
