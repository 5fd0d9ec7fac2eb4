"""Files pushed and pulled by the command line, over a real server and into a folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from killed import killed_at

from piienc.deliver import push as flow
from piienc.remote import OURS
from piienc.remote.sftp.remote import SftpRemote

DATA = os.urandom(300_000)


def normal(ended, way):
    """Return what was printed, with times and places left out."""
    text = re.sub(r"\d+\.\d s", "T s", ended.err)
    return ended.code, ended.out, text.replace(str(way.sshd.url(way.folder)), "URL")


def _table(ended):
    """The lines of the table that stands at the end."""
    return [line for line in ended.err.splitlines() if line.startswith("  ") and line.strip()]


def test_push_delivers_the_bytes_and_tells(way):
    """The receiver sees one file of that name, and nothing else."""
    way.project.write("a.bin", DATA)
    assert normal(way.push("a.bin"), way) == (
        0,
        "",
        "piienc: delivered a.bin to partner in T s\n",
    )
    assert way.there() == {"a.bin": DATA}


def test_push_of_an_empty_file_delivers_it(way):
    """A file without bytes is a file."""
    way.project.write("empty", b"")
    assert way.push("empty").code == 0
    assert way.there() == {"empty": b""}


def test_push_a_second_time_sends_nothing_until_told_to(way):
    """The ledger knows what was delivered; a cron job may run twice."""
    way.project.write("a.bin", DATA)
    way.push("a.bin")
    (way.folder / "a.bin").unlink()  # the receiver has taken it
    assert normal(way.push("a.bin"), way) == (
        0,
        "",
        "piienc: skipped a.bin: delivered already\n",
    )
    assert way.there() == {}
    assert way.push("a.bin", "--again").code == 0
    assert way.there() == {"a.bin": DATA}


def test_push_of_other_content_under_a_delivered_name_is_sent(way):
    """Not the name makes a file known, but what is in it."""
    way.project.write("a.bin", DATA)
    way.push("a.bin")
    (way.folder / "a.bin").unlink()
    way.project.write("a.bin", DATA[::-1])
    assert way.push("a.bin").code == 0
    assert way.there() == {"a.bin": DATA[::-1]}


def test_push_known_to_be_delivered_connects_to_nobody(way):
    """A second run with nothing to do does not even log in."""
    way.project.write("a.bin", DATA)
    way.push("a.bin")
    way.write(known_hosts="nowhere")
    assert way.push("a.bin").code == 0


@pytest.mark.parametrize("rename", [True, False])
def test_push_where_the_name_is_taken_follows_the_rule(way, rename):
    """Fail is the default; skip leaves it; replace puts the new one in its place."""
    way.write(rename=rename)
    way.project.write("a.bin", DATA)
    (way.folder / "a.bin").write_bytes(b"theirs")
    ended = way.push("a.bin")
    assert ended.code == 12
    assert ended.err == (
        "piienc: error: a.bin is at the destination already\n"
        "piienc: hint: send it under another name, or say --if-exists replace or skip\n"
    )
    assert way.there() == {"a.bin": b"theirs"}
    ended = way.push("a.bin", "--if-exists", "skip")
    assert (ended.code, ended.err) == (0, "piienc: skipped a.bin: there already\n")
    assert way.there() == {"a.bin": b"theirs"}
    assert way.push("a.bin", "--if-exists", "replace").code == 0
    assert way.there() == {"a.bin": DATA}


def test_push_of_several_files_delivers_all_and_shows_a_table(way):
    """Each has a line, and the table at the end tells them all."""
    for number in range(5):
        way.project.write(f"{number}.bin", DATA[: 1000 * number])
    ended = way.push(*(f"{number}.bin" for number in range(5)))
    assert ended.code == 0
    assert way.there() == {f"{number}.bin": DATA[: 1000 * number] for number in range(5)}
    rows = [
        line.split() for line in ended.err.splitlines() if line.startswith("  ") and line.strip()
    ]
    assert rows == [
        ["file", "bytes", "outcome"],
        *([f"{number}.bin", f"{1000 * number:,}", "delivered"] for number in range(5)),
    ]


def test_push_of_more_files_than_may_be_open_delivers_all(way):
    """Each is opened when its turn comes."""
    names = [f"{number}" for number in range(120)]
    for name in names:
        way.project.write(name, name)
    few = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))\n"
    ended = way.project.start("push", *names, "--to", "partner", "--quiet", prelude=few)
    assert (ended.code, ended.err) == (0, "")
    assert way.there() == {name: name.encode() for name in names}


def test_push_of_which_one_fails_delivers_the_others(way):
    """The exit code is that of the first that failed, and the table tells which."""
    for name in ("a", "b", "c"):
        way.project.write(name, DATA)
    (way.folder / "b").write_bytes(b"theirs")
    ended = way.push("a", "b", "missing", "c")
    assert ended.code == 12
    assert way.there() == {"a": DATA, "b": b"theirs", "c": DATA}
    assert "error: missing is not there" in ended.err
    rows = [
        line.split(maxsplit=2)
        for line in ended.err.splitlines()
        if line.startswith("  ") and line.strip()
    ]
    assert [row[-1].strip() for row in rows[1:]] == [
        "delivered",
        "failed, exit code 12",
        "failed, exit code 4",
        "delivered",
    ]


def test_push_receipt_tells_hashes_ids_and_outcomes(way):
    """One document; a failed file makes it not ok, with the error on top."""
    way.project.write("a.bin", DATA)
    receipt = way.push("a.bin", "--json").document
    (file,) = receipt["files"]
    assert (receipt["ok"], receipt["step"], receipt["destination"]) == (True, "push", "partner")
    assert file["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert (file["outcome"], file["bytes"], file["attempts"]) == ("delivered", len(DATA), 1)
    (transfer,) = way.transfers()
    assert file["transfer"] == transfer.id
    assert (transfer.outcome, transfer.phase, transfer.sha256) == (
        "delivered",
        "done",
        file["sha256"],
    )
    failed = way.push("a.bin", "--again", "--json")
    assert failed.code == 12
    assert failed.document["ok"] is False
    assert failed.document["error"]["code"] == failed.document["files"][0]["error"]["code"] == 12


def test_push_verifies_the_content_where_it_is_told_to(way, monkeypatch):
    """Everything is read back before the file gets its name: what was spoilt is found."""
    way.project.write("a.bin", DATA)
    assert way.push("a.bin", "--verify-content").code == 0
    assert way.there() == {"a.bin": DATA}
    upload = SftpRemote.upload

    def spoilt(self, name, source, **more):
        facts = upload(self, name, source, **more)
        with (way.folder / name).open("r+b") as file:
            file.seek(1000)
            file.write(b"\0" if DATA[1000] else b"\1")
        return facts

    monkeypatch.setattr(SftpRemote, "upload", spoilt)
    more = ("--again", "--if-exists", "replace")
    ended = way.push("a.bin", "--verify-content", *more)
    assert ended.code == 9
    assert "differs from the file at byte 1000" in ended.err
    assert way.there() == {"a.bin": DATA}


def test_push_of_a_file_that_is_exchanged_while_it_waits_is_looked_at_again(
    way, office, monkeypatch
):
    """What took its place may be in clear."""
    way.write(recipients=["rsa"])
    office.write("a.csv", b"a\n1\n")
    office.run("wrap-file", "a.csv", "a.pgp", "-r", "rsa")
    looked, path = flow.check_sent, office.folder / "a.pgp"
    calls = []

    def once(*said):
        looked(*said)
        if not calls:
            calls.append(1)
            path.unlink()
            path.write_bytes(b"a\n1\n")

    monkeypatch.setattr(flow, "check_sent", once)
    ended = way.push("a.pgp")
    assert (ended.code, way.there()) == (12, {})
    assert "is not wrapped by OpenPGP" in ended.err


def test_push_of_a_file_with_the_name_of_anothers_trigger_is_refused(way):
    """The trigger would take its place, or it the trigger's."""
    way.write(trigger=".DONE")
    way.project.write("a.csv", DATA)
    way.project.write("a.csv.DONE", b"data")
    assert way.push("a.csv", "a.csv.DONE").code == 2
    assert way.there() == {}


def test_push_of_a_name_that_is_no_name_fails_for_itself_alone(way):
    """Of 300 bytes, or in a folder whose name is no text."""
    odd = os.fsdecode(os.fsencode(way.project.folder) + b"/d\xff")
    Path(odd).mkdir()
    Path(odd, "b").write_bytes(DATA)
    way.project.write("a", DATA)
    ended = way.push("x" * 300, "a", f"{odd}/b")
    assert ended.code == 4
    assert "File name too long" in ended.err
    assert way.there() == {"a": DATA, "b": DATA}


def test_push_that_is_a_rehearsal_sends_nothing_and_tells_the_plan(way):
    """Host key, login, folder, permission, room: all is tried but the upload."""
    way.project.write("a.bin", DATA)
    ended = way.push("a.bin", "--dry-run")
    assert ended.code == 0
    assert re.sub(r"[\d,]+ bytes", "N bytes", ended.err) == (
        "piienc: would send: a.bin, N bytes, to partner\n"
        "piienc: the destination has room for N bytes\n"
    )
    assert way.there() == {}
    assert way.transfers() == []


def test_push_that_is_a_rehearsal_finds_a_taken_name(way):
    """What would fail is told before it fails."""
    way.project.write("a.bin", DATA)
    (way.folder / "a.bin").write_bytes(b"theirs")
    assert way.push("a.bin", "--dry-run").code == 12


def test_push_to_a_url_needs_no_configuration(project, tmp_path):
    """A local folder is a destination, too."""
    folder = tmp_path / "out"
    folder.mkdir()
    project.write("a.bin", DATA)
    ended = project.run("push", "a.bin", "--to", f"file://{folder}/")
    assert ended.code == 0
    assert (folder / "a.bin").read_bytes() == DATA


@pytest.mark.parametrize(
    ("to", "code", "told"),
    [
        ("partnr", 3, "there is no destination partnr; those of piienc.toml are: partner"),
        ("ftp://host/dir/", 2, "only sftp:// and file:// are known"),
        ("sftp://user:secret@host/", 2, "a password must not stand in a URL"),
        ("user:secret@host", 3, "there is no destination user:***@host"),
    ],
)
def test_push_to_what_is_no_destination_is_refused(way, to, code, told):
    """With the remedy, and without the secret."""
    way.project.write("a.bin", DATA)
    ended = way.project.run("push", "a.bin", "--to", to)
    assert ended.code == code
    assert told in ended.err
    assert "secret" not in ended.err


def test_push_of_two_files_of_one_name_is_refused(way):
    """One would take the other's place."""
    for folder in ("x", "y"):
        (way.project.folder / folder).mkdir()
        way.project.write(f"{folder}/a", DATA)
    assert way.push("x/a", "y/a").code == 2
    assert way.there() == {}


def test_push_to_a_destination_with_recipients_sends_nothing_in_clear(way, office):
    """What is not wrapped, or for somebody else, does not leave the house."""
    way.write(recipients=["rsa"])
    office.write("a.csv", b"a\n1\n")
    ended = way.push("a.csv")
    assert (ended.code, way.there()) == (12, {})
    assert "is not wrapped by OpenPGP" in ended.err
    office.run("wrap-file", "a.csv", "curve.pgp", "-r", "curve")
    ended = way.push("curve.pgp")
    assert (ended.code, way.there()) == (12, {})
    assert "wrapped for somebody else than rsa" in ended.err
    for url in (way.sshd.url(way.folder), way.sshd.url(way.folder / "deeper")):
        ended = way.project.run("push", "a.csv", "--to", url)
        assert (ended.code, way.there()) == (12, {})
    office.run("wrap-file", "a.csv", "rsa.pgp", "-r", "rsa")
    assert way.push("rsa.pgp").code == 0
    assert list(way.there()) == ["rsa.pgp"]


def test_push_holds_the_file_to_the_profile(way):
    """Names and sizes that the receiver does not take are refused before anything is sent."""
    way.write(
        profile="small",
        profiles='\n[profiles.small]\nnames = ".+[.]csv"\nplain_size_limit = "1 kB"\n',
    )
    way.project.write("a.txt", b"x")
    way.project.write("a.csv", DATA)
    ended = way.push("a.txt", "a.csv")
    assert (ended.code, way.there()) == (12, {})
    assert "small does not take a file of the name a.txt" in ended.err
    assert "and small takes 1,000 at most" in ended.err


def test_push_never_replaces_where_the_profile_forbids_it(way):
    """mParticle, for one."""
    way.write(profile="once", profiles="\n[profiles.once]\nnever_overwrite = true\n")
    way.project.write("a", DATA)
    assert way.push("a", "--if-exists", "replace").code == 12


def test_pull_fetches_one_file(way):
    """Byte for byte, private, and hashed."""
    (way.folder / "failed.csv").write_bytes(DATA)
    ended = way.project.run("pull", "failed.csv", "--from", "partner", "--json")
    assert ended.code == 0
    assert way.project.read("failed.csv") == DATA
    (file,) = ended.document["files"]
    assert file == {
        "name": "failed.csv",
        "bytes": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }
    assert (way.project.folder / "failed.csv").stat().st_mode & 0o777 == 0o600


def test_pull_of_a_pattern_fetches_all_that_match(way):
    """Into a folder, and nothing but files."""
    for name in ("failed-1.csv", "failed-2.csv", "other.csv"):
        (way.folder / name).write_bytes(name.encode())
    (way.folder / "failed-dir").mkdir()
    (way.project.folder / "in").mkdir()
    assert way.project.run("pull", "failed-*", "in", "--from", "partner").code == 0
    assert {p.name: p.read_bytes() for p in (way.project.folder / "in").iterdir()} == {
        "failed-1.csv": b"failed-1.csv",
        "failed-2.csv": b"failed-2.csv",
    }


def test_pull_leaves_out_hostile_names_and_tells(way):
    """A name from a listing never leads anywhere else, and never reaches the terminal raw."""
    (way.folder / "a\n\x1b[31m").write_bytes(b"x")
    (way.folder / "a.csv").write_bytes(b"y")
    ended = way.project.run("pull", "a*", "--from", "partner")
    assert ended.code == 0
    assert (
        "warning: skipped, because its name is not a plain file name: 'a\\n\\x1b[31m'" in ended.err
    )
    assert way.project.read("a.csv") == b"y"


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "x/../../a", "a\x00", ".."])
def test_pull_of_a_path_is_refused(way, name):
    """Only names in the destination's folder can be asked for."""
    with way.project.unchanged():
        assert way.project.run("pull", name, "--from", "partner").code == 12


def test_pull_of_everything_leaves_our_own_partials_there(way):
    """What still grows under a hidden name is nobody's business."""
    (way.folder / f"{OURS}0.part").write_bytes(b"half")
    (way.folder / "a").write_bytes(b"whole")
    assert way.project.run("pull", "*", ".", "--from", "partner").code == 0
    assert way.project.read("a") == b"whole"
    assert not (way.project.folder / f"{OURS}0.part").exists()


def test_pull_does_not_replace_without_being_told(way):
    """What is here stays."""
    (way.folder / "a").write_bytes(b"theirs")
    way.project.write("a", b"ours")
    assert way.project.run("pull", "a", "--from", "partner").code == 12
    assert way.project.read("a") == b"ours"
    assert way.project.run("pull", "a", "--from", "partner", "--force").code == 0
    assert way.project.read("a") == b"theirs"


def test_pull_of_what_is_not_there_is_an_error(way):
    """With the name, and nothing left behind."""
    with way.project.unchanged():
        ended = way.project.run("pull", "a", "--from", "partner")
    assert (ended.code, ended.err.splitlines()[0]) == (
        9,
        "piienc: error: there is no a at the destination",
    )


def test_history_shows_and_filters(way):
    """What was sent and fetched, newest first, by place, date and outcome."""
    assert way.project.run("history").err == "piienc: no transfers\n"
    way.project.write("a", DATA)
    way.project.write("b", DATA)
    (way.folder / "b").write_bytes(b"theirs")
    way.push("a", "b")
    way.project.run("pull", "a", "got", "--from", "partner")
    shown = way.project.run("history", "--json").document["transfers"]
    assert {(t["direction"], t["name"], t["outcome"]) for t in shown} == {
        ("push", "a", "delivered"),
        ("push", "b", "failed"),
        ("pull", "a", "delivered"),
    }
    failed = way.project.run("history", "--outcome", "failed", "--json").document["transfers"]
    assert [(t["name"], t["error_code"]) for t in failed] == [("b", 12)]
    of_partner = way.project.run("history", "--destination", "partner", "--json").document
    assert len(of_partner["transfers"]) == 3
    assert way.project.run("history", "--until", "2020-01-01").err == "piienc: no transfers\n"
    assert len(way.project.run("history", "--since", "2020-01-01").out.splitlines()) > 4
    assert way.project.run("history", "--since", "yesterday").code == 2
    assert way.project.run("history", "--until", "9999-12-31").code == 0
    assert way.project.run("history", "--destination", "partnr").code == 3


@pytest.mark.parametrize(
    ("demand", "name"),
    [
        ('trigger = ".DONE"', "a.csv.DONE"),
        ('trigger = ".fin"\ntrigger_swaps_ending = true', "a.fin"),
    ],
)
def test_push_ends_with_the_empty_trigger_file(way, demand, name):
    """The receiver begins when it is there, so it comes behind the data."""
    way.write(profile="waits", profiles=f"\n[profiles.waits]\n{demand}\n")
    way.project.write("a.csv", DATA)
    ended = way.push("a.csv")
    assert ended.code == 0
    assert way.there() == {"a.csv": DATA, name: b""}
    assert f"and {name} behind it" in ended.err
    assert [one.trigger for one in way.transfers()] == [name]


MANIFEST = """
[destinations.partner.manifest]
type = "profile"
client_email = "imports@example.com"
"""


def test_push_ends_with_a_manifest_of_the_schema(way):
    """It names the data file and its columns, and passes its own linter."""
    way.write(trigger="manifest", profiles=MANIFEST)
    way.project.write("m.toml", 'name = "m"\nversion = 1\n[columns.identity]\ntype = "string"\n')
    way.project.write("a.csv", b"identity\nx\n")
    ended = way.push("a.csv", "--schema", "m.toml")
    assert ended.code == 0, ended.err
    (transfer,) = way.transfers()
    there = way.there()
    assert sorted(there) == sorted(["a.csv", transfer.trigger])
    assert transfer.id in transfer.trigger
    made = json.loads(there[transfer.trigger])
    assert made["fileName"] == "a.csv"
    assert made["columns"] == {"identity": {"dataType": "STRING"}}
    way.project.write(transfer.trigger, there[transfer.trigger])
    checked = way.project.run("manifest", "check", transfer.trigger, "--data", "a.csv")
    assert checked.code == 0, checked.err


@pytest.mark.parametrize(
    ("table", "schema", "code", "told"),
    [
        ("", ["--schema", "m.toml"], 3, "waits for a manifest, and nothing is said of it"),
        (MANIFEST, [], 2, "waits for a manifest, which is made of the schema"),
        (MANIFEST, ["--schema", "none.toml"], 3, "none.toml"),
    ],
)
def test_push_without_what_a_manifest_needs_sends_nothing(way, table, schema, code, told):
    """No file is delivered for which no manifest could be made."""
    way.write(trigger="manifest", profiles=table)
    way.project.write("m.toml", 'name = "m"\nversion = 1\n[columns.identity]\ntype = "string"\n')
    way.project.write("a.csv", b"identity\nx\n")
    ended = way.push("a.csv", *schema)
    assert (ended.code, way.there()) == (code, {})
    assert told in ended.err


def test_push_that_dies_before_the_trigger_sends_only_that(way):
    """The data is not sent a second time, and the receiver is told once."""
    way.write(trigger=".DONE")
    way.project.write("a.csv", DATA)
    sends = "piienc.remote.sftp.remote:SftpRemote.upload"
    death = killed_at(sends, if_="said[1].endswith('.trigger')")
    assert way.project.start("push", "a.csv", "--to", "partner", prelude=death).code == -9
    assert way.there() == {"a.csv": DATA}
    (way.folder / "a.csv").unlink()
    assert way.push("a.csv").code == 0
    assert way.there() == {"a.csv.DONE": b""}
