"""A codec for numcodecs, and so for zarr's format 2."""

from __future__ import annotations

from typing import Any

from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray

from ranstream._native import compress, decompress, decompress_into

__all__ = ["Rans"]


class Rans(Codec):  # type: ignore[misc]
    """One chunk is one stream.

    ``types``, ``level`` and ``block_size`` are those of ``ranstream.compress``: with ``"auto"``,
    bytes of the array's elements that mean the same are coded together, as a shuffle does it. Each
    chunk is coded on the caller's thread: whoever has many of them runs many threads.
    """

    codec_id = "rans"

    def __init__(self, types: str | None = "auto", level: int = 0, block_size: int | None = None) -> None:
        self.types = types
        self.level = level
        self.block_size = block_size

    def encode(self, buf: Any) -> bytes:
        # Refuses arrays of objects, and any that is not contiguous.
        raw = ensure_contiguous_ndarray(buf)
        types = self.types
        if types == "auto" and raw.dtype.name == "bfloat16":
            # numpy's buffers have no such type.
            types = "bf16"
        if raw.dtype.kind == "V":
            raw = raw.view("u1")
        return compress(
            raw, threads=1, types=types, level=self.level, block_size=self.block_size, index=False, check=False
        )

    def decode(self, buf: Any, out: Any = None) -> Any:
        coded = ensure_contiguous_ndarray(buf)
        if out is None:
            return decompress(coded, threads=1)
        decompress_into(coded, ensure_contiguous_ndarray(out).view("u1"), threads=1)
        return out
