"""Arrays of numpy to and from model files, with the names of ``safetensors.numpy``."""

from __future__ import annotations

import os
from typing import Any

from ranstream._native import compress
from ranstream._tensors import safe_open

__all__ = ["load", "load_file", "save", "save_file"]


def load_file(filename: str | os.PathLike[str], *, threads: int = 0) -> dict[str, Any]:
    """All arrays of a ``.safetensors`` or ``.gguf`` file, plain or compressed, decoded where they stay."""
    with safe_open(filename) as file:
        return file.get_tensors(threads=threads)


def load(data: Any, *, threads: int = 0) -> dict[str, Any]:
    """As ``load_file``, of a file in memory."""
    with safe_open(data) as file:
        return file.get_tensors(threads=threads)


def save(tensor_dict: dict[str, Any], metadata: dict[str, str] | None = None, *, level: int = 0) -> bytes:
    """A compressed file of safetensors. Decompressed, it is what ``safetensors.numpy.save`` makes, byte for byte."""
    from safetensors.numpy import save

    return compress(save(tensor_dict, metadata), level=level)


def save_file(
    tensor_dict: dict[str, Any],
    filename: str | os.PathLike[str],
    metadata: dict[str, str] | None = None,
    *,
    level: int = 0,
) -> None:
    """As ``save``, to a file that is there when it is whole."""
    _write(filename, save(tensor_dict, metadata, level=level))


def _write(filename: str | os.PathLike[str], data: bytes) -> None:
    name = os.fspath(filename)
    partial = f"{name}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(data)
        os.replace(partial, name)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise
