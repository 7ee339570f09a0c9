"""Compressed streams of interleaved rANS blocks.

The shape is that of ``bz2`` and ``lzma``: ``compress`` and ``decompress`` for whole buffers,
``open`` for files, ``RansCompressor`` and ``RansDecompressor`` for pieces. ``index`` says where
each block of a file is, for those who split it.
"""

from __future__ import annotations

from ranstream._file import RansFile, open, register
from ranstream._native import (
    Index,
    RansCompressor,
    RansDecompressor,
    compress,
    decompress,
    decompress_into,
    index,
)
from ranstream._tensors import safe_open
from ranstream.dirs import pack_dir, unpack_dir
from ranstream.errors import (
    BaseMissing,
    BaseWrong,
    CorruptError,
    LimitError,
    NotRansError,
    RansError,
    TruncatedError,
    UnsupportedError,
)

__all__ = [
    "BaseMissing",
    "BaseWrong",
    "CorruptError",
    "Index",
    "LimitError",
    "NotRansError",
    "RansCompressor",
    "RansDecompressor",
    "RansError",
    "RansFile",
    "TruncatedError",
    "UnsupportedError",
    "compress",
    "decompress",
    "decompress_into",
    "index",
    "open",
    "pack_dir",
    "register",
    "safe_open",
    "unpack_dir",
]
