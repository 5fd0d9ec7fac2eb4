"""A pass over a table in memory: batch by batch, or as a stream."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

from piienc.columns import BadCells
from piienc.report.receipt import TableReceipt
from piienc.tables import BatchUnit
from piienc.transform.pipeline import usable_cores
from piienc.transform.proof import Proof
from piienc.transform.run import Tally, UnitTransform, changed

if TYPE_CHECKING:
    from collections.abc import Generator

    import pyarrow as pa

    from piienc.tables.memory import MemoryTable
    from piienc.transform.passes import DecryptRequest, EncryptRequest


class MemoryPass:
    """A pass over a table in memory.

    Attributes:
        schema: the Arrow schema of what comes out, with the record of its encryption.
    """

    def __init__(self, table: MemoryTable, request: EncryptRequest | DecryptRequest) -> None:
        """Prepare it, and record the marks that it makes.

        Raises:
            PiiencError: of the class that tells what is wrong with the table, a key or a mark.
        """
        self._started = time.monotonic()
        self._table, self._tally, self._counting = table, Tally(), threading.Lock()
        self._pass = request.begin(table)
        self.schema: pa.Schema = self._pass.output(table).schema
        plan = self._pass.plan
        proof = Proof(table.name, table.columns, plan)
        self._transform = UnitTransform(plan, proof, self.schema)
        self._pass.record_marks()

    def apply(self, batch: pa.RecordBatch, first_row: int = 1) -> pa.RecordBatch:
        """Return a batch of the table's schema, changed; safe in several threads.

        Args:
            batch: the batch.
            first_row: the number of its first row in error messages.

        Raises:
            PiiencError: a cell cannot be changed; with its row.
        """
        try:
            unit = self._table.give(BatchUnit(batch), self._transform)
        except BadCells as bad:
            raise bad.located(first_row) from None
        with self._counting:
            self._tally.add(unit.tally)
        return unit.written.batch

    def batches(self, threads: int = 0) -> Generator[pa.RecordBatch]:
        """Yield the table's batches, changed, in order.

        Raises:
            PiiencError: a cell cannot be changed; with its row in the table, from 1.
        """
        threads = threads or usable_cores()
        units = changed(self._table, self._transform, self._tally, threads=threads)
        with closing(units):
            for unit in units:
                yield unit.batch

    def receipt(self, step: str) -> TableReceipt:
        """Return what was done so far."""
        seconds = round(time.monotonic() - self._started, 3)
        return TableReceipt(step, self._tally.rows, self._pass.columns(self._tally), seconds)
