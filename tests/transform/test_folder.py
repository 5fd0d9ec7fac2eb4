"""A folder of Parquet files goes file by file into another folder, whole or not at all."""

import resource
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from piienc.base.folders import allow_open, new_folder
from piienc.errors import AuthenticationError, InputError, PolicyError, UsageError
from piienc.state import CellCounter
from piienc.storage import FileSource, FileTarget, StreamTarget
from piienc.transform import crypt, folder

C = "CANARY-4711"
COLUMNS = {
    "email": {"type": "string", "encrypt": "look"},
    "note": {"type": "string", "encrypt": "seal"},
}
HIVE = ["year=2026/month=10/part-0.parquet", "year=2026/month=11/part-0.parquet", "part-1.parquet"]


def _table(rows, start=0):
    emails = pa.array([f"{C}{n}" for n in range(start, start + rows)])
    return pa.table({"email": emails, "note": [C] * rows, "n": list(range(rows))})


def _write(shop, files=HIVE, hidden=("_SUCCESS", ".part-0.parquet.crc", "_metadata")):
    source = shop.folder / "in"
    source.mkdir()
    for number, name in enumerate(files):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_table(3, 3 * number), path)
    for name in hidden:
        (source / name).write_bytes(b"hidden")
    return source


def _schema(shop, columns=None):
    return shop.schema(columns or COLUMNS, extra_columns="keep")


def _encrypt(shop, source="in", target="out", schema=None):
    with CellCounter(shop.state) as counter:
        return folder.encrypt(
            FileSource(shop.folder / source),
            FileTarget(shop.folder / target) if isinstance(target, str) else target,
            schema=schema or _schema(shop),
            keys=shop.keys.__getitem__,
            counter=counter,
        )


def _decrypt(shop, source="out", target="back", schema=None):
    return folder.decrypt(
        FileSource(shop.folder / source),
        FileTarget(shop.folder / target),
        schema=schema,
        keys=shop.keys.__getitem__,
    )


def _names(path):
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())


def _rows(path):
    query = f"select * from read_parquet('{path}/**/*.parquet') order by all"  # noqa: S608  # our own
    found = duckdb.sql(query)
    return found.columns, list(map(str, found.types)), found.fetchall()


def test_files_of_all_partitions_come_back_under_their_names(shop):
    """By DuckDB, which reads the partitions' columns from the names."""
    source = _write(shop)
    receipt = _encrypt(shop)
    assert _names(shop.folder / "out") == sorted(HIVE)
    assert not [p for p in shop.listing() if "/out/" in p and C.encode() in shop.listing()[p]]
    assert _decrypt(shop).rows == receipt.rows == 9
    assert _rows(shop.folder / "back") == _rows(source)
    assert receipt.columns["note"].cells == 9
    assert [Path(each.output.name).relative_to(shop.folder / "out") for each in receipt.files] == [
        Path(name) for name in sorted(HIVE)
    ]


def test_receipt_is_one_document_that_lists_the_files(shop):
    """Hashes of each file, and counts of all."""
    _write(shop)
    document = _encrypt(shop).document()
    assert [file["rows"] for file in document["files"]] == [3, 3, 3]
    assert document["columns"]["email"]["cells"] == 9
    assert all(len(file["output"]["sha256"]) == 64 for file in document["files"])


@pytest.mark.parametrize("bad", ["part-1.parquet", "year=2026/month=11/part-0.parquet"])
def test_error_in_one_file_leaves_no_folder_and_a_second_run_completes(shop, bad):
    """Nobody takes half of a folder for the whole."""
    source = _write(shop)
    good = (source / bad).read_bytes()
    (source / bad).write_bytes(good[:-20])
    with shop.refused(InputError, bad):
        _encrypt(shop)
    assert [each.name for each in shop.folder.iterdir()] == ["in"]
    (source / bad).write_bytes(good)
    assert _encrypt(shop).rows == 9


def test_damaged_cell_of_one_file_leaves_no_folder(shop):
    """Decryption is whole or not at all, too."""
    _write(shop)
    _encrypt(shop)
    path = shop.folder / "out" / "part-1.parquet"
    table = pq.read_table(path)
    cells = [cell[:-6] + "AAAA==" for cell in table["note"].to_pylist()]
    pq.write_table(table.set_column(1, table.schema.field("note"), pa.array(cells)), path)
    with shop.refused(AuthenticationError, r"part-1\.parquet"):
        _decrypt(shop)


@pytest.mark.parametrize(
    "name", ["email=ada/x.parquet", "e%6Dail=ada/x.parquet", "_email=1/x.parquet"]
)
def test_marked_column_in_the_names_of_folders_is_refused(shop, name):
    """Its values would stay there in clear, and are not shown in the error either."""
    marked = "_email" if name.startswith("_") else "email"
    _write(shop, [name])
    schema = _schema(shop, {marked: COLUMNS["email"], "note": COLUMNS["note"]})
    with shop.refused(PolicyError, repr(marked), "names of folders"):
        _encrypt(shop, schema=schema)


def test_folder_itself_may_be_a_partition(shop):
    """One partition of a table, by its own name."""
    _write(shop, ["x.parquet"])
    (shop.folder / "in").rename(shop.folder / "email=ada")
    with shop.refused(PolicyError, "'email'"):
        _encrypt(shop, "email=ada")


def test_column_of_the_names_may_stand_in_the_schema_unmarked(shop):
    """The files do not have it, and that is right."""
    _write(shop)
    columns = COLUMNS | {"year": {"type": "integer"}, "month": {"type": "integer"}}
    columns["n"] = {"type": "integer"}
    schema = shop.schema(columns)
    assert _encrypt(shop, schema=schema).rows == 9
    assert _decrypt(shop, schema=schema).rows == 9


def test_column_that_was_marked_before_may_not_move_into_the_names(shop):
    """A mark cannot be undone by another way to write the files."""
    _write(shop)
    _encrypt(shop)
    for each in sorted((shop.folder / "in").rglob("*.parquet")):
        pq.write_table(_table(3).drop_columns(["email"]), each)
    (shop.folder / "in" / "part-1.parquet").rename(shop.folder / "in" / "year=2026" / "p.parquet")
    (shop.folder / "in" / "year=2026").rename(shop.folder / "in" / "email=x")
    with shop.refused(PolicyError, "'email'"):
        _encrypt(shop, target="other", schema=_schema(shop, {"note": COLUMNS["note"]}))


@pytest.mark.parametrize("link", ["file", "folder"])
def test_symbolic_link_in_the_folder_is_refused(shop, link):
    """What it points to may be anywhere."""
    source = _write(shop)
    aim = source / HIVE[0] if link == "file" else source / "year=2026"
    (source / "link.parquet").symlink_to(aim)
    with shop.refused(InputError, "symbolic link"):
        _encrypt(shop)


@pytest.mark.parametrize("target", ["in", "in/out", "in/year=2026/out", "in/../in/out", "."])
def test_output_inside_of_the_input_is_refused(shop, target):
    """It would be read while it grows."""
    _write(shop)
    with shop.refused(PolicyError, "inside"):
        _encrypt(shop, target=target)


def test_folder_that_is_there_is_never_replaced(shop):
    """Also not an empty one, and not a file."""
    _write(shop)
    (shop.folder / "out").mkdir()
    with shop.refused(PolicyError, "there already"):
        _encrypt(shop)


def test_folder_without_parquet_is_refused(shop):
    """Hidden files do not count."""
    _write(shop, [])
    with shop.refused(InputError, "no Parquet file"):
        _encrypt(shop)


def test_other_file_in_the_folder_is_refused(shop):
    """It would be missing behind."""
    _write(shop)
    (shop.folder / "in" / "people.csv").write_text("email\n")
    with shop.refused(InputError, r"1 of 4 files"):
        _encrypt(shop)


def test_folder_to_a_stream_is_refused(shop):
    """There is one stream, and several files."""
    _write(shop)
    with (shop.folder / "x").open("wb") as stream, shop.refused(UsageError, "stream"):
        _encrypt(shop, target=StreamTarget(stream))


def test_what_a_killed_run_has_left_is_removed_by_the_next_one(shop):
    """It is not locked any more; what is being made is."""
    left = shop.folder / ".out.abc.piienc-new"
    left.mkdir()
    with new_folder(shop.folder / "out") as first:
        assert not left.exists()
        with new_folder(shop.folder / "out.other"):
            assert first.exists()


def test_second_run_for_a_folder_does_not_disturb_the_first(shop):
    """What is being made is locked, and the first to be done has the name."""
    second = new_folder(shop.folder / "out")
    with new_folder(shop.folder / "out") as first:
        (second.__enter__() / "b").touch()
        (first / "a").touch()
    with pytest.raises(PolicyError, match="there already"):
        second.__exit__(None, None, None)
    assert [each.name for each in shop.folder.rglob("*")] == ["out", "a"]


def test_progress_is_that_of_all_files(shop):
    """The share of the whole rises to 1."""
    _write(shop)
    shares = []
    with CellCounter(shop.state) as counter:
        folder.encrypt(
            FileSource(shop.folder / "in"),
            FileTarget(shop.folder / "out"),
            schema=_schema(shop),
            keys=shop.keys.__getitem__,
            counter=counter,
            options=crypt.CryptOptions(
                progress=lambda rows, _, share: shares.append((rows, share))
            ),
        )
    assert shares == sorted(shares)
    assert shares[-1] == (9, 1.0)


def test_no_file_has_a_name_before_all_are_whole(shop):
    """What a kill would leave behind, at any moment, is an empty folder."""
    _write(shop)
    _encrypt(shop)
    seen = []

    def look(*_):
        seen.append([path for path in shop.folder.glob(".back.*/**/*") if path.is_file()])

    folder.decrypt(
        FileSource(shop.folder / "out"),
        FileTarget(shop.folder / "back"),
        schema=None,
        keys=shop.keys.__getitem__,
        options=crypt.CryptOptions(progress=look),
    )
    assert len(seen) >= len(HIVE)
    assert not any(seen)


def test_more_files_than_may_be_open_are_refused_before_any_is_made(monkeypatch):
    """The limit that a process may raise by itself is raised."""
    limits = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 1000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    allow_open(500, "folder")
    assert limits == [(756, 1000)]
    with pytest.raises(InputError, match="folder has 900 files, and no more than 1,000"):
        allow_open(900, "folder")
