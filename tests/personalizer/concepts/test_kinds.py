"""A person or a thing: what was taken for one can be said to be the other, with all that follows, and undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_here
from stored_photos import store_photo

from assistant.service.familiar import Familiar
from personalizer.concepts.kinds import change_kind
from personalizer.concepts.learn import learn_members
from personalizer.concepts.operations import merge_concepts, name_concept, reject
from personalizer.concepts.undo import undo
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

WHOLE = BoundingBox(0.0, 0.0, 400.0, 300.0)


def photo(library: Library, name: str, faces: int = 0) -> int:
    """A photo in whose dog a detector sees so many faces, the same in all photos."""
    found = [
        (NewDetection(kind, WHOLE, 1.0, "test"), Embedding(np.full(64, 0.125, np.float32), "objects", "1"))
        for kind in ("photo", "object")
    ]
    for number in range(faces):
        box = BoundingBox(number * 100.0, 0.0, number * 100.0 + 80, 80.0)
        vector = np.full(128, number + 1, np.float32) / 20
        found.append((NewDetection("face", box, 1.0, "test"), Embedding(vector, "faces", "1")))
    path = Path(f"/photos/{name}.jpg")
    return store_photo(
        library, content_hash=name, path=path, width_px=400, height_px=300, detections=found
    ).id


def state(library: Library, concept_id: int) -> tuple[Any, ...]:
    concept = library.concept(concept_id)
    members = [(m.detection_id, m.source, m.status) for m in library.memberships(concept_id)]
    return concept.kind, concept.name, sorted(members)


def photos_of(library: Library, concept_id: int) -> list[tuple[int, str]]:
    return [(member.photo_id, member.kind) for member in library.members(concept_id)]


@pytest.mark.parametrize("faces", [1, 2, 3])
def test_a_dog_with_a_face_becomes_a_thing_and_learns_on(library: Library, faces: int) -> None:
    first = photo(library, "a", 1)
    fido = learn_members(library, "Fido", [first]).concept
    assert fido.kind == "face"
    more = [photo(library, f"more {n}", 0 if n else faces - 1) for n in range(2)]
    if faces == 1:
        with pytest.raises(UsageError) as caught:
            learn_members(library, "Fido", more)
        assert "familiar learn --thing 'Fido' PHOTO" in caught.value.fix
    before = state(library, fido.id)
    done = change_kind(library, fido, "object")
    assert done.concepts[0].kind == "object" and photos_of(library, fido.id) == [(first, "photo")]
    learned = learn_members(library, "Fido", more)
    assert learned.skipped == [] and photos_of(library, fido.id) == [(n, "photo") for n in (first, *more)]
    undo(library, done.operation)
    assert state(library, fido.id) == before


def test_a_person_taken_for_a_thing_becomes_a_person(library: Library) -> None:
    photos = [photo(library, "plain"), *(photo(library, f"{n}", 1) for n in range(3))]
    amy = learn_members(library, "Amy", photos, kind="object").concept
    library.set_prefix(amy.id, backbone="b", directory=Path("/prefix"), state="ready")
    done = change_kind(library, library.concept(amy.id), "face")
    assert done.concepts[0].state == "stale"
    assert photos_of(library, amy.id) == [(number, "face") for number in photos[1:]]
    back = undo(library)
    assert [one.kind for one in back.concepts] == ["object"] and len(photos_of(library, amy.id)) == 4
    undo(library, back.operation)
    assert library.concept(amy.id).kind == "face"


def test_what_cannot_be_a_person_stays_a_thing(library: Library) -> None:
    mug = learn_members(library, "mug", [photo(library, "m1"), photo(library, "m2")]).concept
    before = state(library, mug.id)
    for kind, found in (("face", "no face that matches"), ("object", "it is that already")):
        with pytest.raises(UsageError, match=found):
            change_kind(library, library.concept(mug.id), kind)
    assert state(library, mug.id) == before


def test_what_was_said_not_to_show_it_is_not_shown_either_way(library: Library) -> None:
    shown, other = [photo(library, f"{n}", 1) for n in range(2)], photo(library, "other", 1)
    fido = learn_members(library, "Fido", shown).concept
    reject(library, fido, other)
    change_kind(library, fido, "object")
    refused = [m.detection_id for m in library.memberships(fido.id) if m.status == "rejected"]
    assert [library.detection(one).photo_id for one in refused] == [other]


def test_the_advice_of_naming_and_joining_can_be_followed(library: Library) -> None:
    fido = learn_members(library, "Fido", [photo(library, "a", 1)]).concept
    group = library.create_concept("object")
    [whole, _] = library.detections(photo_id=photo(library, "b"))
    library.add_members(group.id, [whole.id], source="cluster", status="confirmed")
    with pytest.raises(UsageError) as naming:
        name_concept(library, group.id, "Fido")
    assert f"familiar learn --thing {fido.id}, then familiar merge {fido.id} {group.id}" in naming.value.fix
    with pytest.raises(UsageError) as joining:
        merge_concepts(library, group.id, fido.id)
    assert f"familiar learn --thing {fido.id}" in joining.value.fix
    change_kind(library, fido, "object")
    assert merge_concepts(library, fido.id, group.id).concepts[0].name == "Fido"


def test_the_command_says_what_a_concept_is(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensure()
    familiar = Familiar(home)
    learn_members(familiar.library, "Fido", [photo(familiar.library, "a", 1)])
    familiar.close()
    done = run_here(home.root, "learn", "--thing", "Fido", "--yes")
    assert done.returncode == 0 and "thing" in done.stdout
    assert "already" in run_here(home.root, "learn", "Fido", "--thing", "--yes").stderr
    assert run_here(home.root, "learn", "Fido", "--thing", "--person", "--yes").returncode == 2
    assert "no photo" in run_here(home.root, "learn", "Fido", "--yes").stderr
    assert "person" in run_here(home.root, "learn", "--person", "Fido", "--yes").stdout
    assert "kind" in run_here(home.root, "history").stdout
