"""Models that others are differences from."""

from __future__ import annotations

import os

from ranstream._native import Base

__all__ = ["base_of", "member_of"]


def base_of(base: str | os.PathLike[str] | Base | None) -> Base | None:
    """A base that is open, from the path of a model file, plain or compressed."""
    if base is None or isinstance(base, Base):
        return base
    return Base(base, name=os.path.basename(os.fspath(base)))


def member_of(folder: str | os.PathLike[str] | None, name: str) -> Base | None:
    """The file of a folder that ``name`` or ``name.rans`` is a difference from, if there is one."""
    if folder is None:
        return None
    path = os.path.join(folder, name.removesuffix(".rans"))
    for each in (path, f"{path}.rans"):
        if os.path.exists(each):
            return base_of(each)
    return None
