"""What is refused, whatever the format: keys, cells, ends. By place, and leaving nothing."""

import os

import pytest
from msgspec.structs import replace

from piienc.errors import (
    AuthenticationError,
    ConfigError,
    IncompleteError,
    InputError,
    KeyAccessError,
    PolicyError,
    UsageError,
)
from piienc.keys import Key, Keyset, Mode, Prefix, Status, generate
from piienc.tables import UnitSize

C = "CANARY-4711"
DATA = "id,email,note\n" + f"{C},{C},{C}\n" * 5


@pytest.fixture
def sealed(shop):
    """Give a shop with a plain file `x.csv`, and `y.csv`, which is encrypted."""
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    return shop


def _changed(shop, change, name="bad.csv"):
    """Change the cells of the encrypted file: a list of rows, of which the first is the header."""
    rows = [line.split(",") for line in shop.read("y.csv").decode().splitlines()]
    change(rows)
    shop.write(name, "".join(",".join(row) + "\n" for row in rows))


def _flipped(cell, place):
    return cell[:place] + ("A" if cell[place] != "A" else "B") + cell[place + 1 :]


@pytest.mark.parametrize(("column", "name"), [(1, "email"), (2, "note")])
@pytest.mark.parametrize("place", [9, 20, -5])
def test_cell_tampered_is_refused_by_row_and_column(sealed, column, name, place):
    """A change of one character anywhere in a cell is found."""

    def change(rows):
        rows[3][column] = _flipped(rows[3][column], place)

    _changed(sealed, change)
    with sealed.refused(AuthenticationError, f"column '{name}'", r"row 3\b"):
        sealed.decrypt("bad.csv", "z.csv", sealed.schema())


@pytest.mark.parametrize("block", [1 << 20, 200])
def test_cells_tampered_in_several_rows_are_all_named(sealed, block):
    """The rows are listed, counted from 1 behind the header."""

    def change(rows):
        for row in (2, 3, 5):
            rows[row][1] = _flipped(rows[row][1], 12)

    _changed(sealed, change)
    rows = r"rows 2, 3, 5\b" if block > 200 else r"rows? 2\b"
    with sealed.refused(AuthenticationError, "'email'", rows):
        sealed.decrypt("bad.csv", "z.csv", sealed.schema(), units=UnitSize(csv_bytes=block))


def test_cells_tampered_in_many_rows_are_named_in_part(shop):
    """Ten places are enough to look at; the others are counted."""
    shop.write("x.csv", "id,email,note\n" + "1,e,n\n" * 30)
    shop.encrypt("x.csv", "y.csv")

    def change(rows):
        for row in rows[1:]:
            row[1] = "x"

    _changed(shop, change)
    with shop.refused(AuthenticationError, r"rows 1, 2, .* 10 and 20 more"):
        shop.decrypt("bad.csv", "z.csv", shop.schema())


@pytest.mark.parametrize(
    "cell", [C, "A", "====", "QQ==", "AAAA" * 12, '""', "not base64!", "é", "AQ" * 40]
)
def test_plaintext_in_an_encrypted_column_is_refused_by_its_place(sealed, cell):
    """What is no ciphertext does not pass as if it had been decrypted."""

    def change(rows):
        rows[2][2] = cell

    _changed(sealed, change)
    with sealed.refused(AuthenticationError, "'note'", r"row 2\b"):
        sealed.decrypt("bad.csv", "z.csv", sealed.schema())


def test_base64_with_stray_bits_is_refused(sealed):
    """A cell has one spelling only: an encoder never sets the unused bits."""

    def change(rows):
        cell = rows[1][1].rstrip("=")
        assert cell != rows[1][1]
        last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(cell[-1])
        letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last + 1]
        rows[1][1] = cell[:-1] + letter + "=" * (len(rows[1][1]) - len(cell))

    _changed(sealed, change)
    with sealed.refused(AuthenticationError, "'email'", r"row 1\b"):
        sealed.decrypt("bad.csv", "z.csv", sealed.schema())


def test_columns_swapped_are_refused(shop):
    """A ciphertext is bound to its column, also under one key."""
    columns = {name: {"type": "string", "encrypt": "look"} for name in ("a", "b")}
    shop.write("x.csv", f"a,b\n{C},{C}\n")
    shop.encrypt("x.csv", "y.csv", shop.schema(columns))
    shop.write("bad.csv", shop.read("y.csv").replace(b"a,b", b"b,a"))
    with shop.refused(AuthenticationError, r"row 1\b"):
        shop.decrypt("bad.csv", "z.csv", shop.schema(columns))


def test_context_of_another_column_is_refused(shop):
    """The context that was said at encryption must be said at decryption."""
    columns = {"a": {"type": "string", "encrypt": "look", "context": "users.a"}}
    shop.write("x.csv", f"a\n{C}\n")
    shop.encrypt("x.csv", "y.csv", shop.schema(columns))
    wrong = shop.schema({"a": {"type": "string", "encrypt": "look"}})
    with shop.refused(AuthenticationError, "'a'", r"row 1\b"):
        shop.decrypt("y.csv", "z.csv", wrong)
    shop.decrypt("y.csv", "z.csv", shop.schema(columns))


@pytest.mark.parametrize(("key", "mode"), [("look", "SEARCHABLE"), ("seal", "SEALED")])
def test_wrong_key_is_refused(sealed, key, mode):
    """Another key of the same name and mode opens nothing."""
    sealed.keys[key] = generate(Mode[mode])
    with sealed.refused(AuthenticationError, "row"):
        sealed.decrypt("y.csv", "z.csv", sealed.schema())


def test_wrong_key_under_the_right_id_is_refused(sealed):
    """A key's id is a hint and no proof."""
    right = sealed.keys["look"]
    wrong = replace(generate(Mode.SEARCHABLE).primary, key_id=right.primary_id)
    sealed.keys["look"] = Keyset(right.mode, right.primary_id, (wrong,))
    with sealed.refused(AuthenticationError, "'email'"):
        sealed.decrypt("y.csv", "z.csv", sealed.schema())


def test_key_of_the_other_mode_is_refused(sealed):
    """The mode is the key's: a cell of one mode is no cell of the other."""
    sealed.keys["look"] = sealed.keys["seal"]
    with sealed.refused(AuthenticationError, "'email'"):
        sealed.decrypt("y.csv", "z.csv", sealed.schema())


def _rotated(keyset, status):
    """Put a new primary key into a set, and give the old one a status."""
    new = generate(keyset.mode).primary
    old = keyset.primary
    if status is Status.DESTROYED:
        old = replace(old, material=type(old.material)(b""))
    return Keyset(keyset.mode, new.key_id, (replace(old, status=status), new))


@pytest.mark.parametrize("name", ["look", "seal"])
def test_rotated_key_reads_old_cells_and_writes_new_ones(sealed, name):
    """After a rotation every enabled key decrypts, and the primary encrypts."""
    sealed.keys[name] = _rotated(sealed.keys[name], Status.ENABLED)
    sealed.decrypt("y.csv", "z.csv", sealed.schema())
    assert sealed.read("z.csv") == DATA.encode()
    receipt = sealed.encrypt("x.csv", "new.csv")
    ids = {"look": "email", "seal": "note"}
    assert receipt.columns[ids[name]].key_ids == (sealed.keys[name].primary_id,)


@pytest.mark.parametrize("status", [Status.DISABLED, Status.DESTROYED])
@pytest.mark.parametrize(("name", "column"), [("look", "email"), ("seal", "note")])
def test_cell_under_a_disabled_key_is_refused_by_the_keys_id(sealed, status, name, column):
    """A key that may not be used is named; its cells stay closed."""
    old = sealed.keys[name].primary_id
    sealed.keys[name] = _rotated(sealed.keys[name], status)
    with sealed.refused(KeyAccessError, f"'{column}'", str(old), status.value):
        sealed.decrypt("y.csv", "z.csv", sealed.schema())


def test_key_for_reading_only_encrypts_nothing(shop):
    """An AES-128 key is kept for old cells."""
    key = generate(Mode.SEALED).primary
    old = Key(key.key_id, type(key.material)(b"k" * 15 + b"!"), Status.ENABLED, Prefix.TINK)
    shop.keys["seal"] = Keyset(Mode.SEALED, old.key_id, (old,))
    shop.write("x.csv", DATA)
    with shop.refused(KeyAccessError, str(old.key_id)):
        shop.encrypt("x.csv", "y.csv")


@pytest.mark.parametrize("status", [Status.ENABLED, Status.DISABLED])
def test_csv_encrypted_already_is_refused_by_its_first_cell(sealed, status):
    """A cell with the prefix of a key of the set, of any status, is encrypted already."""
    sealed.keys["look"] = _rotated(sealed.keys["look"], status)
    with sealed.refused(PolicyError, "'email'", r"row 1\b", "already"):
        sealed.encrypt("y.csv", "z.csv")


def test_csv_with_one_cell_encrypted_already_is_refused_by_its_row(sealed):
    """One such cell in the middle is enough."""
    cell = sealed.read("y.csv").decode().splitlines()[1].split(",")[2]
    sealed.write("bad.csv", DATA + f"{C},{C},{cell}\n")
    with sealed.refused(PolicyError, "'note'", r"row 6\b", "already"):
        sealed.encrypt("bad.csv", "z.csv")


def test_csv_encrypted_already_under_a_raw_key_is_refused(shop):
    """Where no prefix tells, a cell is tried."""
    shop.keys["look"] = generate(Mode.SEARCHABLE, Prefix.RAW)
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    with shop.refused(PolicyError, "'email'", "already"):
        shop.encrypt("y.csv", "z.csv")


@pytest.mark.parametrize("mode", Mode)
def test_raw_key_comes_back(shop, mode):
    """Cells without a prefix are read with the keys that write none."""
    shop.keys["look"] = generate(mode, Prefix.RAW)
    shop.write("x.csv", DATA)
    shop.encrypt("x.csv", "y.csv")
    shop.decrypt("y.csv", "z.csv", shop.schema())
    assert shop.read("z.csv") == DATA.encode()


def test_schema_that_marks_nothing_is_refused(sealed):
    """There would be nothing to do, which is never what was meant."""
    schema = sealed.schema({name: {"type": "string"} for name in ("id", "email", "note")})
    with sealed.refused(ConfigError, "'people'"):
        sealed.encrypt("x.csv", "z.csv", schema)
    with sealed.refused(ConfigError):
        sealed.decrypt("y.csv", "z.csv", schema)


def test_csv_without_a_schema_is_refused(sealed):
    """CSV does not tell what is encrypted."""
    with sealed.refused(UsageError, r"y\.csv"):
        sealed.decrypt("y.csv", "z.csv", None)


@pytest.mark.parametrize("name", ["id", "phone", ""])
def test_decrypt_of_a_column_that_is_not_encrypted_is_refused_by_name(sealed, name):
    """What is not marked cannot be asked for."""
    with sealed.refused(UsageError, f"'{name}'"):
        sealed.decrypt("y.csv", "z.csv", sealed.schema(), columns=("email", name))


def test_output_that_is_there_is_refused_and_kept(sealed):
    """Nothing is overwritten without being asked for."""
    with sealed.refused(PolicyError, r"y\.csv"):
        sealed.encrypt("x.csv", "y.csv")
    with sealed.refused(PolicyError, r"x\.csv"):
        sealed.decrypt("y.csv", "x.csv", sealed.schema())


def test_output_that_is_there_is_replaced_if_meant(sealed):
    """With `overwrite` the old file gives way to the new one, whole."""
    sealed.decrypt("y.csv", "x.csv", sealed.schema(), overwrite=True)
    sealed.encrypt("x.csv", "y.csv", overwrite=True)
    assert sealed.read("x.csv") == DATA.encode()


def test_output_that_is_there_outlives_a_failure(sealed):
    """What should be replaced is kept if the new file does not come about."""
    sealed.write("old.csv", "old")
    sealed.write("bad.csv", DATA + "1,2\n")
    with sealed.refused(InputError, "line 7"):
        sealed.encrypt("bad.csv", "old.csv", overwrite=True)


def _by_link(shop):
    (shop.folder / "out.csv").symlink_to("x.csv")


def _by_absolute_link(shop):
    (shop.folder / "out.csv").symlink_to(shop.folder / "x.csv")


def _by_chain(shop):
    (shop.folder / "mid.csv").symlink_to("x.csv")
    (shop.folder / "out.csv").symlink_to("mid.csv")


def _by_hard_link(shop):
    os.link(shop.folder / "x.csv", shop.folder / "out.csv")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("link", [_by_link, _by_absolute_link, _by_chain, _by_hard_link])
def test_output_that_is_the_input_by_another_name_is_refused(sealed, overwrite, link):
    """The input is never the output, whatever leads from one to the other."""
    link(sealed)
    with sealed.refused(PolicyError, r"out\.csv"):
        sealed.encrypt("x.csv", "out.csv", overwrite=overwrite)
    with sealed.refused(PolicyError, r"x\.csv"):
        sealed.decrypt("out.csv", "x.csv", sealed.schema(), overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["x.csv", "./x.csv", "../files/x.csv"])
def test_output_that_is_the_input_is_refused(sealed, overwrite, name):
    """Also where the path is spelt in another way."""
    with sealed.refused(PolicyError, r"x\.csv"):
        sealed.encrypt("x.csv", name, overwrite=overwrite)


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("none.csv", "z.csv", InputError),
        ("none.parquet", "z.parquet", InputError),
        (".", "z.csv", InputError),
        ("x.csv", "none/z.csv", IncompleteError),
        ("x.csv", "x.csv/z.csv", IncompleteError),
        ("x.csv", ".", PolicyError),
        ("x.csv", "z.parquet", UsageError),
    ],
)
def test_ends_that_cannot_be_are_refused(sealed, source, target, kind):
    """An end that is missing or of the wrong sort is found before any work is done."""
    with sealed.refused(kind):
        sealed.encrypt(source, target)


def test_output_that_is_no_regular_file_is_refused(sealed):
    """A device or a pipe is never replaced by a file."""
    os.mkfifo(sealed.folder / "pipe.csv")
    with sealed.refused(PolicyError, r"pipe\.csv"):
        sealed.encrypt("x.csv", "pipe.csv", overwrite=True)
    assert (sealed.folder / "pipe.csv").is_fifo()
