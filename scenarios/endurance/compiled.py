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

from deltabench.scenarios.endurance import kernel

NO_NUMBA: Final = "DELTABENCH_NO_NUMBA"
"""An environment variable; set to anything but nothing it keeps Numba out."""


class Kernel(NamedTuple):
    """The kernel's entry points.  ``chunk``: commands to give it at once, so that it returns in a moment."""

    compiled: bool
    chunk: int
    run_mix: Callable[..., None]
    run_requests: Callable[..., None]


def load_kernel(*, jit: bool | None = None) -> Kernel:
    """The kernel, compiled or not; None: compiled if Numba is installed and DELTABENCH_NO_NUMBA is not set."""
    if jit is None:
        jit = find_spec("numba") is not None and not os.environ.get(NO_NUMBA)
    return _compiled() if jit else Kernel(False, 20_000, kernel.run_mix, kernel.run_requests)


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

    return Kernel(True, 4_000_000, entry("run_mix"), entry("run_requests"))


def _removed(function: Any) -> bool:
    """Whether what Numba has kept of kernel.py could be removed; ``function`` is one of those that it has compiled."""
    folder = function.stats.cache_path
    try:
        for path in Path(folder).glob(f"{Path(kernel.__file__).stem}.*.nb[ic]") if folder else ():
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _functions(*, cache: bool) -> dict[str, Any]:
    """The kernel's functions for Numba to compile.

    Numba keeps what it compiled until kernel.py changes, which is why all that is compiled stands in that one file.  It
    leaves its reference counts out (``_nrt``): the kernel allocates nothing, and to count the arrays of a State in and
    out of each small function takes longer than all the rest (numba issue 2350).
    """
    import numba

    # The option _nrt is not among the types of njit.
    njit: Any = numba.njit
    namespace: dict[str, Any] = dict(vars(kernel))
    for name, function in vars(kernel).items():
        if isinstance(function, FunctionType):
            # A copy that finds the other functions compiled, too; those of the module stay as they are.
            copy = FunctionType(function.__code__, namespace, name)
            try:
                namespace[name] = njit(cache=cache, _nrt=False)(copy)
            except RuntimeError:
                # There is no place to keep it: neither the package nor the home folder can be written to.
                namespace[name] = njit(_nrt=False)(copy)
    return namespace
