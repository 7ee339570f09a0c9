"""Tensors of torch to and from model files, with the names of ``safetensors.torch``.

No part of torch is built against: a tensor is decoded into its own storage, which torch shows as
bytes.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ranstream._base import member_of
from ranstream._native import Base
from ranstream._saved import to_bytes, to_file
from ranstream._tensors import safe_open

__all__ = ["from_pretrained", "iter_dir", "load", "load_file", "load_into", "load_model", "save", "save_file"]

_INDEX = "model.safetensors.index.json"


def load_file(
    filename: str | os.PathLike[str],
    device: str = "cpu",
    *,
    threads: int = 0,
    base: str | os.PathLike[str] | Base | None = None,
) -> dict[str, Any]:
    """All tensors of a ``.safetensors`` or ``.gguf`` file, plain or compressed.

    ``base`` as in ``save``.
    """
    with safe_open(filename, "pt", device, base=base) as file:
        return file.get_tensors(threads=threads)


def load(data: Any, *, threads: int = 0, base: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """As ``load_file``, of a file in memory."""
    with safe_open(data, "pt", base=base) as file:
        return file.get_tensors(threads=threads)


def save(
    tensors: dict[str, Any],
    metadata: dict[str, str] | None = None,
    *,
    profile: str | None = "fast",
    threads: int = 0,
    base: str | os.PathLike[str] | None = None,
) -> bytes:
    """A compressed file of safetensors.

    Decompressed, it is what ``safetensors.torch.save`` makes, byte for byte.

    ``profile`` and ``base`` as ``ranstream.numpy.save`` has them.
    """
    from safetensors.torch import save

    return to_bytes([save(tensors, metadata)], profile, threads, base)


def save_file(
    tensors: dict[str, Any],
    filename: str | os.PathLike[str],
    metadata: dict[str, str] | None = None,
    *,
    profile: str | None = "fast",
    threads: int = 0,
    base: str | os.PathLike[str] | None = None,
) -> None:
    """As ``save``, to a file that is there when it is whole."""
    from safetensors.torch import save

    to_file([save(tensors, metadata)], filename, profile, threads, base)


def load_model(
    model: Any, filename: str | os.PathLike[str], strict: bool = True, device: str = "cpu"
) -> tuple[list[str], list[str]]:
    """Load a file into a module; names that are missing, and those not expected, come back."""
    missing, unexpected = model.load_state_dict(load_file(filename, device), strict=False)
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing: {sorted(missing)}, unexpected: {sorted(unexpected)}")
    return list(missing), list(unexpected)


def load_into(
    target: Any,
    source: str | os.PathLike[str],
    *,
    strict: bool = True,
    assign: bool = True,
    device: str | None = None,
    base: str | os.PathLike[str] | None = None,
) -> tuple[list[str], list[str]]:
    """Decode a file, or a folder of shards, into the storages of a module or a dictionary of tensors.

    A tensor on the CPU that is contiguous is decoded where it is, and no other memory is taken. One
    of the device ``meta`` gets a storage made here, which ``assign`` hands to the module. The names
    that are missing in the source and those that the target does not have come back; with
    ``strict`` they are an error, before anything is written. ``base`` is a file where ``source`` is
    one, a folder where it is a folder.
    """
    own = target.state_dict() if hasattr(target, "state_dict") else target
    files = _files(source)
    places = {name: path for path, names in files for name in names}
    missing, unexpected = sorted(own.keys() - places), sorted(places.keys() - own)
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing: {missing}, unexpected: {unexpected}")
    made = {}
    for path, names in files:
        with safe_open(path, "pt", device or "cpu", base=_base_for(path, source, base)) as file:
            for name in names:
                if name not in own:
                    continue
                tensor = own[name]
                if str(tensor.device) == "cpu" and tensor.is_contiguous():
                    file.get_tensor(name, out=tensor)
                else:
                    made[name] = file.get_tensor(name)
    if hasattr(target, "load_state_dict"):
        if made:
            target.load_state_dict(made, strict=False, assign=assign)
    else:
        target.update(made)
    return missing, unexpected


def from_pretrained(
    folder: str | os.PathLike[str],
    cls: Any,
    *,
    config: Any = None,
    base: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Any:
    """A model of transformers, from a folder that ``pack_dir`` made, or one that is not compressed.

    ``cls`` is a class of models; ``config``, if it is not given, is read from the folder; ``base``
    is the folder of the model that it differs from. ``options`` are for ``cls.from_pretrained``,
    which gets the tensors as its ``state_dict``.
    """
    if config is None:
        # Those that choose a model by its configuration have none of their own.
        maker = getattr(cls, "config_class", None) or importlib.import_module("transformers").AutoConfig
        config = maker.from_pretrained(os.fspath(folder))
    return cls.from_pretrained(None, config=config, state_dict=_load_dir(folder, base), **options)


def _load_dir(folder: str | os.PathLike[str], base: str | os.PathLike[str] | None) -> dict[str, Any]:
    tensors: dict[str, Any] = {}
    for path, _ in _files(folder):
        tensors |= load_file(path, base=_base_for(path, folder, base))
    return tensors


def _base_for(
    path: str, source: str | os.PathLike[str], base: str | os.PathLike[str] | None
) -> str | os.PathLike[str] | Base | None:
    """What one file of ``source``, a folder or the file itself, is a difference from."""
    return member_of(base, os.path.basename(path)) if os.path.isdir(source) else base


def iter_dir(
    folder: str | os.PathLike[str],
    *,
    prefix: str | None = None,
    rank_slice: Callable[[str, list[int]], slice | None] | None = None,
    base: str | os.PathLike[str] | None = None,
) -> Iterator[tuple[str, Any]]:
    """Names and tensors of a folder of shards, one at a time; the next one is decoded meanwhile.

    ``rank_slice(name, shape)`` says which rows of a tensor are wanted, ``None`` for all: only their
    blocks are decoded. ``base`` is the folder of the model that it differs from.
    """

    def part(file: safe_open, name: str) -> Any:
        rows = rank_slice(name, file.get_shape(name)) if rank_slice is not None else None
        return file.get_tensor(name) if rows is None else file.get_slice(name)[rows]

    with ThreadPoolExecutor(1) as ahead:
        for path, names in _files(folder):
            with safe_open(path, "pt", base=_base_for(path, folder, base)) as file:
                names = [name for name in names if prefix is None or name.startswith(prefix)]
                decoded = [ahead.submit(part, file, name) for name in names[:1]]
                for number, name in enumerate(names):
                    if number + 1 < len(names):
                        decoded.append(ahead.submit(part, file, names[number + 1]))
                    yield name, decoded.pop(0).result()


def _files(source: str | os.PathLike[str]) -> list[tuple[str, list[str]]]:
    """The files of a model and the names of their tensors, in the order of their bytes."""
    source = os.fspath(source)
    if not os.path.isdir(source):
        with safe_open(source) as file:
            return [(source, file.offset_keys())]
    index = os.path.join(source, _INDEX)
    shards = ["model.safetensors"]
    if os.path.exists(index):
        with open(index, "rb") as text:
            shards = sorted(set(json.load(text)["weight_map"].values()))
    found = []
    for shard in shards:
        if os.path.basename(shard) != shard:
            raise ValueError(f"{index}: {shard!r} is no name of a file")
        path = os.path.join(source, shard)
        path = path if os.path.exists(path) else path + ".rans"
        with safe_open(path) as file:
            found.append((path, file.offset_keys()))
    return found
