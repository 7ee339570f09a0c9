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

    ``level`` and ``block_size`` are those of ``ranstream.compress``.
    """

    is_fixed_size = False

    level: int = 0
    block_size: int | None = None

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> RansCodec:
        _, configuration = parse_named_configuration(data, _NAME, require_configuration=False)
        return cls(**(configuration or {}))  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, JSON]:
        return {"name": _NAME, "configuration": {"level": self.level, "block_size": self.block_size}}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError("what a chunk shrinks to is not known before")

    async def _encode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer | None:
        return await asyncio.to_thread(self._encode_sync, chunk_bytes, chunk_spec)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    def _encode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        raw: Any = chunk_bytes.as_numpy_array()
        coded = compress(raw, threads=1, level=self.level, block_size=self.block_size, index=False, check=False)
        return chunk_spec.prototype.buffer.from_bytes(coded)

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        coded: Any = chunk_bytes.as_numpy_array()
        return chunk_spec.prototype.buffer.from_bytes(decompress(coded, threads=1))
