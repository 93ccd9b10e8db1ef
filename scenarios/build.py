"""Builds the device of a variant: the board, and the firmware that a power-on starts on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import Controller, DeltaController
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.hwsim.board import Board, BoardSpec
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.parts import is_part_file
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.guest import load_class
from deltabench.scenarios.pairing import pairing_key
from deltabench.scenarios.rig import Rig, boot_limit
from deltabench.scenarios.scenario import Variant, scheme_key


def build_rig(variant: Variant) -> Rig:
    """The device of a variant, factory-fresh; raises ScenarioError if it cannot be built."""
    document, path = variant.scenario.document, variant.scenario.path
    try:
        board = Board(document.board, near=path.parent, seed=document.seed)
    except HardwareError as error:
        raise ScenarioError(f"{path}: {error}") from error
    if variant.firmware.remote is not None:
        board.otp_key = pairing_key(document.seed)
    try:
        make = controller_factory(variant, board)
        make().initialise()
    except (ConfigurationError, HardwareError) as error:
        raise ScenarioError(f"{path}: {_firmware_key(error)}{error} (variant {variant.name})") from error
    except ScenarioError:
        raise
    except Exception as error:
        if document.controller is None and variant.firmware.scheme in SCHEMES:
            raise
        # A guest may raise anything; without its initial structures there is nothing to explore.
        raise ScenarioError(
            f"{path}: the firmware of {variant.name} stopped while it was initialised: {type(error).__name__}: {error}"
        ) from error
    board.lose_power()
    firmware = variant.firmware
    return Rig(board, make, firmware.volume_sectors, document.power.boot_limit or boot_limit(board, firmware))


def _firmware_key(error: Exception) -> str:
    """What makes the setting that a message begins with a key of the file; nothing if it begins with none."""
    setting = re.match(r"\w+(?=[:. ])", str(error))
    known = isinstance(error, ConfigurationError) and setting and setting[0] in FirmwareConfig.__struct_fields__
    return "firmware." if known else ""


def controller_factory(variant: Variant, board: Board) -> Callable[[], Controller]:
    """What a power-on starts: our controller with the variant's scheme, or a controller of the user's own."""
    document, firmware, path = variant.scenario.document, variant.firmware, variant.scenario.path
    if document.controller is not None:
        guest = load_class("controller", document.controller, path)
        missing = [name for name in ("initialise", "boot", "execute", "tick") if not hasattr(guest, name)]
        if missing:
            raise ScenarioError(
                f"{path}: controller = {document.controller!r} is no Controller: it has no {', '.join(missing)}"
            )
        return lambda: cast(Controller, guest(board, firmware))
    scheme = SCHEMES.get(firmware.scheme)
    if scheme is None:
        key = scheme_key(variant.scenario, firmware.scheme)
        guest = load_class(key, firmware.scheme, path)
        if not issubclass(guest, MapScheme):
            raise ScenarioError(f"{path}: {key} = {firmware.scheme!r} is no subclass of MapScheme")
        scheme = guest
    return lambda: DeltaController(board, firmware, scheme)


def parts_named_from_anywhere(spec: BoardSpec, near: Path) -> BoardSpec:
    """The board with its part files named absolutely: a board file is relative to another folder than a scenario."""
    devices = {
        name: msgspec.structs.replace(device, part=str((near / device.part).resolve()))
        if is_part_file(device.part)
        else device
        for name, device in spec.devices.items()
    }
    return msgspec.structs.replace(spec, devices=devices)
