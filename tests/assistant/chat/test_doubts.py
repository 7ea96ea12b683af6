"""What the chat asks before it does it, although it was said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stored_photos import store_photo

from assistant.chat.agent import Assistant
from assistant.chat.events import Answer, Event, Question, ToolFinished
from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.schemas import BoundingBox, Embedding, NewDetection


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = Familiar(Home(tmp_path / "home"))
    made.switch_chats(False)
    made.library.switch_faces(False)
    yield made
    made.close()


@pytest.fixture
def photos(familiar: Familiar, tmp_path: Path) -> list[Path]:
    """Two photos of Bo, then one of Kiwi, in a registered folder."""
    library, paths = familiar.library, []
    library.add_root(tmp_path)
    for number, name in enumerate(["Bo", "Bo", "Kiwi"]):
        path = tmp_path / f"IMG_{number}.png"
        Image.new("RGB", (64, 48), "orange").save(path)
        box = BoundingBox(0, 0, 64, 48)
        vector = np.eye(4, dtype=np.float32)[number]
        photo = store_photo(
            library,
            content_hash=str(number),
            path=path,
            size=path.stat().st_size,
            mtime_ns=path.stat().st_mtime_ns,
            width_px=64,
            height_px=48,
            detections=[(NewDetection("photo", box, 1.0, "whole"), Embedding(vector, "m", "1"))],
        )
        concept = library.concept_by_name(name) or library.create_concept("object", name=name)
        library.add_members(
            concept.id, [library.detections(photo.id)[0].id], source="user", status="confirmed"
        )
        paths.append(path)
    return paths


def said(assistant: Assistant, text: str) -> str:
    return "\n".join(
        event.text for event in assistant.respond(text) if isinstance(event, Answer | Question | ToolFinished)
    )


def asks(assistant: Assistant, text: str) -> str:
    events: list[Event] = list(assistant.respond(text))
    assert isinstance(events[-1], Question), events
    return events[-1].text


def test_a_photo_of_somebody_else_is_asked_about(familiar: Familiar, photos: list[Path]) -> None:
    assistant = Assistant(familiar)
    assert "although I have it as Kiwi" in asks(assistant, f"Bo is in {photos[2].name}")
    assert said(assistant, "nah, leave it") != ""
    assert familiar.concept("Kiwi").id in {one.concept_id for one in familiar.library.memberships()}
    # The control: what agrees is not asked about.
    assert "Bo is in IMG_0.png." in said(assistant, f"Bo is in {photos[0].name}")


def test_who_it_is_instead_is_both(familiar: Familiar, photos: list[Path]) -> None:
    assistant = Assistant(familiar)
    answer = said(assistant, f"{photos[2].name} isn't Kiwi, it's Bo")
    assert "Kiwi is not in IMG_2.png" in answer and "Bo is in IMG_2.png" in answer


def test_an_undo_that_reaches_behind_this_chat_is_asked_about(familiar: Familiar, photos: list[Path]) -> None:
    familiar.name("Bo", "Bodo")
    assistant = Assistant(familiar)
    assert "take back an earlier change (the naming of Bodo" in asks(assistant, "undo")
    assert "nothing was done" in said(assistant, "no")
    # What was done in this chat is taken back at once.
    assert "Rex is called Kiwi again" in said(assistant, "rename Kiwi to Rex") + said(assistant, "undo")
    assert "Bodo is called Bo again" in asks(assistant, "undo") + said(assistant, "yes, do it")


def test_an_undo_behind_a_forgetting_is_asked_about(familiar: Familiar, photos: list[Path]) -> None:
    assistant = Assistant(familiar)
    said(assistant, "rename Bo to Bodo")
    said(assistant, "forget Kiwi")
    assert "forgot" in said(assistant, "Kiwi").casefold()
    # What was done since is taken back at once.
    assert "Rex is called Bodo again" in said(assistant, "rename Bodo to Rex") + said(assistant, "undo")
    question = asks(assistant, "undo")
    assert "an earlier change (the naming of Bodo" in question and "a forgetting cannot be undone" in question
    assert "nothing was done" in said(assistant, "no")
    assert "Bodo is called Bo again" in asks(assistant, "undo") + said(assistant, "yes, do it")


def test_two_that_have_names_are_not_made_one_by_a_word(familiar: Familiar, photos: list[Path]) -> None:
    assistant = Assistant(familiar)
    assert "which both have names" in asks(assistant, "merge Bo and Kiwi")
    assert "are one now" in said(assistant, "yep, go ahead")
    assert "It is done already" in said(assistant, "no wait")
    assert "It is done already" not in said(assistant, "never mind")
