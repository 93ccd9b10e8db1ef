from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deltabench.scenarios.documents import SCHEMAS, Measurement, read_document, schema_of, to_json
from deltabench.scenarios.errors import ScenarioError

RUN: dict[str, Any] = {
    "run": "demo:flagged-nor",
    "scenario": "demo",
    "title": "A title",
    "scheme": "flagged",
    "atom_store": "nor",
    "units": 8,
    "sectors_per_unit": 8,
    "seed": 1,
    "media_time": "typical",
    "core_hz": 168000000,
    "complete": True,
    "commands": 3,
    "simulated_ns": 4,
    "elapsed_s": 1.5,
    "counters": [{"name": "bytes_written", "labels": {"cause": "maps"}, "value": 123}],
    "wear": [
        {"device": "nor0", "part": "W25Q64JV", "what": "erase", "cell": "sector of 4,096 bytes", "counts": [1, 2]}
    ],
    "unit_moves": [0, 3],
    "unit_sides": "0f",
    "timeline": [{"command": 0, "ns": 0, "ddm": 0, "vsm_b": 0, "moved": 0, "erases": 0}],
    "maps": [{"number": -1, "command": "power on", "vsm": "0", "ddm": "ff"}],
    "latency": [],
}
RESULT: dict[str, Any] = {
    "scenario": "demo",
    "title": "A title",
    "scheme": "plain",
    "atom_store": "nor",
    "seed": 1,
    "verdict": "violated",
    "expected": "violated",
    "as_expected": True,
    "complete": True,
    "commands": 3,
    "operations": 6,
    "counts": {"generated": 1, "distinct": 1, "verified": 1, "violations": 1},
    "elapsed_s": 0.018,
}


def written(folder: Path, text: str) -> Path:
    path = folder / "some.json"
    path.write_text(text, encoding="utf-8")
    return path


def measured(folder: Path, **changes: Any) -> Path:
    runs = [{**RUN, **changes}]
    return written(folder, json.dumps({"schema": "deltabench.measurement/1", "interrupted": False, "runs": runs}))


def test_a_measurement_is_read_and_written_again(tmp_path: Path) -> None:
    document = read_document(measured(tmp_path))
    assert isinstance(document, Measurement)
    assert schema_of(document) == "deltabench.measurement/1"
    assert document.runs[0].wear[0].counts == (1, 2)
    assert read_document(written(tmp_path, to_json(document))) == document
    assert to_json(document).startswith('{"schema":"deltabench.measurement/1","interrupted":false,"runs":[')


def test_keys_of_a_later_deltabench_are_passed_over(tmp_path: Path) -> None:
    assert isinstance(read_document(measured(tmp_path, colour="red")), Measurement)


def test_results_without_a_crash_map_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"schema": "deltabench.result/1", "results": [RESULT]}))
    (result,) = read_document(path).results
    assert (result.run, result.crash_map) == ("demo:plain-nor", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": "eight"}, "runs[0].units = 'eight': expected `int`, got text"),
        ({"units": 0}, "runs[0].units = 0: expected `int` >= 1"),
        (
            {"media_time": "fast"},
            "runs[0].media_time = 'fast': invalid enum value 'fast'; allowed: 'typical', 'maximum'",
        ),
        ({"wear": [{"device": "nor0"}]}, "key 'runs[0].wear[0].part' is missing"),
        ({"wear": {"nor0": 1}}, "runs[0].wear = {'nor0': 1}: expected a list, got an object"),
        ({"unit_sides": "0xf"}, "runs[0].unit_sides = '0xf': expected text matching regex '^[0-9a-f]+$'"),
        ({"unit_sides": "1ff"}, "runs[0].unit_sides: has bits above those of 8 units"),
        (
            {"maps": [{"number": 0, "command": "SAVE", "vsm": "0", "ddm": "100"}]},
            "runs[0].maps[0].ddm: has bits above those of 8 units",
        ),
        ({"unit_moves": [0] * 9}, "runs[0].unit_moves has 9 entries; allowed: 8, as units"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = measured(tmp_path, **changes)
    with pytest.raises(ScenarioError) as error:
        read_document(path)
    assert str(error.value) == f"{path}: {message}"


def test_a_long_value_does_not_hide_what_is_wrong_with_it(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        read_document(measured(tmp_path, wear={"nor0": [1] * 10_000}))
    assert len(str(error.value)) < 400
    assert str(error.value).endswith("…: expected a list, got an object")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[1]", "is not a document of deltabench: it has no key 'schema'; known: deltabench.measurement/1, "),
        ("{}", "is not a document of deltabench"),
        ('{"schema": 7}', "schema = 7: is not a schema of this deltabench; known: "),
        ('{"schema": "deltabench.mesurement/1"}', "(did you mean 'deltabench.measurement/1'?); known: "),
        ('{"schema": "deltabench.endurance/1"}', "key 'runs' is missing"),
    ],
)
def test_a_file_of_another_kind_is_told_and_what_would_be_known(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        read_document(written(tmp_path, text))
    assert str(error.value).startswith(f"{tmp_path / 'some.json'}: ")
    assert message in str(error.value)


def test_a_file_that_is_not_there_and_one_that_is_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        read_document(tmp_path / "none.json")
    (tmp_path / "some.json").write_bytes(b'{"schema": "\xff"}')
    with pytest.raises(ScenarioError, match="is not"):
        read_document(tmp_path / "some.json")


def test_two_runs_of_one_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"schema": "deltabench.measurement/1", "runs": [RUN, RUN]}))
    with pytest.raises(ScenarioError, match=r"runs\[1\].run = 'demo:flagged-nor': there is another run of this name"):
        read_document(path)


def test_a_crash_map_has_a_verdict_for_each_outcome(tmp_path: Path) -> None:
    operation = {"operation": 6, "during": "SAVE", "what": "nor0 program", "verdicts": "hv"}
    crash_map = {"outcomes": ["nothing"], "operations": [operation]}
    results = [{**RESULT, "crash_map": crash_map}]
    path = written(tmp_path, json.dumps({"schema": "deltabench.result/1", "results": results}))
    with pytest.raises(ScenarioError, match=r"verdicts = 'hv': allowed: 1 characters, one for each of"):
        read_document(path)


def test_schemas_are_known_by_the_names_that_are_written() -> None:
    assert all(str(kind.__struct_config__.tag) == name for name, kind in SCHEMAS.items())
