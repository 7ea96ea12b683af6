"""What kept chats say of somebody, or of faces, is in no byte of the home once that was forgotten or erased."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from index_here import index_in_this_process
from kept_chats import described, drawing, drawn, familiar_that_keeps, said
from stored_photos import store_faces
from worlds import World

from assistant.chat.events import Answer, Question, ToolFinished, ToolStarted
from assistant.chat.history.recorder import Recorder
from assistant.results import FoundPhoto, FoundPhotos
from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.schemas import BoundingBox

NAME, EARLIER, OTHER = "Zorblatta", "Wimbley", "Rex"
FACT, BEFORE, TAKEN_BACK = "collects sesquipedalians", "collects umbrellas", "dislikes hippopotomonstrosity"


class ChatWorld(World):
    """A home with a person, a thing and chats."""

    def __init__(self, familiar: Familiar) -> None:
        super().__init__(familiar.home, familiar.library)
        self.familiar = familiar

    def bytes(self) -> bytes:
        """All files of the home with their names."""
        files = [path for path in self.home.root.rglob("*") if path.is_file()]
        return b"".join(os.fsencode(path.name) + path.read_bytes() for path in files)

    def holds(self, *markers: str) -> list[str]:
        """The markers that are in any byte, in whatever case or escape they are written."""
        everything = self.bytes().lower()
        return [
            marker
            for marker in markers
            if any(spelling.lower().encode() in everything for spelling in (marker, json.dumps(marker)[1:-1]))
        ]

    def requests(self) -> list[str]:
        return [exchange.request.text for exchange in self.library.exchanges()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ChatWorld]:
    familiar = familiar_that_keeps(tmp_path)
    made = ChatWorld(familiar)
    # As where SQLite was compiled without overwriting what is deleted.
    made.library.connection.execute("PRAGMA secure_delete = OFF")
    person = made.library.create_concept("face", EARLIER)
    faces = store_faces(made.library, [1.0, 0.0], [1.0, 0.01])
    made.library.add_members(person.id, faces, source="user", status="confirmed")
    familiar.name(person.id, NAME)
    made.library.create_concept("object", OTHER)
    for text in (BEFORE, TAKEN_BACK):
        familiar.remember(NAME, text)
    familiar.change_fact(NAME, 1, FACT)
    familiar.take_back(NAME, 2)
    with index_in_this_process():
        yield made
    familiar.close()


def forget(world: ChatWorld, name: str = NAME) -> None:
    concept_id = world.familiar.concept(name).id
    world.done("forget", str(concept_id), concept=concept_id)


@pytest.mark.parametrize(
    ("request_text", "events"),
    [
        (f"is this {NAME.lower()}?", [Answer("marker-one")]),
        ("who is she?", [Answer(f"{NAME.upper()}, marker-one.")]),
        ("once more", [Answer(f"formerly {EARLIER}, marker-one")]),
        ("what does she do?", [Answer(f"You told me: “{FACT}”. marker-one")]),
        ("and before?", [Answer(f"You told me: “{BEFORE}”. marker-one")]),
        ("and what not?", [Answer(f"You told me: “{TAKEN_BACK}”. marker-one")]),
        ("who?", described(Path("/photos/marker-one.jpg"), "78 % sure.", NAME)),
        ("whose is it?", described(Path(f"/photos/{NAME} marker-one.jpg"), "Nobody's.", "x")),
        ("who is number 1?", [Question("Who is this? marker-one", Path("/p/x.jpg"), None, "number 1")]),
    ],
)
def test_every_way_of_saying_it_goes(world: ChatWorld, request_text: str, events: list) -> None:  # type: ignore[type-arg]
    recorder = Recorder(world.familiar)
    said(recorder, request_text, *events)
    said(recorder, f"where is {OTHER}?", Answer("marker-two"))
    markers = (NAME, EARLIER, FACT, BEFORE, TAKEN_BACK, "marker-one")
    assert set(world.holds(*markers)) == set(markers)
    forget(world)
    assert world.holds(*markers) == []
    assert world.requests() == [f"where is {OTHER}?"] and world.holds("marker-two")
    assert [chat.title for chat in world.familiar.chats()] == [f"where is {OTHER}?"]
    assert world.familiar.search_chats("marker") != []


def test_the_chat_in_which_it_is_forgotten_says_it_no_more(world: ChatWorld) -> None:
    recorder = Recorder(world.familiar)
    said(recorder, "hello")
    said(recorder, f"forget {NAME}", Answer(f"Type the name again: {NAME}"))
    recorder.request(NAME)
    recorder.event(ToolStarted("forget", "Forgetting"))
    forget(world)
    recorder.event(ToolFinished("Forgotten. Removed: 1 concept.", None))
    recorder.event(Answer("Forgotten. Removed: 1 concept."))
    said(recorder, "thanks")
    assert world.requests() == ["hello", "thanks"] and world.holds(NAME) == []
    assert len(world.familiar.chats()) == 1


def test_its_drawings_go_and_no_file_of_the_user_does(world: ChatWorld, tmp_path: Path) -> None:
    photo = tmp_path / f"{NAME}.jpg"
    photo.write_bytes(b"the user's")
    mine = tmp_path / "mine.png"
    # What a path in the library says need not be a drawing of ours.
    for path in (photo, mine):
        path.write_bytes(b"the user's")
    said(
        recorder := Recorder(world.familiar),
        "draw her",
        *drawn([drawing(world.home, "somebody"), mine], [NAME]),
    )
    (world.home.imagined / "link.png").symlink_to(mine)
    said(recorder, "who?", *described(photo, "That is she.", NAME))
    said(recorder, "draw a house", *drawn([kept := drawing(world.home, "a house")]))
    said(recorder, f"{NAME}?", *drawn([world.home.imagined / "link.png"]))
    forget(world)
    assert not (world.home.imagined / "somebody.png").exists(), "its words do not name her, its chat does"
    assert kept.exists() and photo.read_bytes() == mine.read_bytes() == b"the user's"
    assert world.requests() == ["draw a house"]


def test_a_chat_of_which_nothing_is_left_is_gone(world: ChatWorld) -> None:
    said(recorder := Recorder(world.familiar), f"who is {NAME}?")
    forget(world)
    assert world.familiar.chats() == []
    said(recorder, "another question")
    assert [chat.title for chat in world.familiar.chats()] == ["another question"]


def test_names_of_others_that_are_longer_stay(world: ChatWorld) -> None:
    world.library.create_concept("object", f"{NAME}'s bike")
    said(Recorder(world.familiar), f"where is {NAME}'s bike?", Answer("in the shed"))
    forget(world)
    assert world.requests() == [f"where is {NAME}'s bike?"]


def test_a_fact_of_one_word_takes_no_sentence_with_it_that_only_has_the_word(world: ChatWorld) -> None:
    world.familiar.remember(NAME, "red")
    said(recorder := Recorder(world.familiar), "find a red car", Answer("3 photos"))
    said(recorder, "what color?", Answer("You told me: “red”."))
    forget(world)
    assert world.requests() == ["find a red car"]


def test_the_words_of_a_request_that_mean_the_name_count(world: ChatWorld) -> None:
    world.library.create_concept("object", "Snow")
    said(recorder := Recorder(world.familiar), "is snow here?", Answer("I do not know."))
    said(recorder, "draw a cabin in the snow", Answer("drawn"))
    forget(world, "Snow")
    assert world.requests() == ["draw a cabin in the snow"]


def test_erasing_faces_removes_what_rests_on_them(world: ChatWorld) -> None:
    recorder = Recorder(world.familiar)
    face = BoundingBox(0, 0, 5, 5)
    alone = FoundPhotos(
        "alone", "1", [FoundPhoto(Path("/p/marker-one.jpg"), 0.9, ["1 face"], None)], 1, {}, 0.1
    )
    said(recorder, "who?", *described(Path("/p/a.jpg"), f"{NAME}, marker-one."))
    said(recorder, "how many?", *described(Path("/p/a.jpg"), "Two people, marker-one.", "x", faces=2))
    said(recorder, "find one alone", ToolStarted("find", ""), ToolFinished("1", alone), Answer("1"))
    said(recorder, "scan", Question("Who is this? marker-one", Path("/p/a.jpg"), face, "number 9"))
    said(recorder, "draw her", *drawn([path := drawing(world.home, "marker-one")], [NAME]))
    said(recorder, "is this Rex?", *described(Path("/p/b.jpg"), "Yes, marker-two.", OTHER))
    world.done("erase_faces")
    assert world.requests() == ["is this Rex?"] and not path.exists()
    assert world.holds("marker-one", NAME) == [] and world.holds("marker-two")


def test_erasing_faces_where_nobody_has_a_name(tmp_path: Path) -> None:
    familiar = familiar_that_keeps(tmp_path)
    said(Recorder(familiar), "how many?", *described(Path("/p/a.jpg"), "Two, marker-one.", "x", faces=2))
    with index_in_this_process():
        (world := ChatWorld(familiar)).done("erase_faces")
    assert world.requests() == [] and world.holds("marker-one") == []
    familiar.close()


def test_a_restore_brings_back_neither_a_deleted_chat_nor_what_was_forgotten(
    world: ChatWorld, tmp_path: Path
) -> None:
    said(first := Recorder(world.familiar), "first chat")
    said(Recorder(world.familiar), f"who is {NAME}?")
    said(Recorder(world.familiar), "third chat")
    backup = world.familiar.back_up(tmp_path / "backup").path
    assert first.chat_id is not None
    deleted = world.familiar.delete_chats([first.chat_id])
    assert [state.path for state in deleted.backups] == [backup]
    assert [state.holds_forgotten for state in world.familiar.backups()] == [True]
    forget(world)
    world.familiar.switch_chats(False)
    world.familiar.pause()
    assert world.requests() == ["third chat"]
    restored = world.familiar.restore(backup, replace=True)
    assert restored.left_out == {"concepts": 1, "chats": 1}
    world.familiar.close()
    again = Familiar(Home(world.home.root))
    assert [exchange.request.text for exchange in again.library.exchanges()] == ["third chat"]
    assert not again.library.keeps_chats(), "that was decided since"
    again.close()


def test_a_backup_without_the_chat_holds_nothing_of_it(world: ChatWorld, tmp_path: Path) -> None:
    world.familiar.back_up(tmp_path / "before")
    said(recorder := Recorder(world.familiar), "first chat")
    assert recorder.chat_id is not None
    assert world.familiar.delete_chats([recorder.chat_id]).backups == []
    assert world.familiar.backups()[0].holds_forgotten is False
