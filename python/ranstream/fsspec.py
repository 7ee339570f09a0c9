"""Compressed files as files of raw bytes, for everything that reads through fsspec.

``rans::URL`` names the raw file: ``info`` gives its raw size, and any range of it is had by reading
and decoding the blocks that hold it. Engines that split files by byte ranges so split compressed
ones as well.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.chained import ChainedFileSystem
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from ranstream._native import Index, index
from ranstream.errors import RansError

__all__ = ["RansFile", "RansFileSystem"]

_T = TypeVar("_T")

# Coded bytes that are read to find an index: that of 1 GiB in blocks of 256 KiB has half of it.
_TAIL = 64 << 10
# Indexes that a file system remembers, 40 bytes a block each.
_INDEXES = 64

_ADVICE = 'a compressed file is written with fsspec.open(path, "wb", compression="rans") after ranstream.register()'


class RansFileSystem(ChainedFileSystem):  # type: ignore[misc]
    """The raw files behind the compressed ones of another file system, under the same names.

    ``threads`` is not asked for: engines above run many tasks, each of which decodes on its own
    thread. ``cache_blocks`` decoded blocks are kept for each open file.
    """

    protocol = "rans"
    root_marker = ""

    def __init__(
        self,
        target_protocol: str | None = None,
        target_options: dict[str, Any] | None = None,
        fs: AbstractFileSystem | None = None,
        fo: str | None = None,
        cache_blocks: int = 2,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.fs = fs if fs is not None else fsspec.filesystem(target_protocol or "file", **(target_options or {}))
        self.cache_blocks = cache_blocks
        self._indexes: OrderedDict[tuple[str, str], Index] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        path = str(path)
        for prefix in ("rans://", "rans::"):
            path = path.removeprefix(prefix)
        protocol, separator, rest = path.partition("://")
        if separator:
            return fsspec.get_filesystem_class(protocol)._strip_protocol(path)
        return path

    def _target(self, path: str) -> str:
        return str(self.fs._strip_protocol(self._strip_protocol(path)))

    def index(self, path: str) -> Index:
        """Where each block of a file is: two reads of the target, remembered until the target changes."""
        path = self._target(path)
        key = (path, str(self.fs.ukey(path)))
        with self._lock:
            if key in self._indexes:
                self._indexes.move_to_end(key)
                return self._indexes[key]
        found = self.named(path, lambda: index(_Tail(self.fs, path)))
        with self._lock:
            self._indexes[key] = found
            while len(self._indexes) > _INDEXES:
                self._indexes.popitem(last=False)
        return found

    def _info(self, info: dict[str, Any]) -> dict[str, Any]:
        """Of a compressed file, with its raw size in place of its own."""
        if info["type"] != "file" or not str(info["name"]).endswith(".rans"):
            return info
        return {**info, "size": self.index(info["name"]).raw_size, "coded_size": info["size"]}

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        found = self.fs.info(self._target(path), **options)
        if found["type"] != "file":
            return dict(found)
        return {**found, "size": self.index(found["name"]).raw_size, "coded_size": found["size"]}

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        found = self.fs.ls(self._target(path), detail=detail, **options)
        return [self._info(each) for each in found] if detail else list(found)

    def exists(self, path: str, **options: Any) -> bool:
        return bool(self.fs.exists(self._target(path), **options))

    def ukey(self, path: str) -> Any:
        return self.fs.ukey(self._target(path))

    def created(self, path: str) -> Any:
        return self.fs.created(self._target(path))

    def modified(self, path: str) -> Any:
        return self.fs.modified(self._target(path))

    def unstrip_protocol(self, name: str) -> str:
        return f"rans::{self.fs.unstrip_protocol(self._target(name))}"

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> RansFile:
        if mode != "rb":
            raise NotImplementedError(_ADVICE)
        return RansFile(self, self._target(path), block_size)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        path = self._target(path)
        found = self.index(path)
        start, end, _ = slice(start, end).indices(found.raw_size)
        return self.decode(path, found, start, end)

    def decode(self, path: str, found: Index, start: int, end: int) -> bytes:
        """The raw bytes from ``start`` to ``end``, by one read of the target."""
        first, last = found.coded_range(start, end)
        if first == last:
            return b""
        coded = self.fs.cat_file(path, start=first, end=last)
        return self.named(path, lambda: found.decode(coded, start, end))

    def named(self, path: str, work: Callable[[], _T]) -> _T:
        """What ``work`` gives; its errors name the file."""
        try:
            return work()
        except RansError as error:
            error.message = f"{path}: {error.message}"
            error.args = (error.message,)
            raise

    def _refuse(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError(_ADVICE)

    pipe_file = put_file = touch = mkdir = makedirs = cp_file = _rm = rm_file = rmdir = mv = _refuse


class RansFile(AbstractBufferedFile):  # type: ignore[misc]
    """The raw bytes of a compressed file of any file system."""

    def __init__(
        self, fs: RansFileSystem, path: str, block_size: int | None = None, found: Index | None = None
    ) -> None:
        self._index = fs.index(path) if found is None else found
        # Raw ranges of blocks that were decoded last, and their bytes. What is kept here needs no
        # second cache.
        self._decoded: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        super().__init__(
            fs, path, "rb", block_size or "default", cache_type="none", size=self._index.raw_size
        )

    def _fetch_range(self, start: int, end: int) -> bytes:
        """What is kept of it, and one read for all blocks that are not."""
        parts: list[bytes | memoryview] = []
        while start < end:
            kept = next((block for block in self._decoded if block[0] <= start < block[1]), None)
            if kept is None:
                later = [block[0] for block in self._decoded if start < block[0] < end]
                parts.append(self._decode(start, min(later, default=end)))
                start = min(later, default=end)
            else:
                self._decoded.move_to_end(kept)
                part = memoryview(self._decoded[kept])[start - kept[0] : end - kept[0]]
                parts.append(part)
                start += len(part)
        return b"".join(parts)

    def _decode(self, start: int, end: int) -> bytes | memoryview:
        """Decodes whole blocks, and keeps the first and the last of them: those that are asked for next."""
        fs: RansFileSystem = self.fs
        whole_start, whole_end = self._index.raw_range(start, end)
        whole = memoryview(fs.decode(self.path, self._index, whole_start, whole_end))
        for edge in (start, end - 1):
            first, last = self._index.raw_range(edge, edge + 1)
            self._decoded[(first, last)] = bytes(whole[first - whole_start : last - whole_start])
            self._decoded.move_to_end((first, last))
        while len(self._decoded) > max(1, fs.cache_blocks):
            self._decoded.popitem(last=False)
        return whole[start - whole_start : end - whole_start]


class _Tail:
    """A file whose last bytes are read at once, and others as they are asked for."""

    def __init__(self, fs: AbstractFileSystem, path: str) -> None:
        self._fs, self._path = fs, path
        self._size = int(fs.info(path)["size"])
        self._tail_at = max(0, self._size - _TAIL)
        self._tail: bytes | None = None
        self._at = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        start, self._at = self._at, max(self._at, end)
        if start >= end:
            return b""
        if start < self._tail_at:
            return bytes(self._fs.cat_file(self._path, start=start, end=end))
        if self._tail is None:
            self._tail = self._fs.cat_file(self._path, start=self._tail_at, end=self._size)
        return bytes(self._tail[start - self._tail_at : end - self._tail_at])
