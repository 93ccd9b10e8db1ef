"""What a program did to some of its files, from strace's output, as requests on one volume.

Record with `-f -o FILE -xx -s 1048576 -ttt -e trace=…` (docs/traces.md has the whole line). Each
file named in `files` has its own place on the volume; what the program does to others is left out.
A call counts at the line where it returned, with as many bytes as it says it transferred:

- write, pwrite64, writev, pwritev, pwritev2 write; on O_SYNC or O_DSYNC, or with RWF_DSYNC, as FUA;
- read, pread64, readv, preadv, preadv2 read;
- fsync, fdatasync, syncfs of such a file, and sync, flush;
- truncation, deletion and holes write zeros over what the file held (see `strace_files`);
- open, dup, lseek, fork, clone, execve and close say which file a descriptor is, and where in it.

What cannot be followed is an error, not a silent gap: a mapped file that is written through mmap,
copied or spliced into, renamed, or read back with content that no line of the trace has written.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from deltabench.scenarios.traces.request import Request
from deltabench.scenarios.traces.strace_calls import ENDED, STARTED, Call, read_calls
from deltabench.scenarios.traces.strace_files import MappedFile
from deltabench.scenarios.traces.strace_processes import OpenFile, Processes
from deltabench.scenarios.traces.text import Line, TraceError

_CANNOT_FOLLOW = "which cannot be followed; record the program with ordinary writes instead"


def read_strace(lines: Iterable[Line], files: Mapping[str, int]) -> Iterator[tuple[Line, Request]]:
    """Yield the requests that an strace trace makes of the files in `files` (name → first LBA).

    A name is the last part or parts of a path. Raises TraceError as the module says, and if a
    file never occurs in the trace.
    """
    program = _Program(files)
    call = None
    for call in read_calls(lines):
        for request in program.follow(call):
            yield call.line, replace(request, time_us=call.time_us)
    if call is not None and (missing := program.missing()):
        others = ", ".join(sorted(program.other_paths)) or "none"
        raise TraceError(
            f"{call.line.path}: never opens {', '.join(missing)}, named in `files`; "
            f"other files that it opens for writing: {others}"
        )


class _Program:
    """The program of a trace: its processes, and the files that have a place on the volume."""

    def __init__(self, files: Mapping[str, int]) -> None:
        self.other_paths: set[str] = set()
        self._files = _placed(files)
        self._paths: dict[str, str] = {}
        self._processes = Processes()
        write_at, write_on = self._write_at, self._write_on
        read_at, read_on = self._read_at, self._read_on
        self._effects: dict[str, Callable[[Call], Iterable[Request]]] = {
            "open": lambda call: self._open(call, 0, call.text(1)),
            "openat": lambda call: self._open(call, 1, call.text(2)),
            "openat2": lambda call: self._open(call, 1, call.text(2)),
            "creat": lambda call: self._open(call, 0, "O_WRONLY|O_TRUNC"),
            "lseek": self._lseek,
            **dict.fromkeys(("write", "writev"), write_on),
            **dict.fromkeys(("pwrite64", "pwritev", "pwritev2"), write_at),
            **dict.fromkeys(("read", "readv"), read_on),
            **dict.fromkeys(("pread64", "preadv", "preadv2"), read_at),
            **dict.fromkeys(("fsync", "fdatasync", "syncfs", "sync"), self._flush),
            "ftruncate": self._ftruncate,
            "truncate": lambda call: self._cut(call, 0, call.number(1)),
            "unlink": lambda call: self._cut(call, 0, 0),
            "unlinkat": lambda call: self._cut(call, 1, 0),
            "fallocate": self._fallocate,
            "mmap": self._mmap,
            "copy_file_range": lambda call: self._refuse_descriptor(call, 2),
            "sendfile": lambda call: self._refuse_descriptor(call, 0),
            "splice": lambda call: self._refuse_descriptor(call, 2),
            "rename": lambda call: self._refuse_paths(call, 0, 1),
            "renameat": lambda call: self._refuse_paths(call, 1, 3),
            "renameat2": lambda call: self._refuse_paths(call, 1, 3),
        }

    def follow(self, call: Call) -> Iterable[Request]:
        """Take note of one call and return the requests that it makes."""
        self._processes.follow(call)
        if call.name in (STARTED, ENDED) or call.result < 0 or call.name not in self._effects:
            return []
        return self._effects[call.name](call)

    def missing(self) -> list[str]:
        """Return the names in `files` that no path has matched."""
        return sorted(self._files.keys() - self._paths.keys())

    def _file(self, call: Call, path_index: int) -> MappedFile | None:
        path = posixpath.normpath(call.path(path_index))
        matches = [name for name in self._files if f"/{path}".endswith(f"/{name}")]
        if not matches:
            return None
        name = max(matches, key=len)
        known = self._paths.setdefault(name, path)
        if known != path and posixpath.isabs(known) and posixpath.isabs(path):
            raise call.line.error(f"{name} in `files` may be {known} or {path}; give more of the path")
        return self._files[name]

    def _open(self, call: Call, path_index: int, flags: str) -> Iterator[Request]:
        file = self._file(call, path_index)
        opened = None
        if file is not None:
            opened = OpenFile(file, "O_APPEND" in flags, "O_SYNC" in flags or "O_DSYNC" in flags)
            if "O_TRUNC" in flags:
                yield from file.truncate(0)
        elif "O_WRONLY" in flags or "O_RDWR" in flags:
            self.other_paths.add(call.path(path_index))
        self._processes.open(call, opened, "O_CLOEXEC" in flags)

    def _lseek(self, call: Call) -> Iterable[Request]:
        if (opened := self._processes.find(call, 0)) is not None:
            opened.position = call.result
        return []

    def _write_on(self, call: Call) -> Iterable[Request]:
        opened = self._processes.find(call, 0)
        if opened is None or call.result == 0:
            return []
        offset = opened.file.size_bytes if opened.append else opened.position
        opened.position = offset + call.result
        return [opened.file.write(call.line, offset, _written(call), opened.sync)]

    def _write_at(self, call: Call) -> Iterable[Request]:
        opened = self._processes.find(call, 0)
        offset = call.number(3, least=-1)
        if opened is None or call.result == 0:
            return []
        if offset < 0:  # pwritev2(2): like writev
            return self._write_on(call)
        if opened.append:  # pwrite(2), BUGS: Linux appends whatever the offset
            offset = opened.file.size_bytes
        fua = opened.sync or "SYNC" in "".join(call.arguments[4:])
        return [opened.file.write(call.line, offset, _written(call), fua)]

    def _read_on(self, call: Call) -> Iterable[Request]:
        opened = self._processes.find(call, 0)
        if opened is None or call.result == 0:
            return []
        opened.position += call.result
        return [self._read(call, opened.file, opened.position - call.result)]

    def _read_at(self, call: Call) -> Iterable[Request]:
        opened = self._processes.find(call, 0)
        offset = call.number(3, least=-1)
        if opened is None or call.result == 0:
            return []
        return [self._read(call, opened.file, offset)] if offset >= 0 else self._read_on(call)

    def _read(self, call: Call, file: MappedFile, offset: int) -> Request:
        request = file.read(call.line, offset, call.result)
        data = call.data(1)[: call.result]
        # A call that another process is inside of may have written already what is read here.
        if data != file.content(offset, len(data)) and not self._processes.a_call_is_unfinished:
            raise call.line.error(
                f"{file.name} has content at byte {offset} that no line before wrote: it was there "
                "before the recording began, or is written by calls that were not recorded"
            )
        return request

    def _flush(self, call: Call) -> Iterable[Request]:
        if call.name != "sync" and self._processes.find(call, 0) is None:
            return []
        return [Request("flush", 0, 0, None)]

    def _ftruncate(self, call: Call) -> Iterable[Request]:
        opened = self._processes.find(call, 0)
        return [] if opened is None else opened.file.truncate(call.number(1))

    def _cut(self, call: Call, path_index: int, size_bytes: int) -> Iterable[Request]:
        file = self._file(call, path_index)
        return [] if file is None else file.truncate(size_bytes)

    def _fallocate(self, call: Call) -> Iterator[Request]:
        opened = self._processes.find(call, 0)
        if opened is None:
            return
        file, mode = opened.file, call.text(1)
        start, end = call.number(2), call.number(2) + call.number(3)
        if "COLLAPSE" in mode or "INSERT" in mode:
            raise call.line.error(f"{file.name} is moved about by fallocate, {_CANNOT_FOLLOW}")
        if "PUNCH_HOLE" in mode or "ZERO_RANGE" in mode:
            yield from file.clear(start, end)
        if "KEEP_SIZE" not in mode:
            file.size_bytes = max(file.size_bytes, end)

    def _mmap(self, call: Call) -> Iterable[Request]:
        if "PROT_WRITE" in call.text(2) and "MAP_SHARED" in call.text(3):
            return self._refuse_descriptor(call, 4)
        return []

    def _refuse_descriptor(self, call: Call, index: int) -> Iterable[Request]:
        if (opened := self._processes.find(call, index)) is not None:
            raise call.line.error(f"{opened.file.name} is written by {call.name}, {_CANNOT_FOLLOW}")
        return []

    def _refuse_paths(self, call: Call, *indexes: int) -> Iterable[Request]:
        for index in indexes:
            if (file := self._file(call, index)) is not None:
                raise call.line.error(f"{file.name} is renamed, {_CANNOT_FOLLOW}")
        return []


def _written(call: Call) -> bytes:
    data = call.data(1)[: call.result]
    if len(data) < call.result:
        raise call.line.error(f"strace kept {len(data)} of {call.result} bytes; record with -s 1048576")
    return data


def _placed(files: Mapping[str, int]) -> dict[str, MappedFile]:
    ordered = sorted(files, key=lambda name: files[name])
    placed = {}
    for name, following in zip(ordered, [*ordered[1:], None], strict=True):
        room = None if following is None else files[following] - files[name]
        placed[name] = MappedFile(name, files[name], room, following)
    return placed
