"""A Dask cluster as a crew: tasks are done by its workers, and heard and stopped by way of its scheduler.

Needs ``distributed``, which is an extra of the distribution and takes long to import: only who uses it does.
"""

from __future__ import annotations

import functools
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from deltabench.scenarios.crew import Crew, Line, Tell, Through
from deltabench.scenarios.digest import code_digest
from deltabench.scenarios.errors import ScenarioError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S: Final = 10
SCHEMES: Final = ("tcp", "tls", "ws", "wss")
"""Of addresses that a scheduler may have; a client of another one would only time out."""
ASK_S: Final = 1.0
"""All workers are asked so often how far they are."""


@contextmanager
def cluster(address: str) -> Iterator[Crew]:
    """The workers of the scheduler at ``address``, as many jobs as they have threads.

    Raises ScenarioError if there is no such cluster, if it has no workers, or others than it takes.
    """
    try:
        from distributed import Client
        from distributed.comm.addressing import parse_address, parse_host_port
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise ScenarioError(
            f"scheduler {address}: a Dask cluster needs the package distributed ({error}); "
            f"it comes with the extra 'dask': pip install 'deltabench[dask]'"
        ) from error
    try:
        scheme, place = parse_address(address)
        if scheme not in SCHEMES:
            raise ValueError(f"{scheme!r} is none of {', '.join(SCHEMES)}")
        parse_host_port(place)
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ScenarioError(
            f"scheduler {address}: there is no Dask scheduler to be had ({error}); "
            f"an address looks like tcp://host:8786, as `dask scheduler` prints it"
        ) from error
    with client:
        _check(address, client)
        line = _ClusterLine(client)
        threads = sum(client.nthreads().values())
        teller = functools.partial(_teller, line.campaign)
        try:
            yield Through(
                client.get_executor(pure=False),
                threads,
                # A future of Dask's does not say whether its task has begun; to cancel it would lose what was found.
                Line(teller, line.heard, line.stop, cancels=False),
                is_far=True,
            )
        except KilledWorker as error:
            raise ScenarioError(f"scheduler {address}: {error}") from error


def _check(address: str, client: Client) -> None:
    """Raises ScenarioError unless there are workers, with a deltabench that finds what ours finds."""
    answers = client.run(code_digest, on_error="return")
    if not answers:
        raise ScenarioError(
            f"scheduler {address}: the cluster has no workers; start some: dask worker {address} --nthreads 1"
        )
    for worker, answer in answers.items():
        if answer != code_digest():
            what = f"cannot run deltabench: {answer}" if isinstance(answer, BaseException) else "has another"
            raise ScenarioError(
                f"scheduler {address}: worker {worker} {what}; the same deltabench and the same Python must be "
                f"installed there as here"
            )


class _ClusterLine:
    """Asks the workers how far they are, and tells them to stop."""

    def __init__(self, client: Client) -> None:
        self.campaign = uuid.uuid4().hex
        self._client = client
        self._asked_s = time.monotonic()
        self._stopping = False
        self._heard: dict[int, int] = {}

    def heard(self) -> dict[int, int]:
        if time.monotonic() - self._asked_s >= ASK_S:
            self._asked_s = time.monotonic()
            if self._stopping:
                self.stop()  # a worker may have joined that was not there before
            for told in self._ask(_told_of).values():
                self._heard |= told
        return self._heard

    def stop(self) -> None:
        self._stopping = True
        self._ask(_stop)

    def _ask(self, function: Callable[[str], Any]) -> dict[str, Any]:
        """The answers of the workers that give one; none of a scheduler that is gone, whose futures say so."""
        if self._client.status != "running":
            return {}
        with suppress(OSError, RuntimeError):
            return dict(self._client.run(function, self.campaign, on_error="ignore"))
        return {}


_told: defaultdict[str, dict[int, int]] = defaultdict(dict)
_stopped: set[str] = set()
"""In a worker: what its tasks told, and the campaigns that are to stop."""


def _teller(campaign: str, number: int) -> Tell:
    told = _told[campaign]

    def tell(done: int) -> bool:
        told[number] = done
        return campaign not in _stopped

    return tell


def _told_of(campaign: str) -> dict[int, int]:
    return dict(_told[campaign])


def _stop(campaign: str) -> None:
    _stopped.add(campaign)
    _told.pop(campaign, None)
