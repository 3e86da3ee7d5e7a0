"""What a journal recorded leads to the world that it recorded, or says where it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections import deque
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import cli
from tests.checkpoints import (
    Disk,
    a_small_world,
    fails,
    is_short,
    is_short_then_fails,
    load,
    on_disk,
)
from tests.fingerprint import fingerprint
from tests.journals import Moment, an_eventful_log, power_losses_of_a_log, syncs_of_a_log
from tests.random_operations import Driver
from tests.strategies import Bag, Health, Position


def log_in(path: Path) -> Path:
    (found,) = path.glob("journal-*")
    return found


def load_quietly(path: Path) -> ecs.World:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return load(path)


# -- what is recorded -----------------------------------------------------------------


def test_a_log_leads_to_the_world_that_it_recorded(tmp_path: Path) -> None:
    moments = an_eventful_log(tmp_path)

    world = load(tmp_path)

    world.check()
    assert world.digest() == moments[-1].digest
    assert load(tmp_path, mmap=True).digest() == moments[-1].digest
    assert load(tmp_path, generation=1).digest() == moments[0].digest


@pytest.mark.parametrize("seed", range(3))
def test_random_operations_are_done_again(tmp_path: Path, seed: int) -> None:
    driver = Recorded(seed, tmp_path)

    driver.run(400, compare_every=1000)

    while driver.open:
        driver.commit()
    driver.journal.flush()
    assert load(tmp_path).digest() == driver.world.digest()
    driver.journal.close()


class Recorded(Driver):
    """Does random operations with a journal; looks at times whether they are all in it."""

    def __init__(self, seed: int, path: Path) -> None:
        super().__init__(seed)
        self.path = path
        self.journal = self.world.journal(path, durable=False)
        self.n_steps = 0

    def compare(self) -> None:
        super().compare()
        if not self.open:
            self.journal.flush()
            assert load(self.path).digest() == self.world.digest()

    def take_a_snapshot(self) -> None:
        """Save, where the driver without a journal takes a snapshot."""
        if not self.open:
            self.world.save(self.path, durable=False)
            assert self.journal.n_records == 0

    def restore(self) -> None:
        with pytest.raises(ecs.EcsColumnarError, match="cannot restore"):
            self.world.restore(self.world.snapshot())

    def go_back_in_the_history(self) -> None:
        self.moments = deque(maxlen=4)


def test_what_was_not_done_leaves_nothing(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path, durable=False) as journal:
        with pytest.raises(ecs.ValidationError):
            world.spawn(1, Position("far"))
        with world.transaction() as taken_back:
            world.generators["weather"].random()
            world.spawn(3)
            taken_back.rollback()
        before = journal.n_records
        world.generators["weather"].random()  # what was drawn before, again
        world.spawn(1)

        assert before <= 1
        assert load(tmp_path).digest() == world.digest()


def test_a_transaction_is_one_record(tmp_path: Path) -> None:
    world = ecs.World()
    with world.journal(tmp_path, durable=False) as journal:
        with world.transaction():
            world.spawn(3)
            with world.transaction():
                world.spawn(2, at="harbour")
            assert journal.n_records == 0

        assert journal.n_records == 1
        assert load(tmp_path).digest() == world.digest()


def test_a_transaction_is_recorded_without_one_within_it_that_was_taken_back(
    tmp_path: Path,
) -> None:
    world = ecs.World()
    with world.journal(tmp_path, durable=False) as journal:
        with world.transaction():
            world.spawn(3)
            with world.transaction() as inner:
                world.spawn(2)
                inner.rollback()
            world.spawn(1)

        assert journal.n_records == 1
        assert load(tmp_path).digest() == world.digest()
        assert len(world) == 4


def test_a_transaction_forgets_the_ids_of_the_dead_with_a_journal_and_without(
    tmp_path: Path,
) -> None:
    one, two = ecs.World(), ecs.World()
    with one.journal(tmp_path, durable=False):
        for world in (one, two):
            ships = world.spawn(2, ids=["kestrel", "heron"])
            with world.transaction():
                world.despawn(ships[0])

        assert fingerprint(one._storage.symbols) == fingerprint(two._storage.symbols)


def test_what_was_written_in_a_loop_whose_end_was_interrupted_survives_a_rollback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    world = ecs.World()
    world.spawn(3, Health(1))
    with world.journal(tmp_path, durable=False) as journal:
        loop = iter(world.query(ecs.Mut[Health]))
        next(loop)[Health].points[1] = 2
        with monkeypatch.context() as patch:
            patch.setattr(type(journal), "settle", interrupt)
            with pytest.raises(KeyboardInterrupt):
                loop.close()  # type: ignore[attr-defined]  # a generator
        with world.transaction() as transaction:
            transaction.rollback()
        world.spawn(1)

        assert load(tmp_path).digest() == world.digest()


def test_what_was_written_before_a_transaction_survives_its_rollback(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(3, Health(1))
    with world.journal(tmp_path, durable=False):
        for rows in world.query(ecs.Mut[Health]):
            rows[Health].points[1] = 2
            break
        with world.transaction() as taken_back:
            world.spawn(1)
            for rows in world.query(ecs.Mut[Health]):
                rows[Health].points[:] = 9
            taken_back.rollback()
        world.spawn(1)

        assert load(tmp_path).digest() == world.digest()


def test_what_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    world = a_small_world()
    snapshot = world.snapshot()
    with world.journal(tmp_path / "a", durable=False):
        before = world.digest()
        with pytest.raises(ecs.CheckpointError, match=r"Bag\.content: it holds a"):
            world.spawn(1, Bag(range(3)))
        with pytest.raises(ecs.SnapshotError, match="cannot restore while a journal"):
            world.restore(snapshot)
        with pytest.raises(ecs.CheckpointError, match="in the background"):
            world.save(tmp_path / "a", background=True)
        with pytest.raises(ecs.CheckpointError, match="this world has one"):
            world.journal(tmp_path / "b")
        with pytest.raises(ecs.CheckpointError, match="somebody else is writing"):
            ecs.World().journal(tmp_path / "a")

        assert world.digest() == before
        assert load(tmp_path / "a").digest() == before


def test_a_journal_opens_and_closes_outside_of_transactions_and_loops(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(1, Health())
    with world.transaction(), pytest.raises(ecs.TransactionError, match="cannot open"):
        world.journal(tmp_path)
    for rows in world.query(ecs.Mut[Health]):
        rows[Health].points[:] = 1
        with pytest.raises(ecs.StructuralChangeError, match="cannot open"):
            world.journal(tmp_path)
    journal = world.journal(tmp_path, durable=False)
    with world.transaction():
        for refused in (journal.close, journal.flush):
            with pytest.raises(ecs.TransactionError, match="in a transaction"):
                refused()

    journal.close()
    journal.close()

    assert not journal.is_open
    assert "closed" in repr(journal)
    world.spawn(1)
    assert len(load(tmp_path)) == 1


def test_a_save_begins_a_new_log_and_drops_the_old_one(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path / "a", durable=False) as journal:
        world.spawn(2)
        world.save(tmp_path / "elsewhere", durable=False)
        world.spawn(2)
        assert journal.n_records == 2
        path = world.save(tmp_path / "a").wait()
        assert (path.name, journal.n_records) == ("000000000002", 0)
        world.spawn(1)

        assert log_in(tmp_path / "a") == journal.path
        assert load(tmp_path / "a").digest() == world.digest()
    world.save(tmp_path / "a", durable=False)
    assert not list((tmp_path / "a").glob("journal-*"))


def test_a_world_that_was_loaded_goes_on(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path, durable=False):
        world.spawn(2)
    again = load(tmp_path)
    with again.journal(tmp_path, durable=False):
        again.spawn(1)

    assert load(tmp_path).digest() == again.digest()


def test_a_world_that_is_forgotten_lets_go_of_its_folder(tmp_path: Path) -> None:
    import gc

    world = a_small_world()
    world.journal(tmp_path, durable=False)
    world.spawn(1)
    del world
    gc.collect()

    again = load(tmp_path)
    again.journal(tmp_path, durable=False).close()


def test_a_copy_of_a_world_has_no_journal(tmp_path: Path) -> None:
    import copy

    world = a_small_world()
    with world.journal(tmp_path, durable=False) as journal:
        twin = copy.deepcopy(world)
        twin.spawn(1)

        assert journal.n_records == 0


# -- logs that are cut off, or changed ------------------------------------------------


def before(moments: list[Moment], size: int) -> Moment:
    """Return the last moment whose record is in so many bytes."""
    return [moments[0], *(m for m in moments if m.size <= size)][-1]


def test_a_log_that_is_cut_off_leads_to_its_last_whole_record(tmp_path: Path) -> None:
    moments = an_eventful_log(tmp_path)
    data, sizes = log_in(tmp_path).read_bytes(), {m.size for m in moments}
    ends = sizes | {size + by for size in sizes for by in (-1, 1, 39, 40, 41)}

    for size in sorted({*ends, *range(0, len(data), 997)}):
        if not 0 <= size <= len(data):
            continue
        log_in(tmp_path).write_bytes(data[:size])
        if size in records_in(data):
            world = load(tmp_path)
        else:
            with pytest.warns(RuntimeWarning, match="not whole"):
                world = load(tmp_path)
        assert world.tick == ticks_until(data, size, 0)[0] or size < 64
        if size in sizes:
            assert world.digest() == before(moments, size).digest


def records_in(data: bytes) -> list[int]:
    """Return where the records of a log end, by their lengths."""
    ends = [64]
    while ends[-1] < len(data):
        n = int.from_bytes(data[ends[-1] : ends[-1] + 8], "little")
        ends.append(ends[-1] + 40 + n)
    return ends


def ticks_until(data: bytes, size: int, start: int) -> list[int]:
    ends = records_in(data)
    ticks = [
        int.from_bytes(data[a + 16 : a + 24], "little") for a, b in pairwise(ends) if b <= size
    ]
    return ticks[-1:] or [a_small_world().tick]


def test_a_flipped_bit_is_found_and_said(tmp_path: Path) -> None:
    flip_bits(a_small_world(), tmp_path, stride=61)  # the stress test flips all


def flip_bits(world: ecs.World, folder: Path, *, stride: int) -> None:
    """Flip single bits of a log of three changes, and load what is good before each."""
    digests = [world.digest()]
    with world.journal(folder, durable=False) as journal:
        for i in range(3):
            world.spawn(1, Health(i))
            digests.append(world.digest())
    data = bytearray(journal.path.read_bytes())
    ends = records_in(bytes(data))

    for bit in range(0, 8 * len(data), stride):
        data[bit // 8] ^= 1 << bit % 8
        journal.path.write_bytes(data)
        with pytest.warns(RuntimeWarning, match="bytes are left out"):
            found = load(folder).digest()
        data[bit // 8] ^= 1 << bit % 8
        assert found == digests[sum(end <= bit // 8 for end in ends[1:])]


def test_a_log_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 1)):
        world = a_small_world(seed)
        with world.journal(tmp_path / name, durable=False):
            world.spawn(1)
    shutil.copy(log_in(tmp_path / "a"), log_in(tmp_path / "b"))

    with pytest.raises(ecs.CheckpointError, match="the log of another checkpoint"):
        load(tmp_path / "b")

    assert len(load(tmp_path / "b", generation=1)) == len(a_small_world(1))


def test_a_log_without_the_class_of_a_component_is_refused(tmp_path: Path) -> None:
    world = ecs.World()
    with world.journal(tmp_path, durable=False):
        world.spawn(1, Health(1))

    with pytest.raises(ecs.CheckpointError, match="cannot load component core:health"):
        ecs.World.load(tmp_path, components=[])


def test_inspect_and_check_tell_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    an_eventful_log(tmp_path)
    assert cli.main(["inspect", str(tmp_path)]) == 0
    assert "log to tick" in capsys.readouterr().out
    assert cli.main(["check", str(tmp_path)]) == 0
    assert "records in its log" in capsys.readouterr().out

    log_in(tmp_path).write_bytes(log_in(tmp_path).read_bytes()[:-1])

    assert cli.main(["check", str(tmp_path)]) == 1
    assert "is not whole" in capsys.readouterr().err
    assert cli.main(["inspect", str(tmp_path)]) == 0
    assert "is not whole" in capsys.readouterr().out


def test_logs_of_version_1_load_for_ever() -> None:
    data = Path(__file__).parent / "data"

    assert load(data / "journal-1").digest() == (data / "journal-1.digest").read_text().strip()


# -- disks that fail ------------------------------------------------------------------


@pytest.mark.parametrize("fault", [fails, is_short, is_short_then_fails])
@pytest.mark.parametrize("durable", [False, True])
def test_whatever_call_fails_world_and_log_are_one(
    tmp_path: Path, fault: Any, durable: bool
) -> None:
    assert fail_each_call(tmp_path, fault, durable=durable, stride=3) or fault is is_short


def fail_each_call(folder: Path, fault: Any, *, durable: bool, stride: int) -> int:
    """Change a world on disks on which one call fails; return how often somebody was told."""
    n_told = at = 0
    while True:
        path = folder / str(at)
        world = a_small_world()
        with world.journal(path, durable=durable) as journal:
            disk = Disk(at, fault)
            n_told += change_on(disk, world, path)
            assert load_quietly(path).digest() == world.digest()
            world.save(path, durable=False)  # heals it
            world.spawn(1)
            assert journal.n_records == 1
            assert load(path).digest() == world.digest()
        if disk.n_calls <= at:
            return n_told
        at += stride


def change_on(disk: Disk, world: ecs.World, path: Path) -> int:
    """Change a world on a disk; return how often somebody was told that it could not be."""
    n_told = 0
    calls = (
        lambda: world.spawn(2, Health(1)),
        lambda: in_a_transaction(world),
        lambda: world.save(path, durable=world._storage.journal._log.durable),
        lambda: world.move("p", "quay"),
    )
    with on_disk(disk), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for call in calls:
            before = world.digest()
            try:
                call()
            except ecs.CheckpointError:
                n_told += 1
                assert world.digest() == before
    return n_told


def in_a_transaction(world: ecs.World) -> None:
    with world.transaction():
        world.spawn(1, at="inn")
        world.despawn("q")


def test_a_full_disk_refuses_the_change_and_a_free_one_takes_it(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path, durable=False):
        with on_disk(Disk(0, is_short_then_fails)):
            with pytest.raises(ecs.CheckpointError, match="has not been done: make room"):
                world.spawn(3)
            world.spawn(2)

        assert load(tmp_path).digest() == world.digest()


def test_a_broken_journal_refuses_changes_until_a_save(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path, durable=True):
        with on_disk(Disk(1, fails)), pytest.raises(ecs.CheckpointError, match="begins a new log"):
            world.spawn(3)
        with pytest.raises(ecs.CheckpointError, match="is broken"):
            world.spawn(3)
        world.save(tmp_path)
        world.spawn(3)

        assert load(tmp_path).digest() == world.digest()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_cannot_write_to_the_journal(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path, durable=False) as journal:
        journal._process += 1

        with pytest.raises(ecs.CheckpointError, match="of another process"):
            world.spawn(1)

        journal._process -= 1


# -- processes that are killed, and interrupted ---------------------------------------

PROGRAM = """
import sys
import ecs_columnar as ecs
from tests.strategies import Health
world = ecs.World()
world.journal(sys.argv[1], durable=False)
while True:
    with world.transaction():
        world.spawn(3, Health(1))
        world.spawn(1, at="harbour")
    world.spawn(2, Health(7))
    print(world.tick, flush=True)
"""


def kill_while_it_writes(path: Path, n_lines: int) -> None:
    """Kill a program after so many rounds; what it said it had done is done."""
    root = Path(__file__).parent.parent
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert program.stdout is not None
    for _ in range(n_lines):
        tick = int(program.stdout.readline())
    program.send_signal(signal.SIGKILL)
    said = [int(line) for line in program.stdout.read().splitlines(keepends=True) if "\n" in line]
    program.wait()
    program.stdout.close()
    world = load_quietly(path)
    world.check()
    assert world.tick >= max([tick, *said])
    assert world.tick % 3 != 1  # nothing of a transaction without the rest
    assert len(world) == world.tick // 3 * 6 + (4 if world.tick % 3 == 2 else 0)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("n_lines", [1, 20])
def test_a_process_that_is_killed_has_recorded_what_it_did(tmp_path: Path, n_lines: int) -> None:
    kill_while_it_writes(tmp_path, n_lines)


def test_an_interrupt_while_a_record_is_written_leaves_world_and_log_one(tmp_path: Path) -> None:
    def interrupt(name: str, true: Any, *arguments: Any) -> Any:
        is_short(name, true, *arguments)
        raise KeyboardInterrupt

    world = a_small_world()
    with world.journal(tmp_path, durable=False) as journal:
        before, size = world.digest(), journal.nbytes
        with on_disk(Disk(0, interrupt)), pytest.raises(KeyboardInterrupt):
            world.spawn(1, Health(np.int32(2)))
        with on_disk(Disk(0, interrupt)), pytest.raises(KeyboardInterrupt), world.transaction():
            world.spawn(1)

        assert world.digest() == before
        assert journal.path.stat().st_size == size
        assert load(tmp_path).digest() == before


def interrupt(name: str, true: Any, *arguments: Any) -> Any:
    true(*arguments)
    raise KeyboardInterrupt


def test_what_a_commit_wrote_is_cut_off_by_its_rollback_if_an_interrupt_kept_it_from_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(journal: ecs.Journal) -> None:
        calls.append(journal)
        if len(calls) == 1:
            raise KeyboardInterrupt
        original(journal)

    def transact() -> None:
        with world.transaction():
            world.spawn(1)
            monkeypatch.setattr(type(journal), "cut", cut)

    world, calls = ecs.World(), []
    with world.journal(tmp_path, durable=False) as journal:
        before, size, original = world.digest(), journal.path.stat().st_size, type(journal).cut
        with on_disk(Disk(0, interrupt)), pytest.raises(KeyboardInterrupt):
            transact()

        assert world.digest() == load(tmp_path).digest() == before
        assert journal.path.stat().st_size == size


def test_an_interrupt_after_a_commit_was_written_cuts_it_off(tmp_path: Path) -> None:
    world = a_small_world()
    with world.journal(tmp_path, durable=False):
        before, transaction = world.digest(), world.transaction().__enter__()
        world.spawn(1)
        with on_disk(Disk(0, interrupt)), pytest.raises(KeyboardInterrupt):
            transaction.commit()

        assert transaction.is_open
        assert load(tmp_path).digest() == before
        transaction.commit()
        assert load(tmp_path).digest() == world.digest() != before


# -- machines that lose power ---------------------------------------------------------


@pytest.mark.parametrize("durable", [True, False])
def test_a_loss_of_power_leaves_what_was_acknowledged(tmp_path: Path, durable: bool) -> None:
    n_bad, n_states = power_losses_of_a_log(tmp_path, 1, durable=durable, stride=3)

    assert n_states > 70
    assert n_bad == 0


@pytest.mark.parametrize("durable", [True, False])
def test_leaving_out_a_sync_is_caught_by_a_loss_of_power(tmp_path: Path, durable: bool) -> None:
    syncs = syncs_of_a_log(tmp_path / "count", durable=durable)

    for k in syncs[:: -(len(syncs) // 4)]:  # the stress test leaves out each
        folder = tmp_path / f"{k}"
        n_bad, _ = power_losses_of_a_log(folder, 9, k, durable=durable, stride=9, until_bad=True)
        assert n_bad == 1, f"sync {k}"


def test_a_journal_stays_as_durable_as_it_was_opened(tmp_path: Path) -> None:
    world = a_small_world()
    for durable in (True, False):
        with world.journal(tmp_path, durable=durable):
            world.save(tmp_path, durable=not durable)
            syncs = Syncs()
            with on_disk(syncs):
                world.spawn(1)

            assert syncs.n == durable


class Syncs(Disk):
    """Counts the syncs."""

    n = 0

    def done(self, name: str, true: Any, *arguments: Any) -> Any:
        self.n += name == "fsync"
        return super().done(name, true, *arguments)
