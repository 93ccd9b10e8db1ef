"""Scenarios spelled out: one variant, each action a step of its own; and their text, to be kept as a file."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import tomli_w

from deltabench.firmware_model.commands import WRITES, Command, Opcode
from deltabench.hwsim.board import BoardSpec
from deltabench.hwsim.parts import is_part_file
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.scenario import By, Expect, Matrix, Power, Step, Variant
from deltabench.scenarios.workload import Action, Button, Crash, LastWrite, Press

ALWAYS: Final = ("scheme", "store", "units", "sectors_per_unit")
"""Settings of the firmware that a reader wants to see, even those that are the default."""


def step_of(action: Action) -> Step:
    """The step that gives just this action; what it writes is made up anew."""
    match action:
        case Command():
            return _host_step(action)
        case Press(hold_ms=hold_ms, command=command):
            return _order(command)(by=By.SWITCH, hold_ms=hold_ms)
        case Button(command=command):
            return _order(command)(by=By.REMOTE)
        case LastWrite(command=command):
            return steps.Write(lba=command.lba, count=command.count, refusable=True)
        case Crash(command=command, operations=operations, seed=seed):
            inside = _host_step(command)
            assert isinstance(inside, steps.Write | steps.Save | steps.Restore), "power is lost in no other"
            return steps.Crash(command=inside, operations=operations, seed=seed)
    return action


def _order(command: Command) -> type[steps.Save | steps.Restore]:
    return steps.Save if command.opcode == Opcode.SAVE else steps.Restore


def _host_step(command: Command) -> steps.Write | steps.Read | steps.Flush | steps.Save | steps.Restore:
    if command.opcode in WRITES:
        return steps.Write(lba=command.lba, count=command.count, fua=command.opcode == Opcode.WRITE_DMA_FUA_EXT)
    if command.opcode == Opcode.READ_DMA_EXT:
        return steps.Read(lba=command.lba, count=command.count)
    return steps.Flush() if command.opcode == Opcode.FLUSH_CACHE_EXT else _order(command)()


def spelled_out(variant: Variant, actions: Sequence[Action]) -> Variant:
    """``variant`` alone in a scenario that does just these ``actions``, and that must hold."""
    return changed(
        variant, matrix=Matrix(), firmware=variant.firmware, steps=tuple(map(step_of, actions)), covers=(),
        expect=Expect(), power=Power(boot_limit=variant.scenario.document.power.boot_limit),
    )  # fmt: skip


def changed(variant: Variant, **keys: Any) -> Variant:
    """``variant``, alone in its scenario, with other values for keys of the file."""
    replace = msgspec.structs.replace
    document = replace(variant.scenario.document, **keys)
    return Variant(replace(variant.scenario, document=document), document.firmware)


def moved(variant: Variant, path: Path) -> Variant:
    """As it is to be written to ``path``: part files are relative to the folder of the scenario."""
    near, far = variant.scenario.path.parent.resolve(), path.parent.resolve()
    board = variant.scenario.document.board
    if near != far:
        devices = {
            name: msgspec.structs.replace(device, part=os.path.relpath(near / device.part, far))
            if is_part_file(device.part)
            else device
            for name, device in board.devices.items()
        }
        board = msgspec.structs.replace(board, devices=devices)
    there = changed(variant, board=board)
    return Variant(msgspec.structs.replace(there.scenario, path=path, name=str(path)), there.firmware)


def to_toml(variant: Variant, about: Sequence[str]) -> str:
    """The text of a scenario file with one variant, ``about`` as lines of comment on top."""
    document = variant.scenario.document
    table = _plain(document)
    table["board"] = _plain(document.board) | {"devices": _plain(document.board.devices)}
    table["firmware"] = {
        name: _plain(getattr(document.firmware, name)) for name in ALWAYS
    } | _plain(document.firmware)  # fmt: skip
    order = ("title", "seed", "controller", "steps", "board", "firmware", "power", "time", "expect")
    text = tomli_w.dumps({key: table[key] for key in order if table.get(key) not in (None, {})})
    comment = "".join(f"# {line}".rstrip() + "\n" for line in about)
    return comment + text


def _plain(value: object) -> Any:
    """As tomli_w wants it; what is as by default is left out."""
    if isinstance(value, msgspec.Struct):
        table = {}
        tag = value.__struct_config__.tag
        if tag is not None:
            table[value.__struct_config__.tag_field or "type"] = tag
        for field in msgspec.structs.fields(value):
            held = getattr(value, field.name)
            default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            if held != default:
                table[field.encode_name] = _plain(held)
        return table
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, tuple):
        return [_plain(held) for held in value]
    return value


def without_device(board: BoardSpec, name: str) -> BoardSpec:
    """The board without one of its devices, switches or serial lines."""
    return msgspec.structs.replace(
        board,
        devices={known: device for known, device in board.devices.items() if known != name},
        switches={known: switch for known, switch in board.switches.items() if known != name},
        uarts=tuple(known for known in board.uarts if known != name),
    )
