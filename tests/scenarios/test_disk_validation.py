"""Replays of measured requests: the demerit, and the real drive's trace where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deltabench.hwsim.drive.drive import Drive
from deltabench.hwsim.parts import DiskPart, UnknownPart, load_part
from deltabench.scenarios.disk_validation import Comparison, compare, read_requests, replay, validate_disk
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.traces import TraceError
from deltabench.scenarios.traces.disksim import Measured

BARRACUDA_FOLDER = "DELTABENCH_BARRACUDA"
"""The environment variable that names the folder of DiskSim's Barracuda data, which are not in this repository."""

US = 1_000
TRACE = """\
R Hit 1000 4 9000.00000 20000.00000
R Hit 1004 4 700.00000 30000.00000
W Hit 64000 8 500.5 10000.0
"""


def generic() -> DiskPart:
    part = load_part("generic-disk")
    assert isinstance(part, DiskPart)
    return part


def written(folder: Path, text: str) -> Path:
    path = folder / "measured.trace"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_demerit_of_equal_distributions_is_none_in_whatever_order() -> None:
    assert Comparison((1, 5, 3), (5, 3, 1)).demerit_ns == 0


def test_the_demerit_is_the_root_mean_square_of_the_distance_by_hand() -> None:
    """Sorted: 10, 20, 30, 40 and 10, 23, 34, 40; distances 0, 3, 4, 0."""
    comparison = Comparison((40, 10, 30, 20), (23, 34, 10, 40))
    assert comparison.demerit_ns == pytest.approx((25 / 4) ** 0.5)
    assert comparison.demerit_share == pytest.approx(2.5 / 25)


def test_the_trace_is_read_with_its_service_times(tmp_path: Path) -> None:
    assert read_requests(written(tmp_path, TRACE), generic()) == [
        Measured("read", 1000, 4, 9_000 * US, 20_000 * US),
        Measured("read", 1004, 4, 700 * US, 30_000 * US),
        Measured("write", 64_000, 8, 500_500, 10_000 * US),
    ]


def test_a_request_comes_its_pause_after_the_one_before_was_done(tmp_path: Path) -> None:
    requests = read_requests(written(tmp_path, TRACE), generic())
    drive, now_ns, wanted = Drive(generic()), 0, []
    for request in requests:
        where = request.lba, request.sectors, now_ns
        done_ns = drive.read(*where) if request.kind == "read" else drive.write(*where, fua=False)
        wanted.append(done_ns - now_ns)
        now_ns = done_ns + request.pause_ns
    assert replay(generic(), requests) == wanted
    part = generic()
    assert wanted[1] == US * part.read_hit_overhead_us + 4 * part.bus_sector_ns, "read ahead in the pause"


def test_reads_and_writes_are_compared_apart_and_together() -> None:
    requests = [Measured("read", 0, 1, 10, 0), Measured("write", 0, 1, 20, 0), Measured("read", 0, 1, 30, 0)]
    groups = compare(requests, [11, 22, 33])
    assert groups == {
        "all": Comparison((10, 20, 30), (11, 22, 33)),
        "reads": Comparison((10, 30), (11, 33)),
        "writes": Comparison((20,), (22,)),
    }
    assert list(compare(requests[:1], [11])) == ["all", "reads"]


def test_the_result_as_json_has_times_in_microseconds(tmp_path: Path) -> None:
    validation = validate_disk("generic-disk", written(tmp_path, TRACE))
    document = validation.as_dict()
    assert document["schema"] == "deltabench.disk-validation/1"
    assert document["part"] == "generic-disk"
    assert document["reads"]["requests"] == 2
    assert document["reads"]["measured_mean_us"] == 4850
    overall = validation.overall
    assert document["all"]["demerit_us"] == pytest.approx(overall.demerit_ns / 1000, abs=0.001)
    assert document["all"]["demerit_percent"] == pytest.approx(100 * overall.demerit_share, abs=0.001)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no request"),
        ("R Hit 1000 4 9000.0\n", r"measured.trace:1: expected 'R\|W Hit\|Miss lba sectors"),
        (TRACE + "R Hit 65533 4 1.0 1.0\n", r"measured.trace:4: a request beyond generic-disk.*0 to 65535"),
        ("R Hit 0 4 0.0 1.0\n", "a service time of 0 µs"),
    ],
)
def test_a_trace_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TraceError, match=said):
        validate_disk("generic-disk", written(tmp_path, text))


def test_only_a_disk_can_be_validated(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="W25Q64JV is a part of kind nor; only a disk"):
        validate_disk("W25Q64JV", written(tmp_path, TRACE))
    with pytest.raises(UnknownPart, match="ST32171W"):
        validate_disk("ST32171", written(tmp_path, TRACE))


if BARRACUDA_FOLDER in os.environ:
    BARRACUDA_TRACE = Path(os.environ[BARRACUDA_FOLDER]) / "barracuda.trace.gz"

    def test_the_barracuda_is_met_at_least_as_well_as_disksim_meets_it() -> None:
        """DiskSim 4.0 reaches 0.349 ms on the same trace."""
        validation = validate_disk("ST32171W", BARRACUDA_TRACE)
        assert len(validation.overall.measured_ns) == 10_000
        assert validation.overall.demerit_ns <= 350_000
        assert {name: group.demerit_ns <= 350_000 for name, group in validation.groups.items()} == {
            "all": True,
            "reads": True,
            "writes": True,
        }

    def test_the_half_of_the_barracuda_trace_that_nothing_was_fitted_to_is_met_as_well() -> None:
        part = load_part("ST32171W")
        assert isinstance(part, DiskPart)
        held_out = read_requests(BARRACUDA_TRACE, part)[5_000:]
        assert compare(held_out, replay(part, held_out))["all"].demerit_ns <= 350_000

    def test_the_result_does_not_hang_on_how_the_platters_happened_to_stand() -> None:
        """Pauses longer by parts of a turn, other in each replay, put the platters elsewhere at each request."""
        part = load_part("ST32171W")
        assert isinstance(part, DiskPart)
        requests = read_requests(BARRACUDA_TRACE, part)
        for step_us in (1_237, 3_571, 5_003):
            moved = [
                request._replace(pause_ns=request.pause_ns + 1000 * (number * step_us % 8_333))
                for number, request in enumerate(requests)
            ]
            assert compare(requests, replay(part, moved))["all"].demerit_ns <= 350_000
