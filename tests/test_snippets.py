"""The examples of the documentation run as they stand.

A page is a program: its ``python`` blocks run in order and share their names.
A block with prompts is compared with its output, as a doctest.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

BLOCK = re.compile(r"^```(?:\{code-block\} )?python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}

    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        run(block.group(1), names, page, line)


def run(source: str, names: dict[str, object], page: Path, line: int) -> None:
    if not source.startswith(">>>"):
        # Blank lines before it, so that a traceback names the line of the page.
        exec(compile("\n" * line + source, str(page), "exec"), names)
        return
    example = doctest.DocTestParser().get_doctest(source, names, page.name, str(page), line)
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    failures, _ = runner.run(example, out=output.append, clear_globs=False)
    names.update(example.globs)
    assert not failures, "".join(output)
