"""The state of a device that an image is made of: factory-fresh, at a point of a scenario, or with given contents.

Whatever it is, the firmware model has written it; nothing is composed that the firmware itself could not leave.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from deltabench.firmware_model import commands
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import Controller, DeltaController
from deltabench.firmware_model.layout import Layout
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board, BoardSpec
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.build import build_rig, parts_named_from_anywhere
from deltabench.scenarios.crash_id import CrashId
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.units import shown_units
from deltabench.scenarios.oracle import Violation
from deltabench.scenarios.replay import left_by
from deltabench.scenarios.rig import Rig
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.session import Session

WRITE_SECTORS: Final = 4096
"""So many sectors a command carries at most, so that no host buffer needs to hold a volume."""


class Device(NamedTuple):
    """A board with power off, and the firmware that has been run on it; ``about`` is its state in words."""

    board: Board
    spec: BoardSpec
    layout: Layout
    firmware: FirmwareConfig
    about: str


class Contents(NamedTuple):
    """What the volume of a device is to hold.

    ``save_point`` and ``live``: bytes from its first sector on, the rest zeros; without ``live``, that is the save
    point.  ``on_b``: the units with their primary on B.  ``written``: those written since T0, if not just those in
    which the images differ.
    """

    save_point: bytes = b""
    live: bytes | None = None
    on_b: int = 0
    written: int | None = None


def factory_fresh(variant: Variant) -> Device:
    """The device as it leaves the factory; raises ScenarioError if it cannot be built."""
    _check_ours(variant)
    return _device(variant, build_rig(variant).board, f"{_name(variant)}, factory-fresh")


def after_actions(variant: Variant, count: int) -> Device:
    """The device after so many actions of its scenario, and what volatile caches held lost with the power.

    Raises ScenarioError if there are not so many, or if a rule is violated before.
    """
    _check_ours(variant)
    session = Session(variant)
    known = len(session.actions)
    if not 0 <= count <= known:
        raise ImageError(f"--at {count}: the scenario {variant.scenario.name} has {known} actions; choose 0 to {known}")
    session.listener = session.idle_listener = None
    session.actions = session.actions[:count]
    session.run()
    if session.violation is not None:
        rule, detail = session.violation.rule.value, session.violation.detail
        raise ImageError(f"--at {count}: {_name(variant)} does not come that far: {rule}: {detail}")
    board = session.rig.board
    board.lose_power()
    board.adversary.power_on(board.adversary.FIRST_POLICY)
    return _device(variant, board, f"{_name(variant)} after {count} of {known} actions")


def after_crash(variant: Variant, crash: CrashId) -> Device:
    """The device as the last cut of a crash leaves it, before any recovery; raises CrashIdError, ScenarioError."""
    _check_ours(variant)
    return _device(variant, left_by(variant, crash), f"as {crash} leaves it, before the recovery")


def with_contents(variant: Variant, given: Contents) -> Device:
    """A device that was used until it held ``given``; raises ImageError if no use of it leads there."""
    _check_ours(variant)
    firmware, rig = variant.firmware, build_rig(variant)
    size = firmware.sectors_per_unit * SECTOR_BYTES
    live = given.save_point if given.live is None else given.live
    for name, image in (("save-point", given.save_point), ("live", live)):
        if len(image) > firmware.units * size:
            raise ImageError(
                f"the {name} image of {len(image):,} bytes is larger than the volume of {_name(variant)}, "
                f"which has {firmware.units * size:,}"
            )
    saved, wanted = _by_unit(given.save_point, firmware), _by_unit(live, firmware)
    differing = sum(1 << unit for unit in range(firmware.units) if saved[unit] != wanted[unit])
    written = differing if given.written is None else given.written
    if differing & ~written:
        raise ImageError(
            f"--written: units {shown_units(differing & ~written)} differ between the live and the save-point image, "
            f"so they were written since the save point; add them"
        )
    try:
        _use(rig, saved, wanted, given.on_b, written)
    except Violation as violation:
        raise ImageError(f"{_name(variant)} does not take these contents: {violation.detail}") from violation
    rig.board.lose_power()
    return _device(variant, rig.board, f"{_name(variant)} with given contents")


def _use(rig: Rig, saved: list[bytes], wanted: list[bytes], on_b: int, written: int) -> None:
    """What a host does to a new device until it holds this.

    A unit that is new has its primary on A; to have other data there it must be written and saved twice.
    """
    controller = rig.power_on()
    on_a = {unit for unit, data in enumerate(saved) if any(data) and not on_b >> unit & 1}
    moved = {unit for unit in range(len(saved)) if on_b >> unit & 1}
    for units in (on_a, on_a | moved):
        if units:
            _write(rig, controller, {unit: saved[unit] for unit in units})
            rig.must(controller, commands.SAVE, "to make the save point")
    _write(rig, controller, {unit: data for unit, data in enumerate(wanted) if written >> unit & 1})
    rig.must(controller, commands.FLUSH, "to make the live image durable")
    assert isinstance(controller, DeltaController), "checked where the device is built"
    assert (controller.view.vsm, controller.view.ddm) == (on_b, written), "the firmware has moved each unit as asked"


def _write(rig: Rig, controller: Controller, units: dict[int, bytes]) -> None:
    """Write whole units, neighbours together."""
    run: list[bytes] = []
    for unit in sorted(units):
        data = units[unit]
        sectors = [data[at : at + SECTOR_BYTES] for at in range(0, len(data), SECTOR_BYTES)]
        run += sectors
        if unit + 1 not in units or len(run) + len(sectors) > WRITE_SECTORS:
            lba = (unit + 1) * len(sectors) - len(run)
            rig.must(controller, commands.write(lba, run), "to put the image on the volume")
            run = []


def _by_unit(image: bytes, firmware: FirmwareConfig) -> list[bytes]:
    size = firmware.sectors_per_unit * SECTOR_BYTES
    blank = bytes(size)
    pieces = (image[unit * size : (unit + 1) * size] for unit in range(firmware.units))
    return [piece.ljust(size, b"\0") if piece else blank for piece in pieces]


def _device(variant: Variant, board: Board, about: str) -> Device:
    document, near = variant.scenario.document, variant.scenario.path.parent
    layout = DeltaController(board, variant.firmware).layout
    return Device(board, parts_named_from_anywhere(document.board, near), layout, variant.firmware, about)


def _check_ours(variant: Variant) -> None:
    """A board runs our controller with our schemes, whose structures an image is made of; else raises ImageError."""
    path, document = variant.scenario.path, variant.scenario.document
    if document.controller is not None:
        raise ImageError(f"{path}: controller = {document.controller!r}: an image can be made of our controller only")
    if variant.firmware.scheme not in SCHEMES:
        scheme = variant.firmware.scheme
        raise ImageError(f"{path}: scheme {scheme!r}: an image can be made of {', '.join(SCHEMES)} only")


def _name(variant: Variant) -> str:
    return f"{variant.scenario.name}:{variant.name}"
