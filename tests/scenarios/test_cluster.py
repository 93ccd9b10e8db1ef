"""Campaigns on a Dask cluster: a scheduler and two workers, real processes that talk over loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from deltabench.scenarios import cluster as cluster_module
from deltabench.scenarios import division
from deltabench.scenarios.campaign import Progress, run_campaign
from deltabench.scenarios.cluster import cluster
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.record import Record
from deltabench.scenarios.scenario import Scenario, Variant
from deltabench.scenarios.verdict import to_json

START_S = 60
STEPS = """
steps = [
    { do = "random", commands = 24, mix = { write = 6, save = 2, restore = 1, flush = 1 } },
    { do = "save" },
    { do = "power-cycle" },
]
"""
TABLES = """
[firmware]
units = 8
log_records = 16
[matrix]
scheme = ["plain", "history"]
store = ["nor"]
"""
GUEST = """
from deltabench.firmware_model.schemes.flagged import Flagged

class Own(Flagged):
    pass
"""


def dask(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(folder / "scheduler.json"))
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


def written(path: Path) -> str:
    """The address in a scheduler's file, which it writes when it listens."""
    deadline = time.monotonic() + START_S
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < deadline, "the scheduler did not start"
        os.sched_yield()
    return str(json.loads(path.read_text())["address"])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dask")
    here = ("--host", "127.0.0.1", "--no-dashboard")
    processes = [dask(folder, "scheduler", "--port", "0", *here)]
    try:
        found = written(folder / "scheduler.json")
        processes.append(dask(folder, "worker", "--nworkers", "2", "--nthreads", "1", *here))
        with Client(found, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=START_S)
        yield found
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(START_S)


@pytest.fixture
def variants(new_scenario: Callable[..., Scenario]) -> list[Variant]:
    return new_scenario(STEPS, TABLES).variants()


def comparable(results: Any) -> Any:
    documents = json.loads(to_json(results, interrupted=False))["results"]
    return [{**document, "elapsed_s": 0} for document in documents]


def test_two_workers_find_what_one_process_finds(
    address: str, variants: list[Variant], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, _ = run_campaign(variants)
    assert [result.holds for result in alone] == [False, True]
    monkeypatch.setattr(division, "LEAST_STRETCH", 4)
    told: list[Progress] = []
    with cluster(address) as crew:
        assert crew.jobs == 2
        together, interrupted = run_campaign(variants, report=told.append, crew=crew)
    assert not interrupted
    assert comparable(together) == comparable(alone)
    assert told[-1].done == told[-1].total


def test_what_workers_find_is_recorded_here(address: str, variants: list[Variant], tmp_path: Path) -> None:
    record = Record(tmp_path / "record")
    with cluster(address) as crew:
        found, _ = run_campaign(variants, crew=crew, record=record)
    total = sum(piece.actions > 0 for piece in division.divide([26, 26]))
    assert len(list(record.folder.iterdir())) == total
    again, _ = run_campaign(variants, record=record, report=lambda _: pytest.fail("something was explored again"))
    assert again == found


def test_ctrl_c_keeps_what_was_found_and_leaves_the_workers_to_others(
    address: str, new_scenario: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "ASK_S", 0.0)
    long = 'steps = [{ do = "random", commands = 4000, mix = { write = 6, save = 2 } }]'
    variants = new_scenario(long, TABLES + "[power]\ndepth = 2").variants()

    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with cluster(address) as crew:
        results, interrupted = run_campaign(variants, report=interrupt, crew=crew)
        assert interrupted
        assert not any(result.complete for result in results)
        assert sum(result.counts.generated for result in results) > 0
        with Client(address, set_as_default=False) as client:
            assert not any(client.processing().values())


def test_classes_beside_the_scenario_are_found_by_workers_that_have_the_same_files(
    address: str, new_scenario: Callable[..., Scenario], new_module: Callable[[str, str], None]
) -> None:
    new_module("own_scheme_for_dask", GUEST)
    tables = '[firmware]\nunits = 8\nscheme = "own_scheme_for_dask:Own"\n'
    variants = new_scenario(STEPS, tables).variants()
    with cluster(address) as crew:
        results, _ = run_campaign(variants, crew=crew)
    assert comparable(results) == comparable(run_campaign(variants)[0])


def test_workers_with_other_files_are_refused(
    address: str, variants: list[Variant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deltabench.scenarios.campaign.variant_digest", lambda _: "of other files")
    with cluster(address) as crew, pytest.raises(ScenarioError, match="a worker has another deltabench or Python, or"):
        run_campaign(variants, crew=crew)


def test_workers_with_another_deltabench_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "code_digest", lambda: "other")
    monkeypatch.setattr(Client, "run", lambda *_, **__: {"tcp://worker:1": "one", "tcp://worker:2": "one"})
    with (
        pytest.raises(ScenarioError, match=r"worker tcp://worker:1 has another; the same deltabench"),
        cluster(address),
    ):
        pytest.fail("it was taken")


def test_a_scheduler_that_is_not_there_is_an_error_that_says_what_an_address_looks_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1)
    for wrong in ("tcp://127.0.0.1:1", "nonsense"):
        with pytest.raises(ScenarioError, match=rf"scheduler {wrong}: there is no Dask scheduler"), cluster(wrong):
            pytest.fail("it was there")
