"""Cells sealed and opened: as Tink, OpenSSL and the published vectors have them."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piienc.base.secret import SecretBytes
from piienc.core import FOREIGN, MALFORMED, NULL, UNKNOWN, CellDecryptor, ColumnKey, Strings
from piienc.keys import Keyset, Mode, Prefix, Status
from piienc.keys.keyset import generate
from piienc.keys.tink import dump

FOLDER = Path(__file__).parents[1] / "vectors" / "v1"
CONTEXT = b"email"
TEXTS = [True, False]

cells = st.lists(st.none() | st.binary(max_size=70), max_size=8)


def key_of(key, mode, context=CONTEXT):
    """A key of a set, in a column."""
    return ColumnKey(mode, key.material, context, key.output_prefix)


def keys_of(keyset, context=CONTEXT):
    """All keys of a set that may be used."""
    return [
        key_of(key, keyset.mode, context) for key in keyset.keys if key.status is Status.ENABLED
    ]


def sealed(engine, keyset, values, *, text):
    """Cells under the primary key."""
    key = key_of(keyset.primary, keyset.mode)
    return engine.seal(Strings.of(values), key, text=text).to_list()


class Tink:
    """Google's implementation of both modes."""

    def __init__(self, keyset):
        import tink
        from tink import aead, daead, secret_key_access

        aead.register()
        daead.register()
        handle = tink.json_proto_keyset_format.parse(dump(keyset), secret_key_access.TOKEN)
        if keyset.mode is Mode.SEARCHABLE:
            primitive = handle.primitive(daead.DeterministicAead)
            self.encrypt = primitive.encrypt_deterministically
            self.decrypt = primitive.decrypt_deterministically
        else:
            primitive = handle.primitive(aead.Aead)
            self.encrypt, self.decrypt = primitive.encrypt, primitive.decrypt


@pytest.fixture(params=[(mode, prefix) for mode in Mode for prefix in Prefix], ids="-".join)
def keyset(request):
    """A new keyset of each kind."""
    return generate(*request.param)


@settings(max_examples=10)
@given(values=cells, text=st.booleans())
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("prefix", Prefix)
def test_sealed_cells_are_opened_by_tink_and_one_by_one(engine, mode, prefix, values, text):
    """And by the engine itself; null stays null."""
    keyset = generate(mode, prefix)
    stored = sealed(engine, keyset, values, text=text)
    single = CellDecryptor(keys_of(keyset))
    tink = Tink(keyset)
    for cell, value in zip(stored, values, strict=True):
        if cell is None or value is None:
            assert cell is value is None
            continue
        assert single.decrypt(cell, text=text) == value
        assert tink.decrypt(base64.b64decode(cell) if text else cell, CONTEXT) == value
    opened = engine.open(Strings.of(stored), keys_of(keyset), text=text)
    assert opened.cells.to_list() == values
    assert [*opened.verdicts] == [NULL if value is None else 0 for value in values]


@pytest.mark.parametrize("text", TEXTS)
def test_cells_of_tink_are_opened(engine, keyset, text):
    """As bytes, and as base64 of them."""
    values = [b"", b"a", b"b" * 16, b"c" * 1000]
    stored = [Tink(keyset).encrypt(value, CONTEXT) for value in values]
    stored = [base64.b64encode(cell) for cell in stored] if text else stored
    opened = engine.open(Strings.of(stored), keys_of(keyset), text=text)
    assert (opened.cells.to_list(), {*opened.verdicts}) == (values, {0})


def test_searchable_cells_are_equal_where_values_are_and_sealed_ones_never(engine, keyset):
    """That is what the modes are for."""
    first, second = sealed(engine, keyset, [b"same", b"same"], text=True)
    assert (first == second) == (keyset.mode is Mode.SEARCHABLE)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("mode", Mode)
def test_verdict_says_why_a_cell_was_not_opened(engine, mode, text):
    """By its form, by its prefix, and whether it is authentic."""
    mine, other = generate(mode), generate(mode)
    keys, least = keys_of(mine), 21 if mode is Mode.SEARCHABLE else 33
    [cell], [foreign] = (sealed(engine, each, [b"value"], text=False) for each in (mine, other))
    forged = bytes([*cell[:-1], cell[-1] ^ 1])
    prefix = mine.primary.output_prefix
    cases = [
        (cell, 0),
        (None, NULL),
        (forged, FOREIGN),
        (prefix.ljust(least, b"x"), FOREIGN),
        (prefix.ljust(least - 1, b"x"), MALFORMED),
        (foreign, UNKNOWN),
        (b"x" * least, UNKNOWN),
        (b"x" * (least - 1), MALFORMED),
        (b"", MALFORMED),
    ]
    stored = [raw if raw is None or not text else base64.b64encode(raw) for raw, _ in cases]
    opened = engine.open(Strings.of(stored), keys, text=text)
    assert [*opened.verdicts] == [verdict for _, verdict in cases]
    assert opened.cells.to_list() == [b"value", *[None] * (len(cases) - 1)]
    [other_context] = engine.open(
        Strings.of(stored[:1]), keys_of(mine, b"phone"), text=text
    ).verdicts
    assert other_context == FOREIGN


@pytest.mark.parametrize("mode", Mode)
def test_keys_without_a_prefix_are_tried_where_no_other_opens(engine, mode):
    """In any order; a cell of theirs may begin like one of another key by chance."""
    raw, old, new = generate(mode, Prefix.RAW), generate(mode), generate(mode)
    keys = [key_of(each.primary, mode) for each in (raw, old, new)]
    cells = [sealed(engine, each, [b"value"], text=True)[0] for each in (new, raw, old)]
    assert [*engine.open(Strings.of(cells), keys, text=True).verdicts] == [2, 0, 1]
    [cell] = sealed(engine, raw, [b"value"], text=False)
    # To an engine, a prefix may be any five bytes.
    posing = ColumnKey(mode, new.primary.material, CONTEXT, cell[:5])
    assert [*engine.open(Strings.of([cell]), [keys[0], posing], text=False).verdicts] == [0]
    stranger = sealed(engine, generate(mode), [b"value"], text=True)
    assert [*engine.open(Strings.of(stranger), keys, text=True).verdicts] == [UNKNOWN]


@pytest.mark.parametrize(
    ("spoiled", "verdict"),
    [
        (lambda text: text.rstrip(b"="), MALFORMED),
        (lambda text: text + b"=", MALFORMED),
        (lambda text: text + b"\n", MALFORMED),
        (lambda text: b" " + text, MALFORMED),
        (lambda text: text.replace(b"/", b"_").replace(b"+", b"-"), MALFORMED),
        (lambda text: text[:-2] + bytes([text[-2] + 1]) + b"=", MALFORMED),  # unused bits
        (lambda text: text[:-4] + b"=" + text[-3:], MALFORMED),
        (lambda text: text[:-1] + b"A", FOREIGN),  # one byte more
    ],
)
def test_only_the_canonical_base64_is_a_ciphertext(engine, spoiled, verdict):
    """Nobody may change a character of a cell unseen."""
    keyset = generate(Mode.SEARCHABLE)
    values = [b"%05d" % number for number in range(64)]  # 26 bytes: one "=" of padding
    stored = sealed(engine, keyset, values, text=True)
    changed = [each for cell in stored if (each := spoiled(cell)) != cell]
    assert len(changed) > 16
    assert {*engine.open(Strings.of(changed), keys_of(keyset), text=True).verdicts} == {verdict}


@given(st.lists(st.none() | st.binary(max_size=6)))
def test_rows_that_begin_so_are_found(engine, cells):
    """Null begins with nothing, and so does what is shorter."""
    begins = (b"\x00", b"ab", b"\xff\xfe\xfd")
    expected = [row for row, cell in enumerate(cells) if cell and cell.startswith(begins)]
    assert engine.beginning(Strings.of(cells), begins) == expected


@given(st.lists(st.none() | st.binary(max_size=6) | st.text(max_size=4).map(str.encode)))
def test_rows_that_are_not_text_are_found(engine, cells):
    """Each by itself: two halves of a letter in two cells are none."""

    def is_text(cell):
        try:
            return cell is None or cell.decode() is not None
        except UnicodeDecodeError:
            return False

    expected = [row for row, cell in enumerate(cells) if not is_text(cell)]
    assert engine.not_text(Strings.of(cells)) == expected


@given(st.lists(st.none() | st.binary(max_size=20)), st.data())
def test_base64_is_decoded_in_its_canonical_form_alone(engine, cells, data):
    """What any other text would mean is not guessed at."""
    stored = [cell if cell is None else base64.b64encode(cell) for cell in cells]
    assert engine.decoded(Strings.of(stored)).to_list() == cells
    for cell in filter(None, stored):
        place = data.draw(st.integers(0, len(cell) - 1))
        changed = cell[:place] + data.draw(st.binary(max_size=2)) + cell[place + 1 :]
        [decoded] = engine.decoded(Strings.of([changed])).to_list()
        assert decoded is None or base64.b64encode(decoded) == changed


def vectors(*names, outcome):
    """The vectors of some files, with one component of associated data."""
    for name in names:
        for vector in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["vectors"]:
            context = vector["ads"] if "ads" in vector else [vector["aad"]]
            if vector["outcome"] == outcome and len(context) == 1 and vector["keySize"] != 192:
                yield vector, bytes.fromhex(context[0])


FILES = ("wycheproof-aes-siv", "openssl-siv", "wycheproof-aes-gcm", "nist-gcm")
SIZES = {"searchable": 64, "sealed": 16}


def key_of_vector(vector, context):
    """A key without a prefix; None if no keyset takes one of its size."""
    mode = "searchable" if "ads" in vector else "sealed"
    material = bytes.fromhex(vector["key"])
    return ColumnKey(mode, SecretBytes(material), context) if len(material) >= SIZES[mode] else None


def test_published_vectors_are_opened_and_sealed_bit_for_bit(engine):
    """Those with a valid ciphertext; the IV of a sealed one is random, so only its way back."""
    count = 0
    for vector, context in vectors(*FILES, "spark", outcome="valid"):
        key = key_of_vector(vector, context)
        if key is None:
            continue
        plain, body, tag = (
            bytes.fromhex(vector[name]) for name in ("plaintext", "ciphertext", "tag")
        )
        cell = tag + body if "ads" in vector else bytes.fromhex(vector["iv"]) + body + tag
        for text in TEXTS:
            stored = base64.b64encode(cell) if text else cell
            opened = engine.open(Strings.of([stored]), [key], text=text)
            assert (opened.cells.to_list(), [*opened.verdicts]) == ([plain], [0]), vector["id"]
            if key.mode == "searchable":
                assert engine.seal(Strings.of([plain]), key, text=text).to_list() == [stored]
        count += 1
    assert count > 300


def test_published_vectors_that_are_forged_are_refused(engine):
    """And none is taken for another kind of fault."""
    count = 0
    for vector, context in vectors(*FILES, outcome="invalid"):
        key = key_of_vector(vector, context)
        if key is None:
            continue
        body, tag = (bytes.fromhex(vector[name]) for name in ("ciphertext", "tag"))
        cell = tag + body if "ads" in vector else bytes.fromhex(vector["iv"]) + body + tag
        opened = engine.open(Strings.of([cell]), [key], text=False)
        least = 16 if "ads" in vector else 28
        assert opened.cells.to_list() == [None]
        assert [*opened.verdicts] == [UNKNOWN if len(cell) >= least else MALFORMED], vector["id"]
        count += 1
    assert count > 200


def test_keys_of_a_keyset_fit(engine):
    """A status or a size changes nothing but which keys are given."""
    single = Keyset.single(Mode.SEALED, SecretBytes(b"abcdefghijklmnop"), Prefix.RAW)
    stored = [b"4A5jOAh9FNGwoMeuJukfllrLdHEZxA2DyuSQAWz77dfn", None]  # Spark's aes_encrypt
    opened = engine.open(Strings.of(stored), keys_of(single, b""), text=True)
    assert opened.cells.to_list() == [b"Spark", None]


def test_single_cell_of_no_key_or_of_no_base64_is_not_decrypted(keyset):
    cell = Tink(keyset).encrypt(b"a", CONTEXT)
    assert CellDecryptor(keys_of(keyset)).decrypt(cell) == b"a"
    assert CellDecryptor(keys_of(keyset)).decrypt(cell, text=True) is None
    assert CellDecryptor([]).decrypt(cell) is None
