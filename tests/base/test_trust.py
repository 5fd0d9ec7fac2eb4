"""Files that decide what is done count only if nobody else can have written them."""

from __future__ import annotations

import contextlib
import ctypes
import grp
import os
import pwd
import shutil
import struct
import subprocess
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from piienc.base.files import new_file, open_input
from piienc.base.folders import new_folder
from piienc.base.trust import open_trusted, require_private, require_trusted
from piienc.errors import ConfigError, KeyAccessError, PiiencError, PolicyError

ME, STRANGER = 41_001, 41_002
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
pytestmark = as_root


@pytest.fixture
def place(monkeypatch):
    """Give a folder that everybody may enter, as a user of number ME, who has no name."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="trust-"))
    folder.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: ME)
    yield folder
    shutil.rmtree(folder)


def _make(place: Path, name: str, owner: int, mode: int, link: str | None = None) -> Path:
    """Make a file, a folder (`name/`) or a link, of an owner and a mode."""
    path = place / name
    if link is not None:
        path.symlink_to(link)
    elif name.endswith("/"):
        path.mkdir()
    else:
        path.write_text("x")
    os.chown(path, owner, owner, follow_symlinks=False)
    if link is None:
        path.chmod(mode)
    return path


# What is there (name, owner, mode, target of a link), what is asked for, what is said, what helps.
CASES = {
    "own file": ([("f", ME, 0o644)], "f", None, None),
    "root's file": ([("f", 0, 0o644)], "f", None, None),
    "stranger's file": ([("f", STRANGER, 0o644)], "f", "belongs to uid 41002", "export"),
    "stranger's private file": ([("f", STRANGER, 0o600)], "f", "belongs to uid 41002", "export"),
    "everybody writes": ([("f", ME, 0o646)], "f", "written to by everybody", "chmod go-w"),
    "a group writes": ([("f", ME, 0o664)], "f", "written to by its group", "chmod go-w"),
    "a group writes root's": ([("f", 0, 0o664)], "f", "written to by its group", "export"),
    "own in a stranger's folder": (
        [("d/", STRANGER, 0o755), ("d/f", ME, 0o644)],
        "d/f",
        "/d belongs to uid 41002",
        "export",
    ),
    "own in everybody's folder": (
        [("d/", ME, 0o777), ("d/f", ME, 0o644)],
        "d/f",
        "/d may be written to by everybody",
        "chmod go-w",
    ),
    "own in a group's folder": (
        [("d/", ME, 0o775), ("d/f", ME, 0o644)],
        "d/f",
        "/d may be written to by its group",
        "chmod go-w",
    ),
    "own in a sticky folder": ([("d/", 0, 0o1777), ("d/f", ME, 0o644)], "d/f", None, None),
    "stranger's in a sticky folder": (
        [("d/", 0, 0o1777), ("d/f", STRANGER, 0o644)],
        "d/f",
        "belongs to uid 41002",
        "planted",
    ),
    "below a stranger's in a sticky folder": (
        [("d/", 0, 0o1777), ("d/e/", STRANGER, 0o755), ("d/e/f", ME, 0o600)],
        "d/e/f",
        "/d/e belongs to uid 41002",
        "planted",
    ),
    "a stranger's sticky folder": (
        [("d/", STRANGER, 0o1777), ("d/f", ME, 0o644)],
        "d/f",
        "/d belongs to uid 41002",
        "planted",
    ),
    "the sticky folder itself": ([("d/", ME, 0o1777)], "d", "written to by everybody", "chmod"),
    "own link to own": ([("f", ME, 0o644), ("l", ME, 0, "f")], "l", None, None),
    "own link to a stranger's": (
        [("f", STRANGER, 0o644), ("l", ME, 0, "f")],
        "l",
        "/f belongs to uid 41002",
        "export",
    ),
    "stranger's link to own": (
        [("d/", 0, 0o1777), ("f", ME, 0o644), ("d/l", STRANGER, 0, "../f")],
        "d/l",
        "d/l belongs to uid 41002",
        "planted",
    ),
    "a link on the way": (
        [
            ("own/", ME, 0o755),
            ("own/f", ME, 0o644),
            ("d/", 0, 0o1777),
            ("d/l", STRANGER, 0, "../own"),
        ],
        "d/l/f",
        "/d/l belongs to uid 41002",
        "planted",
    ),
    "back through a link": (
        [
            ("theirs/", STRANGER, 0o755),
            ("theirs/in/", ME, 0o755),
            ("theirs/f", ME, 0o644),
            ("l", ME, 0, "theirs/in"),
        ],
        "l/../f",
        "/theirs belongs to uid 41002",
        "export",
    ),
}


def test_null_device_counts_though_everybody_writes_to_it():
    """As a configuration or as known_hosts, it stands for nothing."""
    require_trusted(Path(os.devnull))
    open_trusted(Path(os.devnull)).close()


@pytest.mark.parametrize("case", CASES)
def test_require_trusted_looks_at_each_name_on_the_way(place, case):
    """The table is what counts, and what does not: the reason and the remedy are told."""
    made, asked, reason, remedy = CASES[case]
    for each in made:
        _make(place, *each)
    if reason is None:
        require_trusted(place / asked)
        open_trusted(place / asked).close()
        return
    for refused in (require_trusted, require_private, open_trusted):
        with pytest.raises(PiiencError) as caught:
            refused(place / asked)
    assert isinstance(caught.value, PolicyError)
    assert f"{place / asked} " in str(caught.value)
    assert reason in str(caught.value)
    assert remedy in caught.value.hint


@pytest.mark.parametrize(
    "case", [case for case in CASES if CASES[case][3] not in {None, "planted"}]
)
def test_remedy_of_a_refusal_helps_when_it_is_typed(place, case, monkeypatch):
    """What the hint names first is a command; after it, the same file counts."""
    made, asked, _, _ = CASES[case]
    for each in made:
        _make(place, *each)
    with pytest.raises(PolicyError) as caught:
        require_trusted(place / asked)
    command = caught.value.hint.split("; or, ")[0].removeprefix("if you trust who may change it: ")
    script = f"{command}; printenv PIIENC_TRUST"
    done = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)
    monkeypatch.setenv("PIIENC_TRUST", done.stdout.strip())
    require_trusted(place / asked)


@pytest.mark.parametrize(
    ("owner", "mode", "said"),
    [
        (ME, 0o600, None),
        (ME, 0o400, None),
        (ME, 0o644, "0644"),
        (ME, 0o640, "0640"),
        (ME, 0o604, "0604"),
        (0, 0o440, None),  # as systemd and Kubernetes hand out secrets to a service
        (0, 0o444, "0444"),
    ],
)
def test_secrets_may_be_read_by_nobody_else(place, owner, mode, said):
    """A passphrase's file is held to what a key's is held to."""
    path = _make(place, "secret", owner, mode)
    for refused in (require_private, lambda path: open_trusted(path, secret=True).close()):
        if said is None:
            refused(path)
            continue
        with pytest.raises(KeyAccessError, match=said) as caught:
            refused(path)
        mine = f"chmod 0600 {path}"
        assert caught.value.hint == (
            mine if owner == ME else "have root set mode 0440 (Kubernetes: defaultMode)"
        )


@pytest.mark.parametrize(
    ("group", "primary", "others", "counts"),
    [
        (("ada", []), 41_001, 50, True),
        (("ada", ["ada"]), 41_001, 50, True),
        (("ada", ["eve"]), 41_001, 50, False),
        (("ada2", ["ada", "ada2"]), 41_001, 50, True),  # another name of the same user
        (("ada", []), 41_001, 41_001, False),
        (("staff", []), 41_001, 50, False),
        (("ada", []), 50, 50, False),
    ],
)
def test_own_group_may_write_where_it_is_the_users_alone(
    place, monkeypatch, group, primary, others, counts
):
    """Most systems give each user a group of the same name, and a umask of 002 to go with it."""
    user = SimpleNamespace(pw_name="ada", pw_uid=ME, pw_gid=primary)
    again = SimpleNamespace(pw_name="ada2", pw_uid=ME, pw_gid=primary)
    eve = SimpleNamespace(pw_name="eve", pw_uid=STRANGER, pw_gid=others)
    of = SimpleNamespace(gr_name=group[0], gr_mem=group[1])
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(pwd, "getpwall", lambda: [user, again, eve])
    monkeypatch.setattr(grp, "getgrgid", lambda _: of)
    path = _make(place, "f", ME, 0o664)
    if counts:
        require_trusted(path)
    else:
        with pytest.raises(PolicyError, match="its group"):
            require_trusted(path)


def test_file_with_a_list_of_others_who_may_write_is_refused(place, monkeypatch):
    """Behind such a list, the group's permissions are those of the list."""
    user = SimpleNamespace(pw_name="ada", pw_uid=ME, pw_gid=41_001)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(pwd, "getpwall", lambda: [user])
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="ada", gr_mem=[]))
    path = _make(place, "f", ME, 0o644)
    nobody = 0xFFFFFFFF
    entries = ((1, 6, nobody), (2, 6, STRANGER), (4, 4, nobody), (16, 6, nobody), (32, 4, nobody))
    packed = b"".join(struct.pack("<HHI", *entry) for entry in entries)  # linux/posix_acl_xattr.h
    try:
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + packed)
    except OSError as error:
        pytest.skip(f"no such lists here: {error}")
    with pytest.raises(PolicyError, match="its group") as caught:
        require_trusted(path)
    assert f"chmod go-w {path}" in str(caught.value.hint)
    path.chmod(0o644)
    require_trusted(path)


@pytest.mark.parametrize("way", ["variable", "second of the variable", "all", "settings"])
def test_folders_that_the_user_trusts_count(place, monkeypatch, way):
    """A container that runs as root over a mounted checkout is the common case."""
    _make(place, "mounted/", STRANGER, 0o775)
    path = _make(place, "mounted/f", STRANGER, 0o664)
    other = _make(place, "other", STRANGER, 0o644)
    said = {"variable": f"{path.parent}", "second of the variable": f"/nowhere:{path.parent}/"}
    if way == "settings":
        monkeypatch.setenv("HOME", str(place))
        _make(place, ".config/", ME, 0o755)
        _make(place, ".config/piienc/", ME, 0o755)
        own = _make(place, ".config/piienc/config.toml", ME, 0o644)
        own.write_text(f'trust = ["{path.parent}"]\n')
    else:
        monkeypatch.setenv("PIIENC_TRUST", said.get(way, "*"))
    require_trusted(path)
    if way == "all":
        require_trusted(other)
    else:
        with pytest.raises(PolicyError, match="other belongs to"):
            require_trusted(other)


def test_trust_does_not_open_secrets_to_others(place, monkeypatch):
    """To trust who may write does not mean that all may read."""
    path = _make(place, "secret", STRANGER, 0o644)
    monkeypatch.setenv("PIIENC_TRUST", "*")
    with pytest.raises(KeyAccessError, match="0644"):
        require_private(path)


def test_settings_of_a_stranger_make_nothing_trusted(place, monkeypatch):
    """Who could write the list of trusted folders could trust their own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    _make(place, "piienc/", ME, 0o755)
    own = _make(place, "piienc/config.toml", STRANGER, 0o644)
    own.write_text('trust = ["*"]\n')
    with pytest.raises(PolicyError):
        require_trusted(_make(place, "f", STRANGER, 0o644))


@pytest.mark.parametrize("content", ["trust = 1", "trust = [1]", "trust", 'more = "x"'])
def test_settings_with_a_mistake_are_refused(place, monkeypatch, content):
    """A list that is not understood is not passed over."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    _make(place, "piienc/", ME, 0o755)
    _make(place, "piienc/config.toml", ME, 0o644).write_text(content)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        require_trusted(_make(place, "f", STRANGER, 0o644))


def test_a_relative_folder_to_trust_is_refused(place, monkeypatch):
    """It would be another one in each folder."""
    monkeypatch.setenv("PIIENC_TRUST", ".")
    with pytest.raises(ConfigError, match="whole path"):
        require_trusted(_make(place, "f", STRANGER, 0o644))


def test_what_is_opened_is_what_was_looked_at(place, monkeypatch):
    """A file that is exchanged between the look and the opening is not read."""
    path = _make(place, "f", ME, 0o644)
    _make(place, "theirs", STRANGER, 0o644).write_text("planted")
    opens = os.open

    def exchange(name, *more, **named):
        if "/proc/self/fd/" in str(name):
            (place / "theirs").replace(path)
        return opens(name, *more, **named)

    monkeypatch.setattr(os, "open", exchange)
    with open_trusted(path) as file:
        assert file.read() == b"x"
    assert path.read_text() == "planted"


def test_descriptors_are_of_who_started_the_process(place):
    """A pipe of the shell, or what it has opened, is not looked for in the file system."""
    reading, writing = os.pipe()
    os.write(writing, b"secret")
    os.close(writing)
    for name in (f"/dev/fd/{reading}", f"/proc/self/fd/{reading}"):
        require_private(Path(name))
    with open_trusted(Path(f"/dev/fd/{reading}"), secret=True) as file:
        assert file.read() == b"secret"
    os.close(reading)
    theirs = _make(place, "theirs", STRANGER, 0o644)
    with theirs.open() as file:
        require_trusted(Path(f"/proc/self/fd/{file.fileno()}"))


# The owner of the folder, its mode, the owner of the link in it, and whether it is followed.
LINKS = [
    (0, 0o1777, STRANGER, False),
    (0, 0o1777, ME, True),
    (0, 0o1777, 0, True),
    (0, 0o777, STRANGER, False),
    (0, 0o755, STRANGER, True),
    (STRANGER, 0o1777, STRANGER, True),
    (STRANGER, 0o755, STRANGER, True),
    (ME, 0o1777, STRANGER, False),
]


@pytest.mark.parametrize(("owner", "mode", "of", "followed"), LINKS)
@pytest.mark.parametrize("as_folder", [False, True])
def test_links_of_strangers_are_followed_as_the_kernel_would(
    place, owner, mode, of, followed, as_folder
):
    """Also where `protected_symlinks` is off; the link may be the name itself, or on the way."""
    _make(place, "own/", ME, 0o700)
    target = _make(place, "own/f", ME, 0o600)
    _make(place, "all/", owner, mode)
    link = _make(place, "all/l", of, 0, "../own" if as_folder else "../own/f")
    path = link / "f" if as_folder else link
    outer = _make(place, "outer", ME, 0, str(path))
    for name in (path, outer):
        if followed:
            open_input(name).close()
            with new_file(name, overwrite=True) as file:
                file.write(b"new")
            assert target.read_bytes() == b"new"
            continue
        with pytest.raises(PolicyError, match="is a symbolic link of uid 41002"):
            open_input(name)
        with (
            pytest.raises(PolicyError, match="is a symbolic link of"),
            new_file(name, overwrite=True),
        ):
            pass
        with pytest.raises(PolicyError, match="is a symbolic link of"), new_folder(name):
            pass
        assert target.read_bytes() == b"x"


def test_a_dangling_link_of_a_stranger_makes_no_file(place):
    """Nothing appears where somebody else would have it."""
    _make(place, "own/", ME, 0o700)
    _make(place, "all/", 0, 0o1777)
    link = _make(place, "all/l", STRANGER, 0, "../own/new")
    with pytest.raises(PolicyError), new_file(link):
        pass
    assert list((place / "own").iterdir()) == []


def test_links_in_a_trusted_folder_are_followed(place, monkeypatch):
    """A checkout that everybody may write to is the common case."""
    _make(place, "all/", 0, 0o777)
    _make(place, "all/f", STRANGER, 0o644)
    link = _make(place, "all/l", STRANGER, 0, "f")
    monkeypatch.setenv("PIIENC_TRUST", str(place / "all"))
    open_input(link).close()


@contextlib.contextmanager
def _exchanging(one: Path, other: Path):
    """Have another thread exchange two names as fast as it can."""
    libc, ending = ctypes.CDLL(None), threading.Event()
    here, exchange = -100, 2  # renameat2(2)

    def run():
        while not ending.is_set():
            libc.renameat2(here, bytes(one), here, bytes(other), exchange)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def test_no_moment_is_left_between_the_look_and_the_use(place):
    """A stranger exchanges a folder for a link all the time: it is never followed."""
    _make(place, "own/", ME, 0o700)
    secret = _make(place, "own/f", ME, 0o600)
    secret.write_text("secret")
    _make(place, "all/", 0, 0o1777)
    folder = _make(place, "all/d/", STRANGER, 0o777)
    theirs = _make(place, "all/d/f", STRANGER, 0o666)
    theirs.write_text("theirs")
    link = _make(place, "all/l", STRANGER, 0, "../own")
    ends: Counter[str] = Counter()
    with _exchanging(folder, link):
        for _ in range(1500):
            try:
                with open_input(folder / "f") as file:
                    ends[file.read().decode()] += 1
                with new_file(folder / "f", overwrite=True) as new:
                    new.write(b"theirs")
            except PiiencError as error:
                ends[type(error).__name__] += 1
    assert secret.read_text() == "secret"
    assert ends.keys() <= {"theirs", "PolicyError", "InputError", "IncompleteError"}
    assert min(ends["theirs"], ends["PolicyError"]) > 0


def test_private_folder_that_was_open_is_to_be_looked_into(place):
    """What was put there meanwhile does not go by a chmod."""
    folder = _make(place, "keys/", ME, 0o777)
    with pytest.raises(KeyAccessError) as caught:
        require_private(folder)
    assert caught.value.hint.startswith(f"chmod 0700 {folder}; and look at what is in it")
    folder.chmod(0o755)
    with pytest.raises(KeyAccessError) as caught:
        require_private(folder)
    assert caught.value.hint == f"chmod 0700 {folder}"


def test_private_folder_of_a_stranger_is_told_as_that(place):
    """Nobody is told to change the mode of what is not his."""
    folder = _make(place, "keys/", STRANGER, 0o755)
    with pytest.raises(PolicyError, match="belongs to uid 41002"):
        require_private(folder)


def _typed(monkeypatch, paths, most=9):
    """Type each hint until all paths count, and return how often."""
    for times in range(most):
        try:
            for path in paths:
                require_trusted(path)
        except PolicyError as refused:
            command = refused.hint.removeprefix("if you trust who may change it: ")
            script = f"{command}; printenv PIIENC_TRUST"
            done = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)
            monkeypatch.setenv("PIIENC_TRUST", done.stdout.strip())
        else:
            return times
    raise AssertionError("the hints lead nowhere")


def test_remedies_for_several_folders_add_up(place, monkeypatch):
    """Each names what was trusted before, too."""
    for name in ("a/", "b/", "c/"):
        _make(place, name, STRANGER, 0o755)
        _make(place, f"{name}f", STRANGER, 0o644)
    assert _typed(monkeypatch, [place / name / "f" for name in "abc"]) == 3


def test_remedy_names_the_folder_of_the_project(place, monkeypatch):
    """And not each folder within it in turn."""
    for name in ("p/", "p/.piienc/", "p/keys/", "p/keys/aes/"):
        _make(place, name, STRANGER, 0o700)
    _make(place, "p/piienc.toml", STRANGER, 0o644)
    _make(place, "p/keys/aes/k", STRANGER, 0o600)
    paths = [place / "p" / name for name in (".piienc", "keys", "keys/aes/k", "piienc.toml")]
    assert _typed(monkeypatch, paths) == 1


def test_link_in_a_trusted_folder_may_lead_out_of_it(place, monkeypatch):
    """Where it leads to is judged by itself."""
    _make(place, "ck/", STRANGER, 0o755)
    _make(place, "secrets/", ME, 0o755)
    _make(place, "secrets/f", ME, 0o644)
    _make(place, "ck/l", STRANGER, 0, "../secrets")
    assert _typed(monkeypatch, [place / "ck" / "l" / "f"]) == 1
    (place / "secrets").chmod(0o777)
    with pytest.raises(PolicyError, match="secrets may be written to by everybody"):
        require_trusted(place / "ck" / "l" / "f")


def test_folder_above_a_trusted_one_counts_only_on_the_way_there(place, monkeypatch):
    """What its owner could put beside it is not trusted."""
    _make(place, "home/", STRANGER, 0o755)
    for name in ("home/ck/", "home/ck/deep/", "home/own/"):
        _make(place, name, ME, 0o755)
        _make(place, f"{name}f", ME, 0o644)
    monkeypatch.setenv("PIIENC_TRUST", str(place / "home" / "ck"))
    require_trusted(place / "home" / "ck" / "f")
    require_trusted(place / "home" / "ck" / "deep" / "f")
    with pytest.raises(PolicyError, match="home belongs to"):
        require_trusted(place / "home" / "own" / "f")


def test_home_that_nobody_has_is_no_bug(place, monkeypatch):
    """As a container has it that runs as a number without a name."""
    path = _make(place, "f", STRANGER, 0o644)
    monkeypatch.delenv("HOME", raising=False)

    def nobody(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(PolicyError, match="belongs to"):
        require_trusted(path)
    monkeypatch.setenv("PIIENC_TRUST", "~nobody-here/x")
    with pytest.raises(ConfigError, match="whole path"):
        require_trusted(path)
