"""Leave a column out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.transform.treatments.treatment import Treatment, TreatmentKind

if TYPE_CHECKING:
    from piienc.transform.place import ColumnPlace
    from piienc.transform.treatments.treatment import TreatmentContext


class Omission(Treatment):
    """The column is not written."""

    omits = True


def _prepare(_place: ColumnPlace, _context: TreatmentContext) -> Omission:
    return Omission()


OMIT = TreatmentKind(_prepare, hides=True)
