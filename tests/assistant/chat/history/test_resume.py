"""A kept chat is shown again and gone on with; what can be done with chats from within one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from kept_chats import described, drawing, drawn, familiar_that_keeps, said
from PIL import Image

from assistant.chat.events import Answer, Cancelled, Token, ToolFinished, ToolStarted
from assistant.chat.history import chat_commands
from assistant.chat.history.artifacts import artifact_of, kept_artifact
from assistant.chat.history.recorder import Recorder
from assistant.chat.history.resume import Drawing, resume
from assistant.chat.memory import Conversation
from assistant.presentation.description_lines import why_lines
from assistant.results import Description, FoundPhoto, FoundPhotos, Profile
from assistant.service.familiar import Familiar
from personalizer.errors import NotFoundError, UsageError


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = familiar_that_keeps(tmp_path)
    yield made
    made.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "holiday.jpg"
    Image.new("RGB", (8, 8), "red").save(path)
    return path


def test_another_one_and_why_go_on_where_the_chat_was_left(familiar: Familiar, photo: Path) -> None:
    recorder = Recorder(familiar)
    said(recorder, "hello", Token("Hi."), Answer("Hi.", by_model="large.gguf"))
    said(recorder, "who is in holiday.jpg?", *described(photo, "That is Bo (78 % sure)."))
    said(recorder, "draw Bo on a beach", *drawn([drawing(familiar.home, "Bo on a beach")], ["Bo"]))
    assert recorder.chat_id is not None
    resumed = resume(familiar, recorder.chat_id)
    assert resumed.title == "hello" and resumed.drawing == Drawing("Bo on a beach", 1, 7)
    conversation = Conversation()
    resumed.put_into(conversation)
    assert conversation.last_photos == (photo,)
    assert "appearance 0.39" in why_lines(conversation.last_description)
    assert conversation.last_route is not None and conversation.last_route.intent == "imagine"
    assert conversation.last_route.slots == {"prompt": "Bo on a beach", "count": 1}
    assert [turn.text for turn in conversation.turns] == ["hello", "Hi."], (
        "what the model did not say is none"
    )


def test_another_one_means_only_what_was_done_last(familiar: Familiar, photo: Path) -> None:
    recorder = Recorder(familiar)
    said(recorder, "draw Bo", *drawn([drawing(familiar.home, "Bo")], ["Bo"]))
    said(recorder, "who is in holiday.jpg?", *described(photo, "That is Bo."))
    assert resume(familiar, str(recorder.chat_id)).drawing is None


def test_it_is_shown_with_the_pictures_that_are_still_there(familiar: Familiar, photo: Path) -> None:
    recorder = Recorder(familiar)
    said(recorder, "who?", *described(photo, "Bo."))
    said(recorder, "and here?", *described(photo.with_name("gone.jpg"), "Nobody."))
    recorder.request("then it was killed")
    assert recorder.chat_id is not None
    first, second, third = resume(familiar, recorder.chat_id).exchanges
    assert [picture.path for picture in first.messages[0].pictures] == [photo]
    assert isinstance(first.messages[0].artifact, Description) and first.messages[0].artifact.answer == "Bo."
    assert second.messages[0].pictures == () and second.ending == "answered"
    assert (third.request, third.messages, third.ending) == ("then it was killed", (), "unfinished")


def test_a_search_comes_back_with_its_photos(familiar: Familiar, photo: Path) -> None:
    recorder = Recorder(familiar)
    lost = photo.with_name("lost.jpg")
    photos = [FoundPhoto(path, 0.9, ["looks like a beach"], datetime(2024, 5, 6)) for path in (lost, photo)]
    found = FoundPhotos("beach", "2 photos.", photos, 2, {"asks": "photos"}, 0.1)
    said(
        recorder,
        "find beach",
        ToolStarted("find", "x"),
        ToolFinished("2 photos.", found),
        Answer("2 photos."),
    )
    assert recorder.chat_id is not None
    resumed = resume(familiar, recorder.chat_id)
    assert resumed.last_found == (photo,)
    assert resumed.exchanges[0].messages[0].artifact == found


def test_results_come_back_as_they_were_or_not_at_all() -> None:
    profile = Profile("Bo", ["afraid of water"], added="afraid of water")
    kept = kept_artifact(profile)
    assert kept is not None and artifact_of(kept) == profile
    assert kept_artifact(None) is None and artifact_of(None) is None
    assert artifact_of(kept_artifact(object())) is None
    assert artifact_of({"kind": "Description", "value": {"photo": 3}}) is None, "of another version"
    huge = Profile("Bo", ["x" * 400] * 100)
    assert artifact_of(kept_artifact(huge)) is None


# --- from within a chat


def test_resuming_goes_on_in_the_same_chat(familiar: Familiar) -> None:
    first, second = Recorder(familiar), Recorder(familiar)
    said(first, "one")
    said(second, "two")
    conversation = Conversation()
    text, resumed = chat_commands.resume_chat(familiar, second, conversation, "")
    assert resumed.id == first.chat_id == second.chat_id and "one" in text
    said(second, "three")
    assert [one.request.text for one in familiar.chat(resumed.id).exchanges] == ["one", "three"]
    with pytest.raises(NotFoundError):
        chat_commands.resume_chat(familiar, second, conversation, "77")
    assert second.chat_id == first.chat_id


def test_chats_are_listed_and_searched(familiar: Familiar) -> None:
    assert chat_commands.list_chats(familiar) == ("No chat is kept yet.", [])
    recorder = Recorder(familiar)
    said(recorder, "who chased the postman?")
    said(Recorder(familiar), "x " * 200)
    text, chats = chat_commands.list_chats(familiar)
    assert "/resume ID" in text and [len(chat.title) for chat in chats] == [60, 23]
    text, found = chat_commands.search_chats(familiar, "POSTMAN chased")
    assert [one.chat for one in found] == [recorder.chat_id] * 2 and "postman" in text
    assert chat_commands.search_chats(familiar, "postman cat")[1] == []
    with pytest.raises(UsageError):
        chat_commands.search_chats(familiar, '"*')


def test_a_chat_that_is_not_kept_can_be_neither_exported_nor_deleted(
    familiar: Familiar, tmp_path: Path
) -> None:
    recorder = Recorder(familiar)
    for act in (chat_commands.export_chat, chat_commands.delete_chat):
        with pytest.raises(UsageError, match="nothing of this chat is kept"):
            act(familiar, recorder, str(tmp_path / "a.md"))
    text, _ = chat_commands.make_private(recorder, "")
    assert text == "Nothing of this chat is kept from now on."
    with pytest.raises(UsageError, match="private"):
        chat_commands.delete_chat(familiar, recorder, "yes")


def test_a_kept_chat_is_made_private_when_that_is_asked_for_twice(familiar: Familiar) -> None:
    recorder = Recorder(familiar)
    said(recorder, "who chased the postman?")
    asked, _ = chat_commands.make_private(recorder, "")
    assert "/private yes" in asked and not recorder.private
    assert [chat.id for chat in familiar.chats()] == [recorder.chat_id]
    assert "is removed" in chat_commands.make_private(recorder, "yes")[0]
    assert recorder.private and familiar.chats() == []


def test_this_chat_is_deleted_when_that_is_asked_for_twice(familiar: Familiar, photo: Path) -> None:
    recorder = Recorder(familiar)
    path = drawing(familiar.home, "Bo")
    said(recorder, "who?", *described(photo, "Bo."))
    said(recorder, "draw Bo", *drawn([path], ["Bo"]))
    said(recorder, "stop", Cancelled())
    text, deleted = chat_commands.delete_chat(familiar, recorder, "")
    assert deleted is None and "/delete-chat yes" in text and path.exists()
    text, deleted = chat_commands.delete_chat(familiar, recorder, "yes")
    assert deleted is not None and (deleted.chats, deleted.drawings) == (1, 1)
    assert familiar.chats() == [] and not path.exists() and photo.exists()
    said(recorder, "a new one")
    assert [chat.title for chat in familiar.chats()] == ["a new one"]
