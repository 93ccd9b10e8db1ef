"""Turns what msgspec says of an invalid document into a message for whoever wrote it: key, value, what is allowed."""

from __future__ import annotations

import difflib
import enum
import re
import types
import typing
from typing import Any

import msgspec


def explain(error: msgspec.ValidationError, table: object, document: type[msgspec.Struct]) -> str:
    """``key = value: what is wrong; what is allowed``, for a ``table`` that is no valid ``document``."""
    text = str(error)
    what, _, where = text.partition(" - at `")
    steps = re.findall(r"\.([\w-]+)|\[(\d+|\.\.\.)\]", where.rstrip("`"))
    keys = [key or index for key, index in steps]
    value, allowed = _follow(table, document, keys)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    missing = re.search(r"missing required field `([^`]+)`", what)
    here = _join(keys)
    if unknown:
        names = [field.encode_name for field in msgspec.structs.fields(allowed)] if _is_struct(allowed) else []
        close = difflib.get_close_matches(unknown[1], names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"unknown key {_join([*keys, unknown[1]])!r}{hint} Allowed here: {', '.join(names)}".replace("?;", "?")
    if missing:
        return f"key {_join([*keys, missing[1]])!r} is missing"
    choices = _choices(allowed)
    hint = f"; allowed: {', '.join(choices)}" if choices else ""
    return f"{here or 'the document'} = {value!r}: {what[0].lower()}{what[1:]}{hint}"


def _join(keys: list[str]) -> str:
    out = ""
    for key in keys:
        out += f"[{key}]" if key.isdigit() or key == "..." else f"{'.' if out else ''}{key}"
    return out


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _follow(value: Any, kind: Any, keys: list[str]) -> tuple[Any, Any]:
    """The value and the type at a path of keys, as far as both can be followed."""
    for key in keys:
        kind = _pick(kind, value)
        if isinstance(value, dict):
            value = value.get(key, value)
        elif isinstance(value, list) and key.isdigit():
            value = value[int(key)]
        if _is_struct(kind):
            kind = next((field.type for field in msgspec.structs.fields(kind) if field.encode_name == key), None)
        elif typing.get_origin(kind) not in (typing.Union, types.UnionType):  # of a union, the tag says which table
            arguments = [a for a in typing.get_args(kind) if a is not Ellipsis]
            kind = arguments[-1] if arguments else None
    return value, _pick(kind, value)


def _pick(kind: Any, value: Any) -> Any:
    """The member of a union that a value belongs to: by its tag, or the only one that is not None."""
    if typing.get_origin(kind) is typing.Annotated:
        return _pick(typing.get_args(kind)[0], value)
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    members = [member for member in typing.get_args(kind) if member is not type(None)]
    if isinstance(value, dict):
        for member in members:
            if _is_struct(member) and member.__struct_config__.tag == value.get("do"):
                return member
    return members[0] if len(members) == 1 else kind


def _choices(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [repr(member.value) for member in kind]
    if typing.get_origin(kind) is typing.Literal:
        return [repr(choice) for choice in typing.get_args(kind)]
    members = [member for member in typing.get_args(kind) if _is_struct(member)]
    return [repr(member.__struct_config__.tag) for member in members]
