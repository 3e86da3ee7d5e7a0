"""Processes that save one world after the other until they are killed.

To start a process takes a second, so one is started that makes the worlds, and
forks a child for each kill, which does nothing but save.

Run as a program, with the path of a checkpoint; it reads a seed a line.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import ecs_columnar as ecs
from tests.checkpoints import a_small_world, load

N_WORLDS = 30
ROOT = Path(__file__).parent.parent


def kill_while_saving(path: Path, n_kills: int, *, seed: int = 0) -> int:
    """Kill processes that save and save; what loads is what one said that it had saved.

    Returns
    -------
    int
        How many of them were killed in the middle of a save.
    """
    rng, n_saving, last = random.Random(seed), 0, a_small_world(0).digest()
    command = [sys.executable, "-m", "tests.kills", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for start in range(n_kills):
            print(start, file=process.stdin, flush=True)
            began, ended = _kill_one(process.stdout, rng)
            last = ended or last
            found = load(path).digest()
            assert found in {last, began}, f"after {start} kills"
            last, n_saving = found, n_saving + bool(began)
        process.stdin.close()
    return n_saving


def _kill_one(lines: IO[str], rng: random.Random) -> tuple[str, str]:
    """Kill a process after some time; return what it was saving, and what it had saved."""
    words: dict[str, str] = {}
    for line in lines:
        word, what = line.split()
        if word == "dead":
            return words.get("begin", ""), words.get("end", "")
        words[word] = what
        if word == "end":
            words["begin"] = ""
        if word == "pid":
            time.sleep(rng.random() * 0.03)
            os.kill(int(what), signal.SIGKILL)
    raise AssertionError("the process that makes the others has ended")


def _say(word: str, what: object) -> None:
    os.write(1, f"{word} {what}\n".encode())  # at once or not at all


def _save_for_ever(path: str, worlds: list[tuple[ecs.World, str]], start: int) -> None:
    for i in itertools.count(start):
        world, digest = worlds[i % N_WORLDS]
        _say("begin", digest)
        world.save(path, durable=False)
        _say("end", digest)


def main(path: str) -> None:
    worlds = [(world, world.digest()) for world in map(a_small_world, range(N_WORLDS))]
    worlds[0][0].save(path, durable=False)  # what there is at first
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _save_for_ever(path, worlds, int(line))
        _say("pid", child)
        os.waitpid(child, 0)
        _say("dead", child)


if __name__ == "__main__":
    main(sys.argv[1])
