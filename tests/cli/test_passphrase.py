"""Where a passphrase comes from, and what happens without one."""

import os
import sys

import pytest

DATA = "id,email,note\n1,e,n\n"
ENCRYPT = ["encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml", "--keys", "locked"]
ONE = '[columns.email]\ntype = "string"\nencrypt = "look"\n'
WAYS = "give --passphrase-file, --passphrase-fd or PIIENC_PASSPHRASE"


@pytest.fixture
def locked(project):
    """Give a project whose keys in `locked` need a passphrase."""
    project.keep("locked", b"open sesame")
    project.write("x.csv", DATA)
    project.write("one.toml", f'name = "one"\nversion = 1\nextra_columns = "keep"\n{ONE}')
    return project


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_passphrase_from_a_file_opens_the_keys(locked, end):
    """A line break at its end does not belong to it."""
    locked.write("pass", f"open sesame{end}")
    ended = locked.run(*ENCRYPT, "--passphrase-file", "pass")
    assert ended.normal() == (0, "", "piienc: encrypted email, note of 1 rows in T s: y.csv\n")


def test_passphrase_from_the_environment_opens_the_keys(locked):
    """The second choice, where there is no file."""
    assert locked.run(*ENCRYPT, env={"PIIENC_PASSPHRASE": "open sesame"}).code == 0


def _with_descriptor(locked, content, *arguments, pipe):
    """Run with an open descriptor that gives the content."""
    if pipe:
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
    else:
        reading = os.open(locked.write("pass", content), os.O_RDONLY)
    try:
        return locked.start(*arguments, "--passphrase-fd", reading, pass_fds=[reading])
    finally:
        os.close(reading)


@pytest.mark.parametrize("pipe", [False, True])
def test_passphrase_from_a_descriptor_opens_a_key(locked, pipe):
    """A pipe or an open file, as a secret store hands it out."""
    arguments = [*ENCRYPT[:4], "one.toml", *ENCRYPT[5:]]
    ended = _with_descriptor(locked, b"open sesame\n", *arguments, pipe=pipe)
    assert (ended.code, ended.err[:24]) == (0, "piienc: encrypted email ")


@pytest.mark.parametrize("pipe", [False, True])
def test_passphrase_from_a_descriptor_opens_several_keys(locked, pipe):
    """It is read once, and serves for all keys of the run."""
    ended = _with_descriptor(locked, b"open sesame\n", *ENCRYPT, pipe=pipe)
    assert ended.normal() == (0, "", "piienc: encrypted email, note of 1 rows in T s: y.csv\n")


@pytest.mark.parametrize("number", ["99", "-1"])
def test_passphrase_from_a_descriptor_that_is_not_open_is_refused(locked, number):
    """A number that leads nowhere is no passphrase, and no bug."""
    with locked.unchanged():
        ended = locked.start(*ENCRYPT, "--passphrase-fd", number)
    assert ended.code in {2, 5}


@pytest.mark.parametrize("more", [[], ["--no-input"]])
def test_passphrase_from_nowhere_is_a_clear_refusal(locked, more):
    """Where nobody can be asked, the ways to give it are named."""
    with locked.unchanged():
        ended = locked.run(*ENCRYPT, *more)
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: the key look is locked: locked/aes/look.json needs its passphrase\n"
            f"piienc: hint: {WAYS}\n"
        ),
    )


def test_passphrase_that_is_wrong_is_refused(locked):
    """It opens nothing, and is not told again."""
    with locked.unchanged():
        ended = locked.run(*ENCRYPT, env={"PIIENC_PASSPHRASE": "open barley"})
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: locked/aes/look.json: the passphrase does not open the wrapped keyset, "
            "or the file was changed\n"
            "piienc: hint: check the passphrase, also for a stray blank or line break\n"
        ),
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * (65 << 10)])
def test_passphrase_file_without_a_usable_one_is_refused(locked, content):
    """An empty file is a mistake in the script before."""
    locked.write("pass", content)
    with locked.unchanged():
        ended = locked.run(*ENCRYPT, "--passphrase-file", "pass")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("piienc: error: the passphrase from pass is ")


def test_passphrase_file_that_is_missing_is_refused(locked):
    """The path is told."""
    ended = locked.run(*ENCRYPT, "--passphrase-file", "none")
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: cannot read the passphrase from none: No such file or directory\n"
            "piienc: hint: check the path or the descriptor\n"
        ),
    )


@pytest.mark.parametrize(
    "both",
    [
        ["--no-passphrase", "--passphrase-file", "pass"],
        ["--no-passphrase", "--passphrase-fd", "0"],
        ["--passphrase-file", "pass", "--passphrase-fd", "0"],
    ],
)
def test_passphrase_options_that_contradict_are_refused(locked, both):
    """Which of the two was meant is not guessed."""
    locked.write("pass", "x")
    with locked.unchanged():
        ended = locked.run("keys", "generate-aes", "k", "--mode", "sealed", *both)
    assert (ended.code, ended.out) == (2, "")
    assert "contradict each other\n" in ended.err


@pytest.mark.parametrize("more", [[], ["--no-input"]])
def test_new_key_without_any_word_on_a_passphrase_is_refused(locked, more):
    """A key is never kept in clear by default."""
    with locked.unchanged():
        ended = locked.run("keys", "generate-aes", "k", "--mode", "sealed", *more)
    assert ended.normal() == (
        2,
        "",
        (
            "piienc: error: a new key needs a passphrase, and nobody can be asked\n"
            f"piienc: hint: {WAYS}, or say --no-passphrase\n"
        ),
    )


def test_new_key_under_a_passphrase_is_wrapped_and_opens_with_it(locked):
    """At full cost: what it was made with opens it, and its file shows no material."""
    locked.write("pass", "open sesame\n")
    made = locked.run("keys", "generate-aes", "k", "--mode", "sealed", "--passphrase-file", "pass")
    assert made.code == 0
    assert b'"argon2id"' in locked.read("keys/aes/k.json")
    export = ["keys", "export", "k", "--reveal-secret"]
    assert locked.run(*export, env={"PIIENC_PASSPHRASE": "open sesame"}).code == 0
    assert locked.run(*export).code == 5


TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "piienc", *sys.argv[1:]])
"""


def _at_terminal(project, arguments, answers):
    """Run at a terminal of its own; type each answer once its question is there."""
    import pty
    import select
    import subprocess

    master, slave = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, *arguments],
        cwd=project.folder,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen, begin = b"", 0

    def read():
        assert select.select([master], [], [], 30)[0], seen
        try:
            return os.read(master, 4096)
        except OSError:  # Linux: the other end is closed
            return b""

    for question, answer in answers:
        while question not in seen[begin:]:
            more = read()
            assert more, seen
            seen += more
        begin = len(seen)
        os.write(master, answer)
    while more := read():
        seen += more
    os.close(master)
    out = run.communicate(timeout=30)[0]
    return run.returncode, out, seen


def test_terminal_asks_for_the_passphrase_of_each_locked_key(locked):
    """The answer is not shown, and the file is encrypted."""
    answers = [(b"passphrase of the key look: ", b"open sesame\n")]
    answers += [(b"passphrase of the key seal: ", b"open sesame\n")]
    code, out, seen = _at_terminal(locked, ENCRYPT, answers)
    assert (code, out) == (0, b""), seen
    assert b"sesame" not in seen
    assert locked.read("y.csv").startswith(b"id,email,note\n1,A")


def test_terminal_with_the_wrong_answer_is_refused(locked):
    """As with any other source."""
    with locked.unchanged():
        answers = [(b"passphrase of the key look: ", b"open barley\n")]
        code, _, seen = _at_terminal(locked, ENCRYPT, answers)
    assert code == 5
    assert b"does not open" in seen
    assert b"barley" not in seen


def test_terminal_without_an_answer_is_no_bug(locked):
    """Control-D ends the question and the program."""
    with locked.unchanged():
        answers = [(b"passphrase of the key look: ", b"\x04")]
        code, _, seen = _at_terminal(locked, ENCRYPT, answers)
    assert code not in {0, 1}, seen
    assert b"bug" not in seen


def test_terminal_interrupted_at_the_question_exits_with_130(locked):
    """Control-C is an answer too."""
    with locked.unchanged():
        answers = [(b"passphrase of the key look: ", b"\x03")]
        code, _, seen = _at_terminal(locked, ENCRYPT, answers)
    assert code == 130, seen
    assert b"Traceback" not in seen


def test_terminal_asks_for_a_new_passphrase_twice(locked):
    """A slip of the finger would lock the key for ever."""
    new = ["keys", "generate-aes", "k", "--mode", "sealed", "--keys", "new"]
    first = (b"new passphrase for the key k: ", b"open sesame\n")
    code, _, seen = _at_terminal(locked, new, [first, (b"the same again: ", b"open barley\n")])
    assert code == 5, seen
    assert b"differ" in seen
    assert not (locked.folder / "new" / "aes").exists()
    code, _, seen = _at_terminal(locked, new, [first, (b"the same again: ", b"open sesame\n")])
    assert code == 0, seen
    assert b"argon2id" in locked.read("new/aes/k.json")


def test_terminal_with_no_input_is_never_asked(locked):
    """--no-input holds at a terminal too."""
    code, _, seen = _at_terminal(locked, [*ENCRYPT, "--no-input"], [])
    assert code == 5
    assert b"is locked" in seen
