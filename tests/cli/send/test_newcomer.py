"""The newcomer's path over a real server: from a sample to what the partner reads, proven."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest

FILE = "customers-2026-11-24.csv"
ROWS = "id,email,country\n17,ada@example.com,US\n18,brian@example.com,GB\n"


@pytest.fixture
def newcomer(project, partner, sshd, temp):
    """Give a folder with an export and the partner's key, and nothing else."""
    folder = project.folder / "new"
    folder.mkdir()
    made = replace(project, folder=folder)
    long_ago = time.time() - 3600  # an export that is still being written to is not sent
    os.utime(made.write(FILE, ROWS), (long_ago, long_ago))
    made.write("partner.asc", partner.export("curve"))
    return made


def test_newcomer_goes_from_a_sample_to_what_the_partner_reads(newcomer, partner, sshd):
    """No file is written by hand between init and the proof."""
    way = ["--identity", sshd.keys.user, "--known-hosts", sshd.known_hosts]
    url = sshd.url(sshd.folder)
    begun = newcomer.run(
        "init", FILE, "--to", url, "--recipient", "partner=partner.asc", "--no-passphrase"
    )
    assert begun.err.splitlines()[-1].endswith(". piienc send customers")

    checked = newcomer.run("send", "customers", "--check", *way)
    assert (checked.code, [*sshd.folder.iterdir()]) == (0, [])

    sent = newcomer.run("send", "customers", *way)
    name = f"{FILE}.pgp"
    said = f"piienc: delivered {newcomer.folder / FILE} as {name}: 2 rows\n"
    assert sent.normal() == (0, "", said)
    assert newcomer.run("send", "customers", *way).err.endswith("1 file was sent before\n")

    (transfer,) = newcomer.run("history", "--json").document["transfers"]
    assert (transfer["name"], transfer["outcome"]) == (name, "delivered")

    assert newcomer.run("pull", name, "--from", "partner", *way, "-q").normal() == (0, "", "")
    newcomer.write("arrived.csv", partner.run("--decrypt", stdin=newcomer.read(name)))
    assert b"@example.com" not in newcomer.read("arrived.csv")
    proof = newcomer.run("verify", "arrived.csv", "--schema", "schema.toml", "--against", FILE)
    assert proof.code == 0
    assert proof.out.startswith("PASSED: arrived.csv: nothing was found in 2 rows")


def test_newcomer_may_leave_an_encrypted_file_beside_the_sample(newcomer, sshd):
    """What `encrypt-file` has made of it is no source of the job that `init` writes."""
    way = ["--identity", sshd.keys.user, "--known-hosts", sshd.known_hosts]
    newcomer.run(
        "init", FILE, "--to", sshd.url(sshd.folder), "--recipient", "partner=partner.asc",
        "--no-passphrase",
    )  # fmt: skip  # an option and its value stand together
    beside = FILE.replace(".csv", ".enc.csv")
    done = newcomer.run("encrypt-file", FILE, beside, "--schema", "schema.toml")
    assert done.code == 0, done.err
    long_ago = time.time() - 3600
    os.utime(newcomer.folder / beside, (long_ago, long_ago))
    later = newcomer.write("customers-7.csv", ROWS.replace("17", "19"))
    os.utime(later, (long_ago, long_ago))
    sent = newcomer.run("send", "customers", *way)
    assert sent.code == 0, sent.err
    names = sorted(path.name for path in sshd.folder.iterdir())
    assert names == [f"{FILE}.pgp", "customers-7.csv.pgp"]
