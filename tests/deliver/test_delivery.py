"""A delivery that is killed at any step is completed by the next run, and is made exactly once."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from msgspec.structs import replace

from piienc.deliver.delivery import Delivery
from piienc.deliver.rules import Delivered, DeliveryRules, Skipped
from piienc.deliver.upload import UploadFile
from piienc.errors import IncompleteError, NameTakenError
from piienc.remote import OURS
from piienc.remote.folder import FolderRemote
from piienc.state import Ledger

DATA = os.urandom(5000)
OPERATIONS = ("stat", "upload", "publish", "remove", "same_prefix")


class Killed(BaseException):
    """The process ends here: nothing of ours runs any more."""


class World:
    """A destination, its receiver, and the ledger; it may kill who works with it.

    Attributes:
        seen: each file that has had a final name, in order.
    """

    def __init__(self, tmp_path, *, taking=False):
        self.folder, self.taking = tmp_path / "out", taking
        self.folder.mkdir()
        self.file = tmp_path / "a.csv"
        self.file.write_bytes(DATA)
        self.ledger = Ledger(tmp_path / ".piienc")
        self.seen = []
        self.refused = set()
        self.steps, self.kill_at, self.kill_behind = 0, None, False

    def step(self, action, *said, **more):
        """Do something that another process could be killed before or behind."""
        self.steps += 1
        here = self.steps == self.kill_at
        if here and not self.kill_behind:
            raise Killed
        done = action(*said, **more)
        if here:
            raise Killed
        return done

    def run(self, *, progress=print, **rules):
        """Deliver the file, as a run of its own does."""
        self.steps = 0
        rules = DeliveryRules(trigger=lambda name, _: (f"{name}.DONE", b""), **rules)
        with self.file.open("rb") as file:
            source = UploadFile(self.file, file)
            places = ["file:///out/"]
            delivery = Delivery(source, "a.csv", places, rules, Saving(self), progress)
            return delivery.attempt(Watched(self))

    def there(self):
        """Return what is in the folder."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


class Saving(Ledger):
    """The ledger, with a step at each save."""

    def __init__(self, world):
        super().__init__(world.ledger.folder)
        self._world = world

    def save(self, transfer):
        """Save, as a step."""
        return self._world.step(super().save, transfer)


class Watched:
    """The destination, with a step at each operation, and a receiver behind it."""

    def __init__(self, world):
        self._world, self._inner = world, FolderRemote(world.folder)

    def __getattr__(self, name):
        action = getattr(self._inner, name)
        if name not in OPERATIONS:
            return action

        def operation(*said, **more):
            if name in self._world.refused:
                raise IncompleteError(f"cannot {name}: permission denied")
            return self._world.step(self._published if name == "publish" else action, *said, **more)

        return operation

    def _published(self, temporary, final, *, replace):
        self._inner.publish(temporary, final, replace=replace)
        path = self._world.folder / final
        self._world.seen.append((final, path.read_bytes()))
        if self._world.taking:
            path.unlink()


def exactly_once(world):
    """Hold that data and trigger were seen once each, in this order."""
    assert world.seen == [("a.csv", DATA), ("a.csv.DONE", b"")]
    expected = set() if world.taking else {"a.csv", "a.csv.DONE"}
    assert set(world.there()) == expected


@pytest.mark.parametrize("taking", [False, True])
@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("step", range(1, 15))
def test_delivery_killed_at_any_step_is_completed_exactly_once(tmp_path, step, behind, taking):
    """Whether the receiver leaves files where they are or takes them at once."""
    world = World(tmp_path, taking=taking)
    world.kill_at, world.kill_behind = step, behind
    with suppress(Killed):
        world.run()
    world.kill_at = None
    world.run()
    exactly_once(world)
    assert world.run().why == "delivered already"
    exactly_once(world)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("step", range(1, 15))
def test_delivery_whose_rename_is_refused_and_that_is_killed_loses_nothing(tmp_path, step, behind):
    """What was cleared away must never count as delivered."""
    world = World(tmp_path)
    world.refused = {"publish"}
    world.kill_at, world.kill_behind = step, behind
    with suppress(Killed, IncompleteError):
        world.run()
    world.kill_at, world.refused = None, set()
    assert isinstance(world.run(), Delivered)
    assert world.seen == [("a.csv", DATA), ("a.csv.DONE", b"")]


def test_delivery_is_killed_at_every_step_by_these_tests(tmp_path):
    """The ranges above reach to the end."""
    world = World(tmp_path)
    world.run()
    assert 8 <= world.steps <= 14


@pytest.mark.parametrize("step", range(1, 12))
def test_delivery_replaced_by_other_content_and_killed_does_not_lose_the_first(tmp_path, step):
    """The older content, pushed again later, is delivered, once."""
    world = World(tmp_path, taking=True)
    world.kill_at, world.kill_behind = 5, True
    with suppress(Killed):
        world.run()
    world.file.write_bytes(b"newer")
    world.kill_at = step
    with suppress(Killed):
        world.run()
    world.kill_at = None
    world.file.write_bytes(DATA)
    world.run()
    assert world.seen.count(("a.csv", DATA)) == 1


@pytest.mark.parametrize("refused", [{"same_prefix"}, {"remove"}, {"same_prefix", "remove"}])
def test_delivery_to_an_account_that_may_not_read_or_remove_is_made(tmp_path, refused):
    """A write-only mailbox is a destination, too."""
    world = World(tmp_path)
    world.refused = refused
    assert isinstance(world.run(), Delivered)
    exactly_once(world)


def test_delivery_in_place_never_takes_a_strangers_file_for_its_own(tmp_path):
    """Killed before it made anything, it finds a file of that name: not ours."""
    for step in range(1, 5):
        base = tmp_path / str(step)
        base.mkdir()
        world = World(base)
        world.kill_at = step
        with suppress(Killed):
            world.run(rename=False)
        assert world.there() == {}
        (world.folder / "a.csv").write_bytes(b"theirs")
        world.kill_at = None
        with pytest.raises(NameTakenError):
            world.run(rename=False)
        assert world.there() == {"a.csv": b"theirs"}


@pytest.mark.parametrize("step", range(5, 14))
def test_delivery_in_place_killed_later_is_gone_on_with(tmp_path, step):
    """What it has made itself, it completes."""
    world = World(tmp_path)
    world.kill_at, world.kill_behind = step, True
    with suppress(Killed):
        world.run(rename=False)
    world.kill_at = None
    if step != 5:  # there, it was made, and was not told yet: a stranger's, for all we know
        world.run(rename=False)
        assert world.there() == {"a.csv": DATA, "a.csv.DONE": b""}


@pytest.mark.parametrize("step", range(4, 10))
def test_delivery_keeps_its_way_when_the_setting_changes(tmp_path, step):
    """Begun under a hidden name, it is finished from there."""
    world = World(tmp_path)
    world.kill_at = step
    with suppress(Killed):
        world.run()
    world.kill_at = None
    world.run(rename=False)
    assert world.there() == {"a.csv": DATA, "a.csv.DONE": b""}


def test_delivery_of_what_was_linked_and_not_unlinked_is_found(tmp_path):
    """A server that renames in two steps may be killed between them."""
    world = World(tmp_path)
    world.run()
    (done,) = world.ledger.history()
    hidden = world.folder / f"{OURS}{done.id}.part"
    os.link(world.folder / "a.csv", hidden)
    (world.folder / "a.csv.DONE").unlink()
    world.ledger.save(replace(done, phase="publishing", outcome="running", trigger=None))
    assert isinstance(world.run(), Delivered)
    assert world.there() == {"a.csv": DATA, "a.csv.DONE": b""}


def test_delivery_of_a_taken_trigger_name_is_refused_before_anything_is_sent(tmp_path):
    """The trigger must not replace what it does not know."""
    world = World(tmp_path)
    (world.folder / "a.csv.DONE").write_bytes(b"theirs")
    with pytest.raises(NameTakenError):
        world.run()
    assert world.there() == {"a.csv.DONE": b"theirs"}
    assert isinstance(world.run(if_exists="skip"), Skipped)
    world.run(if_exists="replace")
    assert world.there() == {"a.csv": DATA, "a.csv.DONE": b""}


def test_delivery_of_content_delivered_before_is_skipped_beside_an_unfinished_other(tmp_path):
    """That another content was cut off does not make this one new."""
    world = World(tmp_path, taking=True)
    world.run()
    world.file.write_bytes(DATA[::-1])
    world.kill_at = 5
    with suppress(Killed):
        world.run()
    world.kill_at = None
    world.file.write_bytes(DATA)
    assert world.run().why == "delivered already"
    assert world.seen == [("a.csv", DATA), ("a.csv.DONE", b"")]
