"""Concepts: names, members, numbers, prefixes."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_photos import photo_with_vector

from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library


def test_concept_names_ignore_case(library: Library) -> None:
    concept = library.create_concept("object", "  Zoë  the cat ")
    assert concept.name == "Zoë the cat" and concept.state == "named"
    assert library.concept_by_name("ZOË THE CAT") == concept
    with pytest.raises(UsageError, match="already called"):
        library.create_concept("face", "zoë the cat")
    with pytest.raises(UsageError, match="empty"):
        library.create_concept("face", "  ")
    assert library.rename_concept(concept.id, "zoë the cat").name == "zoë the cat"
    suggested = library.create_concept("object")
    assert library.rename_concept(suggested.id, "Mug").state == "named"


def test_a_cluster_does_not_overrule_a_person(library: Library) -> None:
    ids = [library.detections(photo_id=photo_with_vector(library, f"{n}.jpg").id)[0].id for n in range(3)]
    concept = library.create_concept("object")
    library.add_members(concept.id, ids, source="cluster", status="confirmed")
    library.add_members(concept.id, ids[:1], source="user", status="rejected")
    library.add_members(concept.id, ids, source="cluster", status="confirmed")
    assert [d.id for d in library.members(concept.id)] == ids[1:]
    assert [d.id for d in library.members(concept.id, "rejected")] == ids[:1]
    library.delete_concept(concept.id)
    assert library.memberships() == [] and library.counts()["photos"] == 3
    with pytest.raises(NotFoundError):
        library.concept(concept.id)


def test_prefix_settings_and_log(library: Library, tmp_path: Path) -> None:
    concept = library.create_concept("face", "Ada")
    ready = library.set_prefix(concept.id, backbone="pocket-1", directory=tmp_path, state="ready")
    assert (ready.backbone, ready.prefix_dir, ready.state) == ("pocket-1", tmp_path, "ready")
    library.set_setting("a", "1")
    library.set_setting("a", "2")
    assert library.setting("a") == "2"
    library.set_setting("a", None)
    assert library.setting("a") is None
    library.append_operation("name", {"concept": 1, "name": "Ada"})
    assert library.operations()[0].payload == {"concept": 1, "name": "Ada"}


def test_a_concepts_number_never_returns(library: Library) -> None:
    first, last = library.create_concept("object"), library.create_concept("object")
    library.delete_concept(last.id)
    assert library.create_concept("face").id > last.id > first.id


def test_names_leave_hidden_ones_out_unless_asked(library: Library) -> None:
    for name in ("mia", "Bo", "Zoë"):
        library.create_concept("object", name)
    library.create_concept("face")
    gone = library.create_concept("object", "Ann")
    library.set_state(gone.id, "hidden")
    assert library.names() == ["Bo", "mia", "Zoë"]
    assert library.names(with_hidden=True) == ["Ann", "Bo", "mia", "Zoë"]
