"""Model files that are written: streams whose blocks end where tensors do."""

from __future__ import annotations

import io
import os

from ranstream._file import RansFile
from ranstream._native import Base

__all__ = ["to_bytes", "to_file"]


def to_bytes(raw: bytes, profile: str | None, threads: int, base: str | os.PathLike[str] | Base | None) -> bytes:
    """``raw``, a whole model file, as a stream. ``profile`` and ``base`` are ``RansFile``'s."""
    memory = io.BytesIO()
    with RansFile(memory, "wb", profile=profile, threads=threads, base=base) as file:
        file.write(raw)
    return memory.getvalue()


def to_file(
    raw: bytes,
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
            file.write(raw)
        os.replace(partial, name)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise
