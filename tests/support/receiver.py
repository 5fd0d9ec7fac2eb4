"""Who gets what a job delivers: takes files away, each once, and reads them with own keys."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import piienc

if TYPE_CHECKING:
    from pathlib import Path

    from desk import Desk


class Receiver:
    """A receiver, whose inbox is outside of the server's folder and of the project."""

    def __init__(self, desk: Desk, folder: Path):
        self.desk, self.folder, self.inbox = desk, folder, folder / "inbox"
        self.inbox.mkdir(parents=True)
        shutil.copytree(desk.project.folder / "keys" / "aes", folder / "keys" / "aes")
        (folder / "keys").chmod(0o700)

    def take(self) -> None:
        """Take away all that has its final name; what was taken before must not come again."""
        for path in self.desk.folder.glob("[!.]*"):
            assert not (self.inbox / path.name).exists(), f"{path.name} was delivered twice"
            shutil.move(path, self.inbox / path.name)

    def facts(self) -> dict[str, tuple[int, str]]:
        """Return size and SHA-256 of each file that was taken, by its name."""
        contents = {path.name: path.read_bytes() for path in self.inbox.iterdir()}
        return {n: (len(c), hashlib.sha256(c).hexdigest()) for n, c in contents.items()}

    def read(self) -> dict[str, bytes]:
        """Unwrap and decrypt all that was taken, by the sources' names; the inbox is empty then."""
        opened = self.folder / "opened"
        self.inbox.rename(opened)
        self.desk.partner.run("--multifile", "--decrypt", *opened.glob("*.pgp"))
        read = {path.name: self._decrypted(path) for path in sorted(opened.glob("*.csv"))}
        shutil.rmtree(opened)
        self.inbox.mkdir()
        return read

    def _decrypted(self, path: Path) -> bytes:
        plain = path.with_suffix(".plain.csv")
        piienc.decrypt_file(
            path,
            plain,
            schema=self.desk.project.folder / "schema.toml",
            keys=self.folder / "keys",
            state=self.folder / "state",
            threads=1,
        )
        return plain.read_bytes()
