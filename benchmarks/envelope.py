"""wrap-file and unwrap-file against plain gpg with the same settings, on a file of 500 MB.

Once with an RSA key, and once with one of a curve. Both programs start with the same file in the
system's cache, nothing waiting to be written to the disk, and no agent running.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from processes import PIIENC, Job, peak, run, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 500_000_000
SMALL = 5_000_000
KINDS = ("rsa3072", "ed25519")


def time_envelope(plain: Path, work: Path, repeats: int) -> tuple[dict[str, list[float]], int]:
    """Time gpg and piienc side by side.

    Args:
        plain: some encrypted CSV, which is repeated until it is large enough.
        work: a folder to work in.
        repeats: how many runs are timed.

    Returns:
        The seconds of each run, by the program, what it did and the kind of key, and the size of
        the file in bytes. Runs at the same place in two lists are of the same round.
    """
    source = work / "large.csv"
    _repeat(plain, source, SIZE)
    taken = {}
    for kind in KINDS:
        keys = work / f"pgp-keys-{kind}"
        _make_key(keys, kind)
        # gpg's home has a path of its own: an agent's socket may not have a long one.
        with tempfile.TemporaryDirectory(prefix="gpg-") as home:
            _copy_key(keys, home)
            wrapped = work / f"wrapped-{kind}.pgp"
            run(_gpg(home, "-o", wrapped, "-r", "bench", "-e", source))
            found = side_by_side(_jobs(source, wrapped, keys, home, repeats)).wall
            _end_agent(home)
            wrapped.unlink()
        taken |= {f"{name}, {kind}": seconds for name, seconds in found.items()}
    return taken, source.stat().st_size


def measure_memory(plain: Path, work: Path) -> dict[str, dict[str, int]]:
    """Return the peak memory of wrapping and unwrapping, for a small and a large file, in bytes."""
    found, keys = {}, work / f"pgp-keys-{KINDS[0]}"
    for size in (SMALL, SIZE):
        source, wrapped, back = work / "m.csv", work / "m.pgp", work / "m.back"
        _repeat(plain, source, size)
        found[f"{size // 1_000_000} MB"] = {
            "wrap": peak(_piienc("wrap-file", source, wrapped, keys, "--recipient", "bench")),
            "unwrap": peak(_piienc("unwrap-file", wrapped, back, keys)),
        }
        for path in (source, wrapped, back):
            path.unlink()
    return found


def _jobs(source: Path, wrapped: Path, keys: Path, home: str, repeats: int) -> list[Job]:
    digest, out = _sha256(source), wrapped.with_name("out")

    def reads_back(path: Path) -> None:
        back = path.with_name("checked")
        run(_piienc("unwrap-file", path, back, keys))
        same(back)
        back.unlink()

    def same(path: Path) -> None:
        if _sha256(path) != digest:
            raise SystemExit(f"{path.name}: not the expected content: there is nothing to time")

    # piienc starts an agent in each run and ends it. So gpg shall not find one that runs already.
    def end() -> None:
        _end_agent(home)

    encrypt = _gpg(home, "-o", out, "-r", "bench", "-e", source)
    decrypt = _gpg(home, "-o", out, "-d", wrapped)
    wrap = _piienc("wrap-file", source, out, keys, "--recipient", "bench")
    return [
        Job("gpg wrap", encrypt, out, reads_back, repeats, end),
        Job("piienc wrap", wrap, out, reads_back, repeats),
        Job("gpg unwrap", decrypt, out, same, repeats, end),
        Job("piienc unwrap", _piienc("unwrap-file", wrapped, out, keys), out, same, repeats),
    ]


def _piienc(verb: str, source: Path, target: Path, keys: Path, *more: str) -> Sequence[str | Path]:
    where = ("--keys", keys, "--state", keys.parent / "state", "-q", "--no-input")
    return [PIIENC, verb, source, target, *more, *where]


def _gpg(home: str, *arguments: str | Path) -> Sequence[str | Path]:
    settings = ("--cipher-algo", "AES256", "--compress-algo", "none")
    return ["gpg", "--homedir", home, "--batch", "--trust-model", "always", *settings, *arguments]


def _make_key(keys: Path, kind: str) -> None:
    made = ("--email", "bench@example.com", "--no-passphrase", "--quiet", "--keys", keys)
    made += ("--state", keys.parent / "state")
    made += ("--algorithm", kind)
    run([PIIENC, "keys", "generate-pgp", "bench", *made])


def _copy_key(keys: Path, home: str) -> None:
    exported = Path(home, "secret.pgp")
    run(["gpg", "--homedir", keys / "gnupg", "--batch", "-o", exported, "--export-secret-keys"])
    run(["gpg", "--homedir", home, "--batch", "--import", exported])
    _end_agent(str(keys / "gnupg"))
    _end_agent(home)


def _end_agent(home: str) -> None:
    run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"])


def _repeat(plain: Path, target: Path, size: int) -> None:
    data = plain.read_bytes()
    with target.open("wb") as file:
        while file.tell() < size:
            file.write(data[: size - file.tell()])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
