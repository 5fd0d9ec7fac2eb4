"""Jobs, from a plain export to a file that the partner reads, over a real server."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pytest
from desk import CANARY, SCHEMA, rows
from pyarrow import parquet as pq

from piienc.jobs.after import move


def normal(ended, desk):
    """Return what was printed, with the project's folder left out."""
    return ended.code, ended.out, ended.err.replace(f"{desk.project.folder}/", "")


def _lines(done: str, *names: str) -> str:
    return "".join(f"piienc: {done} in/{name} as {name}.pgp: 3 rows\n" for name in names)


def test_job_delivers_each_new_file_as_the_partner_reads_it(desk):
    """What arrives is wrapped, and holds the cells that were sent."""
    desk.put("a.csv", "b.csv")
    assert normal(desk.send(), desk) == (
        0,
        "",
        _lines("delivered", "a.csv", "b.csv"),
    )
    assert sorted(desk.there()) == ["a.csv.pgp", "b.csv.pgp"]
    for name in ("a.csv", "b.csv"):
        assert desk.read(f"{name}.pgp") == rows(name)
    desk.require_no_canary()


def test_job_a_second_time_sends_nothing_until_told_to(desk):
    """A cron job may run twice; --again is for who means it."""
    desk.put("a.csv")
    desk.send()
    (desk.folder / "a.csv.pgp").unlink()  # the receiver has taken it
    assert normal(desk.send(), desk) == (
        0,
        "",
        "piienc: nothing new to send; 1 file was sent before\n",
    )
    assert desk.there() == {}
    assert desk.send("--again").code == 0
    assert desk.read("a.csv.pgp") == rows("a.csv")


def test_job_does_not_send_content_twice_that_was_only_touched(desk):
    """A copy of a file, or one with a new time, is the same file."""
    desk.put("a.csv")
    desk.send()
    desk.put("a.csv")
    assert normal(desk.send(), desk) == (
        0,
        "",
        "piienc: skipped in/a.csv: the same content was sent already\n",
    )
    assert desk.send().err.endswith("sent before\n")
    assert list(desk.there()) == ["a.csv.pgp"]


def test_source_that_was_skipped_is_never_deleted(desk):
    """Its name was taken at the destination: nothing of it arrived, also if it is written anew."""
    desk.write(after="delete", destination='if_exists = "skip"')
    desk.put("a.csv")
    (desk.folder / "a.csv.pgp").write_bytes(b"somebody else's")
    told = "piienc: skipped in/a.csv: there already\n"
    assert normal(desk.send(), desk) == (0, "", told)
    assert normal(desk.send(), desk) == (0, "", "piienc: nothing new to send\n")
    desk.put("a.csv")
    assert normal(desk.send(), desk) == (0, "", told)
    assert (desk.project.folder / "in" / "a.csv").read_bytes() == rows("a.csv")
    assert desk.there() == {"a.csv.pgp": b"somebody else's"}


def test_job_sends_a_file_that_has_changed_as_a_new_one(desk):
    """Another content is another file, under the name of its number."""
    desk.write(name="{stem}-{sequence:03}{suffix}")
    desk.put("a.csv")
    desk.send()
    desk.put("a.csv", count=4)
    assert desk.send().code == 0
    assert sorted(desk.there()) == ["a-001.csv.pgp", "a-002.csv.pgp"]
    assert desk.read("a-002.csv.pgp") == rows("a.csv", 4)


def test_name_of_a_job_holds_date_and_time(desk):
    """They are those of the run, in UTC."""
    desk.write(name="people_{date}T{time}.csv")
    desk.put("a.csv")
    assert desk.send().code == 0
    (name,) = desk.there()
    assert re.fullmatch(r"people_\d{4}-\d\d-\d\dT\d{6}\.csv\.pgp", name)


def test_columns_that_are_left_out_do_not_arrive(desk):
    """Neither their cells nor their names; the others stay as they are."""
    desk.write(leave_out=["note"])
    desk.project.write("lean.toml", SCHEMA.replace("note", "#"))
    desk.put("a.csv")
    assert desk.send().code == 0
    expected = b"".join(line.rpartition(b",")[0] + b"\n" for line in rows("a.csv").splitlines())
    assert desk.read("a.csv.pgp", "lean.toml") == expected


def test_rejected_source_is_not_sent_and_its_report_is_kept(desk):
    """The job stops there; those before it arrive, and no value is told."""
    desk.put("a.csv", "c.csv")
    desk.project.write("in/b.csv", f"id,email,note\n1,x,{CANARY}\n1,y,z\n")
    ended = desk.send("--json")
    assert ended.code == 10
    a, b = sorted(ended.document["files"], key=lambda file: file["source"])
    assert (a["outcome"], b["outcome"]) == ("delivered", "failed")
    report = json.loads((desk.project.folder / b["report"]).read_text())
    assert report["counts"] == {"unique": 1}
    assert list(desk.there()) == ["a.csv.pgp"]
    desk.require_no_canary()
    assert CANARY not in ended.out + ended.err


def test_rejected_source_goes_to_quarantine_where_the_job_says_so(desk):
    """The others go on; the next run has nothing to say of it."""
    desk.write(on_failed_verification="quarantine", quarantine="bad")
    desk.put("a.csv", "c.csv")
    desk.project.write("in/b.csv", "id,email,note\n1,x\n")
    ended = desk.send("--json")
    assert ended.code == 4
    assert [file["outcome"] for file in ended.document["files"]] == [
        "quarantined",
        "delivered",
        "delivered",
    ]
    assert [path.name for path in (desk.project.folder / "bad").iterdir()] == ["b.csv"]
    assert desk.send().code == 0


NAMES = [b"b\xff.csv", b"b\x1b[2J.csv", b"b\n.csv", "b\u202e.csv".encode(), b"b\\.csv"]


@pytest.mark.parametrize("quarantine", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_badly_named_source_does_not_stop_the_others(desk, name, quarantine):
    """It is told like any bad source, and its name comes to nobody's terminal as it is."""
    if quarantine:
        desk.write(on_failed_verification="quarantine", quarantine="bad")
    desk.put("a.csv", "c.csv")
    path = os.fsencode(desk.project.folder / "in") + b"/" + name
    os.link(desk.project.folder / "in" / "a.csv", path)
    ended = desk.send("--json")
    assert ended.code == 4
    outcomes = [file["outcome"] for file in ended.document["files"]]
    assert outcomes == ["quarantined" if quarantine else "failed", "delivered", "delivered"]
    assert sorted(desk.there()) == ["a.csv.pgp", "c.csv.pgp"]
    assert Path(os.fsdecode(path)).exists() is not quarantine
    again = desk.send()
    assert (again.code, "the name is not UTF-8" in again.err) == (
        (0, False) if quarantine else (4, True)
    )
    assert again.err.isascii()
    assert "\x1b" not in again.err


def test_sources_are_moved_or_deleted_when_they_are_delivered(desk):
    """A name that is taken in the folder gets a number; nothing is replaced there."""
    desk.write(after="move", move_to="sent")
    desk.put("a.csv")
    desk.send()
    desk.put("a.csv", count=4)
    (desk.folder / "a.csv.pgp").unlink()
    assert desk.send().code == 0
    sent = desk.project.folder / "sent"
    assert {path.name: path.read_bytes() for path in sent.iterdir()} == {
        "a.csv": rows("a.csv"),
        "a.csv.2": rows("a.csv", 4),
    }
    desk.write(after="delete")
    desk.put("b.csv")
    assert desk.send().code == 0
    assert list((desk.project.folder / "in").iterdir()) == []


@pytest.mark.parametrize("after", ["keep", "move", "delete"])
def test_source_that_is_a_link_is_moved_or_deleted_as_one(desk, after):
    """What it points to is somebody else's, and stays; a link that is moved still leads there."""
    desk.write(after=after, **({"move_to": "sent"} if after == "move" else {}))
    real = desk.project.write("real.csv", rows("a.csv"))
    link = desk.project.folder / "in" / "a.csv"
    link.symlink_to("../real.csv")
    assert desk.send().code == 0
    assert desk.read("a.csv.pgp") == rows("a.csv")
    assert (real.read_bytes(), real.stat().st_nlink) == (rows("a.csv"), 1)
    assert link.is_symlink() is (after == "keep")
    if after == "move":
        moved = desk.project.folder / "sent" / "a.csv"
        assert moved.is_symlink()
        assert moved.samefile(real)
        link.symlink_to("../real.csv")  # as if a run had been killed between the two steps
        move(link, moved.parent)
        assert not link.is_symlink()
        assert [*moved.parent.iterdir()] == [moved]
    assert desk.send().err.startswith("piienc: nothing new to send")


def test_spool_is_swept_after_its_retention(desk):
    """Wrapped files are kept for some days, or not at all."""
    desk.put("a.csv")
    desk.send()
    assert [path.name for path in desk.spooled()] == ["a.csv.pgp"]
    assert desk.spooled()[0].stat().st_mode & 0o777 == 0o600
    desk.write(keep_spool=0)
    desk.send()
    assert desk.spooled() == []


def test_receipt_names_all_steps_and_holds_no_value(desk):
    """Each delivered source has one, with the place that the audit log had come to."""
    desk.put("a.csv")
    (file,) = desk.send("--json").document["files"]
    receipt = json.loads((desk.project.folder / file["receipt"]).read_text())
    assert receipt["source"]["sha256"] == file["sha256"]
    assert set(receipt["steps"]) == {"verify", "schema", "encrypt", "wrap"}
    assert receipt["steps"]["encrypt"]["columns"]["email"]["cells"] == 3
    assert receipt["files"][0]["outcome"] == "delivered"
    assert receipt["audit"]["lines"] == 1
    assert desk.project.run("audit", "verify", "--receipt", file["receipt"]).code == 0


def test_dry_run_keeps_nothing_and_sends_nothing(desk):
    """All is done but the upload, and a later run does all of it."""
    desk.put("a.csv", "b.csv")
    assert normal(desk.send("--dry-run"), desk) == (
        0,
        "",
        _lines("would deliver", "a.csv", "b.csv"),
    )
    assert (desk.there(), desk.spooled(), desk.entries()) == ({}, [], [])
    assert desk.send().code == 0
    assert len(desk.there()) == 2


def test_file_without_a_job_is_sent_by_its_options(desk):
    """`--schema` and `--to` say what a job would."""
    desk.put("a.csv")
    arguments = ("send", "in/a.csv", "--schema", "schema.toml", "--to", "partner")
    assert desk.project.run(*arguments).code == 0
    assert desk.read("a.csv.pgp") == rows("a.csv")
    again = desk.project.run(*arguments)
    assert normal(again, desk) == (0, "", "piienc: skipped in/a.csv: it was sent already\n")
    assert desk.project.run("send", "in/a.csv", "--to", "partner").code == 2
    assert desk.project.run("send", "weekly").code == 3


def test_log_in_json_tells_each_step(desk):
    """A line for each, on standard error, and nothing else there."""
    desk.put("a.csv")
    ended = desk.send("--log-format", "json")
    events = [json.loads(line) for line in ended.err.splitlines()]
    assert [event["event"] for event in events] == [
        "verified",
        "encrypted",
        "wrapped",
        "delivered",
        "finished",
    ]
    assert {event["job"] for event in events} == {"nightly"}
    assert {event["level"] for event in events} == {"info"}
    assert events[-1]["code"] == 0


def test_hook_gets_the_summary_of_a_run_that_has_failed(desk):
    """On its standard input, as JSON; a hook that fails itself is a warning."""
    hook = desk.project.write("hook", "#!/bin/sh\ncat > told.json; exit 3\n")
    hook.chmod(0o700)
    desk.write(more='[notify]\ncommand = ["./hook"]\n')
    desk.put("a.csv")
    assert desk.send().code == 0
    assert not (desk.project.folder / "told.json").exists()
    desk.project.write("in/b.csv", "id,email,note\n1,x\n")
    ended = desk.send()
    assert ended.code == 4
    assert f"piienc: warning: the hook {hook} ended with 3\n" in ended.err
    told = json.loads(desk.project.read("told.json"))
    assert (told["job"], told["ok"], told["error"]["code"]) == ("nightly", False, 4)


def test_hook_is_not_told_the_passphrase(desk, monkeypatch):
    """What is in its environment may end up in a mail."""
    monkeypatch.setenv("PIIENC_PASSPHRASE", "not for others")
    desk.project.write("hook", "#!/bin/sh\nenv > environment\n").chmod(0o755)
    desk.write(more='[notify]\ncommand = ["./hook"]\n')
    desk.project.write("in/b.csv", "id,email,note\n1,x\n")
    assert desk.send().code == 4
    told = desk.project.read("environment")
    assert b"PATH=" in told
    assert b"not for others" not in told


def test_large_files_arrive_in_parts_where_the_receiver_has_a_limit(desk):
    """Each part is a table of its own, within the limit."""
    desk.write(
        destination='profile = "small"',
        more='[profiles.small]\nbased_on = "generic"\nsize_limit = "40 kB"\n',
    )
    desk.put("a.csv", count=900)
    ended = desk.send()
    assert ended.code == 0, ended.err
    parts = sorted(desk.there())
    assert parts[0] == "a.part-0001.csv.pgp"
    assert all(len(content) <= 40_000 for content in desk.there().values())
    read = [desk.read(name).partition(b"\n")[2] for name in parts]
    assert b"".join(read) == rows("a.csv", 900).partition(b"\n")[2]


def test_source_called_like_a_part_of_another_stops_nobody_else(desk):
    """Exit code 12 for the one whose name is taken, until the receiver has the other's part."""
    desk.write(
        destination='profile = "small"',
        more='[profiles.small]\nbased_on = "generic"\nsize_limit = "40 kB"\n',
    )
    desk.put("a.csv", count=900)
    desk.put("a.part-0001.csv", "b.csv")
    for _ in range(2):
        ended = desk.send()
        assert (ended.code, ended.err.count("piienc: error: ")) == (12, 1)
        assert "error: a.part-0001.csv.pgp is at the destination already\n" in ended.err
    there = {"a.part-0001.csv.pgp", "a.part-0002.csv.pgp", "b.csv.pgp"}
    assert there <= {*desk.there()}
    assert desk.read("a.part-0001.csv.pgp").startswith(rows("a.csv", 100))
    (desk.folder / "a.part-0001.csv.pgp").unlink()
    assert desk.send().code == 0
    assert desk.read("a.part-0001.csv.pgp") == rows("a.part-0001.csv")


def test_parquet_is_sent_as_parquet(desk):
    """By the same pipe: the partner finds a table with its types, and the cells encrypted."""
    desk.write(source="in/*.parquet", leave_out=["note"])
    table = pa.table({"id": [1, 2], "email": ["a@x", None], "note": ["n", "m"]})
    pq.write_table(table, desk.project.folder / "in" / "a.parquet")
    ended = desk.send()
    assert ended.code == 0, ended.err
    wrapped = (desk.folder / "a.parquet.pgp").read_bytes()
    made = pq.read_table(io.BytesIO(desk.partner.run("--decrypt", stdin=wrapped)))
    assert made.column_names == ["id", "email"]
    assert made["id"].to_pylist() == [1, 2]
    assert made["email"].to_pylist()[1] is None
    assert made["email"].to_pylist()[0] != "a@x"


def test_verification_that_finds_errors_is_in_the_audit_log_as_such(desk):
    """Its code and kind, the file and its hash; no finding."""
    desk.project.write("bad.csv", f"id,email,note\n1,x,{CANARY}\n1,y,z\n")
    said = ("verify", "bad.csv", "--schema", "schema.toml", "--expect", "plain", "-q")
    assert desk.project.run(*said).code == 10
    line = json.loads(desk.project.log()[-1])
    assert (line["command"], line["outcome"], line["code"]) == ("verify", "failed", 10)
    assert line["kind"] == "verification"
    assert [(file["role"], file["bytes"]) for file in line["files"]] == [("verified", 36)]
    desk.require_no_canary()


def test_source_is_sent_as_what_its_content_is(desk):
    """Parquet under a name that tells nothing, and gzip under a plain name."""
    import gzip

    desk.write(source="in/*")
    table = pa.table({"id": [1], "email": [f"{CANARY}@example.com"], "note": [CANARY]})
    pq.write_table(table, desk.project.folder / "in" / "columns")
    (desk.project.folder / "in" / "b.csv").write_bytes(gzip.compress(rows("b.csv")))
    done = desk.send()
    assert done.code == 0, done.err
    assert sorted(desk.there()) == ["b.csv.pgp", "columns.pgp"]
    assert desk.read("b.csv.pgp") == rows("b.csv")
    plain = desk.partner.run("--decrypt", stdin=(desk.folder / "columns.pgp").read_bytes())
    assert pq.read_table(io.BytesIO(plain))["id"].to_pylist() == [1]
    desk.require_no_canary()
