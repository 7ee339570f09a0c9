"""Data that several tests take."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import pytest

_STATM = Path("/proc/self/statm")
needs_proc = pytest.mark.skipif(not _STATM.exists(), reason="no /proc here")


def resident() -> int:
    """Bytes of memory that this process has now, whoever asked for them."""
    return int(_STATM.read_text().split()[1]) * resource.getpagesize()


def text(length: int, seed: int = 1) -> bytes:
    """Words, so many bytes of them: blocks that are coded, not stored."""
    chosen = random.Random(seed)
    words = [bytes(chosen.choices(b"etaoinshrdlu", k=chosen.randint(2, 9))) for _ in range(400)]
    joined = b" ".join(chosen.choices(words, k=length // 3 + 1))
    return joined[:length]


@pytest.fixture(scope="session")
def raw() -> bytes:
    """One MiB and a bit, so that the last block is short."""
    return text((1 << 20) + 12345)
