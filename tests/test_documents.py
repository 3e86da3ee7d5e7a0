"""The documentation is complete and its links lead somewhere.

That its examples run is tested in `test_snippets`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import ecs_columnar as ecs
from ecs_columnar.config.table import KEYS, SECTIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return what headings of a page are called in links, as MyST and GitHub make it."""
    text = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(text))
    return {title.strip().replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = LINK.findall(CODE.sub("", text))

    for path, anchor in links:
        target = page.parent / path if path else page
        assert target.exists(), f"{path} is not there"
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor} is not there"


def test_the_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert '`pip install -e ".[demo]" && ecs-columnar demo` runs the main job' in text
    assert '`pip install -e ".[test]" && pytest` passes the tests' in text


def test_every_page_is_in_the_table_of_contents() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")

    listed = set(re.findall(r"^([a-z_]+)$", text, re.MULTILINE))

    assert listed == {page.stem for page in DOCS.glob("*.md")} - {"index"}


def test_every_public_name_is_in_the_api_page() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")

    missing = [name for name in ecs.__all__ if not re.search(rf"\b{name}\b", text)]

    assert missing == []


def test_every_error_has_its_section_and_its_code() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    errors = [
        member
        for name in ecs.__all__
        if isinstance(member := getattr(ecs, name), type)
        and issubclass(member, ecs.EcsColumnarError)
        and member is not ecs.EcsColumnarError
    ]

    for error in errors:
        builtin = error.__mro__[2].__name__
        row = f"| [`{error.__name__}`](#{error.__name__.lower()}) | `{builtin}` | `{error.code}` |"
        assert row in text
        assert f"\n## {error.__name__}\n" in text


def test_the_configuration_page_lists_exactly_the_keys_with_defaults_and_ranges() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    keys = text.partition("\n## Keys\n")[2]

    found = re.findall(r"^### (\w+)$|^(\| `.*\|)$", keys, re.MULTILINE)

    expected: list[tuple[str, str]] = []
    for section in SECTIONS:
        expected.append((section, ""))
        for key in KEYS.values():
            if key.section == section:
                default = str(key.default).lower()
                row = f"| `{key.name}` | {default} | {key.range} | {key.effect} |"
                expected.append(("", row))
    assert found == expected


def test_every_module_is_in_the_architecture() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    picture = (DOCS / "images" / "layers.svg").read_text(encoding="utf-8")
    package = ROOT / "ecs_columnar"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    operations = {path.stem for path in (package / "operations").glob("*.py")} - {"__init__"}
    kernels = {p.stem for p in (package / "kernels").glob("*.py") if not p.stem.startswith("_")}

    for name in modules | operations | kernels:
        assert f"`{name}`" in page, f"{name} is not in the table of layers"
        assert re.search(rf"[ >]{name}[ <]", picture), f"{name} is not in the picture"


@pytest.mark.skipif(
    not all(map(find_spec, ("sphinx", "myst_parser", "numpydoc", "pydata_sphinx_theme"))),
    reason="the extra docs is not installed",
)
def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    command = shutil.which("sphinx-build", path=str(Path(sys.executable).parent))
    assert command is not None

    result = subprocess.run(
        [command, "-W", "--keep-going", "-q", "-d", tmp_path / "cache", DOCS, tmp_path / "site"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout
