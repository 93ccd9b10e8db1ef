from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.units import parse_units, shown_units


@given(st.integers(min_value=1, max_value=(1 << 80) - 1))
def test_a_set_reads_as_it_is_shown(units: int) -> None:
    assert parse_units(shown_units(units), 80, "--on-b") == units


@pytest.mark.parametrize(("text", "units"), [("0-3,7", 0x8F), (" 1 , 3 ", 0xA), ("all", 0xFF), ("5", 0x20)])
def test_numbers_ranges_and_all_are_understood(text: str, units: int) -> None:
    assert parse_units(text, 8, "--on-b") == units


def test_no_units_are_called_none() -> None:
    assert shown_units(0) == "none"


@pytest.mark.parametrize("text", ["", "x", "1,", "3-1", "8", "0-8", "-1", "1 2", "9" * 30])
def test_what_is_no_set_of_units_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(ImageError, match=r"--on-b '.*': '.*' is (no unit|not within the units, which are 0 to 7)"):
        parse_units(text, 8, "--on-b")
