"""The treatments of a column.

`TREATMENTS` lists every kind; a column without a treatment is kept unchanged.

    treatment.py   what a treatment is
    keyed.py       what encryption and decryption have in common
    encrypt.py, decrypt.py, omit.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piienc.transform.treatments.decrypt import DECRYPT
from piienc.transform.treatments.encrypt import ENCRYPT
from piienc.transform.treatments.omit import OMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from piienc.transform.treatments.treatment import TreatmentKind

__all__ = ["TREATMENTS"]

TREATMENTS: Mapping[str, TreatmentKind] = {
    "encrypt": ENCRYPT,
    "decrypt": DECRYPT,
    "omit": OMIT,
}
"""By name."""
