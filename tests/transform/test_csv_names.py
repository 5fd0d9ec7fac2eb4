"""Columns that are called alike: nothing of a marked name passes in clear without being named."""

from __future__ import annotations

import pytest

from piienc.describe.inspect import inspect
from piienc.errors import InputError
from piienc.setup.infer.infer import infer
from piienc.storage import FileSource

C = "CANARY-4711"
MARKED = {"id": {"type": "string"}, "mail": {"type": "string", "encrypt": "look"}}
TWICE = f"id,mail,mail\n1,{C}a,{C}b\n"
SAID = "column 'mail' stands there more than once, .* is 'mail.1' to it"


@pytest.mark.parametrize("extra", ["error", "keep"])
@pytest.mark.parametrize("name", ["mail", '"mail"'])
def test_second_column_of_a_marked_name_is_refused_unless_the_schema_names_it(shop, extra, name):
    """It would pass in clear; the hint is put into the schema as it is."""
    shop.write("x.csv", TWICE.replace(",mail\n", f",{name}\n"))
    schema = shop.schema(MARKED, extra_columns=extra)
    with pytest.raises(InputError) as caught:
        shop.encrypt("x.csv", "y.csv", schema)
    assert '[columns."mail.1"]' in caught.value.hint
    for change in (shop.encrypt, shop.decrypt):
        with shop.refused(InputError, SAID):
            change("x.csv", "y.csv", schema)


@pytest.mark.parametrize("mark", [{}, {"encrypt": "seal"}, {"encrypt": "look", "context": "mail"}])
def test_second_column_is_treated_as_its_own_name_says(shop, mark):
    """And the header stays as it is."""
    schema = shop.schema({**MARKED, "mail.1": {"type": "string", **mark}})
    encrypted, back = shop.there_and_back(TWICE.encode(), schema)
    assert back == TWICE.encode()
    assert encrypted.startswith(b"id,mail,mail\n1,A")
    assert (f"{C}b".encode() in encrypted) == (not mark)
    assert f"{C}a".encode() not in encrypted
    receipt = shop.encrypt("plain.csv", "again.csv", schema)
    assert [*receipt.columns] == ["mail", "mail.1"][: 1 + bool(mark)]


def test_third_column_of_a_marked_name_is_refused_if_the_second_alone_is_named(shop):
    """Also where another column has the name that it would get."""
    schema = shop.schema(
        {**MARKED, "mail.1": {"type": "string", "encrypt": "look"}}, extra_columns="keep"
    )
    for header, third in (("mail,mail,mail", "mail.2"), ("mail,mail.1,mail", "mail.2")):
        shop.write("x.csv", f"id,{header}\n1,{C},{C},{C}\n")
        with shop.refused(InputError, f"more than once.* is '{third}' to it"):
            shop.encrypt("x.csv", "y.csv", schema)


def test_second_column_of_a_name_that_is_left_out_is_refused(shop):
    """Its other half would be delivered."""
    columns = {**MARKED, "note": {"type": "string"}}
    schema = shop.schema(columns, extra_columns="keep")
    shop.write("x.csv", f"id,mail,note,note\n1,a,{C},{C}\n")
    with shop.refused(InputError, "column 'note' stands there more than once"):
        shop.encrypt("x.csv", "y.csv", schema, treatments={"note": "omit"})
    shop.encrypt("x.csv", "y.csv", schema, treatments={"note": "omit", "note.1": "omit"})
    assert shop.read("y.csv").startswith(b"id,mail\n1,A")


def test_second_column_of_an_unmarked_name_is_kept_where_columns_may_be(shop):
    """As any other that the schema does not name; else it is refused."""
    data = "id,id,mail,x,x\n1,2,a,b,c\n"
    encrypted, back = shop.there_and_back(data.encode(), shop.schema(MARKED, extra_columns="keep"))
    assert back == data.encode()
    assert encrypted.startswith(b"id,id,mail,x,x\n1,2,A")
    assert encrypted.endswith(b",b,c\n")
    with shop.refused(InputError, "column 'id' stands there more than once"):
        shop.encrypt("plain.csv", "y.csv", shop.schema(MARKED))


def test_inspect_and_infer_tell_columns_of_one_name_apart(shop):
    """By the names that a schema has for them."""
    path = shop.write("x.csv", "id,mail,mail,\n1,ada@example.com,bob@example.com,\n")
    looked = inspect(FileSource(path), known=dict, keys=dict)
    assert [column.name for column in looked.columns] == ["id", "mail", "mail.1"]
    proposed = infer(path).schema.columns
    assert [column.name for column in proposed] == ["id", "mail", "mail.1"]


@pytest.mark.parametrize("rows", ["1,a,\n2,,\n", "1,a\n2,b,\n", ""])
@pytest.mark.parametrize("header", ["id,mail,", '"id","mail",'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_header_that_ends_in_a_delimiter_has_no_column_behind_it(shop, header, rows, end):
    """The file comes back as it was, and so does what is left of it without a column."""
    data = (header + "\n" + rows).replace("\n", end)
    encrypted, back = shop.there_and_back(data.encode(), shop.schema(MARKED))
    assert back == data.encode()
    assert encrypted.startswith((header + end).encode())
    schema = shop.schema({**MARKED, "more": {"type": "string"}})
    more = (header + "more,\n" + "".join(f"{row},x,\n" for row in ("1,a", "2,b"))).encode()
    shop.write("more.csv", more)
    shop.encrypt("more.csv", "less.csv", schema, treatments={"more": "omit"})
    assert shop.read("less.csv").startswith(f"{header}\n1,A".encode())
    assert b",x," not in shop.read("less.csv")


def test_index_of_pandas_is_kept_where_columns_may_be_behind_a_delimiter_or_not(shop):
    """It has no name; a column at the end that has none, and holds something, is refused."""
    schema = shop.schema(MARKED, extra_columns="keep")
    for data in ("", ""), (",", ","):
        text = f",id,mail{data[0]}\n7,1,a{data[1]}\n"
        encrypted, back = shop.there_and_back(text.encode(), schema, overwrite=True)
        assert back == text.encode()
        assert encrypted.startswith(f",id,mail{data[0]}\n7,1,A".encode())
    shop.write("x.csv", f"id,mail,\n1,a,{C}\n")
    with shop.refused(InputError, "line 2: 3 fields.*data behind the delimiter"):
        shop.encrypt("x.csv", "y.csv", schema)


def test_column_without_a_name_is_encrypted_in_its_context(shop):
    """As the index that pandas writes."""
    columns = {"": {"type": "string", "encrypt": "look", "context": "people.index"}, **MARKED}
    data = ",id,mail\nada,1,a\n,2,\n"
    encrypted, back = shop.there_and_back(data.encode(), shop.schema(columns))
    assert back == data.encode()
    assert b"ada" not in encrypted
    assert encrypted.startswith(b",id,mail\nA")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_with_an_index_that_the_header_does_not_name_are_refused(shop, end):
    """As R writes them, and pandas with index_label=False: an empty field ends each row."""
    text = f'"email","note"\n"1","{C}",\n"2","{C}",\n'.replace("\n", end)
    shop.write("x.csv", text)
    columns = {"email": {"type": "string", "encrypt": "look"}, "note": {"type": "string"}}
    with shop.refused(InputError, "line 2: 3 fields, where the header has 2: the line ends in a"):
        shop.encrypt("x.csv", "y.csv", shop.schema(columns))


@pytest.mark.parametrize(
    ("header", "marked"),
    [("name,name,name", "name.1"), ("name,name,name.1", "name.1"), ("name,name", "name.7")],
)
def test_column_of_a_name_that_is_marked_anywhere_does_not_pass(shop, header, marked):
    """Whichever of them is marked, and by whatever number."""
    columns = {name: {"type": "string"} for name in ("name", marked)}
    columns[marked] = {"type": "string", "encrypt": "look"}
    shop.write("x.csv", f"{header}\n{','.join([C] * len(header.split(',')))}\n")
    with shop.refused(InputError, "column 'name' stands there more than once"):
        shop.encrypt("x.csv", "y.csv", shop.schema(columns, extra_columns="keep"))


def test_column_is_not_left_out_where_a_later_one_would_take_its_name(shop):
    """What is left would be read by another name, and by another context, than it was written."""
    shop.write("x.csv", f"id,mail,mail\n1,{C},{C}\n")
    for names, is_refused in ((["mail"], True), (["mail.1"], False), (["mail", "mail.1"], False)):
        columns = {**MARKED, "mail.1": {"type": "string", "encrypt": "look"}}
        omitted = dict.fromkeys(names, "omit")
        if is_refused:
            with shop.refused(InputError, "column 'mail.1' would be 'mail' to whoever reads"):
                shop.encrypt("x.csv", "y.csv", shop.schema(columns), treatments=omitted)
        elif len(names) == 1:
            shop.encrypt("x.csv", "y.csv", shop.schema(columns), treatments=omitted)
            assert shop.read("y.csv").startswith(b"id,mail\n1,A")
