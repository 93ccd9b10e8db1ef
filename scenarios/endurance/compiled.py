"""The kernel as it is run: compiled by Numba if that is there, else as it stands."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any, Final, NamedTuple
from zlib import crc32

from deltabench.scenarios.endurance import flash_commands, flash_kernel, kernel
from deltabench.scenarios.endurance.flash import Flash
from deltabench.scenarios.endurance.state import Shape, State
from deltabench.scenarios.endurance.workload import Mix, Requests, Schedule

MODULES: Final = (kernel, flash_kernel, flash_commands)
"""Those that are compiled, each after what it calls."""
INLINED: Final = frozenset(
    {
        *("transfer", "write", "bring_labels_up_to_date"),
        *("transfer_on_flash", "write_homes", "write_marks", "write_region"),
        *("write_sectors", "write_page", "append", "lose_page", "put"),
    }
)
"""What each command goes through; a call passes all arrays of a State and a Flash, which takes longer than the rest."""
NO_NUMBA: Final = "DELTABENCH_NO_NUMBA"
"""An environment variable; set to anything but nothing it keeps Numba out."""


class Kernel(NamedTuple):
    """The kernel's entry points.  ``chunk``: commands to give it at once, so that it returns in a moment."""

    compiled: bool
    chunk: int
    run_mix: Callable[..., None]
    run_requests: Callable[..., None]
    run_mix_on_flash: Callable[..., None]
    run_requests_on_flash: Callable[..., None]
    write_pages: Callable[..., None]

    def run(
        self,
        state: State,
        flash: Flash,
        shape: Shape,
        schedule: Schedule,
        source: Mix | Requests,
        first: int,
        last: int,
    ) -> None:
        """Commands ``first`` to ``last - 1``, of a device that may have NAND flash."""
        is_mix = isinstance(source, Mix)
        if len(flash.registers):
            on_flash = self.run_mix_on_flash if is_mix else self.run_requests_on_flash
            on_flash(state, flash, shape, schedule, source, first, last)
        else:
            (self.run_mix if is_mix else self.run_requests)(state, shape, schedule, source, first, last)


def load_kernel(*, jit: bool | None = None) -> Kernel:
    """The kernel, compiled or not; None: compiled if Numba is installed and DELTABENCH_NO_NUMBA is not set."""
    if jit is None:
        jit = find_spec("numba") is not None and not os.environ.get(NO_NUMBA)
    if jit:
        return _compiled()
    functions = {name: function for module in MODULES for name, function in vars(module).items()}
    return Kernel(False, 20_000, *(functions[name] for name in ENTRIES))


ENTRIES: Final = Kernel._fields[2:]
"""The functions by which the kernel is entered."""
UNREADABLE: Final = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What may come of reading a damaged pickle, which is what Numba keeps; the documentation of pickle names the first."""


@lru_cache(maxsize=1)
def _compiled() -> Kernel:
    """Each function is compiled when it is first called, and kept on disk beside kernel.py, or where Numba may write.

    Numba checks nothing of what it kept.  Files that a crash or a full disk has damaged are removed and made anew.
    """
    functions = _functions(cache=True)

    def entry(name: str) -> Callable[..., None]:
        def run(*given: Any) -> None:
            try:
                functions[name](*given)
            except UNREADABLE:
                # Raised before anything is run: the kernel itself raises nothing once it is compiled.
                functions.update(_functions(cache=_removed(functions[name])))
                functions[name](*given)

        return run

    return Kernel(True, 4_000_000, *map(entry, ENTRIES))


def _removed(function: Any) -> bool:
    """Whether what Numba has kept of the kernel could be removed; ``function`` is one of those that it has compiled."""
    folder = function.stats.cache_path
    try:
        for module in MODULES:
            for path in Path(folder).glob(f"{module.__name__.rpartition('.')[2]}.*.nb[ic]") if folder else ():
                path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _functions(*, cache: bool) -> dict[str, Any]:
    """The kernel's functions for Numba to compile.

    Numba keeps a function until the file that it stands in changes, whatever other functions and constants went into
    it; so a digest of all that is compiled is made part of each name.  It leaves its reference counts out (``_nrt``):
    the kernel allocates nothing, and to count the arrays of a State in and out of each small function takes longer than
    all the rest (numba issue 2350).
    """
    import numba

    # The option _nrt is not among the types of njit.
    njit: Any = numba.njit
    digest = _digest()
    compiled: dict[str, Any] = {}
    for module in MODULES:
        namespace: dict[str, Any] = {**vars(module), **compiled}
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                # A copy that finds the other functions compiled, too; those of the module stay as they are.
                copy = FunctionType(function.__code__, namespace, name)
                copy.__qualname__ = f"{name}_{digest}"
                options = {"_nrt": False, "forceinline": name in INLINED}
                try:
                    namespace[name] = njit(cache=cache, **options)(copy)
                except RuntimeError:
                    # There is no place to keep it: neither the package nor the home folder can be written to.
                    namespace[name] = njit(**options)(copy)
                compiled[name] = namespace[name]
    return compiled


def _digest() -> str:
    """Changes with the functions and constants of the kernel."""
    parts: list[object] = []
    for module in MODULES:
        parts.append(Path(str(module.__file__)).read_bytes())
        parts.append(sorted((name, value) for name, value in vars(module).items() if isinstance(value, int)))
    return f"{crc32(repr(parts).encode()):08x}"
