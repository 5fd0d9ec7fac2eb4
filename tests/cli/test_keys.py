"""`piienc keys`: whole outputs, with key ids left out where they are random."""

import base64
import json
import re
import stat

import pytest

MATERIAL = bytes(range(64))
KEEP = "piienc: keep a copy in a safe place: without the key, its cells are lost\n"
PROPER = ["--no-passphrase", "--keys", "new"]


def _no_ids(text):
    return re.sub(r"\b\d{4,10}\b", "ID", text)


@pytest.mark.parametrize("mode", ["searchable", "sealed"])
@pytest.mark.parametrize("prefix", ["tink", "raw"])
def test_generate_makes_a_private_key_and_tells_where(project, mode, prefix):
    """The key is where the message says, for its owner alone, and of the mode that was asked."""
    ended = project.run("keys", "generate-aes", "k", "--mode", mode, "--prefix", prefix, *PROPER)
    told = f"piienc: {mode} key k, key id ID, is in new/aes/k.json\n"
    assert (ended.code, ended.out, _no_ids(ended.err)) == (0, "", told + KEEP)
    path = project.folder / "new" / "aes" / "k.json"
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    (key,) = json.loads(path.read_text())["key"]
    assert key["outputPrefixType"] == prefix.upper()


def test_generate_quiet_says_nothing_and_json_says_it_in_a_document(project):
    """A script gets the key's id without parsing a sentence."""
    quiet = project.run("keys", "generate-aes", "a", "--mode", "sealed", *PROPER, "--quiet")
    assert quiet.normal() == (0, "", "")
    ended = project.run("keys", "generate-aes", "b", "--mode", "sealed", *PROPER, "--json")
    assert (ended.code, ended.err) == (0, "")
    key_id = ended.document["key"]["primary_id"]
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "audit": project.mark(),
        "key": {
            "mode": "sealed",
            "primary_id": key_id,
            "keys": [{"key_id": key_id, "status": "ENABLED", "prefix": "TINK", "bits": 256}],
            "name": "b",
            "path": "new/aes/b.json",
        },
    }


def test_generate_over_a_key_that_is_there_is_refused(project):
    """A key is never overwritten, for its cells need it."""
    with project.unchanged():
        ended = project.run("keys", "generate-aes", "look", "--mode", "sealed", "--no-passphrase")
    assert ended.code == 12
    assert ended.err.startswith("piienc: error: there is a key look already: keys/aes/look.json\n")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a" * 65, "é"])
def test_generate_of_a_name_that_cannot_be_one_is_refused(project, name):
    """A name never leads out of the folder."""
    with project.unchanged():
        ended = project.run("keys", "generate-aes", name, "--mode", "sealed", "--no-passphrase")
    assert (ended.code, ended.out) == (2, "")


def _tink(project):
    return project.read("keys/aes/look.json")


@pytest.mark.parametrize("by_stdin", [False, True])
@pytest.mark.parametrize("form", ["raw", "hex", "HEX", "base64", "urlsafe", "wrapped", "tink"])
def test_import_of_every_form_gives_the_same_key(project, form, by_stdin):
    """Whatever form the customer's key has, its bytes are taken as they are."""
    text = base64.b64encode(MATERIAL)
    data = {
        "raw": MATERIAL,
        "hex": MATERIAL.hex().encode() + b"\n",
        "HEX": MATERIAL.hex().upper().encode(),
        "base64": text + b"\n",
        "urlsafe": base64.urlsafe_b64encode(MATERIAL).rstrip(b"="),
        "wrapped": b"\n".join(text[n : n + 20] for n in range(0, len(text), 20)),
        "tink": _tink(project),
    }[form]
    project.write("material", data)
    source, stdin = ("-", data) if by_stdin else ("material", b"")
    ended = project.run(
        "keys", "import-aes", "k", source, "--mode", "searchable", *PROPER, stdin=stdin
    )
    told = "piienc: searchable key k, key id ID, is in new/aes/k.json\n"
    assert (ended.code, ended.out, _no_ids(ended.err)) == (0, "", told + KEEP)
    kept = json.loads(project.read("new/aes/k.json"))["key"][0]
    assert base64.b64decode(kept["keyData"]["value"]).endswith(MATERIAL)
    if form == "tink":
        assert kept["keyId"] == 1111111111


@pytest.mark.parametrize(
    "data", [b"", b"short", b"k" * 64, b"\0" * 64, MATERIAL + b"x", b"{}", b"x" * (2 << 20)]
)
def test_import_of_what_is_no_key_is_refused_without_quoting_it(project, data):
    """Key material never stands in a message, right or wrong."""
    with project.unchanged():
        ended = project.run(
            "keys", "import-aes", "k", "-", "--mode", "searchable", "--no-passphrase", stdin=data
        )
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("piienc: error: ")
    assert "kkkk" not in ended.err


def test_import_of_a_keyset_of_the_other_mode_is_refused(project):
    """The mode is the key's own."""
    ended = project.run(
        "keys", "import-aes", "k", "keys/aes/look.json", "--mode", "sealed", *PROPER
    )
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: the Tink keyset is searchable, not sealed\n"
            "piienc: hint: import it with --mode searchable\n"
        ),
    )


def test_import_of_a_file_that_is_missing_is_refused(project):
    """The path is told."""
    ended = project.run("keys", "import-aes", "k", "none", "--mode", "sealed", *PROPER)
    assert ended.code == 4
    assert ended.err.startswith("piienc: error: cannot read none: No such file or directory\n")


def test_list_shows_names_modes_ids_and_how_they_are_kept(project):
    """A table for people; no passphrase is needed, and no secret shown."""
    project.keep("locked", b"x")
    for folder, kept in (("keys", "in clear"), ("locked", "passphrase")):
        ended = project.run("keys", "list", "--keys", folder, env={"COLUMNS": "120"})
        assert (ended.code, ended.err) == (0, "")
        lines = [
            re.split(r"\s{2,}", line.strip()) for line in ended.out.splitlines() if line.strip()
        ]
        assert lines[0] == [f"keys in {folder}"]
        heads = ["name", "mode", "key", "algorithm", "status", "expires", "can", "kept"]
        assert lines[1] == heads
        both = ["enabled", "never", "encrypt decrypt", kept]
        assert lines[3:] == [
            ["look", "searchable", "1111111111 (primary)", "AES-SIV, 512 bits", *both],
            ["seal", "sealed", "2222222222 (primary)", "AES-GCM, 256 bits", *both],
        ]


def test_list_in_a_pipe_shows_long_names_whole(project):
    """A name that is cut off cannot be used."""
    name = "n" * 64
    project.write(f"keys/aes/{name}.json", project.read("keys/aes/look.json")).chmod(0o600)
    out = project.run("keys", "list").out
    assert name in re.sub(r"\s", "", out) or name in out


def test_list_json_gives_all_facts(project):
    """The same for scripts."""
    ended = project.run("keys", "list", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.document == {
        "schema_version": 1,
        "ok": True,
        "keys": [
            {
                "name": name,
                "mode": mode,
                "primary_id": key_id,
                "keys": [{"key_id": key_id, "status": "ENABLED", "prefix": "TINK", "bits": bits}],
                "wrap": None,
                "wrapped": False,
            }
            for name, mode, key_id, bits in (
                ("look", "searchable", 1111111111, 512),
                ("seal", "sealed", 2222222222, 256),
            )
        ],
        "pgp_keys": [],
    }


def test_list_without_a_key_folder_is_refused(project):
    """There is nothing to list, which is said."""
    ended = project.run("keys", "list", "--keys", "none")
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: there is no key folder none\n"
            "piienc: hint: name it with --keys, or make a key: 'piienc keys generate-aes'\n"
        ),
    )


def test_export_without_reveal_secret_is_refused(project):
    """A key leaves in clear only if that is said in so many words."""
    with project.unchanged():
        ended = project.run("keys", "export", "look", "-o", "out.json")
    assert ended.normal() == (
        12,
        "",
        (
            "piienc: error: exporting look would show the key in clear\n"
            "piienc: hint: if you mean it, say --reveal-secret; 'piienc keys list' shows what is "
            "public\n"
        ),
    )


def test_export_to_standard_output_is_the_keyset(project):
    """Tink's JSON, which Tink and BigQuery read."""
    ended = project.run("keys", "export", "look", "--reveal-secret")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == json.loads(_tink(project))


def test_export_ends_with_one_line_break(project):
    """As text files do."""
    ended = project.run("keys", "export", "look", "--reveal-secret")
    assert ended.out.endswith("}\n")
    assert not ended.out.endswith("\n\n")


def test_export_to_a_file_is_private_and_never_overwrites(project):
    """The file is its owner's alone; --force replaces it."""
    export = ["keys", "export", "look", "--reveal-secret", "-o", "out.json"]
    ended = project.run(*export)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("piienc: searchable key look, key id 1111111111, is in out.json")
    path = project.folder / "out.json"
    assert json.loads(path.read_bytes()) == json.loads(_tink(project))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"mine")
    path.chmod(0o644)
    ended = project.run(*export)
    assert ended.normal() == (
        12,
        "",
        (
            "piienc: error: out.json is there already\n"
            "piienc: hint: choose another name, or say --force to replace it\n"
        ),
    )
    assert path.read_bytes() == b"mine"
    assert project.run(*export, "--force", "--quiet").normal() == (0, "", "")
    assert json.loads(path.read_bytes()) == json.loads(_tink(project))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_export_of_a_missing_key_names_the_nearest(project):
    """A slip of the finger is noticed."""
    ended = project.run("keys", "export", "lok", "--reveal-secret")
    assert ended.normal() == (
        5,
        "",
        (
            "piienc: error: there is no key lok: keys/aes/lok.json is missing\n"
            "piienc: hint: did you mean look?\n"
        ),
    )


@pytest.mark.parametrize(
    ("path", "mode", "cure"),
    [
        ("keys", 0o755, "chmod 0700 keys"),
        ("keys/aes", 0o750, "chmod 0700 keys/aes"),
        ("keys/aes/look.json", 0o640, "chmod 0600 keys/aes/look.json"),
    ],
)
def test_key_kept_carelessly_is_refused_with_the_cure(project, path, mode, cure):
    """Others may have read it already, so it is not used as if nothing were."""
    project.write("x.csv", "id,email,note\n1,e,n\n")
    (project.folder / path).chmod(mode)
    told = f"piienc: error: {path} has mode {mode:04o}: others than its owner may get at it\n"
    for command in (
        ("keys", "list"),
        ("keys", "export", "look", "--reveal-secret"),
        ("encrypt-file", "x.csv", "y.csv", "--schema", "schema.toml"),
    ):
        with project.unchanged():
            assert project.run(*command).normal() == (5, "", f"{told}piienc: hint: {cure}\n")


def test_keys_folder_is_said_by_flag_variable_or_file(project):
    """The flag goes before the variable, and that before piienc.toml."""
    for name in ("flag", "variable", "file"):
        project.keep(name)
    project.write("piienc.toml", '[keys]\ndir = "file"\n')
    assert "keys in ./file" in project.run("keys", "list").out.replace("in file", "in ./file")
    env = {"PIIENC_KEYS": "variable"}
    assert "keys in variable" in project.run("keys", "list", env=env).out
    assert "keys in flag" in project.run("keys", "list", "--keys", "flag", env=env).out
