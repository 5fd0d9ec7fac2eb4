"""What the tests of jobs share."""

from __future__ import annotations

import shutil

import pytest
from desk import Desk

from piienc.keys.openpgp.folder import PgpFolder


@pytest.fixture(scope="session")
def pgp(partner, tmp_path_factory):
    """Make a key folder with the partner's public keys."""
    folder = PgpFolder(tmp_path_factory.mktemp("pgp") / "keys")
    for name in partner.names:
        folder.take(name, partner.export(name))
    return folder.path


@pytest.fixture
def desk(project, pgp, sshd, partner, temp):
    """Give a project with a job; `temp` sees to it that no temporary file is left."""
    shutil.copytree(pgp / "recipients", project.folder / "keys" / "recipients")
    return Desk(project, sshd, partner)
