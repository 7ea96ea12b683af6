"""What one run of clustering reports and writes, and what its settings refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stored_photos import store_faces

from personalizer.clustering.settings import ClusterSettings, KindSettings
from personalizer.clustering.state import GroupingState
from personalizer.clustering.update import cluster
from personalizer.library.library import Library
from personalizer.schemas import Progress


def members(library: Library, status: str = "confirmed") -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for membership in library.memberships():
        if membership.status == status:
            found.setdefault(membership.concept_id, set()).add(membership.detection_id)
    return found


def add(library: Library, *places: float) -> list[int]:
    """Faces on a line, each of a photo of its own."""
    return [store_faces(library, [place, 0.0])[0] for place in places]


def test_a_run_says_what_it_found(library: Library) -> None:
    amy = library.create_concept("face", name="Amy").id
    hers = add(library, 0.0, 0.3)
    library.add_members(amy, hers, source="user", status="confirmed")
    joins, asked = add(library, 0.15, -0.25)
    pair, alone = add(library, 5.0, 5.1), add(library, 9.0)
    report = cluster(library)
    assert (report.faces, report.objects, report.assigned, report.suggested) == (1, 0, 1, 1)
    assert report.unassigned == 2, "the one that is asked about, and the one alone"
    found = members(library)
    assert found.pop(amy) == {*hers, joins}
    assert list(found.values()) == [set(pair)] and alone[0] not in pair
    assert members(library, "suggested") == {amy: {asked}}
    assert report.contradictions == []


def test_a_second_run_changes_nothing(library: Library) -> None:
    add(library, 0.0, 0.1, 5.0, 5.1)
    state = GroupingState()
    cluster(library, state=state)
    before = members(library)
    stamp = library.clustering_changes()
    assert cluster(library, state=state).faces == 2
    assert members(library) == before and library.clustering_changes() == stamp


def test_what_somebody_said_and_took_back_later_is_reported(library: Library) -> None:
    first, second = add(library, 0.0, 0.1)
    assert cluster(library).faces == 1
    third = add(library, 0.2)[0]
    for pair, kind in (
        ((first, third), "must"),
        ((second, third), "must"),
        ((first, second), "cannot"),
    ):
        library.add_links([pair], kind)  # type: ignore[arg-type]
    [contradiction] = cluster(library).contradictions
    assert contradiction.kind == "must" and third in (contradiction.first_id, contradiction.second_id)
    assert {first, second} not in [found & {first, second} for found in members(library).values()]


def test_nothing_that_was_computed_before_a_change_is_written(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody names a face between the computing and the writing: it is all computed again with that."""
    first, second = add(library, 0.0, 0.1)
    began: list[int] = []
    transaction = library.transaction

    def interrupted(*arguments: Any) -> Any:
        began.append(len(began))
        if len(began) == 1:
            with Library.open(library.path) as other:
                amy = other.create_concept("face", name="Amy").id
                other.add_members(amy, [first], source="user", status="confirmed")
        return transaction(*arguments)

    monkeypatch.setattr(library, "transaction", interrupted)
    report = cluster(library)
    [(amy, labeled)] = library.concepts_with_label("face").items()
    assert labeled and len(began) > 1 and members(library) == {amy: {first, second}}
    assert (report.faces, report.assigned) == (0, 1)


def test_concepts_that_somebody_labeled(library: Library) -> None:
    face = add(library, 0.0)[0]
    amy = library.create_concept("face", name="Amy").id
    taught = library.create_concept("face").id
    library.add_members(taught, [face], source="user", status="confirmed")
    unnamed = library.create_concept("face").id
    library.create_concept("object", name="Bo")
    assert library.concepts_with_label("face") == {amy: True, taught: True, unnamed: False}


def test_many_new_photos_are_reported_on(library: Library) -> None:
    add(library, 0.0, 0.1)
    cluster(library)
    with library.transaction():
        store_faces(library, *([float(10 + number), 0.0] for number in range(1030)))
    seen: list[Progress] = []
    cluster(library, progress=seen.append)
    assert [(one.done, one.total) for one in seen] == [(0, 1030), (1024, 1030)]


def test_settings_are_those_of_the_kind() -> None:
    settings = ClusterSettings()
    assert settings.for_kind("face") is settings.face
    assert settings.for_kind("object") is settings.thing


@pytest.mark.parametrize(
    ("wrong", "message"), [({"min_size": 1}, "min_size"), ({"suggest": 0.7}, "sure 0.5 must not be below")]
)
def test_settings_that_contradict_themselves(wrong: dict[str, Any], message: str) -> None:
    right = {"threshold": 0.4, "min_size": 2, "suggest": 0.4, "sure": 0.5, "close": 0.6}
    KindSettings(**right)
    with pytest.raises(ValueError, match=message):
        KindSettings(**right | wrong)
