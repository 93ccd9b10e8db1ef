"""References that are made from the code: keys of scenario and board files, the library, the messages of the link.

``python -m deltabench.scenarios.reference docs/scenarios.md docs/boards.md`` writes them anew, between a page's marks.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

import msgspec
from msgspec.inspect import (
    BoolType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from deltabench.firmware_model.config import FirmwareConfig, Placement
from deltabench.firmware_model.link import messages
from deltabench.hwsim.board import BoardSpec, DeviceSpec, SwitchSpec
from deltabench.hwsim.devboard.spec import DevBoardSpec, FixedPart, RegionSpec, SocketSpec
from deltabench.scenarios.boards.target import needs_fixture, needs_model
from deltabench.scenarios.scenario import (
    Document,
    Expect,
    Expected,
    Matrix,
    Mix,
    Power,
    Step,
    Time,
    find_scenario,
    library_names,
)

TABLES: Final[Mapping[str, type[msgspec.Struct]]] = MappingProxyType(
    {
        "The file itself": Document,
        "`[board]`": BoardSpec,
        "`[board.devices.NAME]`": DeviceSpec,
        "`[board.switches.NAME]`": SwitchSpec,
        "`[firmware]`": FirmwareConfig,
        "`[firmware.maps]`, `[firmware.volume_a]`, `[firmware.volume_b]`": Placement,
        "`[matrix]`": Matrix,
        "`[power]`": Power,
        "`[expect]`": Expect,
        "`[expect.exceptions.SCHEME]`": Expected,
        "`[time]`": Time,
        **{f"Step `{step.__struct_config__.tag}`": step for step in get_args(Step)},
        "`mix` of a step `random`": Mix,
    }
)
"""Every table of a scenario file: its heading in the reference, and the structure that it is read into."""


BOARD_TABLES: Final[Mapping[str, type[msgspec.Struct]]] = MappingProxyType(
    {
        "The board file itself": DevBoardSpec,
        "`[regions.firmware]`, `[regions.configuration]`": RegionSpec,
        "`[sockets.nor]`, `[sockets.nand]`, `[sockets.nvram]`, `[sockets.disk]`": SocketSpec,
        "`[parts.NAME]`": FixedPart,
    }
)
"""Likewise of a board file."""


def key_reference(tables: Mapping[str, type[msgspec.Struct]] = TABLES) -> str:
    """Every table of a file with what it means, and each key with what is allowed and its default."""
    sections = []
    for heading, table in tables.items():
        section = [f"### {heading}", "", explanation(table), ""]
        rows = [_row(field) for field in msgspec.structs.fields(table)]
        if rows:
            section += ["| key | allowed | default |", "| --- | --- | --- |", *rows, ""]
        sections.append("\n".join(section))
    return "\n".join(sections)


def library_table() -> str:
    """The scenarios of the library: name, title, what each covers."""
    lines = ["| scenario | what it is about | covers |", "| --- | --- | --- |"]
    for name in library_names():
        document = find_scenario(name).document
        lines.append(f"| `{name}` | {document.title} | {', '.join(document.covers)} |")
    return "\n".join(lines) + "\n"


def board_table() -> str:
    """Which scenarios of the library run on a board."""
    lines = ["| scenario | emulated board | real board with a switched supply |", "| --- | --- | --- |"]
    for name in library_names():
        variant = find_scenario(name).variants()[0]
        model, fixture = needs_model(variant), needs_fixture(variant)
        emulated = f"no: {model}" if model else "yes"
        real = emulated if model else f"no: {fixture}" if fixture else "yes"
        lines.append(f"| `{name}` | {emulated} | {real} |")
    return "\n".join(lines) + "\n"


def explanation(table: type[msgspec.Struct]) -> str:
    """What the code says of a table of a scenario file, as Markdown."""
    return re.sub(r"(?<=\S)  +", " ", inspect.getdoc(table) or "").replace("``", "`")


MARKS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "keys": key_reference,
        "library": library_table,
        "board keys": lambda: key_reference(BOARD_TABLES),
        "messages": messages.as_markdown,
        "library on boards": board_table,
    }
)
"""What stands between which marks of a page."""


def renewed(page: str) -> str:
    """``page`` with what stands between its marks made anew."""
    for mark, make in MARKS.items():
        begin, end = f"<!-- {mark}: made by deltabench.scenarios.reference -->\n", f"<!-- end of {mark} -->\n"
        head, found, rest = page.partition(begin)
        if found:
            _, _, tail = rest.partition(end)
            page = f"{head}{begin}\n{make()}\n{end}{tail}"
    return page


def _row(field: msgspec.structs.FieldInfo) -> str:
    allowed = _allowed(type_info(field.type))
    return f"| `{field.encode_name}` | {allowed} | {'(needed)' if field.required else _default(field)} |"


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if value is msgspec.NODEFAULT:
        assert field.default_factory is not msgspec.NODEFAULT, "a field that is not required has a default"
        value = field.default_factory()
    if value is None or value in ((), {}) or isinstance(value, msgspec.Struct):
        return ""
    return f"`{_toml(value)}`"


def _toml(value: object) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def _allowed(kind: Type) -> str:
    """What a key of this type may hold, in words."""
    match kind:
        case Metadata():
            return _allowed(kind.type)
        case BoolType():
            return "true or false"
        case IntType(ge=least, le=most):
            return "whole number" if least is None else f"{least} or more" if most is None else f"{least} to {most}"
        case FloatType(gt=above):
            return "number" if above is None else f"number above {above}"
        case StrType():
            return "text"
        case EnumType(cls=choices):
            return _choices([choice.value for choice in choices])
        case LiteralType(values=values):
            return _choices(values)
        case StructType():
            return "table"
        case TupleType(item_types=items):
            return f"list of {len(items)}: {_allowed(items[0])}"
        case VarTupleType(item_type=item):
            return f"list of {_plural(item)}"
        case DictType(value_type=value):
            return f"{_plural(value)} by name"
        case UnionType(types=members):
            return " or ".join(_allowed(member) for member in members if not isinstance(member, NoneType))
    raise TypeError(f"no words for {kind}")


def _plural(kind: Type) -> str:
    match kind:
        case StructType():
            return "tables"
        case UnionType(types=members) if all(isinstance(member, StructType) for member in members):
            return "steps"
        case IntType():
            return f"numbers ({_allowed(kind)})"
        case StrType():
            return "texts"
    return _allowed(kind)


def _choices(values: Any) -> str:
    return ", ".join(f"`{_toml(value)}`" for value in values)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        path = Path(argument)
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
