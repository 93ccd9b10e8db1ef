"""The one table of counters, and what is made of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from deltabench.scenarios.counters import COUNTERS, Counts, as_markdown, to_csv, to_openmetrics

PAGE = Path(__file__).parents[2] / "docs" / "measuring.md"


@pytest.fixture
def counts() -> Counts:
    counts = Counts()
    counts.add("saves", 3)
    counts.add("media_operations", 7, "nor0", "erase")
    counts.add("media_operations", 2, "nor0", "program")
    counts.add("media_operations", 1, "nor0", "erase")
    return counts


def test_values_add_up_by_their_labels(counts: Counts) -> None:
    assert counts.of("media_operations", "nor0", "erase") == 8
    assert counts["media_operations"] == 10
    assert counts["restores"] == 0


def test_what_was_never_counted_is_as_if_counted_0_times(counts: Counts) -> None:
    same = Counts.of_series(counts.as_series())
    same.add("restores", 0)
    assert same == counts


def test_a_counter_that_is_not_in_the_table_cannot_be_counted(counts: Counts) -> None:
    with pytest.raises(KeyError):
        counts.add("sighs", 1)


def test_csv_has_a_line_for_each_value(counts: Counts) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv({"a,b": counts}))))
    assert [(row["run"], row["counter"], row["labels"], row["value"]) for row in rows] == [
        ("a,b", "saves", "", "3"),
        ("a,b", "media_operations", "device=nor0;operation=erase", "8"),
        ("a,b", "media_operations", "device=nor0;operation=program", "2"),
    ]


def test_openmetrics_is_read_by_a_parser_of_others(counts: Counts) -> None:
    families = {family.name: family for family in text_string_to_metric_families(to_openmetrics({'x"y': counts}))}
    assert set(families) == {f"deltabench_{name}" for name in COUNTERS}
    samples = families["deltabench_media_operations"].samples
    assert {(sample.labels["run"], sample.labels["operation"], sample.value) for sample in samples} == {
        ('x"y', "erase", 8.0),
        ('x"y', "program", 2.0),
    }


def test_the_page_has_the_table() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")
