from __future__ import annotations

import itertools

import pytest

from deltabench.scenarios.division import MOST_PIECES, Piece, Share, divide, stretches

LENGTHS = [3, 200, 0, 1, 64, 65, 4923]


@pytest.mark.parametrize("of", [1, 2, 3, 8, 70, 500])
def test_shares_have_every_action_once(of: int) -> None:
    shares = [divide(LENGTHS, Share(number, of)) for number in range(1, of + 1)]
    dealt = [piece for share in shares for piece in share]
    assert sorted(dealt) == divide(LENGTHS)
    for variant, length in enumerate(LENGTHS):
        actions = [range(piece.first, piece.last) for piece in sorted(dealt) if piece.variant == variant]
        assert [number for some in actions for number in some] == list(range(length))


@pytest.mark.parametrize("of", [2, 8, 70])
def test_what_a_share_has_of_a_variant_follows_one_another(of: int) -> None:
    for number in range(1, of + 1):
        pieces = divide(LENGTHS, Share(number, of))
        for variant in range(len(LENGTHS)):
            own = [piece for piece in pieces if piece.variant == variant]
            assert all(one.last == other.first for one, other in itertools.pairwise(own))


def test_each_share_gets_as_much_as_the_others_of_every_long_variant_and_of_many_short_ones() -> None:
    long = [sum(piece.actions for piece in divide([6400], Share(number, 8))) for number in range(1, 9)]
    assert long == [800] * 8
    short = [sum(piece.actions for piece in divide([3] * 40, Share(number, 8))) for number in range(1, 9)]
    assert short == [15] * 8


def test_what_stops_at_its_first_violation_is_one_piece_of_one_share() -> None:
    dealt = [
        piece for number in range(1, 9) for piece in divide([200, 7], Share(number, 8), lambda variant: not variant)
    ]
    assert [piece for piece in dealt if not piece.variant] == [Piece(0, 0, 200)]


def test_pieces_do_not_depend_on_other_variants() -> None:
    alone = [(piece.first, piece.last) for piece in divide([200])]
    assert alone == [(piece.first, piece.last) for piece in divide([7, 200]) if piece.variant == 1]
    assert len(alone) == MOST_PIECES


@pytest.mark.parametrize("jobs", [1, 2, 16])
def test_stretches_have_every_piece_once_and_only_neighbours_together(jobs: int) -> None:
    pieces = [piece for piece in divide(LENGTHS) if piece.first % 7]
    found = stretches(pieces, jobs)
    assert [piece for stretch in found for piece in stretch] == pieces
    for stretch in found:
        assert len({piece.variant for piece in stretch}) == 1
        assert all(one.last == other.first for one, other in itertools.pairwise(stretch))


def test_one_job_goes_through_each_workload_once_and_more_jobs_get_several_stretches_each() -> None:
    pieces = divide([1000, 1000])
    assert len(stretches(pieces, 1)) == 2
    assert 16 <= len(stretches(pieces, 4)) <= 20
    assert len(stretches(divide([30]), 4)) == 1
    assert stretches([], 4) == []
    assert stretches([Piece(0, 0, 0)], 4) == [(Piece(0, 0, 0),)]
