from __future__ import annotations

import os
from pathlib import Path

import pytest

from deltabench.scenarios.crash_id import Cut
from deltabench.scenarios.crash_map import CutRow
from deltabench.scenarios.division import Piece
from deltabench.scenarios.explorer import Counts, Finding
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.portion import NOTHING, Portion
from deltabench.scenarios.record import ABANDONED_S, Record, piece_key

FOUND = Portion(
    commands=3,
    operations=7,
    counts=Counts(4, 3, 2, 1),
    findings=(Finding((Cut(6, 6, "n"), Cut(1, 0)), Rule.ALL_OR_NOTHING, "SAVE", "nor0 program", "no text: \udcff"),),
    elapsed_s=0.25,
    complete=True,
    cut_rows=(CutRow(6, "SAVE", "nor0 program", {"a prefix": "v", "all": "h"}, 1),),
)


def test_a_portion_is_found_as_it_was_kept(tmp_path: Path) -> None:
    record = Record(tmp_path / "new" / "folder")
    record.keep("key", FOUND)
    assert Record(record.folder).find("key") == FOUND
    assert record.find("other") is None


@pytest.mark.parametrize("length", [0, 10, 64, 65, 200, -1])
def test_a_file_that_is_cut_off_is_not_there(tmp_path: Path, length: int) -> None:
    record = Record(tmp_path)
    record.keep("key", FOUND)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:length])
    assert record.find("key") is None
    record.keep("key", FOUND)
    assert record.find("key") == FOUND


def test_a_file_that_was_changed_or_renamed_is_not_there(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep("key", FOUND)
    (file,) = tmp_path.iterdir()
    file.rename(file.with_name(file.name.replace("key", "other")))
    assert record.find("other") is None
    record.keep("key", FOUND)
    text = file.read_bytes()
    file.write_bytes(text.replace(b"[4, 3, 2, 1, ", b"[4, 3, 2, 0, "))
    assert file.read_bytes() != text
    assert record.find("key") is None


def test_what_is_not_finished_is_never_kept(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        Record(tmp_path).keep("key", NOTHING)


def test_what_a_killed_process_was_writing_is_removed_when_it_is_old(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep("key", FOUND)
    old, fresh = tmp_path / ".key.piece.abc", tmp_path / ".key.piece.def"
    for path in (old, fresh):
        path.write_bytes(b"half a pie")
    past = fresh.stat().st_mtime - ABANDONED_S - 60
    os.utime(old, (past, past))
    Record(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".key.piece.def", "key.piece"]


def test_the_key_of_a_piece_depends_on_the_variant_and_the_window_and_not_on_its_place() -> None:
    key = piece_key("digest", Piece(0, 3, 5))
    assert key == piece_key("digest", Piece(2, 3, 5))
    assert len({key, piece_key("other", Piece(0, 3, 5)), piece_key("digest", Piece(0, 3, 6))}) == 3
