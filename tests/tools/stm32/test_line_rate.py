from __future__ import annotations

from typing import Any

import pytest

from deltabench.hwsim.clock import MediaTime
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.tools.stm32.chip_map import ChipMap
from deltabench.tools.stm32.flashing import Flashing
from deltabench.tools.stm32.line_rate import block_s, most_bytes_per_s
from deltabench.tools.stm32.plan import plan

IMAGE = MemoryImage([(0x0800_0000, bytes(range(256)) * 64)])


def flash(desk: Any) -> Flashing:
    session = desk.session()
    session.open()
    flashing = Flashing(session, diff=False, verify=True)
    flashing.run(plan(ChipMap(desk.file, IMAGE), IMAGE))
    return flashing


def test_the_most_that_a_line_allows_is_256_of_268_characters_of_11_bits() -> None:
    assert most_bytes_per_s(115_200, "even") == pytest.approx(256 / 268 * 115_200 / 11)
    assert most_bytes_per_s(115_200, "even") == pytest.approx(10_003.8, abs=0.1)
    assert most_bytes_per_s(115_200, "none") == pytest.approx(256 / 268 * 115_200 / 10)


def test_on_a_line_in_simulated_time_the_client_writes_as_fast_as_the_line_allows(make_desk: Any) -> None:
    flashed = flash(make_desk()).flashed
    assert flashed.written_bytes == 0x4000
    assert flashed.bytes_per_s == pytest.approx(most_bytes_per_s(115_200, "even"), rel=1e-6)


def test_reading_takes_as_long_as_writing_and_nothing_else_takes_time_but_the_first_words(make_desk: Any) -> None:
    desk = make_desk()
    flash(desk)
    assert desk.time.s == pytest.approx(2 * 64 * block_s(256, 115_200, "even"), abs=0.01)


@pytest.mark.parametrize("media_time", list(MediaTime))
def test_with_the_times_of_the_flash_the_client_waits_for_them_and_keeps_nine_tenths_if_they_are_typical(
    make_desk: Any, media_time: MediaTime
) -> None:
    desk = make_desk(timed=media_time)
    flashed = flash(desk).flashed
    part = flashed.bytes_per_s / most_bytes_per_s(115_200, "even")
    page_s = 64 * (16e-6 if media_time is MediaTime.TYPICAL else 100e-6)
    line_s = block_s(256, 115_200, "even")
    assert part == pytest.approx(line_s / (line_s + page_s), rel=1e-3)
    if media_time is MediaTime.TYPICAL:
        assert part > 0.9
