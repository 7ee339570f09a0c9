"""Arrays of numpy to and from model files, with the names of ``safetensors.numpy``."""

from __future__ import annotations

import os
from typing import Any

from ranstream._saved import to_bytes, to_file
from ranstream._tensors import safe_open

__all__ = ["load", "load_file", "save", "save_file"]


def load_file(
    filename: str | os.PathLike[str], *, threads: int = 0, base: str | os.PathLike[str] | None = None
) -> dict[str, Any]:
    """All arrays of a ``.safetensors`` or ``.gguf`` file, plain or compressed.

    They are decoded where they stay. ``base`` as in ``save``.
    """
    with safe_open(filename, base=base) as file:
        return file.get_tensors(threads=threads)


def load(data: Any, *, threads: int = 0, base: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """As ``load_file``, of a file in memory."""
    with safe_open(data, base=base) as file:
        return file.get_tensors(threads=threads)


def save(
    tensor_dict: dict[str, Any],
    metadata: dict[str, str] | None = None,
    *,
    profile: str | None = "fast",
    threads: int = 0,
    base: str | os.PathLike[str] | None = None,
) -> bytes:
    """A compressed file of safetensors.

    Decompressed, it is what ``safetensors.numpy.save`` makes, byte for byte.

    ``profile`` is what it is to be good at: ``"fast"`` decodes fastest, ``"small"`` is smallest,
    ``"device"`` is for GPUs. With ``base``, the file of another model, arrays may be differences
    from those of the same names there; who loads them gives it as well.
    """
    from safetensors.numpy import save

    return to_bytes(save(tensor_dict, metadata), profile, threads, base)


def save_file(
    tensor_dict: dict[str, Any],
    filename: str | os.PathLike[str],
    metadata: dict[str, str] | None = None,
    *,
    profile: str | None = "fast",
    threads: int = 0,
    base: str | os.PathLike[str] | None = None,
) -> None:
    """As ``save``, to a file that is there when it is whole."""
    from safetensors.numpy import save

    to_file(save(tensor_dict, metadata), filename, profile, threads, base)
