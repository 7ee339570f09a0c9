"""Parts of compressed files for Dask."""

from __future__ import annotations

from typing import Any

from dask.delayed import delayed
from dask.utils import parse_bytes
from fsspec.core import has_magic, url_to_fs
from fsspec.spec import AbstractFileSystem
from fsspec.utils import read_block

from ranstream._native import Index
from ranstream.fsspec import RansFile, RansFileSystem

__all__ = ["read_bytes"]


def read_bytes(
    url: str | list[str],
    blocksize: int | str = "64MiB",
    delimiter: bytes | None = None,
    storage_options: dict[str, Any] | None = None,
) -> list[list[Any]]:
    """Raw bytes of compressed files as delayed values, about ``blocksize`` each: one list for each file that ``url`` names.

    Parts begin where blocks do, so that no block is decoded twice; with ``delimiter`` each is moved to the places behind it, as
    ``dask.bytes.read_bytes`` does, and then a part reads a block more. The index is read here, once, and sent to
    the workers.

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
    """One part. ``key`` changes with the file, so that what was computed of an older one is not taken for this one."""
    with RansFile(RansFileSystem(fs=fs), path, found=found) as file:
        return bytes(read_block(file, start, stop - start, delimiter))
