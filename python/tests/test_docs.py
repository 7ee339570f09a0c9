"""The examples of docs/python.md and python/README.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_examples_of_the_tour_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "python.md").read_text()
    names: dict[str, object] = {}
    found = list(re.finditer(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert len(found) > 5
    for example in found:
        # Lines as they are in the page, for those who look for what failed.
        before = page[: example.start(1)].count("\n")
        exec(compile("\n" * before + example[1], "docs/python.md", "exec"), names)


def test_the_example_of_the_front_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "python" / "README.md").read_text()
    example = page[page.index("    import ranstream\n") : page.index("The tour")]
    exec(re.sub("^    ", "", example, flags=re.MULTILINE), {})
