"""Parts of compressed files, and of tensors, for Dask."""

from __future__ import annotations

import importlib
from typing import Any

from dask.delayed import delayed
from dask.utils import parse_bytes
from fsspec.core import has_magic, url_to_fs
from fsspec.spec import AbstractFileSystem
from fsspec.utils import read_block

from ranstream._native import Index
from ranstream._tensors import safe_open
from ranstream.fsspec import RansFile, RansFileSystem

__all__ = ["from_tensors", "read_bytes"]

# Raw bytes of a chunk of rows.
_CHUNK = 16 << 20


def read_bytes(
    url: str | list[str],
    blocksize: int | str = "64MiB",
    delimiter: bytes | None = None,
    storage_options: dict[str, Any] | None = None,
) -> list[list[Any]]:
    """Raw bytes of compressed files as delayed values: one list for each file that ``url`` names.

    Parts have about ``blocksize`` bytes and begin where blocks do, so that no block is decoded
    twice; with ``delimiter`` each is moved to the places behind it, as ``dask.bytes.read_bytes``
    does, and then a part reads a block more. The index is read here, once, and sent to the workers.

    ``url`` is one of the target's, without ``rans::``: ``"s3://bucket/logs/*.rans"``.
    """
    parts = []
    size = parse_bytes(blocksize)
    for each in [url] if isinstance(url, str) else url:
        fs, path = url_to_fs(each.removeprefix("rans::"), **(storage_options or {}))
        rans = RansFileSystem(fs=fs)
        for name in sorted(fs.glob(path)) if has_magic(path) else [path]:
            found = rans.index(name)
            # One value, which each worker is sent once.
            shared = delayed(found, pure=True)
            read = delayed(_read, pure=True)
            key = fs.ukey(name)
            parts.append([read(fs, name, key, shared, start, stop, delimiter) for start, stop in found.split(size)])
    return parts


def _read(
    fs: AbstractFileSystem, path: str, key: object, found: Index, start: int, stop: int, delimiter: bytes | None
) -> bytes:
    """One part. ``key`` changes with the file: what was computed of an older one is not taken."""
    rans = RansFileSystem(fs=fs)
    if delimiter is None:
        return rans.decode(path, found, start, stop)
    # Most delimiters are in the first block behind the place: those blocks are read with the part.
    begin, end = found.coded_range(start, max(stop, found.raw_range(stop, stop + 1)[1]))
    coded = memoryview(fs.cat_file(path, start=begin, end=end))

    def decode(start: int, stop: int) -> bytes:
        first, last = found.coded_range(start, stop)
        return rans.named(path, lambda: found.decode(coded[first - begin : last - begin], start, stop))

    bounds = []
    for place in (start, stop):
        at = -1
        if 0 < place < found.raw_size:
            at = decode(place, found.raw_range(place, place + 1)[1]).find(delimiter)
            if at < 0:
                # A line longer than a block.
                with RansFile(rans, path, found=found) as file:
                    return bytes(read_block(file, start, stop - start, delimiter))
        bounds.append(place if at < 0 else place + at + len(delimiter))
    # Straight to where they stay: to cut them out of whole blocks would copy all of them.
    return decode(*bounds)


def from_tensors(
    url: str,
    names: list[str] | None = None,
    rows: int | None = None,
    storage_options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The tensors of a model file as arrays of Dask: ``rows`` of a tensor in each chunk.

    Without ``rows`` a chunk has about 16 MiB. Each chunk reads and decodes the blocks that its rows
    lie in.
    """
    array: Any = importlib.import_module("dask.array")
    fs, path = url_to_fs(url, **(storage_options or {}))
    ranges = _Ranges(fs, path)
    arrays: dict[str, Any] = {}
    part, key = delayed(_part, pure=True), fs.ukey(path)
    with safe_open(ranges) as file:
        for name in file.offset_keys() if names is None else names:
            shape = file.get_shape(name)
            if not shape:
                arrays[name] = array.from_array(file.get_tensor(name))
                continue
            row_len = max(1, file.info(name)["size"] // max(1, shape[0]))
            step = rows or max(1, _CHUNK // row_len)
            empty = file._rows(name, 0, 0)
            chunks = [
                array.from_delayed(
                    part(ranges, key, name, start, min(start + step, shape[0])),
                    (min(step, shape[0] - start), *shape[1:]),
                    meta=empty,
                )
                for start in range(0, max(1, shape[0]), step)
            ]
            arrays[name] = array.concatenate(chunks) if len(chunks) > 1 else chunks[0]
    return arrays


def _part(ranges: _Ranges, key: object, name: str, start: int, stop: int) -> Any:
    with safe_open(ranges) as file:
        return file._rows(name, start, stop)


class _Ranges:
    """A file of any file system, as `safe_open` reads it."""

    def __init__(self, fs: AbstractFileSystem, path: str) -> None:
        self.fs, self.path = fs, path
        self.size = int(fs.info(path)["size"])

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self.fs.cat_file(self.path, start=offset, end=offset + length))
