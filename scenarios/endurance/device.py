"""The device that an endurance run is about: a variant's board, and where the firmware keeps what on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from deltabench.firmware_model.config import CacheMode, FirmwareConfig, StoreKind
from deltabench.firmware_model.controller import DeltaController, atom_count
from deltabench.firmware_model.layout import Layout
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board
from deltabench.scenarios.build import build_rig
from deltabench.scenarios.endurance.state import SCHEME_NUMBERS, Shape, shape_of
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Scenario, Variant


class Device(NamedTuple):
    """``atoms``: how many the map store has."""

    board: Board
    config: FirmwareConfig
    layout: Layout
    atoms: int
    shape: Shape


def device_of(variant: Variant) -> Device:
    """Build the device; raises ScenarioError if it cannot be built, or if the kernel does not know its firmware."""
    path, config = variant.scenario.path, variant.firmware
    if variant.scenario.document.controller is not None or config.scheme not in SCHEME_NUMBERS:
        raise ScenarioError(
            f"{path}: {variant.name} has a firmware of your own, and an endurance run knows only deltabench's schemes: "
            f"{', '.join(SCHEME_NUMBERS)}; `deltabench measure` runs every firmware"
        )
    if config.cache is not CacheMode.WRITE_THROUGH:
        raise ScenarioError(
            f"{path}: firmware.cache = {config.cache.value!r}: an endurance run counts each write when it is given; "
            f"allowed: {CacheMode.WRITE_THROUGH.value!r}; `deltabench measure` runs both"
        )
    rig = build_rig(variant)
    controller = rig.make()
    assert isinstance(controller, DeltaController), "any other firmware was refused above"
    atoms = atom_count(SCHEMES[config.scheme], config)
    return Device(rig.board, config, controller.layout, atoms, shape_of(config))


def refitted(
    scenario: Scenario,
    schemes: Sequence[str] = (),
    stores: Sequence[StoreKind] = (),
    units: int | None = None,
    sectors_per_unit: int | None = None,
) -> Scenario:
    """The scenario's board with other schemes, stores or sizes; where a size is given, disks have all their sectors."""
    replace = msgspec.structs.replace
    document = scenario.document
    board, firmware, matrix = document.board, document.firmware, document.matrix
    if schemes or stores:
        matrix = replace(matrix, scheme=tuple(schemes) or matrix.scheme, store=tuple(stores) or matrix.store)
    if units:
        firmware, matrix = replace(firmware, units=units), replace(matrix, units=())
    if sectors_per_unit:
        firmware, matrix = replace(firmware, sectors_per_unit=sectors_per_unit), replace(matrix, sectors_per_unit=())
    if units or sectors_per_unit:
        board = replace(board, devices={name: replace(spec, sectors=None) for name, spec in board.devices.items()})
    return replace(scenario, document=replace(document, board=board, firmware=firmware, matrix=matrix))
