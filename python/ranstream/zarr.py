"""A codec for zarr's format 3."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from zarr.abc.codec import BytesBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer
from zarr.core.common import JSON, parse_named_configuration

from ranstream._native import compress, decompress

__all__ = ["RansCodec"]

_NAME = "ranstream.rans"


@dataclass(frozen=True)
class RansCodec(BytesBytesCodec):
    """One chunk, or one inner chunk of a shard, is one stream.

    ``types``, ``level`` and ``block_size`` are those of ``ranstream.compress``; ``"auto"`` is the
    type of the array's elements.
    """

    is_fixed_size = False

    types: str | None = "auto"
    level: int = 0
    block_size: int | None = None

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> RansCodec:
        _, configuration = parse_named_configuration(data, _NAME, require_configuration=False)
        return cls(**(configuration or {}))  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, JSON]:
        configuration: dict[str, JSON] = {"types": self.types, "level": self.level, "block_size": self.block_size}
        return {"name": _NAME, "configuration": configuration}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError("what a chunk shrinks to is not known before")

    async def _encode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer | None:
        return await asyncio.to_thread(self._encode_sync, chunk_bytes, chunk_spec)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    def _encode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        raw: Any = chunk_bytes.as_numpy_array()
        types = _types_of(chunk_spec) if self.types == "auto" else self.types
        coded = compress(
            raw, threads=1, types=types, level=self.level, block_size=self.block_size, index=False, check=False
        )
        return chunk_spec.prototype.buffer.from_bytes(coded)

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        coded: Any = chunk_bytes.as_numpy_array()
        return chunk_spec.prototype.buffer.from_bytes(decompress(coded, threads=1))


def _types_of(chunk_spec: ArraySpec) -> str | None:
    """What the bytes of a chunk are. zarr writes little-endian elements unless it is told otherwise."""
    dtype: Any = chunk_spec.dtype.to_native_dtype()
    if dtype.name == "bfloat16":
        return "bf16"
    kind = {"f": "f", "i": "i", "u": "i", "M": "i", "m": "i"}.get(dtype.kind)
    return f"{kind}{8 * dtype.itemsize}" if kind and dtype.itemsize in (2, 4, 8) else None
