"""No error shows a value: canaries are planted in every cell that something is wrong with."""

import traceback
from base64 import b64decode, b64encode

import pyarrow as pa
import pytest
from msgspec.structs import replace

from piienc.columns import BadCells, ColumnCipher, from_cells, to_cells
from piienc.errors import PiiencError
from piienc.keys import Keyset, Mode, Prefix, Status, generate

CANARY = "canary-1951-4242"
TIMES = 40  # the canary in a long cell, so that some of it stands wherever it is cut
LABEL = 'column "email"'
modes = pytest.mark.parametrize("mode", Mode)
texts = pytest.mark.parametrize("text", [True, False], ids=["base64", "raw"])
canaries = pytest.mark.parametrize("canary", [CANARY, CANARY * TIMES], ids=["short", "long"])


def column(keyset, *, text, context="email"):
    return ColumnCipher(keyset, context, text=text, label=LABEL)


def error_of(work):
    """The error that a user would see, of either kind."""
    with pytest.raises((BadCells, PiiencError)) as caught:
        work()
    error = caught.value
    return [error, error.located(17)] if isinstance(error, BadCells) else [error]


def assert_silent(work, *secrets):
    """Message, hint, repr and traceback of the error show none of the secrets."""
    errors = error_of(work)
    shown = [
        form
        for error in errors
        for form in (str(error), repr(error), repr(error.args), getattr(error, "hint", ""))
    ]
    shown += [line for error in errors for line in traceback.format_exception(error)]
    assert LABEL in str(errors[-1])
    for secret in secrets:
        texts = {secret, *(secret[start : start + 12] for start in range(0, len(secret) - 11, 4))}
        raw = secret.encode()
        texts |= {raw.hex(), b64encode(raw).decode(), repr(raw)}
        for form in shown:
            assert not [text for text in texts if text in form]


def tampered(cell):
    raw = b64decode(cell) if isinstance(cell, str) else cell
    raw = raw[:-1] + bytes([raw[-1] ^ 1])
    return b64encode(raw).decode() if isinstance(cell, str) else raw


@modes
@texts
@canaries
def test_message_of_a_tampered_cell_shows_neither_value_nor_cell(mode, text, canary):
    """Plaintext and ciphertext both stay out of it."""
    cipher = column(generate(mode), text=text)
    [cell] = cipher.encrypt(pa.array([canary])).to_pylist()
    forged = tampered(cell)
    seen = forged if text else forged.hex()
    assert_silent(lambda: cipher.decrypt(pa.array([forged]), text=True), canary, seen)


@modes
@texts
@canaries
@pytest.mark.parametrize("prefix", Prefix)
def test_message_of_plain_text_in_place_of_a_cell_shows_none_of_it(mode, text, canary, prefix):
    """A column decrypted that never was encrypted holds personal data."""
    cipher = column(generate(mode, prefix), text=text)
    assert_silent(lambda: cipher.decrypt(pa.array([canary]), text=True), canary)


@modes
@texts
@canaries
@pytest.mark.parametrize("prefix", Prefix)
def test_message_of_a_cell_encrypted_already_shows_neither_value_nor_cell(
    mode, text, canary, prefix
):
    """Nor does it help that the refused cell is ciphertext, or looks like it."""
    cipher = column(generate(mode, prefix), text=text)
    once = cipher.encrypt(pa.array([canary]))
    [cell] = once.to_pylist()
    assert_silent(lambda: cipher.encrypt(once), canary, cell if text else cell.hex())


@modes
@texts
@canaries
def test_message_of_a_value_that_bears_a_prefix_shows_none_of_it(mode, text, canary):
    """A value taken for a cell by its first bytes may be in clear behind them."""
    keyset = generate(mode)
    raw = keyset.primary.output_prefix + canary.encode() * 3
    value = b64encode(raw).decode() if text else raw
    shown = value if text else canary
    assert_silent(lambda: column(keyset, text=text).encrypt(pa.array([value])), canary, shown)


@modes
@texts
@canaries
def test_message_of_a_cell_under_a_disabled_key_shows_neither_value_nor_cell(mode, text, canary):
    """The key's id is shown, the cell is not."""
    old, new = generate(mode), generate(mode)
    disabled = replace(old.primary, status=Status.DISABLED)
    cipher = column(Keyset(mode, new.primary_id, (disabled, new.primary)), text=text)
    cells = column(old, text=text).encrypt(pa.array([canary]))
    assert_silent(lambda: cipher.decrypt(cells, text=True), canary)


@modes
@texts
@canaries
def test_message_of_a_cell_that_is_no_text_shows_none_of_it(mode, text, canary):
    """What was decrypted, but is no UTF-8, is personal data as well."""
    cipher = column(generate(mode), text=text)
    cells = cipher.encrypt(pa.array([canary.encode() + b"\xff", b"\xff" + canary.encode()]))
    assert_silent(lambda: cipher.decrypt(cells, text=True), canary)


@modes
def test_message_of_a_wrong_context_shows_no_value(mode):
    """A column that was renamed says so by its rows alone."""
    keyset = generate(mode)
    cells = column(keyset, text=True, context="e-mail").encrypt(pa.array([CANARY] * 20))
    assert_silent(lambda: column(keyset, text=True).decrypt(cells, text=True), CANARY)


DIGITS = "19514242"
STORED = "4242"


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (pa.int8(), DIGITS),
        (pa.uint64(), "-" + DIGITS),
        (pa.int64(), DIGITS * 3),
        (pa.float64(), DIGITS + "x"),
        (pa.decimal128(5, 2), DIGITS),
        (pa.decimal128(5, 2), "1." + DIGITS),
        (pa.bool_(), DIGITS),
        (pa.date32(), DIGITS),
        (pa.date64(), "1951-42-42 " + DIGITS),
        (pa.timestamp("ms"), "1951-01-01T00:00:00." + DIGITS),
        (pa.timestamp("ns", "Asia/Kolkata"), DIGITS),
        (pa.time32("s"), DIGITS),
        (pa.duration("us"), DIGITS + "s"),
        (pa.dictionary(pa.int8(), pa.int8()), DIGITS),
    ],
    ids=str,
)
def test_message_of_a_cell_not_of_its_type_shows_none_of_it(kind, cell):
    """Arrow's own messages quote the value: they do not come through."""
    assert_silent(lambda: from_cells(pa.array([cell]), kind, LABEL), DIGITS, cell)


def test_message_of_bytes_of_a_wrong_length_shows_none_of_them():
    """The same where cells are bytes."""
    cells = pa.array([CANARY.encode()])
    assert_silent(lambda: from_cells(cells, pa.binary(4), LABEL), CANARY)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([4242_4242], pa.int32()).view(pa.date32()),
        pa.array([4242_4242_4242_4242], pa.int64()).view(pa.timestamp("s")),
        pa.array([4242_4242_4242_4242], pa.int64()).view(pa.timestamp("ms", "Europe/Berlin")),
        pa.array([["4242"]]),
        pa.array([{"field": "4242"}]),
        pa.array([4242_4242_4242], pa.int64()).view(pa.date64()),
    ],
    ids=lambda array: str(array.type),
)
def test_message_of_a_value_that_has_no_text_shows_none_of_it(array):
    """Neither the number that Arrow stores, nor the date that it stands for."""
    assert_silent(lambda: to_cells(array, LABEL), STORED)


@modes
def test_message_of_a_mixed_batch_names_only_rows_of_the_key_it_names(mode):
    """Of a row that is forged nobody says that its key is disabled."""
    old, new = generate(mode), generate(mode)
    disabled = replace(old.primary, status=Status.DISABLED)
    cipher = column(Keyset(mode, new.primary_id, (disabled, new.primary)), text=True)
    forged = tampered(column(new, text=True).encrypt(pa.array(["longer"]))[0].as_py())
    under_old = column(old, text=True).encrypt(pa.array(["x"]))[0].as_py()
    error = error_of(lambda: cipher.decrypt(pa.array([under_old, forged]), text=True))[-1]
    assert "DISABLED" not in str(error) or "row 17:" in str(error)
