"""Folders of models, compressed file by file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ranstream._base import member_of
from ranstream._file import RansFile

__all__ = ["pack_dir", "unpack_dir"]

# What is worth compressing in a folder of a model: the rest is small, and read by others as it is.
_MODELS = (".safetensors", ".gguf", ".bin", ".pt", ".pth")
_PIECE = 4 << 20


def pack_dir(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    profile: str | None = "fast",
    base: str | os.PathLike[str] | None = None,
    level: int | None = None,
    threads: int = 0,
    verify: bool = True,
) -> None:
    """Copy a folder with every model file in it compressed, to ``NAME.rans``.

    ``dst`` must not exist, or be empty.

    Tensors of safetensors and GGUF files are coded by their types, with ``profile`` as ``RansFile``
    has it; ``level`` is that of files of other kinds. All else is copied,
    ``model.safetensors.index.json`` among it, which stays true: whoever opens a shard looks for
    ``NAME.rans`` as well. ``base`` is the folder of a model, packed or not: tensors may be
    differences from those of the same names in its file of the same name, and who reads them gives
    it as well. With ``verify`` each compressed file is read again and compared.
    """
    for path, target in _pairs(src, dst):
        if path.suffix not in _MODELS:
            shutil.copy2(path, target)
            continue
        target, over = target.with_name(target.name + ".rans"), member_of(base, path.name)
        with (
            path.open("rb") as raw,
            RansFile(target, "wb", level=level, threads=threads, profile=profile, base=over) as coded,
        ):
            shutil.copyfileobj(raw, coded, _PIECE)
        shutil.copystat(path, target)
        if verify:
            with path.open("rb") as raw, RansFile(target, threads=threads, base=over) as coded:
                while expected := raw.read(_PIECE):
                    if coded.read(len(expected)) != expected:
                        raise OSError(f"{target}: not what was written")
                if coded.read():
                    raise OSError(f"{target}: more than was written")


def unpack_dir(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    base: str | os.PathLike[str] | None = None,
    threads: int = 0,
) -> None:
    """Undo ``pack_dir``: every ``NAME.rans`` becomes ``NAME``, all else is copied.

    ``base`` is that of ``pack_dir``.
    """
    for path, target in _pairs(src, dst):
        if path.suffix != ".rans":
            shutil.copy2(path, target)
            continue
        target = target.with_suffix("")
        with RansFile(path, threads=threads, base=member_of(base, path.name)) as coded, target.open("xb") as raw:
            shutil.copyfileobj(coded, raw, _PIECE)
        shutil.copystat(path, target)


def _pairs(src: str | os.PathLike[str], dst: str | os.PathLike[str]) -> list[tuple[Path, Path]]:
    """Every file of a folder, and where it goes. Folders are made."""
    source, target = Path(src), Path(dst)
    if not source.is_dir():
        raise NotADirectoryError(f"{source} is no folder")
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty")
    pairs = []
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            pairs.append((path, place))
    return pairs
