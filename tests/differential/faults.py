"""The faults that are planted: where each stands, and what it makes of the code."""

from __future__ import annotations

from typing import NamedTuple


class Patch(NamedTuple):
    """A change of a file below src; the old text stands there exactly once."""

    file: str
    old: str
    new: str

    @property
    def is_compiled(self) -> bool:
        """Whether it is one of the compiled core."""
        return self.file.startswith("core/")


class Fault(NamedTuple):
    """A planted fault.

    Attributes:
        name: what goes wrong.
        patch: where it is planted.
        unseen: why the run's own proof cannot see it; empty if it can.
    """

    name: str
    patch: Patch
    unseen: str = ""


FAULTS = (
    Fault(
        "a column is bound to the context of another",
        Patch(
            "piienc/transform/treatments/encrypt.py",
            "    mark = context.marks[place.name]\n",
            "    from msgspec.structs import replace\n"
            "    first = next(iter(context.marks.values()))\n"
            "    mark = replace(context.marks[place.name], context=first.context)\n",
        ),
        "it is told the same context",
    ),
    Fault(
        "records.py: the first column stays in clear",
        Patch(
            "piienc/core/native/records.py",
            "dict.fromkeys(first, _KEEP) | dict.fromkeys(changes, _WRITE)",
            "dict.fromkeys(changes, _WRITE) | dict.fromkeys(first, _KEEP)",
        ),
    ),
    Fault(
        "find: the CR of CRLF belongs to the last field",
        Patch(
            "core/src/find.rs",
            "self.ends.push((place - usize::from(cr)) as u32);",
            "self.ends.push(place as u32);",
        ),
    ),
    Fault(
        "find: at each 64 bytes it is forgotten that quotes are open",
        Patch(
            "core/src/find.rs",
            "let is_inside = 0u64.wrapping_sub(inside >> 63);",
            "let is_inside = 0;",
        ),
    ),
    Fault(
        "machine: a last row without a line end is lost",
        Patch("core/src/machine.rs", "            [] if self.last => Ok(Mark::End(0)),\n", ""),
    ),
    Fault(
        "column: the bits of validity are counted from the high end",
        Patch(
            "core/src/strings.rs",
            "self.validity[self.count / 8] |= 1 << (self.count % 8);",
            "self.validity[self.count / 8] |= 1 << (7 - self.count % 8);",
        ),
    ),
    Fault(
        "column: doubled quotes are not made single",
        Patch(
            "core/src/dialect.rs",
            "inner.iter().position(special)",
            "inner.iter().rposition(special)",
        ),
    ),
    Fault(
        "splice: a first column that goes leaves its delimiter",
        Patch(
            "core/src/splice.rs",
            "copied = end + delimiter - before;",
            "copied = end;",
        ),
    ),
    Fault(
        "quotes: the end of a column, up to 191 bytes, is not searched for what needs them",
        Patch("core/src/dialect.rs", "data.chunks(192)", "data.chunks_exact(192)"),
    ),
    Fault(
        "offsets: the last value of a column is not searched for what needs quotes",
        Patch(
            "core/src/strings.rs",
            "&self.data[self.at(0)..self.at(self.count)]",
            "&self.data[self.at(0)..self.at(self.count.saturating_sub(1))]",
        ),
    ),
    Fault(
        "quotes: an empty string is decrypted to null",
        Patch(
            "core/src/dialect.rs",
            "if special || self.is_null(value) || (alone",
            "if special || (alone",
        ),
    ),
    Fault(
        "base64: a character is lost before the padding",
        Patch("core/src/base64.rs", "last[(8 * left + 5) / 6..]", "last[8 * left / 6..]"),
    ),
    Fault(
        "SIV: a batch begins with the state that the one before has left",
        Patch("core/src/siv.rs", "                if round > 0 {\n", "                if true {\n"),
    ),
    Fault(
        "GCM: each batch has the IVs of the first one",
        Patch(
            "core/src/cells.rs",
            "&ivs[row * IV..][..IV]",
            "&ivs[(row - rows.start) * IV..][..IV]",
        ),
        "each cell opens; only side by side is it seen that an IV comes twice",
    ),
    Fault(
        "open: a later batch has the nulls of the first one",
        Patch(
            "core/src/cells.rs",
            "batch.iter().zip(&verdicts[rows])",
            "batch.iter().zip(&verdicts[..])",
        ),
    ),
    Fault(
        "memory.py: nulls that the core has made are empty strings",
        Patch(
            "piienc/core/native/memory.py",
            "self._validity.cut(memory.validity.size) if memory.nulls else None",
            "self._validity.cut(memory.validity.size) if memory.nulls > 1 else None",
        ),
    ),
    Fault(
        "source.py: off by one at a block's border: the first byte of each later block is lost",
        Patch(
            "piienc/tables/csv/source.py",
            "data[block.size :]\n            if len(unread)",
            "data[block.size + 1 :]\n            if len(unread)",
        ),
    ),
    Fault(
        "source.py: a record over a block's border becomes two",
        Patch(
            "piienc/tables/csv/source.py",
            "len(self.columns), final=ended)",
            "len(self.columns), final=True)",
        ),
    ),
    Fault(
        "arrays.py: a slice has the offsets of the array's beginning",
        Patch(
            "piienc/columns/arrays.py",
            "        memoryview(offsets)[at * width : (at + len(array) + 1) * width],\n",
            "        memoryview(offsets)[: (len(array) + 1) * width],\n",
        ),
    ),
    Fault(
        "arrays.py: the nulls of a slice are those of the rows before it",
        Patch(
            "piienc/columns/arrays.py",
            "    if array.null_count and array.offset % 8:\n",
            "    if array.null_count and array.offset % 8 > 7:\n",
        ),
    ),
    Fault(
        "line ends are translated where the encoding is not UTF-8, in values, too",
        Patch(
            "piienc/tables/csv/text.py",
            "            data = text.encode()\n",
            '            data = text.replace("\\r\\n", "\\n").encode()\n',
        ),
        "it begins behind the decoder",
    ),
    Fault(
        "text.py: values in another encoding are as long as their bytes in the file",
        Patch(
            "piienc/tables/csv/text.py",
            "accumulate(map(len, made), initial=0)",
            "accumulate(map(len, values), initial=0)",
        ),
    ),
    Fault(
        "table.py: the second column of a name stands before the first",
        Patch(
            "piienc/tables/table.py",
            "        made.append(new)\n",
            "        made.insert(made.index(name) if number else len(made), new)\n",
        ),
        "it is told the same names",
    ),
    Fault(
        "the first member of a compressed file is taken for all of it",
        Patch(
            "piienc/tables/streams.py",
            "        self._member, self._input = self._begin(), behind\n",
            "        self._member = None\n",
        ),
        "it begins behind the decompressor",
    ),
    Fault(
        "a dictionary is sorted before it is decoded",
        Patch(
            "piienc/columns/typed.py",
            "_written(array.dictionary_decode())",
            "_written(array.dictionary.sort().take(array.indices))",
        ),
    ),
)

# What takes piienc's own proof out, so that it does not find the faults before the fuzzer.
WITHOUT_PROOF = (
    Patch(
        "piienc/transform/run.py",
        "            self.proof.of_block(unit, written, table.format)\n",
        "",
    ),
    Patch("piienc/transform/run.py", "        self.proof.of_slice(batch, changed)\n", ""),
    Patch("piienc/transform/run.py", "    transform.proof.of_whole(source.extent, size)\n", ""),
)
