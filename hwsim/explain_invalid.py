"""Turns what msgspec says of an invalid document into a message for whoever wrote it: key, value, what is allowed."""

from __future__ import annotations

import difflib
import enum
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

TOML_WORDS: Final = {"object": "a table", "array": "a list", "str": "text"}
"""What TOML, which has no null, calls the types that msgspec names as JSON does."""
JSON_WORDS: Final = {"object": "an object", "array": "a list", "str": "text"}
_MOST_SHOWN: Final = 200
"""So many characters of a value; a whole list or table would hide the message in which it stands."""


def explain(
    error: msgspec.ValidationError,
    table: object,
    document: type[msgspec.Struct],
    words: Mapping[str, str] = TOML_WORDS,
) -> str:
    """``key = value: what is wrong; what is allowed``, for a ``table`` that is no valid ``document``."""
    text = str(error)
    what, _, where = text.partition(" - at `")
    steps = re.findall(r"\.([\w-]+)|\[(\d+|\.\.\.)\]", where.rstrip("`"))
    value, allowed, keys = _follow(table, document, [key or index for key, index in steps])
    unknown = re.search(r"unknown field `([^`]+)`", what)
    missing = re.search(r"missing required field `([^`]+)`", what)
    here = _join(keys)
    if unknown:
        names = [field.encode_name for field in msgspec.structs.fields(allowed)] if _is_struct(allowed) else []
        return f"unknown key {_join([*keys, unknown[1]])!r}{meant(unknown[1], names)}; allowed here: {', '.join(names)}"
    if missing:
        return f"key {_join([*keys, missing[1]])!r} is missing"
    choices = _choices(allowed)
    hint = f"; allowed: {', '.join(choices)}" if choices else ""
    if words is TOML_WORDS:
        what = what.replace(" | null", "")
    for name, word in words.items():
        what = what.replace(f"`{name}`", word)
    shown = repr(value)
    if len(shown) > _MOST_SHOWN:
        shown = f"{shown[: _MOST_SHOWN - 1]}…"
    return f"{here or 'the document'} = {shown}: {what[0].lower()}{what[1:]}{hint}"


def meant(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` with the known name most like ``name``, or nothing if none is alike."""
    alike = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {alike[0]!r}?)" if alike else ""


def _join(keys: Sequence[str | int]) -> str:
    """The path as TOML has it; keys that are not bare are quoted."""
    out = ""
    for key in keys:
        if isinstance(key, int):
            out += f"[{key}]"
        else:
            out += f"{'.' if out else ''}{key if re.fullmatch(r'[A-Za-z0-9_-]+', key) else repr(key)}"
    return out


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _follow(value: Any, kind: Any, path: list[str]) -> tuple[Any, Any, list[str | int]]:
    """The value and the type at a path as msgspec gives it, and the path with the keys for which it says ``...``."""
    keys: list[str | int] = []
    for step in path:
        kind = _pick(kind, value)
        if _is_struct(kind):
            kind = next((field.type for field in msgspec.structs.fields(kind) if field.encode_name == step), None)
        elif typing.get_origin(kind) not in (typing.Union, types.UnionType):  # of a union, the tag says which table
            arguments = [a for a in typing.get_args(kind) if a is not Ellipsis]
            kind = arguments[-1] if arguments else None
        key: str | int = step
        if isinstance(value, list):
            key = int(step)
            value = value[key]
        elif isinstance(value, dict):
            key = next((name for name in value if _fails(value[name], kind)), step) if step == "..." else step
            value = value.get(key)
        keys.append(key)
    return value, _pick(kind, value), keys


def _fails(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return True
    return False


def _pick(kind: Any, value: Any) -> Any:
    """The member of a union that a value belongs to: by its tag, or the only one that is not None."""
    if typing.get_origin(kind) is typing.Annotated:
        return _pick(typing.get_args(kind)[0], value)
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    members = [member for member in typing.get_args(kind) if member is not type(None)]
    if isinstance(value, dict):
        for member in members:
            if _is_struct(member) and member.__struct_config__.tag == value.get(member.__struct_config__.tag_field):
                return member
    return members[0] if len(members) == 1 else kind


def _choices(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [repr(member.value) for member in kind]
    if typing.get_origin(kind) is typing.Literal:
        return [repr(choice) for choice in typing.get_args(kind)]
    members = [m for m in typing.get_args(kind) if _is_struct(m) and m.__struct_config__.tag is not None]
    return [repr(member.__struct_config__.tag) for member in members]
