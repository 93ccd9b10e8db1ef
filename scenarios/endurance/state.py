"""What the endurance kernel works on: the shape of a device, and its state as flat arrays.

Contents are left out.  What is kept is what decides where the next write goes, and how often each unit, block and
sector was written so far; wear.py derives the wear of every cell from that.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.formats import CONTROL
from deltabench.firmware_model.schemes import versioned
from deltabench.firmware_model.schemes.bitmap import bitmap
from deltabench.firmware_model.schemes.history import history_window
from deltabench.scenarios.endurance.kernel import FLAGGED, HISTORY, PLAIN, TOTALS, VERSIONED

SCHEME_NUMBERS: Final = {"plain": PLAIN, "flagged": FLAGGED, "versioned": VERSIONED, "history": HISTORY}


class Shape(NamedTuple):
    """What is fixed.  ``blocks`` of ``units_per_block`` units hold the map entries, an atom each; in ``plain`` and
    ``flagged`` two, one for VSM and one for DDM.  The scrub comes to every block once in ``window`` versions.
    """

    scheme: int
    units: int
    sectors_per_unit: int
    blocks: int
    units_per_block: int
    window: int
    version_mask: int


class State(NamedTuple):
    """What changes.

    Of each unit: ``maps`` (IN_B: its primary is on volume B; WRITTEN: it was written since T0), its ``versions`` as the
    map store has it, ``joined``: first writes whose map entry was written along with that of the unit before it, and
    ``block_of``.  Of each unit on each side (at ``2 * unit + side``): first writes that a save has ``moved`` the unit
    by, and those that a restore has ``undone``.  Of each block: writes of its VSM atom (``switched``) and of its DDM
    atom or entry atom (``rewritten``) by saves, restores and the scrub, and the last save or restore that has ``seen``
    and rewritten it.  ``written``: the units written since T0, ``totals[DELTA]`` of them, in their order.
    ``overwrites``: for each sector of each side, how many more later writes since T0 cover it than the sector before.
    ``random``: one number.
    """

    maps: Any
    versions: Any
    joined: Any
    block_of: Any
    moved: Any
    undone: Any
    switched: Any
    rewritten: Any
    seen: Any
    written: Any
    overwrites: Any
    totals: Any
    random: Any


def shape_of(config: FirmwareConfig) -> Shape:
    """The shape of a device with this firmware; the figures are those of the schemes' own code."""
    units, bits = config.units, config.version_bits
    if config.scheme in ("plain", "flagged"):
        block_bytes = config.atom_bytes - (CONTROL.fixed_bytes if config.scheme == "flagged" else 0)
        per_block, window = bitmap(units, 0, block_bytes).units_per_block, 1
    else:
        per_block = versioned.units_per_block(config.atom_bytes, bits)
        window = history_window(config.atom_bytes, bits) if config.scheme == "history" else 1 << bits - 1
    return Shape(
        scheme=SCHEME_NUMBERS[config.scheme],
        units=units,
        sectors_per_unit=config.sectors_per_unit,
        blocks=-(-units // per_block),
        units_per_block=per_block,
        window=window,
        version_mask=(1 << bits) - 1,
    )


def new_state(shape: Shape, seed: int, *, compiled: bool) -> State:
    """The state of a device that comes from the factory and was powered on.

    Arrays for the compiled kernel; lists for pure Python, which is quicker with them.
    """
    units, blocks = shape.units, shape.blocks
    state = State(
        maps=np.zeros(units, np.uint8),
        versions=np.zeros(units, np.uint32),
        joined=np.zeros(units, np.int64),
        block_of=(np.arange(units) // shape.units_per_block).astype(np.int32),
        moved=np.zeros(2 * units, np.int64),
        undone=np.zeros(2 * units, np.int64),
        switched=np.zeros(blocks, np.int64),
        rewritten=np.zeros(blocks, np.int64),
        seen=np.zeros(blocks, np.int64),
        written=np.zeros(units, np.int32),
        overwrites=np.zeros(2 * (units * shape.sectors_per_unit + 1), np.int64),
        totals=np.zeros(TOTALS, np.int64),
        random=np.array([seed], np.uint64),
    )
    return state if compiled else State(*(array.tolist() for array in state))
