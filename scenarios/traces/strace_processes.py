"""Which file a descriptor of a process is, through open, dup, fork, clone, execve and close.

Only descriptors of mapped files are kept. Descriptors in one or more processes may share one open
file description, and with it the position in the file (open(2)); threads share all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from deltabench.scenarios.traces.strace_calls import ENDED, STARTED, Call
from deltabench.scenarios.traces.strace_files import MappedFile

_FORKS = ("clone", "clone3", "fork", "vfork")


@dataclass
class OpenFile:
    """An open file description: the file, how it was opened, and the byte where it stands."""

    file: MappedFile
    append: bool
    sync: bool
    position: int = 0


@dataclass
class _Table:
    """The descriptors of a process; `is_whole` unless it may have more, from an unknown parent."""

    is_whole: bool = False
    files: dict[int, OpenFile] = field(default_factory=dict)
    close_on_exec: set[int] = field(default_factory=set)

    def close(self, number: int) -> None:
        self.files.pop(number, None)
        self.close_on_exec.discard(number)


class Processes:
    """The descriptors of all processes of a trace."""

    def __init__(self) -> None:
        self._tables: dict[int, _Table] = {}
        self._inside: dict[int, str] = {}

    @property
    def a_call_is_unfinished(self) -> bool:
        """Whether some process began a call that has not returned yet."""
        return bool(self._inside)

    def follow(self, call: Call) -> None:
        """Take note of a call (also one that failed), so far as it begins or ends something."""
        table = self._table(call.pid)
        if call.name == STARTED:
            self._inside[call.pid] = call.arguments[0]
            return
        self._inside.pop(call.pid, None)
        if call.name == ENDED:
            del self._tables[call.pid]
        elif call.result < 0:
            return
        elif call.name in _FORKS and call.result not in self._tables:
            self._tables[call.result] = _child(table, ",".join(call.arguments))
        elif call.name in ("dup", "dup2", "dup3"):
            close_on_exec = call.name == "dup3" and "O_CLOEXEC" in call.text(2)
            self._duplicate(call, close_on_exec)
        elif call.name == "fcntl" and call.text(1).startswith("F_DUPFD"):
            self._duplicate(call, call.text(1) == "F_DUPFD_CLOEXEC")
        elif call.name == "close":
            table.close(call.number(0))
        elif call.name == "close_range":
            for number in [n for n in table.files if call.number(0) <= n <= call.number(1)]:
                table.close(number)
        elif call.name == "execve":
            for number in list(table.close_on_exec):
                table.close(number)

    def open(self, call: Call, opened: OpenFile | None, close_on_exec: bool) -> None:
        """Let the descriptor that `call` returned be `opened`, or no mapped file if None."""
        table = self._table(call.pid)
        table.close(call.result)
        if opened is not None:
            table.files[call.result] = opened
            if close_on_exec:
                table.close_on_exec.add(call.result)

    def find(self, call: Call, index: int) -> OpenFile | None:
        """Return what the descriptor in argument `index` is, None if it is no mapped file.

        Raises TraceError if it might be one: another process has it, and the trace does not say
        whether this process came from that one.
        """
        number = call.number(index, least=-1)
        table = self._table(call.pid)
        found = table.files.get(number)
        if found is None and not table.is_whole:
            for other in self._tables.values():
                if number in other.files:
                    raise call.line.error(
                        f"descriptor {number} may be {other.files[number].file.name}, but no line "
                        f"says where process {call.pid} has it from; record clone, clone3, fork "
                        "and vfork, too, and write the trace with -o"
                    )
        return found

    def _duplicate(self, call: Call, close_on_exec: bool) -> None:
        if call.result != call.number(0):
            self.open(call, self.find(call, 0), close_on_exec)

    def _table(self, pid: int) -> _Table:
        if pid not in self._tables:
            # A child may run, and be heard of, before the call that made it returns to the parent.
            parents = [p for p, start in self._inside.items() if start.split("(")[0] in _FORKS]
            if len(parents) == 1:
                parent = parents[0]
                self._tables[pid] = _child(self._tables[parent], self._inside[parent])
            else:
                self._tables[pid] = _Table(is_whole=not self._tables)
        return self._tables[pid]


def _child(parent: _Table, arguments: str) -> _Table:
    if "CLONE_FILES" in arguments:
        return parent
    return _Table(True, dict(parent.files), set(parent.close_on_exec))
