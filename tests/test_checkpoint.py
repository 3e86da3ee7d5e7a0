"""A world that is loaded is the world that was saved."""

from __future__ import annotations

import datetime as dt
import mmap
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.checkpoint import checkpoint, writer
from ecs_columnar.checkpoint.values import UnfitValueError, dumps, from_json, loads, to_json
from ecs_columnar.conversion import freeze
from ecs_columnar.digest import Hasher
from tests.checkpoints import a_small_world, files_of, load
from tests.strategies import Bag, Burning, Health, Label, Position
from tests.test_determinism import a_history

DATA = Path(__file__).parent / "data"
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


@pytest.mark.parametrize("is_mapped", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_a_loaded_world_is_the_saved_one_and_has_the_same_future(
    tmp_path: Path, seed: int, is_mapped: bool
) -> None:
    world = a_history(seed, 20)
    world.save(tmp_path, durable=False)

    loaded = load(tmp_path, mmap=is_mapped)

    loaded.check()
    assert loaded.digest() == world.digest()
    for either in (world, loaded):
        _go_on(either)
        either.check()
    assert loaded.digest() == world.digest()


def _go_on(world: ecs.World) -> None:
    crew = world.spawn(9, Position(1.0), Label("new"), ids=[f"later {i}" for i in range(9)])
    world.move(crew, "harbour")
    world.move("later 3", "later 4")
    some = world.query(Position).handles()[::3]
    world.set(some, Position(4.0))
    world.add(some, Burning(5.0), Health(2))
    world.despawn(world.query(Position).handles()[1::4])
    for rows in world.query(ecs.Mut[Position]):
        rows[Position].y = rows[Position].y[::-1]


def test_an_empty_world_is_saved_and_loaded(tmp_path: Path) -> None:
    world = ecs.World()
    world.save(tmp_path)

    assert load(tmp_path).digest() == world.digest()


def test_columns_of_a_mapped_world_are_read_only_maps_until_they_are_written(
    tmp_path: Path,
) -> None:
    a_small_world().save(tmp_path)
    world = load(tmp_path, mmap=True)
    before = [path.read_bytes() for path in files_of(tmp_path)]

    (column,) = (t[Position].x for t in world.query(Position))
    world.set(world.query(Position), Position(9.0))

    assert isinstance(column.base.base, mmap.mmap)
    assert world.get("p", Position).x == 9.0
    assert [path.read_bytes() for path in files_of(tmp_path)] == before


@pytest.mark.parametrize("name", BIT_GENERATORS)
def test_generators_go_on_where_they_were(tmp_path: Path, name: str) -> None:
    world = ecs.World()
    world.generators["dice"] = np.random.Generator(getattr(np.random, name)(5))
    world.generators["dice"].integers(6, size=7, dtype=np.int32)
    world.save(tmp_path)

    found = load(tmp_path).generators["dice"]

    assert type(found.bit_generator).__name__ == name
    assert found.random(700).tolist() == world.generators["dice"].random(700).tolist()


def test_an_index_whose_generations_are_used_up_stays_retired(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(2)
    world._storage.entities.records["generation"][0] = 2**31 - 1
    last = np.array([(2**31 - 1) << 32])
    world._storage.tables[0].handles.data[0] = last[0]
    world.despawn(last)
    world.save(tmp_path)

    loaded = load(tmp_path)

    loaded.check()
    assert loaded.digest() == world.digest()
    assert loaded.spawn(1).tolist() == [1 << 32 | 2]


def test_a_world_saved_by_the_first_version_loads_for_ever() -> None:
    world = load(DATA / "checkpoint-1")

    world.check()
    assert world.digest() == (DATA / "checkpoint-1.digest").read_text().strip()
    assert world.digest() == a_small_world().digest()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- generations ----------------------------------------------------------------------


def test_the_last_two_generations_are_kept_and_the_older_one_can_be_asked_for(
    tmp_path: Path,
) -> None:
    digests = []
    for seed in range(4):
        world = a_small_world(seed)
        saving = world.save(tmp_path, durable=False)
        digests.append(world.digest())

    assert names_in(tmp_path) == ["000000000003", "000000000004", "lock"]
    assert saving.wait() == tmp_path / "000000000004"
    assert load(tmp_path).digest() == digests[3]
    assert load(tmp_path, generation=3).digest() == digests[2]
    with pytest.raises(ecs.CheckpointError, match=r"generation 1 from .* there is 3, 4"):
        load(tmp_path, generation=1)


def test_what_a_cut_off_save_left_is_never_loaded_and_removed_by_the_next(tmp_path: Path) -> None:
    a_small_world().save(tmp_path)
    (tmp_path / "new-000000000002").mkdir()
    (tmp_path / "new-000000000002" / "manifest.json").write_text("{}")

    load(tmp_path)
    a_small_world().save(tmp_path)

    assert names_in(tmp_path) == ["000000000001", "000000000002", "lock"]


def test_a_folder_without_a_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(ecs.CheckpointError, match="No such file") as caught:
        load(tmp_path / "nowhere")
    assert caught.value.path == tmp_path / "nowhere"
    with pytest.raises(ecs.CheckpointError, match="there is none"):
        load(tmp_path)
    with pytest.raises(ecs.InvalidArgumentError):
        load(7)  # type: ignore[arg-type]


def test_an_old_generation_that_cannot_be_removed_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(2):
        a_small_world(seed).save(tmp_path)
    (tmp_path / "000000000001" / "folder").mkdir()

    with pytest.warns(RuntimeWarning, match="older generation could not be removed"):
        a_small_world(2).save(tmp_path)

    assert load(tmp_path).digest() == a_small_world(2).digest()


# -- the lock, and saving in the background -------------------------------------------


def test_a_save_in_the_background_writes_the_world_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, write = threading.Event(), writer.write

    def later(*arguments: Any, **options: Any) -> None:
        assert go.wait(30)
        write(*arguments, **options)

    monkeypatch.setattr("ecs_columnar.checkpoint.checkpoint.write", later)
    world = a_small_world()
    digest = world.digest()

    saving = world.save(tmp_path, background=True)
    _go_on(world)
    with pytest.raises(ecs.CheckpointError, match="somebody else is writing there"):
        world.save(tmp_path)
    assert not saving.is_done
    with pytest.raises(TimeoutError, match="has not ended"):
        saving.wait(0.001)
    assert repr(saving).endswith("under way>")
    go.set()

    assert saving.wait(30) == tmp_path / "000000000001"
    assert saving.is_done
    assert load(tmp_path).digest() == digest
    assert world.save(tmp_path).wait() == tmp_path / "000000000002"


def test_a_save_in_the_background_that_fails_is_logged_and_raises_when_it_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = ecs.World()
    world.spawn(1, Bag(object()))

    saving = world.save(tmp_path, background=True)

    with pytest.raises(ecs.CheckpointError, match=r"cannot save Bag\.content"):
        saving.wait()
    assert "cannot save Bag.content" in caplog.text
    assert repr(saving).endswith("failed>")


def test_an_interrupt_when_the_thread_has_begun_leaves_the_lock_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, may_write, start = ecs.World(), threading.Event(), threading.Thread.start
    add, started = checkpoint._add, []

    def begin(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        raise KeyboardInterrupt

    def wait_and_add(*arguments: Any, **options: Any) -> Path:
        may_write.wait(60)
        return add(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", begin)
        patch.setattr(checkpoint, "_add", wait_and_add)
        with pytest.raises(KeyboardInterrupt):
            world.save(tmp_path, background=True)
        with pytest.raises(ecs.CheckpointError, match="somebody else is writing there"):
            world.save(tmp_path)
        may_write.set()
        started[0].join()

    assert world.save(tmp_path).wait().name == "000000000002"


def test_a_thread_that_begins_after_an_interrupt_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world, start = ecs.World(), threading.Thread.start
    waiting: list[threading.Thread] = []

    def interrupt(thread: threading.Thread) -> None:
        waiting.append(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            world.save(tmp_path, background=True)
    start(waiting[0])
    waiting[0].join()

    assert "it was interrupted before it began" in caplog.text
    assert names_in(tmp_path) == ["lock"]
    assert world.save(tmp_path).wait().name == "000000000001"


def test_the_lock_of_a_killed_process_is_no_lock(tmp_path: Path) -> None:
    program = (
        "import os, sys, signal; from pathlib import Path\n"
        "from ecs_columnar.checkpoint.lock import Lock\n"
        f"lock = Lock(Path({str(tmp_path)!r})); lock.take()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"

        with pytest.raises(ecs.CheckpointError, match="somebody else"):
            a_small_world().save(tmp_path)
        process.kill()
        process.wait()

    a_small_world().save(tmp_path)
    load(tmp_path)


def test_a_world_is_not_saved_in_a_transaction(tmp_path: Path) -> None:
    world = a_small_world()

    with world.transaction(), pytest.raises(ecs.TransactionError, match="cannot save"):
        world.save(tmp_path)


# -- component classes ----------------------------------------------------------------


class Cargo(ecs.Component, id="test:cargo"):
    tons: ecs.f4


def a_world_of(component: ecs.Component, path: Path) -> None:
    world = ecs.World()
    world.spawn(1, component)
    world.save(path, durable=False)


def test_classes_are_found_by_id_among_those_that_are_imported(tmp_path: Path) -> None:
    a_world_of(Cargo(2.0), tmp_path)

    loaded = ecs.World.load(tmp_path)

    assert [t[Cargo].tons.tolist() for t in loaded.query(Cargo)] == [[2.0]]


def test_a_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    a_world_of(Cargo(2.0), tmp_path)

    with pytest.raises(ecs.CheckpointError, match="test:cargo: no class of this id is among"):
        ecs.World.load(tmp_path, components=[Position])


def test_a_class_of_other_fields_is_refused(tmp_path: Path) -> None:
    a_world_of(Cargo(2.0), tmp_path)
    others = [
        ecs.make_component("Cargo", {"tons": ecs.f8}, id="test:cargo"),
        ecs.make_component("Cargo", {"mass": ecs.f4}, id="test:cargo"),
        ecs.make_component("Cargo", {"tons": ecs.array(ecs.f4, 2)}, id="test:cargo"),
        ecs.make_component("Cargo", {"tons": ecs.f4, "x": ecs.f4}, id="test:cargo"),
        ecs.make_component("Cargo", {"tons": ecs.ref}, id="test:cargo"),
        ecs.make_component("Cargo", {"tons": ecs.f4}, id="test:cargo", storage="sparse"),
    ]

    for other in others:
        with pytest.raises(ecs.CheckpointError, match="cannot load component test:cargo into"):
            ecs.World.load(tmp_path, components=[other])


def test_two_classes_of_one_id_have_to_be_chosen_from(tmp_path: Path) -> None:
    a_world_of(Cargo(2.0), tmp_path)
    other = ecs.make_component("Other", {"tons": ecs.f4}, id="test:cargo")

    with pytest.raises(ecs.CheckpointError, match="2 classes have this id"):
        ecs.World.load(tmp_path)
    assert len(ecs.World.load(tmp_path, components=[other]).query(other).handles()) == 1


# -- Python values --------------------------------------------------------------------

plain = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.binary(),
        st.text(st.characters(exclude_categories=())),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("$ab", max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)  # fmt: skip


def digest_of(value: Any) -> str:
    hasher = Hasher()
    hasher.value(value)
    return hasher.hexdigest()


@given(plain)
def test_values_come_back_from_json_as_they_were(value: Any) -> None:
    frozen = freeze(value)

    assert digest_of(from_json(loads(dumps(to_json(frozen))))) == digest_of(frozen)


@pytest.mark.parametrize(
    "value",
    [
        np.float64(1.5), np.int8(3), np.datetime64("2020-01-01", "D"), np.bool_(True),
        np.arange(6, dtype="i2").reshape(2, 3), np.zeros((0, 3)), frozenset({1, "a", (2, 3)}),
        {"$map": 1}, {"$": {}}, "\ud83d\ude00", 2**200,
    ],
    ids=repr,
)  # fmt: skip
def test_what_json_lacks_comes_back_as_it_was(value: Any) -> None:
    back = from_json(loads(dumps(to_json(freeze(value)))))

    assert digest_of(back) == digest_of(value)
    assert isinstance(back, type(freeze(value)))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (object(), "a builtins.object"), ({1: 2}, "the key 1"), (1 << 9000, "4096 bits"),
        (np.zeros(1, "V4"), r"dtype \|V4"), (1j, "a builtins.complex"), ({"\ud800": 1}, "the key"),
    ],
)  # fmt: skip
def test_an_object_without_a_form_in_json_is_refused_with_its_field(
    tmp_path: Path, value: Any, fault: str
) -> None:
    world = ecs.World()
    world.spawn(1, Bag(value))

    with pytest.raises(ecs.CheckpointError, match=f"cannot save Bag.content: .*{fault}"):
        world.save(tmp_path)
    assert names_in(tmp_path) == ["lock"]


def test_values_that_are_nested_too_deep_are_refused_both_ways() -> None:
    value: Any = None
    for _ in range(66):
        value = (value,)

    with pytest.raises(UnfitValueError, match="64 deep"):
        to_json(value)
    with pytest.raises(UnfitValueError, match="64 deep"):
        from_json(loads(b"[" * 66 + b"]" * 66))
    with pytest.raises(UnfitValueError, match="no JSON"):
        loads(b"[" * 1_000_000)


@pytest.mark.parametrize("data", [b'{"a":1,"a":2}', b"NaN", b"1e400", b"[1", b"9" * 5000, b"\xff"])
def test_json_that_cannot_be_trusted_is_refused(data: bytes) -> None:
    with pytest.raises(UnfitValueError, match="no JSON"):
        loads(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"$pickle":"x"}', b'{"$array":["|O",[1],""]}', b'{"$array":["<i8",[2],"AAAA"]}',
        b'{"$array":["<i8",[-1],""]}', b'{"$array":["|b1",[1],"Ag=="]}', b'{"$scalar":["<f8",""]}',
        b'{"$float":"1"}', b'{"$text":"zz"}', b'{"$bytes":1}', b'{"$set":[{"a":1}]}',
        b'{"$set":1}', b'{"$map":1}', b'{"$array":["<f3",[0],""]}', b'{"$array":1}',
    ],
)  # fmt: skip
def test_tags_that_are_wrong_are_refused(data: bytes) -> None:
    with pytest.raises(UnfitValueError):
        from_json(loads(data))


def test_a_definition_that_cannot_be_saved_is_named(tmp_path: Path) -> None:
    world = ecs.World()
    At = ecs.make_component("At", {"at": ecs.datetime("s")})
    world.define("a", At(dt.datetime(2020, 1, 1)))  # noqa: DTZ001 - it is not read

    with pytest.raises(ecs.CheckpointError, match=r"At.at of definition 'a'.*datetime.datetime"):
        world.save(tmp_path)


def test_a_generator_of_somebody_else_is_refused(tmp_path: Path) -> None:
    world = ecs.World()
    world.generators["mine"] = np.random.default_rng(1)
    world.save(tmp_path)

    class Mine(np.random.PCG64):
        @property
        def state(self) -> dict[str, Any]:
            return {"bit_generator": "Mine"}

        @state.setter
        def state(self, value: Any) -> None: ...

    world.generators["mine"] = np.random.Generator(Mine(1))
    with pytest.raises(ecs.CheckpointError, match=r"1 generators \(mine\) are not of numpy.random"):
        world.save(tmp_path)
