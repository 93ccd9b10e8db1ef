"""Map schemes: ways of keeping VSM and DDM so that a save or restore is all or nothing."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.schemes.flagged import Flagged
from deltabench.firmware_model.schemes.history import History
from deltabench.firmware_model.schemes.plain import Plain
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.firmware_model.schemes.versioned import Versioned

SCHEMES: Final[dict[str, type[MapScheme]]] = {
    "plain": Plain,
    "flagged": Flagged,
    "versioned": Versioned,
    "history": History,
}
