"""The cells of a board: journal, rollback and digest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Cells, MediaRuleError, UncorrectableError

COUNT = 6
values = st.one_of(
    st.binary(max_size=2),
    st.builds(Unstable, st.binary(max_size=1), st.binary(max_size=1), st.booleans()),
)
writes = st.lists(st.tuples(st.integers(0, COUNT - 1), values), max_size=12)


def blank() -> Cells:
    cells = Cells()
    cells.allocate(COUNT, b"")
    return cells


def after(changes: list[tuple[int, object]]) -> Cells:
    cells = blank()
    for index, value in changes:
        cells.put(index, value)
    return cells


@given(writes)
def test_the_digest_is_a_function_of_the_state_and_not_of_the_way_there(changes: list[tuple[int, object]]) -> None:
    cells = after(changes)
    straight = after([(index, value) for index, value in enumerate(cells.values) if value != b""])
    assert straight.values == cells.values
    assert straight.digest == cells.digest


@given(writes, writes)
def test_different_states_have_different_digests(
    some: list[tuple[int, object]], others: list[tuple[int, object]]
) -> None:
    one, other = after(some), after(others)
    assert (one.digest == other.digest) == (one.values == other.values)


@given(writes, writes)
def test_a_rollback_restores_values_and_digest_of_its_mark(
    before: list[tuple[int, object]], then: list[tuple[int, object]]
) -> None:
    cells = after(before)
    values, digest, mark = list(cells.values), cells.digest, len(cells.journal)
    for index, value in then:
        cells.put(index, value)
    cells.rollback(mark)
    assert (cells.values, cells.digest, len(cells.journal)) == (values, digest, mark)


@given(writes, st.data())
def test_rollbacks_nest(changes: list[tuple[int, object]], data: st.DataObject) -> None:
    cells = blank()
    history = [(list(cells.values), cells.digest)]
    for index, value in changes:
        cells.put(index, value)
        history.append((list(cells.values), cells.digest))
    mark = len(changes)
    while mark:
        mark = data.draw(st.integers(0, mark - 1))
        cells.rollback(mark)
        assert (cells.values, cells.digest) == history[mark]


def test_media_share_the_cells_of_a_board_without_touching_each_other() -> None:
    cells = Cells()
    first, second = cells.allocate(3, b"a"), cells.allocate(2, b"b")
    assert (first, second) == (0, 3)
    assert cells.values == [b"a"] * 3 + [b"b"] * 2
    assert cells.digest == 0, "cells are as new until the first change"


def test_media_errors_say_which_device_and_where() -> None:
    error = UncorrectableError("disk3", 17)
    assert (error.device, error.address) == ("disk3", 17)
    assert str(error) == "disk3: sector 17 is uncorrectable"
    assert not isinstance(error, MediaRuleError), "a worn sector is no fault of the firmware"
