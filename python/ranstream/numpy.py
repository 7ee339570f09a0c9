"""Arrays of numpy to and from model files, with the names of ``safetensors.numpy``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
    return to_bytes(_parts(tensor_dict, metadata), profile, threads, base)


def save_file(
    tensor_dict: dict[str, Any],
    filename: str | os.PathLike[str],
    metadata: dict[str, str] | None = None,
    *,
    profile: str | None = "fast",
    threads: int = 0,
    base: str | os.PathLike[str] | None = None,
) -> None:
    """As ``save``, to a file that is there when it is whole.

    Arrays are written from where they are, a few MiB at a time.
    """
    to_file(_parts(tensor_dict, metadata), filename, profile, threads, base)


def _parts(tensors: dict[str, Any], metadata: dict[str, str] | None) -> Iterator[bytes | memoryview]:
    """A file of safetensors: its header, and the bytes of each array."""
    import numpy
    from safetensors.numpy import save

    # The order of arrays and the names of their types are safetensors': arrays without elements
    # have them as well.
    empty = save({name: numpy.empty(0, tensor.dtype) for name, tensor in tensors.items()}, metadata)
    header = json.loads(empty[8:])
    names = [name for name in header if name != "__metadata__"]
    end = 0
    for name in names:
        start, end = end, end + tensors[name].nbytes
        header[name].update(shape=tensors[name].shape, data_offsets=(start, end))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        tensor = numpy.ascontiguousarray(tensors[name])
        if tensor.dtype.str.startswith(">"):
            tensor = tensor.byteswap()
        yield tensor.reshape(-1).view("u1").data
