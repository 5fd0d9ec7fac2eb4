"""Marks cannot be undone: what later schemas of a name may change, and what they may not."""

import contextlib
import multiprocessing
import os
import sqlite3
from concurrent.futures import ProcessPoolExecutor

import pytest

from piienc.errors import ConfigError, InputError, PolicyError
from piienc.keys import Mode, generate
from piienc.state import CellCounter, Marks
from piienc.storage import FileSource, StreamTarget
from piienc.transform import crypt
from piienc.transform.mark_policy import record_marks

CANARY = "CANARY-4711"
PLAIN = {"type": "string"}
LOOK, SEAL = ({"type": "string", "encrypt": key} for key in ("look", "seal"))
FIRST = {"id": PLAIN, "email": LOOK, "note": SEAL}
DATA = f"id,email,note\n1,{CANARY},{CANARY}\n"


@pytest.fixture
def used(shop):
    """Give a shop that has encrypted a file with email searchable and note sealed."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "first.csv", shop.schema(FIRST))
    return shop


def _held(shop):
    return {
        name: (mark.key, mark.mode, mark.context, mark.version)
        for name, mark in Marks(shop.state).of("people").items()
    }


def test_marks_are_recorded_with_the_first_file(used):
    """Column, key, mode, context and version, and when."""
    assert _held(used) == {
        "email": ("look", "searchable", "email", 1),
        "note": ("seal", "sealed", "note", 1),
    }
    assert all(mark.since.endswith("Z") for mark in Marks(used.state).of("people").values())


def test_marks_that_stay_are_recorded_once(used):
    """The thousandth file leaves no trace, whatever version its schema has."""
    used.encrypt("x.csv", "y.csv", used.schema(FIRST, version=2))
    with contextlib.closing(sqlite3.connect(used.state / "state.db")) as database:
        assert database.execute("SELECT count(*) FROM marks").fetchone() == (2,)
    assert _held(used)["email"][3] == 1


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({**FIRST, "email": PLAIN}, r"column 'email'.* under 'look', is not marked any more"),
        ({**FIRST, "note": LOOK}, r"column 'note'.* was sealed, and the key 'look' is searchable"),
        ({**FIRST, "email": {**LOOK, "context": "e"}}, r"column 'email'.* had another context"),
        ({**FIRST, "email": {**SEAL, "context": "e"}}, r"column 'email'.* had another context"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_schema_that_undoes_a_mark_is_refused(used, columns, said, version):
    """Unmarked, weaker, or in another context: whatever its version, and nothing is written."""
    held = _held(used)
    with used.refused(PolicyError, said):
        used.encrypt("x.csv", "y.csv", used.schema(columns, version=version))
    assert _held(used) == held


def test_refusal_lists_every_mark_and_says_what_to_do(used):
    """Who mends a schema need not run again for each of them."""
    schema = used.schema({"id": SEAL, "email": PLAIN, "note": LOOK})
    with pytest.raises(PolicyError) as caught:
        used.encrypt("x.csv", "y.csv", schema)
    since = Marks(used.state).of("people")["email"].since
    assert str(caught.value) == (
        "the schema 'people' would undo what cannot be undone\n"
        f"  column 'email', encrypted since {since} under 'look', is not marked any more\n"
        f"  column 'note', encrypted since {since}, was sealed, and the key 'look' is searchable"
    )
    assert caught.value.hint == (
        "mark it as before; if these are other data, give the schema, or the column, "
        "a name of its own"
    )


def test_column_that_the_schema_dropped_may_not_pass_in_clear(used):
    """With extra columns kept, a column that is not named any more would leave unencrypted."""
    schema = used.schema({"id": PLAIN, "note": SEAL}, extra_columns="keep")
    with used.refused(PolicyError, "column 'email'.*, is not in the schema any more, but in the"):
        used.encrypt("x.csv", "y.csv", schema)


def test_column_that_left_schema_and_file_is_fine(used):
    """There is nothing left that could be seen in clear; should it come back, it is held to."""
    used.write("less.csv", f"id,note\n1,{CANARY}\n")
    used.encrypt("less.csv", "y.csv", used.schema({"id": PLAIN, "note": SEAL}))
    with used.refused(PolicyError, "column 'email'"):
        used.encrypt("x.csv", "z.csv", used.schema({**FIRST, "email": PLAIN}))


def test_new_key_of_the_same_mode_is_allowed_and_recorded(used):
    """That is rotation by hand; the column is marked since the first time."""
    since = Marks(used.state).of("people")["email"].since
    schema = used.schema({**FIRST, "email": {**LOOK, "encrypt": "other"}}, version=2)
    used.encrypt("x.csv", "y.csv", schema)
    assert _held(used)["email"] == ("other", "searchable", "email", 2)
    assert Marks(used.state).of("people")["email"].since == since


def test_sealing_what_was_searchable_is_allowed_and_cannot_be_undone(used):
    """A mark may become stronger, and then it stays so."""
    used.encrypt("x.csv", "y.csv", used.schema({**FIRST, "email": SEAL}, version=2))
    assert _held(used)["email"] == ("seal", "sealed", "email", 2)
    with used.refused(PolicyError, "column 'email'.* was sealed"):
        used.encrypt("x.csv", "z.csv", used.schema(FIRST, version=3))


def test_key_of_the_same_name_and_another_mode_is_refused(used):
    """The mode counts and not the name, whatever happened to the key folder."""
    used.keys["seal"] = generate(Mode.SEARCHABLE)
    with used.refused(PolicyError, "column 'note'.* was sealed, and the key 'seal' is searchable"):
        used.encrypt("x.csv", "y.csv", used.schema(FIRST))


def test_schema_of_another_name_is_free(used):
    """It describes other data."""
    other = replace_name(used.schema({**FIRST, "email": PLAIN}), "others")
    used.encrypt("x.csv", "y.csv", other)
    assert set(Marks(used.state).of("others")) == {"note"}


def replace_name(schema, name):
    from msgspec import structs

    return structs.replace(schema, name=name)


def test_decryption_never_asks_for_marks(used):
    """What was encrypted stays readable, with the schema of its time."""
    shop = used
    shop.encrypt("x.csv", "y.csv", shop.schema({**FIRST, "email": SEAL}, version=2))
    shop.decrypt("first.csv", "back.csv", shop.schema(FIRST))
    assert shop.read("back.csv") == DATA.encode()


def test_run_that_fails_records_nothing(shop):
    """A schema that was only tried out binds nobody."""
    shop.write("bad.csv", "id,email,note\n1,a,b\n1,2\n")
    with shop.refused(InputError):
        shop.encrypt("bad.csv", "y.csv", shop.schema(FIRST))
    assert _held(shop) == {}


def test_run_that_dies_before_its_file_appears_leaves_marks_that_bind_and_no_more(
    shop, monkeypatch
):
    """The mark comes first: a file without it could be followed by one in clear."""

    def dies(*_, **__):
        raise KeyboardInterrupt

    shop.write("x.csv", DATA)
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", dies)
        with pytest.raises(KeyboardInterrupt):
            shop.encrypt("x.csv", "y.csv", shop.schema(FIRST))
    assert not (shop.folder / "y.csv").exists()
    assert set(_held(shop)) == {"email", "note"}
    shop.encrypt("x.csv", "y.csv", shop.schema(FIRST))


def test_file_that_is_being_written_when_another_run_records_its_marks_does_not_appear(shop):
    """Of two runs that contradict each other, the one that ends last is refused."""
    shop.write("x.csv", DATA)
    weaker = shop.schema({**FIRST, "note": LOOK})
    stronger = shop.schema(FIRST)
    shop.write("large.csv", DATA + "1,2,3\n" * 10)

    def meanwhile(*_):
        if not Marks(shop.state).of("people"):
            record_marks(stronger, shop.keys.__getitem__, Marks(shop.state))

    with shop.refused(PolicyError, "column 'note'"):
        shop.encrypt("large.csv", "y.csv", weaker, progress=meanwhile)
    assert _held(shop)["note"] == ("seal", "sealed", "note", 1)


def test_output_to_a_stream_is_held_to_marks_and_records_them(used):
    """Standard output is no way around."""
    with (used.folder / "stream").open("wb") as stream, CellCounter(used.state) as counter:
        facts = {"keys": used.keys.__getitem__, "counter": counter}
        ends = FileSource(used.folder / "x.csv"), StreamTarget(stream)
        with pytest.raises(PolicyError):
            crypt.encrypt_file(*ends, schema=used.schema({**FIRST, "email": PLAIN}), **facts)
        assert stream.tell() == 0
        schema = used.schema({**FIRST, "id": LOOK})
        crypt.encrypt_file(*ends, schema=schema, **facts)
    assert set(_held(used)) == {"id", "email", "note"}


def test_state_that_cannot_be_kept_ends_the_run_before_its_file_appears(shop):
    """No mark, no file."""
    shop.write("x.csv", f"a\n{CANARY}\n")
    shop.state.write_bytes(b"no folder")
    with shop.refused(ConfigError, "cannot make the folder"):
        shop.encrypt("x.csv", "y.csv", shop.schema({"a": LOOK}))


def _record(folder, names, keys):
    from piienc.schema import Column, Schema

    for name in names:
        schema = Schema(
            name="people", version=1, columns={name: Column(type="string", encrypt="look")}
        )
        record_marks(schema, keys.__getitem__, Marks(folder))


class _Searchable:
    mode = Mode.SEARCHABLE


def test_marks_of_processes_that_race_are_all_kept(tmp_path):
    """One waits for the other, and none is lost."""
    folder = tmp_path / ".piienc"
    names = [[f"{who}{number}" for number in range(20)] for who in "ab"]
    keys = {"look": _Searchable()}
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        for done in [pool.submit(_record, folder, mine, keys) for mine in names]:
            done.result()
    assert set(Marks(folder).of("people")) == {name for mine in names for name in mine}


def test_marks_are_looked_at_without_a_trace(tmp_path):
    """To look is not to write."""
    assert Marks(tmp_path / "none").of("people") == {}
    assert not (tmp_path / "none").exists()
