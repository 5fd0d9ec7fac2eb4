"""`piienc inspect`: whole outputs, for people and for scripts."""

import base64

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.keys.openpgp.folder import PgpFolder

C = "CANARY-4711"
DATA = f"id,email,note\n1,{C},n\n2,,\n"
MESSAGE = bytes.fromhex(
    "c10b 03 0123456789abcdef 12 00"  # for a key
    "c10b 03 0000000000000000 01 00"  # for somebody who is not named
    "c304 04 09 00 08"  # for a passphrase
    "d405 01 09 02 10 00"  # AES-256, OCB
)
SIGNED = bytes.fromhex("c40d 03 00 0a 16 fedcba9876543210 01") + bytes(
    [0xCB, 18, *b"b\x0c[b]\x1b[2Jx.csv\x00\x00\x00\x00"]
)
# Version 4, of 1970, Ed25519 with a point of zeros; a user id.
KEY = bytes.fromhex("c61a 04 00000000 16 09 2b06010401da470f01 0040" + "00" * 8 + "cd 01 78")


def _plain(text):
    """Return a table's lines without the blanks at their ends and the lines of blanks."""
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.fixture
def there(project):
    """Give a project with `y.csv` and `y.parquet`, which are encrypted."""
    project.write("x.csv", DATA)
    pq.write_table(pa.table({"id": ["1"], "email": [C], "note": [C]}), project.folder / "x.parquet")
    for suffix in ("csv", "parquet"):
        arguments = [f"x.{suffix}", f"y.{suffix}", "--schema", "schema.toml", "-q"]
        assert project.run("encrypt-file", *arguments).code == 0
    return project


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("y.csv", "y.csv: CSV, judged by 2 rows"),
        ("y.parquet", "y.parquet: Parquet, judged by 1 rows"),
    ],
)
def test_encrypted_columns_are_shown_with_their_keys(there, name, title):
    """A table on standard output, and nothing else."""
    ended = there.run("inspect", name)
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in _plain(ended.out) if "─" not in line] == [
        title,
        "column   encrypted   key id       key    mode         encoding",
        "id       no          -            -      -            -",
        "email    yes         1111111111   look   searchable   base64",
        "note     yes         2222222222   seal   sealed       base64",
    ]


def test_columns_of_one_name_are_told_apart_by_their_place(there):
    """Each is judged by its own cells."""
    encrypted = there.read("y.csv").decode().splitlines()[1].split(",")[1]
    there.write("twice.csv", f"id,email,email\n1,a@x,{encrypted}\n")
    columns = there.run("inspect", "twice.csv", "--json").document["columns"]
    assert [column["encrypted_cells"] for column in columns] == [0, 0, 1]


def test_json_of_a_table_is_one_document(there):
    """From standard input as well, and quiet or not."""
    ended = there.run("inspect", "-", "--json", "--quiet", stdin=there.read("y.csv"))
    assert (ended.code, ended.err) == (0, "")
    nothing = {"encoding": None, "key_ids": [], "key": None, "mode": None}
    base = {"recorded": False, "cells": 1, "encrypted_cells": 1, "encoding": "base64"}
    email = {"key_ids": [1111111111], "key": "look", "mode": "searchable"}
    note = {"key_ids": [2222222222], "key": "seal", "mode": "sealed"}
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "kind": "csv",
        "name": "-",
        "compression": None,
        "rows_looked_at": 2,
        "columns": [
            {**base, **nothing, "name": "id", "encrypted": False, "cells": 2, "encrypted_cells": 0},
            {**base, **email, "name": "email", "encrypted": True},
            {**base, **note, "name": "note", "encrypted": True},
        ],
    }


def test_plain_table_shows_no_value_and_no_markup(project):
    """Names of columns are hostile too."""
    project.write("x.csv", f'id,[b]x[/b],"a\nb"\n{C},{C},\n')
    ended = project.run("inspect", "x.csv")
    assert [line for line in _plain(ended.out) if "─" not in line] == [
        "x.csv: CSV, judged by 1 rows",
        "column     encrypted   key id   key   mode   encoding",
        "id         no          -        -     -      -",
        "[b]x[/b]   no          -        -     -      -",
        "a\\nb       no cells    -        -     -      -",
    ]


@pytest.mark.parametrize("folder", ["nowhere", "open"])
def test_key_folder_is_not_needed(there, folder):
    """Without it, or where it may not be used, the key ids are shown alone."""
    there.keep("open")
    (there.folder / "open").chmod(0o755)
    ended = there.run("inspect", "y.csv", "--keys", folder)
    assert ended.code == 0
    assert "email    yes         1111111111   -     -      base64" in _plain(ended.out)
    warned = ended.err.startswith("piienc: warning: names of keys are not shown: open has mode")
    assert warned if folder == "open" else not ended.err


def test_some_encrypted_cells_are_counted(there):
    """Two files were put together."""
    there.write("z.csv", there.read("y.csv") + f"3,{C},{C}\n".encode())
    line = "email    1 of 2 cells   1111111111   look   searchable   base64"
    assert line in _plain(there.run("inspect", "z.csv").out)


@pytest.mark.parametrize("armored", [False, True])
def test_message_is_shown_with_its_recipients_and_container(project, armored):
    """Who can open it, with what, and how it is protected."""
    data = MESSAGE
    if armored:
        text = base64.b64encode(MESSAGE).decode()
        head, tail = (f"-----{word} PGP MESSAGE-----" for word in ("BEGIN", "END"))
        data = f"{head}\n\n{text}\n{tail}\n"
    project.write("x.pgp", data)
    ended = project.run("inspect", "x.pgp")
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in _plain(ended.out) if "─" not in line] == [
        f"x.pgp: OpenPGP, encrypted message, {'armored' if armored else 'binary'}",
        "what          details",
        "recipient     0123456789ABCDEF, ECDH",
        "recipient     hidden, RSA",
        "passphrases   1",
        "encryption    AES-256 OCB, authenticated by AEAD (GnuPG's packet 20)",
        "packets       pkesk, pkesk, skesk, aead",
    ]


def test_known_recipient_is_named(office):
    """By the name that its key has in the key folder."""
    (key_id,) = (
        part.key_id for part in PgpFolder(office.folder / "keys").load(["curve"])[0].encrypting
    )
    office.write("x.pgp", MESSAGE.replace(bytes.fromhex("0123456789abcdef"), bytes.fromhex(key_id)))
    assert f"recipient     {key_id} (curve), ECDH" in _plain(office.run("inspect", "x.pgp").out)
    document = office.run("inspect", "x.pgp", "--json").document
    assert [recipient["name"] for recipient in document["recipients"]] == ["curve", None]


def test_message_in_clear_is_looked_into_without_trusting_it(project):
    """The file name inside may hold what a terminal would obey."""
    project.write("x.gpg", SIGNED)
    assert [line for line in _plain(project.run("inspect", "x.gpg").out) if "─" not in line] == [
        "x.gpg: OpenPGP, message in clear, binary",
        "what        details",
        "signature   by FEDCBA9876543210, EdDSA, SHA-512",
        "data        binary, in clear",
        "file name   [b]\\x1b[2Jx.csv",
        "date        -",
        "packets     one-pass-signature, literal",
    ]


def test_date_inside_a_message_in_clear_is_shown_in_utc(project):
    """To people and to scripts, as of the moment that the message says."""
    project.write("x.gpg", SIGNED[:-4] + (1_600_000_000).to_bytes(4, "big"))
    assert "date        2020-09-13T12:26:40+00:00" in _plain(project.run("inspect", "x.gpg").out)
    literal = project.run("inspect", "x.gpg", "--json").document["literal"]
    assert literal["date"] == "2020-09-13T12:26:40Z"


@pytest.mark.parametrize("secret", [False, True])
def test_key_is_not_taken_for_a_message(project, secret):
    """And a secret key is told in capitals."""
    project.write("x.asc", (b"\xc5" if secret else b"\xc6") + KEY[1:])
    ended = project.run("inspect", "x.asc")
    assert (ended.code, ended.err) == (0, "")
    lines = [line for line in _plain(ended.out) if "─" not in line]
    assert lines[0] == f"x.asc: OpenPGP, {'SECRET' if secret else 'public'} key, binary"
    document = project.run("inspect", "x.asc", "--json").document
    (key,) = document.pop("keys")
    assert (document["kind"], document["secret"], document["user_ids"]) == ("pgp-key", secret, 1)
    what, fingerprint = "secret" if secret else "public", key["fingerprint"]
    assert fingerprint[-16:] == key["key_id"]
    assert lines[2:] == [
        f"{what} key   {key['key_id']}, EdDSA, fingerprint {fingerprint}",
        "user ids     1",
        *["warning      a secret key is for its owner alone: send only the public key"] * secret,
    ]


def test_message_is_inspected_without_numpy_and_pyarrow(project):
    """A look at a message is quick."""
    project.write("x.pgp", MESSAGE)
    blocked = "import sys\nsys.modules['numpy'] = sys.modules['pyarrow'] = None"
    assert project.start("inspect", "x.pgp", prelude=blocked).code == 0


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [("x.pgp", "no message\n", 7), ("x.pgp", MESSAGE[:20], 7), ("x.csv", "", 4), ("no", None, 4)],
)
def test_what_cannot_be_read_is_an_error_with_a_code(project, name, data, code):
    """As a line with a hint, and as a document."""
    if data is not None:
        project.write(name, data)
    ended = project.run("inspect", name)
    assert (ended.code, ended.out) == (code, "")
    assert [line.split(" ")[1] for line in ended.err.splitlines()] == ["error:", "hint:"]
    assert project.run("inspect", name, "--json").document["error"]["code"] == code
