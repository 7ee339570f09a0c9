"""Files of raw bytes over compressed ones."""

from __future__ import annotations

import io
import os
import warnings
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

from ranstream._base import base_of
from ranstream._native import Base, Index, Reader, Writer

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, SupportsRead, SupportsWrite, WriteableBuffer

__all__ = ["RansFile", "open", "register"]

# So many bytes a line costs to be looked for in.
_PEEKED = 512

_File: TypeAlias = "str | bytes | os.PathLike[str] | SupportsRead[bytes] | SupportsWrite[bytes]"


class RansFile(io.BufferedIOBase):
    """The raw bytes of a compressed file, read or written like those of any other.

    ``file`` is a path or an open file object, ``mode`` is ``rb``, ``wb``, ``xb`` or ``ab``. Reading
    gives concatenated streams as one. Blocks that are whole come out before the error of what
    follows them: ``read(n)``, ``read1`` and ``readinto`` give them, and the next call raises.
    ``read()`` raises at once, since its result would look complete; what it had read is still there
    for other calls.

    ``close`` ends the stream. Leaving a ``with`` by an exception does not, so that the file is seen
    as truncated and never as whole. Files given as objects are not closed.

    Options for reading: ``threads``, ``max_size``, ``base``. For writing: ``threads``, ``level``,
    ``block_size``, ``index``, ``check``, ``types``, as ``compress`` has them. With ``profile``,
    blocks of what turns out to be a model file, safetensors or GGUF, end where tensors do, each of
    which is coded by its type: ``"fast"`` decodes fastest, ``"small"`` is smallest, ``"device"`` is
    for GPUs. ``base`` is a model file, plain or compressed, that tensors of the same names may be
    differences from; who reads them gives it as well.
    """

    def __init__(
        self,
        file: _File,
        mode: str = "rb",
        *,
        threads: int = 1,
        max_size: int | None = None,
        level: int | None = None,
        block_size: int | None = None,
        index: bool = True,
        check: bool = True,
        types: str | None = None,
        profile: str | None = None,
        base: str | os.PathLike[str] | Base | None = None,
    ) -> None:
        # `close` may be called on what was never whole.
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        kind = mode.removesuffix("b")
        self._given = os.fspath(file) if isinstance(file, (str, bytes, os.PathLike)) else file
        self._threads = threads
        self._max_size = max_size
        self._base = os.fspath(base) if isinstance(base, os.PathLike) else base
        if kind == "r":
            self._reader = Reader(self._given, threads=threads, max_size=max_size, base=base_of(base))
        elif kind in ("w", "x", "a"):
            self._writer = Writer(
                self._given,
                kind,
                threads=threads,
                block_size=block_size,
                index=index,
                check=check,
                types=types,
                level=level,
                profile=profile,
                base=base_of(base),
            )
        else:
            raise ValueError(f"mode is {mode!r}, none of rb, wb, xb and ab")
        self._mode = kind + "b"
        self._written = 0

    @property
    def name(self) -> str:
        """The path, or the name of the file object."""
        self._check_open()
        return cast(str, self._given if isinstance(self._given, (str, bytes)) else getattr(self._given, "name"))

    @property
    def mode(self) -> str:
        return self._mode

    def readable(self) -> bool:
        self._check_open()
        return self._reader is not None

    def writable(self) -> bool:
        self._check_open()
        return self._writer is not None

    def seekable(self) -> bool:
        self._check_open()
        return self._reader is not None and self._reader.seekable()

    def read(self, size: int | None = -1, /) -> bytes:
        return self._reading().read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._reading().read1(size)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        return self._reading().readinto(buffer)

    def readinto1(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._reading().read1(len(view))
        view[: len(data)] = data
        return len(data)

    def peek(self, size: int = 1, /) -> bytes:
        """Bytes that are ready, without taking them: none at the end only, more or fewer than asked."""
        return self._reading().peek(max(_PEEKED, min(size, 1 << 16)))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if not self.seekable():
            raise io.UnsupportedOperation("the file cannot seek")
        return self._reading().seek(offset, whence)

    def tell(self) -> int:
        self._check_open()
        return self._reader.tell() if self._reader is not None else self._written

    @property
    def raw_size(self) -> int:
        """Raw bytes in all. The file has to be able to seek."""
        if not self.seekable():
            raise io.UnsupportedOperation("the file cannot seek")
        return self._reading().raw_size()

    def blocks(self) -> Index:
        """Every block: raw offset, raw length, coded offset, coded length. The file has to seek."""
        if not self.seekable():
            raise io.UnsupportedOperation("the file cannot seek")
        return self._reading().index()

    def write(self, data: ReadableBuffer, /) -> int:
        written = self._writing().write(data)
        self._written += written
        return written

    def flush(self) -> None:
        """Cut the block and write it: a reader sees all bytes so far. Small blocks cost size."""
        self._check_open()
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """End the stream, if one is written."""
        self._end(finish=True)

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        self._end(finish=kind is None)

    def __del__(self) -> None:
        # Nobody said that what was written is all.
        if getattr(self, "_writer", None) is not None:
            warnings.warn(f"unclosed file, its stream has no end: {self._given!r}", ResourceWarning, source=self)
        self._end(finish=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reader is None or not isinstance(self._given, str) or not isinstance(self._base, (str, type(None))):
            raise TypeError("only a file that is read from a path can be pickled")
        return _reopened, (self._given, self.tell(), self._threads, self._max_size, self._base)

    def _end(self, finish: bool) -> None:
        writer, self._writer, self._reader = getattr(self, "_writer", None), None, None
        try:
            if writer is not None and finish:
                writer.finish()
        finally:
            # The base class would flush.
            self._closed = True

    @property
    def closed(self) -> bool:
        return getattr(self, "_closed", False)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _reading(self) -> Reader:
        self._check_open()
        if self._reader is None:
            raise io.UnsupportedOperation("the file is not open for reading")
        return self._reader

    def _writing(self) -> Writer:
        self._check_open()
        if self._writer is None:
            raise io.UnsupportedOperation("the file is not open for writing")
        return self._writer


def _reopened(path: str, position: int, threads: int, max_size: int | None, base: str | None) -> RansFile:
    file = RansFile(path, threads=threads, max_size=max_size, base=base)
    if position:
        file.seek(position)
    return file


@overload
def open(file: _File, mode: Literal["r", "rb", "w", "wb", "x", "xb", "a", "ab"] = "rb", **options: Any) -> RansFile: ...
@overload
def open(
    file: _File,
    mode: Literal["rt", "wt", "xt", "at"],
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Any,
) -> io.TextIOWrapper: ...
@overload
def open(file: _File, mode: str, **options: Any) -> RansFile | io.TextIOWrapper: ...
def open(
    file: _File,
    mode: str = "rb",
    *,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Any,
) -> RansFile | io.TextIOWrapper:
    """Open a compressed file, a path or a file object, as ``bz2.open`` does.

    Without ``t`` in ``mode`` it is a ``RansFile``, which takes ``options``; with it, a text file
    over one.
    """
    if "t" not in mode:
        if any(given is not None for given in (encoding, errors, newline)):
            raise ValueError("encoding, errors and newline are for text")
        return RansFile(file, mode, **options)
    if "b" in mode:
        raise ValueError(f"mode is {mode!r}, binary and text at once")
    binary = RansFile(file, mode.replace("t", "") + "b", **options)
    # A line costs little out of a buffer, and much out of blocks.
    buffered = io.BufferedReader(cast(io.RawIOBase, binary), 1 << 18) if binary.readable() else binary
    return _Text(cast(IO[bytes], buffered), encoding, errors, newline)


class _Text(io.TextIOWrapper):
    """Text over a ``RansFile``, whose stream an exception leaves without its end."""

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        binary = self.buffer
        if kind is not None and isinstance(binary, RansFile):
            binary.__exit__(kind, value, traceback)
        else:
            self.close()

    def close(self) -> None:
        # Set by the interpreter where the last reference goes: nobody said that what was written is
        # all.
        if getattr(self, "_finalizing", False) and isinstance(self.buffer, RansFile):
            self.buffer.__del__()
        else:
            super().close()


def register() -> None:
    """Tell fsspec that ``.rans`` is a compression, so that ``fsspec.open(path, compression="infer")`` knows it.

    Engines that infer by default then have to be told ``compression=None`` for ``rans::URL``, which
    is no compressed file.
    """
    from fsspec.compression import compr, register_compression

    if "rans" not in compr:
        register_compression("rans", _compression, ["rans"])


def _compression(file: IO[bytes], mode: str = "rb", **options: Any) -> RansFile:
    return RansFile(file, mode if mode.endswith("b") else mode + "b", **options)
