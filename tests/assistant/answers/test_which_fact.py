"""Which fact somebody means who says a number, some of its words, or what it is about."""

from __future__ import annotations

import pytest

from assistant.answers.which_fact import which_fact
from personalizer.errors import NotFoundError, UsageError

FACTS = ["Bo is afraid of thunder", "loves cheese", "loves to swim in cold lakes", "was born in Lisbon"]


@pytest.mark.parametrize(
    ("which", "number"),
    [
        (3, 3),
        ("2", 2),
        ("#2", 2),
        ("number 4", 4),
        ("thunder", 1),
        ("the thing about thunder", 1),
        ("the fact that Bo loves cheese", 2),
        ("LOVES CHEESE", 2),
        ("that he was born in Lisbon", 4),
        ("the one about swimming", 3),
        ("being scared of storms", 1),
        ("his birthplace", 4),
        ("what he likes to eat", 2),
    ],
)
def test_what_is_meant_is_found(which: int | str, number: int) -> None:
    assert which_fact("Bo", FACTS, which) == number


def test_what_could_be_several_is_asked_about() -> None:
    with pytest.raises(UsageError) as refused:
        which_fact("Bo", FACTS, "what he loves")
    assert "2 “loves cheese”; 3 “loves to swim" in refused.value.found


@pytest.mark.parametrize("which", ["", "…", "the price of tea in China last year"])
def test_what_nobody_told_is_not_found(which: str) -> None:
    with pytest.raises(NotFoundError, match=r"familiar profile"):
        which_fact("Bo", FACTS, which)
    with pytest.raises(NotFoundError, match="you told me nothing"):
        which_fact("Bo", [], which)
