from __future__ import annotations

import pytest

from deltabench.tools.pictures.words import (
    capital,
    digits,
    duration,
    file_name,
    listed,
    occasions,
    share,
    short_command,
    shortened,
    times,
)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (5_120, "5.12 µs"),
        (999_499, "999 µs"),
        (999_999, "1 ms"),
        (16_700_000, "16.7 ms"),
        (1_204_000_000_000, "1,204 s"),
    ],
)
def test_a_duration_has_three_digits_and_a_unit(ns: int, text: str) -> None:
    assert duration(ns) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0312, "0.0312"), (99.94, "99.9"), (99.96, "100"), (12345.6, "12,346"), (-3.14159, "-3.14")],
)
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert digits(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (1, 1000, "under 1 %"),
        (71, 100, "71 %"),
        (999, 1000, "over 99 %"),
        (9, 9, "100 %"),
    ],
)
def test_a_share_never_rounds_to_all_or_nothing(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


def test_ratios_and_occasions_are_words_where_there_are_some() -> None:
    assert [times(1.94), times(2.04), times(4900.0)] == ["1.9 times", "twice", "4,900 times"]
    assert [occasions(1), occasions(2), occasions(1381)] == ["once", "twice", "1,381 times"]


def test_of_many_names_the_first_are_listed_and_the_others_counted() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"])] == ["", "a", "a and b"]
    assert listed(["a", "b", "c", "d"]) == "a, b, c and d"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_a_long_name_loses_its_middle() -> None:
    assert shortened("flagged-nor") == "flagged-nor"
    short = shortened("a-scenario-with-a-very-long-name:flagged-nor", 20)
    assert (short, len(short)) == ("a-scenario-w…ged-nor", 20)


def test_a_file_name_has_no_signs_that_a_shell_or_a_page_would_take_for_more() -> None:
    assert file_name("wear-nor0-erase-../My scenario.toml:plain-nor") == "wear-nor0-erase-my-scenario-toml-plain-nor"
    assert file_name("…") == "unnamed"


def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name() -> None:
    assert capital("over 99 % of it") == "Over 99 % of it"
    assert capital("plain-nor is wrong") == "plain-nor is wrong"
    assert capital("nor0: worn out") == "nor0: worn out"


def test_commands_lose_what_all_of_their_kind_have() -> None:
    assert short_command("WRITE DMA FUA EXT LBA 3+1") == "WRITE FUA LBA 3+1"
    assert short_command("FLUSH CACHE EXT") == "FLUSH"
