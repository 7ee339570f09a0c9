"""Model files that are written: streams whose blocks end where tensors do."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable

from ranstream._file import RansFile
from ranstream._native import Base

__all__ = ["to_bytes", "to_file"]

# Bytes that are written at a time: of memory that may change, so many are copied.
_PIECE = 4 << 20


def to_bytes(
    parts: Iterable[bytes | memoryview],
    profile: str | None,
    threads: int,
    base: str | os.PathLike[str] | Base | None,
) -> bytes:
    """``parts``, together a whole model file, as a stream. ``profile`` and ``base`` are ``RansFile``'s."""
    memory = io.BytesIO()
    with RansFile(memory, "wb", profile=profile, threads=threads, base=base) as file:
        _write(parts, file)
    return memory.getvalue()


def to_file(
    parts: Iterable[bytes | memoryview],
    filename: str | os.PathLike[str],
    profile: str | None,
    threads: int,
    base: str | os.PathLike[str] | Base | None,
) -> None:
    """As ``to_bytes``, to a file that is there when it is whole."""
    name = os.fspath(filename)
    partial = f"{name}.partial"
    try:
        with RansFile(partial, "wb", profile=profile, threads=threads, base=base) as file:
            _write(parts, file)
        os.replace(partial, name)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def _write(parts: Iterable[bytes | memoryview], file: RansFile) -> None:
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), _PIECE):
            file.write(view[start : start + _PIECE])
