"""What the chat asks, and what each answer does, over a real library with real small pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stored_photos import store_photo

from assistant.chat.agent import Assistant
from assistant.chat.events import Answer, Event, Question, ToolFinished
from assistant.chat.plain import run
from assistant.chat.questions import SKIP, WhoIsThis
from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.library.concepts.concepts import MembershipSource
from personalizer.schemas import BoundingBox, ConceptKind, Embedding, MembershipStatus, NewDetection

_BOX = BoundingBox(8, 8, 40, 40)


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = Familiar(Home(tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def assistant(familiar: Familiar) -> Assistant:
    familiar.switch_chats(False)
    return Assistant(familiar)


def photo(familiar: Familiar, folder: Path, axis: int, kind: ConceptKind = "object") -> int:
    """A picture with a face or a whole picture of this direction; returns the detection."""
    number = familiar.library.newest_detection_id()
    path = folder / f"{kind} {number}.png"
    Image.new("RGB", (64, 48), "orange").save(path)
    vector = np.eye(16, dtype=np.float32)[axis]
    found = NewDetection("face" if kind == "face" else "photo", _BOX, 1.0, "test")
    stored = store_photo(
        familiar.library,
        content_hash=str(path),
        path=path,
        size=path.stat().st_size,
        mtime_ns=path.stat().st_mtime_ns,
        width_px=64,
        height_px=48,
        detections=[(found, Embedding(vector, kind, "1"))],
    )
    return familiar.library.detections(stored.id)[0].id


def group(
    familiar: Familiar, members: list[int], kind: ConceptKind = "object", name: str | None = None
) -> int:
    made = familiar.library.create_concept(kind, name)
    put(familiar, made.id, members, "cluster", "confirmed")
    return made.id


def put(
    familiar: Familiar,
    concept: int,
    members: list[int],
    source: MembershipSource,
    status: MembershipStatus,
) -> None:
    familiar.library.add_members(concept, members, source=source, status=status)


def ask_about(assistant: Assistant) -> Question:
    """As after a scan."""
    groups = assistant.familiar.largest_unnamed(8)
    question = WhoIsThis(tuple(groups), assistant.dialogue.is_request)
    assistant.conversation.question = question
    return question.ask()


def last(assistant: Assistant, text: str) -> Event:
    return list(assistant.respond(text))[-1]


def question(assistant: Assistant, text: str) -> Question:
    event = last(assistant, text)
    assert isinstance(event, Question), event
    return event


# --- suggestions


@pytest.fixture
def bo(familiar: Familiar, tmp_path: Path) -> int:
    bo = group(familiar, [photo(familiar, tmp_path, 0)], name="Bo")
    put(familiar, bo, [photo(familiar, tmp_path, 0) for _ in range(2)], "cluster", "suggested")
    return bo


def statuses(familiar: Familiar, concept: int) -> list[str]:
    return sorted(member.status for member in familiar.library.memberships(concept))


def test_each_suggestion_is_asked_about_with_its_picture(assistant: Assistant, bo: int) -> None:
    asked = question(assistant, "/suggestions")
    assert asked.text.startswith("Is this Bo? I am 99 % sure: appearance 1.00")
    assert asked.photo is not None and asked.photo.is_file()
    following = question(assistant, "y")
    assert following.photo not in (None, asked.photo)
    assert isinstance(last(assistant, "n"), Answer)
    assert statuses(assistant.familiar, bo) == ["confirmed", "confirmed", "rejected"]


def test_what_is_skipped_stays_suggested(assistant: Assistant, bo: int) -> None:
    question(assistant, "/suggestions Bo")
    question(assistant, SKIP)
    assert isinstance(last(assistant, "quit"), Answer)
    assert statuses(assistant.familiar, bo) == ["confirmed", "suggested", "suggested"]


def test_another_request_leaves_the_question(assistant: Assistant, bo: int) -> None:
    question(assistant, "/suggestions")
    assert "Bo (number 1)" in str(last(assistant, "who do you know?"))
    last(assistant, "y")
    assert statuses(assistant.familiar, bo) == ["confirmed", "suggested", "suggested"]


def test_nothing_to_ask_is_said(assistant: Assistant) -> None:
    assert last(assistant, "/suggestions") == Answer("No photo waits for your answer.")


# --- who is this


@pytest.fixture
def groups(familiar: Familiar, tmp_path: Path) -> tuple[int, int]:
    """A person in three photos and a thing in two."""
    face = group(familiar, [photo(familiar, tmp_path, 1, "face") for _ in range(3)], "face")
    return face, group(familiar, [photo(familiar, tmp_path, 2) for _ in range(2)])


def test_the_largest_group_comes_first_with_its_face(assistant: Assistant, groups: tuple[int, int]) -> None:
    asked = ask_about(assistant)
    assert asked.text == "Who is this, in 3 photos? (a name, or Enter to skip)"
    assert (asked.box, asked.caption) == (_BOX, f"number {groups[0]}")
    assert question(assistant, "Amy").text.startswith("What is this, in 2 photos?")
    assert assistant.familiar.concept("Amy").id == groups[0]


@pytest.mark.parametrize("words", ["Grandma Ingrid", "this is Rex", "it's Bo."])
def test_a_name_may_be_said_in_words(assistant: Assistant, groups: tuple[int, int], words: str) -> None:
    ask_about(assistant)
    question(assistant, words)
    name = assistant.familiar.concept(groups[0]).name
    assert name is not None and name == words.removeprefix("this is ").removeprefix("it's ").rstrip(".")


@pytest.mark.parametrize("text", ["/help", "who do you know?", "find photos of dogs", "hello"])
def test_a_request_is_no_name(assistant: Assistant, groups: tuple[int, int], text: str) -> None:
    ask_about(assistant)
    assert not isinstance(last(assistant, text), Question)
    assert assistant.familiar.library.names() == []


def test_a_second_group_of_somebody_joins_the_first(
    assistant: Assistant, groups: tuple[int, int], tmp_path: Path
) -> None:
    more = group(
        assistant.familiar, [photo(assistant.familiar, tmp_path, 9, "face") for _ in range(2)], "face"
    )
    ask_about(assistant)
    question(assistant, "Amy")
    question(assistant, SKIP)
    assert isinstance(last(assistant, "amy"), Answer)
    assert more not in {concept.id for concept in assistant.familiar.concepts()}
    assert len(assistant.familiar.library.members(groups[0])) == 5


def test_naming_says_how_many_photos_wait(
    assistant: Assistant, groups: tuple[int, int], tmp_path: Path
) -> None:
    photo(assistant.familiar, tmp_path, 2)
    said = last(assistant, f"/name {groups[1]} Bo")
    assert said == Answer(
        f"Number {groups[1]} is Bo now, in 2 photos. 1 more photo may show Bo. /suggestions Bo asks about them."
    )


# --- faces


def test_faces_are_asked_about_once_and_the_request_goes_on(assistant: Assistant, tmp_path: Path) -> None:
    familiar = assistant.familiar
    assert not isinstance(last(assistant, f"/add {tmp_path / 'gone'}"), Question), (
        "there is nothing to look at"
    )
    (tmp_path / "photos").mkdir()
    assert "May Familiar look for faces?" in question(assistant, f"/add {tmp_path / 'photos'}").text
    events = list(assistant.respond("n"))
    assert isinstance(events[0], ToolFinished) and "left alone" in events[0].text
    assert "0 files seen" in str(events[-1])
    assert familiar.library.was_asked_about_faces() and not familiar.library.faces_are_on()
    assert not isinstance(last(assistant, f"/add {tmp_path / 'gone'}"), Question)


def test_a_pipe_is_asked_nothing(familiar: Familiar, bo: int, tmp_path: Path) -> None:
    typed = io.StringIO(f"/suggestions\n/add {tmp_path / 'gone'}\n")
    shown = io.StringIO()
    assert run(familiar, Path("/nonexistent/model.gguf"), typed, shown) == 0
    assert "2 photos may show Bo:" in shown.getvalue()
    assert shown.getvalue().count("may show Bo") == 1, "what a tool says is printed once"
    assert "May Familiar" not in shown.getvalue()
