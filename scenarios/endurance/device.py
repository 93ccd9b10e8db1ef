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
from deltabench.hwsim.meter import Meter
from deltabench.scenarios.build import build_rig
from deltabench.scenarios.endurance.flash import Layer, mounted
from deltabench.scenarios.endurance.state import SCHEME_NUMBERS, Shape, shape_of
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.flash_use import FlashUse
from deltabench.scenarios.rig import Rig
from deltabench.scenarios.scenario import Scenario, Variant


class Device(NamedTuple):
    """``atoms``: how many the map store has.  ``layers``: of its NAND flash.

    ``recoveries``: 1 if its first boot wrote.
    """

    board: Board
    config: FirmwareConfig
    layout: Layout
    atoms: int
    shape: Shape
    layers: tuple[Layer, ...] = ()
    recoveries: int = 0


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
    for name, spec in variant.scenario.document.board.devices.items():
        if spec.cycles is not None or spec.failing:
            key = "failing" if spec.failing else "cycles"
            raise ScenarioError(
                f"{path}: board.devices.{name}.{key}: in an endurance run no block fails and no bit flips; "
                "leave it out, or run `deltabench measure`, which has both"
            )
    rig = build_rig(variant)
    controller = rig.make()
    assert isinstance(controller, DeltaController), "any other firmware was refused above"
    atoms = atom_count(SCHEMES[config.scheme], config)
    device = Device(rig.board, config, controller.layout, atoms, shape_of(config))
    return _booted(device, rig, variant) if controller.flash else device


def _booted(device: Device, rig: Rig, variant: Variant) -> Device:
    """A device with NAND flash, whose first boot writes: what the factory has left in the log is made firm."""
    settings = variant.scenario.document.time
    use = FlashUse(rig.board, device.layout)
    meter = Meter(rig.board, settings.media, settings.core_hz, {}, use)
    meter.attach()
    controller = rig.power_on()
    meter.detach()
    assert isinstance(controller, DeltaController), "as it was at the factory"
    layers = []
    for layer in controller.flash:
        erased, programmed = (wear.counts for wear in meter.gauges[layer.name].wear)
        booted = use.use_of(layer.name)
        layers.append(mounted(layer, device.config.checkpoint_blocks, erased, programmed, booted))
    return device._replace(layers=tuple(layers), recoveries=int(meter.change_count > 0))


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
