from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.hwsim.instability import Adversary
from deltabench.scenarios.crash_id import CrashId, CrashIdError, Cut, parse_crash_id

numbers = st.integers(min_value=0, max_value=10**9)
cuts = st.builds(Cut, numbers, numbers, st.sampled_from(Adversary.POLICIES))
names = st.text(min_size=1)
variants = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]*-(nor|nvram|disk)", fullmatch=True)


@given(names, variants, st.lists(cuts, max_size=4).map(tuple))
def test_an_id_means_the_crash_that_it_was_made_of(name: str, variant: str, path: tuple[Cut, ...]) -> None:
    crash = CrashId(name, variant, path)
    assert parse_crash_id(str(crash)) == crash


@pytest.mark.parametrize(
    ("crash", "text"),
    [
        (CrashId("save-by-host", "plain-nor", (Cut(41, 3),)), "save-by-host:plain-nor:41.3"),
        (
            CrashId("a:b/c.scenario.toml", "X-disk", (Cut(41, 3, "n"), Cut(5, 2))),
            "a:b/c.scenario.toml:X-disk:41.3n/5.2",
        ),
        (CrashId("demo", "plain-nor", ()), "demo:plain-nor:-"),
    ],
)
def test_ids_stay_as_short_as_they_are(crash: CrashId, text: str) -> None:
    assert str(crash) == text


def test_as_before_the_cut_may_be_written_out() -> None:
    assert parse_crash_id("demo:plain-nor:41.3o") == parse_crash_id("demo:plain-nor:41.3")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "demo",
        "demo:41.3",
        "demo:plain-nor:",
        "demo:plain-nor:41",
        "demo:plain-nor:41.3x",
        "demo:plain-nor:41.3/",
        "demo:plain-nor:-1.3",
        "demo:plain-nor:4 1.3",
        "demo:plain-nor:٤١.٣",
        ":plain-nor:41.3",
        "demo::41.3",
    ],
)
def test_what_is_no_id_is_shown_with_one_that_is(text: str) -> None:
    with pytest.raises(CrashIdError, match=r"is not a crash id; one looks like save-by-host:plain-nor:41\.3") as caught:
        parse_crash_id(text)
    assert repr(text) in str(caught.value)
