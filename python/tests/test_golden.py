"""The golden files of the format, which every version decodes alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ranstream

GOLDEN = Path(__file__).parents[2] / "tests" / "golden"
FILES = {kind: sorted(GOLDEN.glob(f"{kind}-*.rans")) for kind in ("good", "bad", "unsupported")}


def into(stream: Any) -> bytes:
    with ranstream.open(io.BytesIO(stream)) as file:
        length = file.raw_size
    out = bytearray(length)
    assert ranstream.decompress_into(stream, out) == length
    return bytes(out)


def pieces(stream: bytes) -> bytes:
    raw, rest = b"", stream
    while rest:
        decompressor = ranstream.RansDecompressor()
        raw += decompressor.decompress(rest)
        assert decompressor.eof
        rest = decompressor.unused_data
    return raw


def whole(stream: bytes) -> bytes:
    with ranstream.open(io.BytesIO(stream)) as file:
        return file.read()


WAYS: list[Callable[[bytes], bytes]] = [
    ranstream.decompress,
    lambda stream: ranstream.decompress(bytearray(stream), threads=2),
    into,
    pieces,
    whole,
]


def test_there_are_files_of_each_kind() -> None:
    assert len(FILES["good"]) >= 40 and len(FILES["bad"]) >= 100 and len(FILES["unsupported"]) >= 5


@pytest.mark.parametrize("path", FILES["good"], ids=lambda path: path.stem)
def test_what_is_good_decodes_alike_in_every_way(path: Path) -> None:
    stream = path.read_bytes()
    first, *others = [way(stream) for way in WAYS]
    assert all(other == first for other in others)
    index = ranstream.index(path)
    assert index.raw_size == len(first)
    assert all(index.decode(stream[at : at + n], start, start + length) == first[start : start + length] for start, length, at, n in index)


@pytest.mark.parametrize("path", FILES["bad"], ids=lambda path: path.stem)
def test_what_is_bad_is_an_error_of_the_stream(path: Path) -> None:
    stream = path.read_bytes()
    for way in (WAYS[0], WAYS[1], WAYS[4]):
        with pytest.raises(ranstream.RansError):
            way(stream)


@pytest.mark.parametrize("path", FILES["unsupported"], ids=lambda path: path.stem)
def test_what_is_newer_is_said_to_be(path: Path) -> None:
    for way in (WAYS[0], WAYS[1], WAYS[4]):
        with pytest.raises(ranstream.UnsupportedError):
            way(path.read_bytes())
