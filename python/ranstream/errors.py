"""What can go wrong.

Truncated input is an ``EOFError`` and corrupt input an ``OSError``, as they are of gzip and bz2.
Every error says where it is: ``block`` is the number of the block in its stream, ``offset`` counts
coded bytes, ``position`` the raw bytes that came out before it. Each is ``None`` where it has no
meaning.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BaseMissing",
    "BaseWrong",
    "CorruptError",
    "LimitError",
    "NotRansError",
    "RansError",
    "TruncatedError",
    "UnsupportedError",
]


class RansError(Exception):
    """Base of all errors of this package."""

    block: int | None
    offset: int | None
    position: int | None

    def __init__(
        self, message: str = "", block: int | None = None, offset: int | None = None, position: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.block = block
        self.offset = offset
        self.position = position

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.block, self.offset, self.position), {"__notes__": self._notes()}

    def _notes(self) -> list[str]:
        return list(getattr(self, "__notes__", []))


class CorruptError(RansError, OSError):
    """The input is damaged."""


class NotRansError(RansError, OSError):
    """The input does not begin like a stream."""


class TruncatedError(RansError, EOFError):
    """The input ends inside a stream. It comes behind all bytes that are whole."""


class UnsupportedError(RansError):
    """The input asks for something that this version does not know."""


class LimitError(RansError, ValueError):
    """The input asks for more than was allowed, ``max_size`` say, or than there is memory for."""


class BaseMissing(RansError):
    """The input is a difference from another file, which was not given."""


class BaseWrong(RansError):
    """The file that was given is not the one that the input is a difference from."""
