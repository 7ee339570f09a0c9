"""A small version of scripts/dask_acceptance.py."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("distributed")


@pytest.mark.filterwarnings("ignore")
def test_a_compressed_log_is_read_by_worker_processes() -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "dask_acceptance.py"), run_name="script")
    script["main"](24 << 20, (2,))
