"""What follows from what people said about pairs."""

import itertools
import random

from personalizer.clustering.constraints import Contradiction, LinkConstraints
from personalizer.library.concepts.links import LinkKind, Pair


def _of(*oldest_first: tuple[int, int, LinkKind]) -> LinkConstraints:
    links: list[tuple[Pair, LinkKind]] = [((first, second), kind) for first, second, kind in oldest_first]
    return LinkConstraints.from_links(reversed(links))


def test_being_one_is_transitive() -> None:
    said = _of((1, 2, "must"), (3, 4, "must"), (2, 3, "must"), (7, 8, "must"))
    assert sorted(said.must_links_of(4)) == [1, 2, 3, 4]
    assert said.root(1) == said.root(4) != said.root(7)
    assert said.must_links_of(99) == [99]


def test_being_two_holds_for_everything_that_is_one_with_either() -> None:
    said = _of((1, 2, "must"), (5, 6, "must"), (2, 5, "cannot"))
    assert sorted(said.cannot_links_of(1)) == [5, 6]
    assert sorted(said.cannot_links_of(6)) == [1, 2]
    assert not said.contradictions


def test_foes_are_kept_when_groups_grow_afterwards() -> None:
    said = _of((1, 2, "must"), (3, 1, "must"), (3, 9, "cannot"))
    assert sorted(said.cannot_links_of(9)) == [1, 2, 3]


def test_the_newest_word_wins_and_what_it_overrules_is_reported() -> None:
    said = _of((1, 2, "must"), (2, 3, "must"), (1, 3, "cannot"))
    # The last two hold; the first one would make 1 and 3 one.
    assert said.contradictions == [Contradiction(1, 2, "must")]
    assert said.root(2) == said.root(3) != said.root(1)
    said = _of((1, 3, "cannot"), (1, 2, "must"), (2, 3, "must"))
    assert said.contradictions == [Contradiction(1, 3, "cannot")]
    assert said.root(1) == said.root(3)


def test_whatever_is_said_the_result_never_contradicts_itself() -> None:
    drawn = random.Random(3)
    for _ in range(200):
        pairs = drawn.sample(list(itertools.combinations(range(7), 2)), 10)
        kinds: list[LinkKind] = ["must" if drawn.random() < 0.5 else "cannot" for _ in pairs]
        said = LinkConstraints.from_links(list(zip(pairs, kinds, strict=True)))
        overruled = {(one.first_id, one.second_id) for one in said.contradictions}
        for (first, second), kind in zip(pairs, kinds, strict=True):
            same = said.root(first) == said.root(second)
            if (first, second) not in overruled:
                assert same == (kind == "must")
            assert not (same and second in said.cannot_links_of(first))
        # The first, which is the newest, always holds.
        assert pairs[0] not in overruled
