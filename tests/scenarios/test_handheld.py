"""What a hand holds: it counts up, says the same again, and believes only the device that it is paired with."""

from __future__ import annotations

from deltabench.firmware_model.commands import RESTORE, SAVE
from deltabench.firmware_model.link.framing import encode_frame
from deltabench.firmware_model.link.remote_frames import Answer, Kind, Outcome, Request, answer_body
from deltabench.scenarios.handheld import Handheld

KEY = bytes(range(16))


def test_each_press_has_a_counter_of_its_own_and_is_said_alike_each_time() -> None:
    remote = Handheld(KEY)
    save, restore = remote.press(SAVE), remote.press(RESTORE)
    assert (save, restore) == (Request(Kind.SAVE, 1), Request(Kind.RESTORE, 2))
    assert remote.frame(save) == remote.frame(save) != remote.frame(restore)


def test_answers_are_heard_in_pieces_and_only_if_they_are_authentic() -> None:
    remote, answer = Handheld(KEY), Answer(Kind.SAVE, 1, Outcome.DONE)
    right = encode_frame(answer_body(KEY, answer))
    forged = encode_frame(answer_body(bytes(17), answer)) + remote.frame(remote.press(SAVE))
    heard = [remote.hear(bytes([byte])) for byte in b"noise" + forged + right]
    assert [answers for answers in heard if answers] == [[answer]]


def test_a_twin_goes_on_from_where_it_was_made_and_changes_nothing_of_the_other() -> None:
    remote = Handheld(KEY)
    remote.press(SAVE)
    twin = remote.twin()
    assert twin.press(SAVE) == Request(Kind.SAVE, 2)
    assert remote.press(RESTORE) == Request(Kind.RESTORE, 2)
