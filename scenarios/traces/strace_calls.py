"""strace's text output as a sequence of calls, each at the line where it returned.

Source: strace(1), DESCRIPTION and the options -f, -o, -s, -t, -T, -x and -y. A line is
`[pid] [time] name(arguments) = result …`. A call during which another process is heard of is
printed in two parts, `name(… <unfinished ...>` and `<... name resumed>…) = result`, put together
here. Signals and exits stand between `---` and `+++`. Strings are C literals, with -xx all `\\xHH`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from deltabench.scenarios.traces.text import Line

STARTED = "started"
"""Name of the pseudo-call that says that the one in `arguments` began and has not returned yet."""
ENDED = "ended"
"""Name of the pseudo-call that says that the process is no more."""

_DAY_US = 24 * 3600 * 1_000_000
_PREFIX = re.compile(
    r"(?:\[pid\s+(?P<listed>[0-9]{1,10})\]\s+|(?P<pid>[0-9]{1,10})\s+)?"
    r"(?:(?P<epoch>[0-9]{9,11}\.[0-9]{1,9})\s+"
    r"|(?P<h>[0-9]{2}):(?P<m>[0-9]{2}):(?P<s>[0-9]{2}(?:\.[0-9]{1,9})?)\s+)?",
    re.ASCII,
)
_CALL = re.compile(
    r"(?P<name>[a-z_][a-z0-9_]*)\((?P<arguments>.*)\)\s*="
    r"\s(?P<result>\?|-?[0-9]{1,19}|0x[0-9a-f]{1,16})(?:[\s<].*)?",
    re.ASCII,
)
_UNFINISHED = "<unfinished ...>"
_KILLED_INSIDE = re.compile(r"<unfinished \.\.\.>\)\s*= \?$")
_RESUMED = re.compile(r"<\.\.\. (?P<name>[a-z_][a-z0-9_]*) resumed>\s?(?P<rest>.*)", re.ASCII)
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"(?:\.\.\.)?'
_TOKEN = re.compile(rf"{_STRING}|<[^>]*>|[\[({{]|[\])}}]|,|[^\"<\[({{\])}},]+|.")
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ALL_HEX = re.compile(r"(?:\\x[0-9a-f]{2})*")
_PLAIN_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


class Call(NamedTuple):
    """One system call that returned: `result` is its return value, negative if it failed.

    `pid` is 0 if the trace names none. `time_us` is what the trace gives, 0 if it gives none.
    `arguments` are cut at their commas and otherwise as printed.
    """

    line: Line
    pid: int
    time_us: int
    name: str
    arguments: tuple[str, ...]
    result: int

    def text(self, index: int) -> str:
        """Return argument `index` as printed; raises TraceError if there is none."""
        if index >= len(self.arguments):
            raise self.line.error(f"expected at least {index + 1} arguments of {self.name}")
        return self.arguments[index]

    def number(self, index: int, least: int = 0) -> int:
        """Return argument `index`, an integer, perhaps with the path that -y adds in `<>`.

        Raises TraceError if it is something else, or below `least`.
        """
        match = re.match(r"-?[0-9]{1,19}(?=$|[<\s])", self.text(index), re.ASCII)
        if match is None or int(match[0]) < least:
            raise self.line.error(f"expected an integer from {least} as argument {index + 1} of {self.name}")
        return int(match[0])

    def data(self, index: int) -> bytes:
        """Return what the strings in argument `index`, a buffer or an array of iovec, hold.

        That is less than was transferred if strace cut a string short (its option -s).
        """
        argument = self.text(index)
        literals = [argument] if argument.startswith('"') else re.findall(rf"iov_base=({_STRING})", argument)
        content = b""
        for literal in literals:
            content += _unquote(literal)
            if literal.endswith("..."):
                break
        return content

    def path(self, index: int) -> str:
        """Return the file name in argument `index`; raises TraceError if it is not a string."""
        argument = self.text(index)
        if not re.fullmatch(_STRING, argument):
            raise self.line.error(f"expected a string as argument {index + 1} of {self.name}")
        return _unquote(argument).decode("utf-8", "surrogateescape")


def read_calls(lines: Iterable[Line]) -> Iterator[Call]:
    """Yield the calls of an strace trace, in the order in which they returned.

    A call in two parts also gives a pseudo-call STARTED where it began, and the end of a process
    gives a pseudo-call ENDED. Raises TraceError on a line that strace does not print.
    """
    unfinished: dict[int, str] = {}
    latest_us = day_us = 0
    for line in lines:
        prefix = _PREFIX.match(line.text)
        assert prefix is not None, "every part of the prefix is optional"
        pid = int(prefix["pid"] or prefix["listed"] or 0)
        time_us = day_us + _time_us(prefix)
        if time_us < latest_us - _DAY_US // 2:  # -t and -tt start anew at midnight
            day_us += _DAY_US
            time_us += _DAY_US
        latest_us = time_us
        body = line.text[prefix.end() :]
        if body.startswith("+++"):
            unfinished.pop(pid, None)
            yield Call(line, pid, time_us, ENDED, (), 0)
            continue
        if body.startswith(("---", "strace: ")):
            continue
        if _KILLED_INSIDE.search(body):
            continue
        if body.endswith(_UNFINISHED):
            unfinished[pid] = body.removesuffix(_UNFINISHED).rstrip()
            yield Call(line, pid, time_us, STARTED, (unfinished[pid],), 0)
            continue
        if resumed := _RESUMED.fullmatch(body):
            start = unfinished.pop(pid, "")
            if not start.startswith(resumed["name"] + "("):
                raise line.error(f"no unfinished {resumed['name']} of this process comes before")
            body = start + resumed["rest"]
        call = _CALL.fullmatch(body)
        if call is None:
            raise line.error("expected '[pid] [time] call(arguments) = result' as strace prints it")
        # A result of `?` is a call that was killed or restarted: strace does not know its effect.
        result = -1 if call["result"] == "?" else int(call["result"], 16 if "x" in call["result"] else 10)
        yield Call(line, pid, time_us, call["name"], _split(call["arguments"]), result)


def _time_us(prefix: re.Match[str]) -> int:
    if prefix["epoch"]:
        seconds, _, fraction = prefix["epoch"].partition(".")
        return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    if prefix["h"]:
        minutes = int(prefix["h"]) * 60 + int(prefix["m"])
        return minutes * 60_000_000 + round(float(prefix["s"]) * 1_000_000)
    return 0


def _split(text: str) -> tuple[str, ...]:
    arguments = [""]
    depth = 0
    for token in _TOKEN.findall(text):
        if token in ("[", "(", "{"):
            depth += 1
        elif token in ("]", ")", "}"):
            depth -= 1
        if token == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += token
    return tuple(argument.strip() for argument in arguments)


def _unquote(literal: str) -> bytes:
    content = literal.removesuffix("...")[1:-1]
    if _ALL_HEX.fullmatch(content):
        return bytes.fromhex(content.replace("\\x", ""))
    return _ESCAPE.sub(_unescape, content.encode())


def _unescape(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if escape[:1] == b"x" and len(escape) == 3:
        return bytes([int(escape[1:], 16)])
    if escape[:1].isdigit() and escape[:1] < b"8":
        return bytes([int(escape, 8) & 0xFF])
    return _PLAIN_ESCAPES.get(escape, escape)
