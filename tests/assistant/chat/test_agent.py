"""Requests answered over a real library in a temporary home; free conversation with the real small model."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from assistant.chat.agent import UPDATED, Assistant
from assistant.chat.events import (
    Answer,
    Cancelled,
    Event,
    Failed,
    Question,
    Quit,
    Token,
    ToolFinished,
    ToolStarted,
)
from assistant.chat.plain import run
from assistant.presentation.description_lines import NOTHING_TO_EXPLAIN, description_lines
from assistant.results import FoundPhotos
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home
from personalizer.library.library import Library

NO_MODEL = Path("/nonexistent/model.gguf")


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = Familiar(Home(tmp_path / "home"))
    made.library.create_concept("object", name="Bo")
    made.library.create_concept("face", name="Grandma Ingrid")
    made.library.create_concept("object")
    made.switch_chats(False)
    yield made
    made.close()


@pytest.fixture
def assistant(familiar: Familiar) -> Assistant:
    return Assistant(familiar)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "my photo.png"
    Image.new("RGB", (64, 48), "orange").save(path)
    return path


def permitted(assistant: Assistant, text: str) -> list[Event]:
    """The events of a request about a photo outside the folders, which is allowed when asked about."""
    asked = last(assistant, text)
    assert isinstance(asked, Question), asked
    return list(assistant.respond("y"))


def last(assistant: Assistant, text: str) -> Event:
    return list(assistant.respond(text))[-1]


def answer(assistant: Assistant, text: str) -> str:
    event = last(assistant, text)
    assert isinstance(event, Answer), event
    return event.text


def test_a_tool_reports_start_and_result(assistant: Assistant) -> None:
    events = list(assistant.respond("who do you know?"))
    assert [type(event) for event in events] == [ToolStarted, ToolFinished, Answer]
    finished = events[1]
    assert isinstance(finished, ToolFinished)
    assert {concept.name for concept in finished.artifact} == {"Bo", "Grandma Ingrid", None}
    assert "Grandma Ingrid" in finished.text


def test_names_are_looked_up_in_the_library(assistant: Assistant) -> None:
    assert answer(assistant, "tell me about grandma ingrid").startswith(
        "Grandma Ingrid (number 2) is a person"
    )


def test_naming_changes_the_library(assistant: Assistant, familiar: Familiar) -> None:
    assert "Rex" in answer(assistant, "call number 3 Rex")
    assert familiar.concept("Rex").id == 3
    assert "Rexy" in answer(assistant, "rename Rex to Rexy")
    assert familiar.concept(3).name == "Rexy"


@pytest.mark.parametrize(
    "text",
    ["find photos of Bo", "when did I last see Bo?", "how many photos of Bo do I have?", "/find Bo in 1999"],
)
def test_searches_are_answered_from_the_library(assistant: Assistant, text: str) -> None:
    events = list(assistant.respond(text))
    assert [type(event) for event in events] == [ToolStarted, ToolFinished, Answer]
    finished = events[1]
    assert isinstance(finished, ToolFinished) and isinstance(finished.artifact, FoundPhotos)
    assert "no photo" in finished.text or "photo" in finished.text
    assert "Bo" in finished.artifact.understood["names"]


def test_a_search_without_words_says_how(assistant: Assistant) -> None:
    (failed,) = list(assistant.respond("/find"))
    assert isinstance(failed, Failed) and "/find" in failed.fix


def test_what_is_told_is_kept_and_quoted(assistant: Assistant, familiar: Familiar) -> None:
    kept = list(assistant.respond("please remember that Bo is afraid of water"))
    assert isinstance(kept[0], ToolStarted) and kept[0].tool == "remember"
    assert familiar.profile("Bo").facts == ["Bo is afraid of water"]
    assert "already" in answer(assistant, "remember that Bo is afraid of water!")
    answer(assistant, "/remember grandma ingrid knits socks")
    answer(assistant, "/remember Bo my corgi")
    assert familiar.profile("Grandma Ingrid").facts == ["knits socks"]
    assert answer(assistant, "is Bo afraid of water?") == "You told me: “Bo is afraid of water”."
    assert answer(assistant, "what breed is Bo?") == "You told me: “Bo is afraid of water”; “my corgi”."
    for open_question in ("what do you know about Bo?", "who is Bo?", "tell me about Bo"):
        assert answer(assistant, open_question).endswith("You told me: “Bo is afraid of water”; “my corgi”.")


@pytest.mark.parametrize("question", ["how old is Bo?", "does Bo like cats?", "is Grandma Ingrid a doctor?"])
def test_what_was_not_told_is_said_and_not_made_up(
    assistant: Assistant, familiar: Familiar, question: str
) -> None:
    familiar.remember("Bo", "afraid of water")
    # Of Bo one fact is known, so that "nothing" would be untrue.
    said = answer(assistant, question)
    assert said.startswith(
        "You have not told me that about Bo." if "Bo" in question else "You have told me nothing"
    )


@pytest.mark.parametrize(
    "text", ["Bo was funny today", "I love Bo", "Bo is great!", "good morning, it is Bo."]
)
def test_talk_about_a_concept_is_neither_kept_nor_a_question(
    assistant: Assistant, familiar: Familiar, text: str
) -> None:
    assert "You have told me" not in answer(assistant, text)
    assert familiar.profile("Bo").facts == []


def test_a_question_that_seems_to_need_a_photo_is_answered_when_it_was_told(
    assistant: Assistant, familiar: Familiar
) -> None:
    assert "Which photo" in answer(assistant, "does Bo sleep on the sofa in there?")
    familiar.remember("Bo", "sleeps there, on the sofa")
    assert answer(assistant, "does Bo sleep on the sofa in there?").startswith("You told me: “sleeps")
    assert "Which photo" in answer(assistant, "is this Bo?")


def test_asks_whom_it_is_about_and_takes_the_name_next(assistant: Assistant, familiar: Familiar) -> None:
    assert "Whom or what" in answer(assistant, "remember that he hates the hoover")
    assert "“he hates the hoover”" in answer(assistant, "Bo")
    assert familiar.profile("Bo").facts == ["he hates the hoover"]


def test_the_profile_is_listed_and_taken_back(assistant: Assistant, familiar: Familiar) -> None:
    familiar.remember("Grandma Ingrid", "knits socks")
    assert "1  knits socks" in answer(assistant, "/profile grandma ingrid")
    assert "Taken back: knits socks" in answer(assistant, "/profile Grandma Ingrid remove 1")
    assert isinstance(last(assistant, "/profile Grandma Ingrid remove 1"), Failed)
    assert isinstance(last(assistant, "/remember Bo"), Failed)
    assert isinstance(last(assistant, "/remember Rex is blue"), Failed)
    assert isinstance(last(assistant, "/profile"), Failed)


def test_one_note_is_taken_back_in_words_and_nobody_is_forgotten(
    assistant: Assistant, familiar: Familiar
) -> None:
    for fact in ("loves cheese", "is afraid of thunder"):
        familiar.remember("Bo", fact)
    assert "Taken back: loves cheese" in answer(assistant, "forget that Bo loves cheese")
    assert familiar.profile("Bo").facts == ["is afraid of thunder"]
    assert "No longer" not in answer(assistant, "undo") and "loves cheese" in familiar.profile("Bo").facts
    assert "Taken back: is afraid of thunder" in answer(
        assistant, "/profile Bo remove the thing about thunder"
    )
    assert familiar.library.names() == ["Bo", "Grandma Ingrid"]


def test_asks_for_the_photo_and_takes_it_next(assistant: Assistant, tmp_path: Path) -> None:
    assert "Which photo" in answer(assistant, "is this Bo?")
    nowhere = tmp_path / "nowhere.jpg"
    events = list(assistant.respond(str(nowhere)))
    assert isinstance(events[0], ToolStarted)
    assert events[0].tool == "describe"
    assert isinstance(events[-1], Failed)
    assert "no such file" in events[-1].found


def test_a_photo_outside_the_folders_is_asked_about_first(
    assistant: Assistant, familiar: Familiar, photo: Path
) -> None:
    asked = last(assistant, f"who is in '{photo}'?")
    assert isinstance(asked, Question) and "in none of your folders" in asked.text
    assert answer(assistant, "no thanks") == "Then I leave it: I opened nothing."
    assert isinstance(last(assistant, f"who is in '{photo}'?"), Question)
    assert "question" not in answer(assistant, "who do you know?"), "another request is one"
    assert isinstance(permitted(assistant, f"who is in '{photo}'?")[0], ToolStarted)
    assert isinstance(last(assistant, f"is Bo in '{photo}'?"), Answer), "it is open from now on"


def test_why_says_what_the_last_answer_about_a_photo_rests_on(
    assistant: Assistant, familiar: Familiar, photo: Path
) -> None:
    assert answer(assistant, "/why") == NOTHING_TO_EXPLAIN
    described = next(
        event.artifact
        for event in permitted(assistant, f"is Bo in '{photo}'?")
        if isinstance(event, ToolFinished)
    )
    [bo] = described.concepts
    # What is asked in between is about no photo.
    answer(assistant, "who do you know?")
    evidence = f"  Bo: {'; '.join(bo.evidence)} → {bo.probability:.2f}"
    why = answer(assistant, "/why").splitlines()
    assert why[0].startswith("My answer about my photo.png (“is Bo in") and why[1] == evidence
    # The command line says the same.
    assert evidence in description_lines(described, why=True).splitlines()
    answer(assistant, "/forget Bo")
    answer(assistant, "Bo")
    assert answer(assistant, "/why") == NOTHING_TO_EXPLAIN
    answer(assistant, f"/describe '{photo}'")
    assert answer(assistant, "/why").startswith("My answer about my photo.png")
    answer(assistant, "/clear")
    assert answer(assistant, "/why") == NOTHING_TO_EXPLAIN


def test_an_error_has_what_was_tried_found_and_to_do(assistant: Assistant) -> None:
    event = last(assistant, "/name 99 Bo")
    assert isinstance(event, Failed)
    assert event.tried and event.found and event.fix


def test_an_unknown_command_is_an_error(assistant: Assistant) -> None:
    assert isinstance(last(assistant, "/dance"), Failed)


def test_a_chat_that_was_open_during_an_update_says_so(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assistant.code, "outdated", lambda: True)
    assert last(assistant, "who do you know?") == UPDATED
    assert isinstance(last(assistant, "/quit"), Quit)


def test_quit(assistant: Assistant) -> None:
    assert isinstance(last(assistant, "/quit"), Quit)


def test_a_model_that_is_not_there_is_said_to_be_missing(familiar: Familiar) -> None:
    words = answer(Assistant(familiar, NO_MODEL), "good morning!")
    assert "cannot chat freely" in words
    assert "familiar doctor" in words


def test_a_request_that_was_stopped_ends(familiar: Familiar, assistant: Assistant, tmp_path: Path) -> None:
    """The queue is paused, so the scan waits; stopping it must end both the wait and the job."""
    folder = tmp_path / "photos"
    folder.mkdir()
    familiar.library.switch_faces(True)
    familiar.pause()
    stop = threading.Event()
    events = []
    for event in assistant.respond(f"/add {folder}", cancelled=stop):
        events.append(event)
        if not isinstance(event, ToolStarted):
            stop.set()
    assert isinstance(events[-1], Cancelled)
    # The next request is answered after the stopped one let go.
    assert isinstance(last(assistant, "who do you know?"), Answer)
    assert [job.state for job in familiar.jobs()] == ["cancelled"]


def test_a_request_stopped_while_it_waited_is_not_carried_out(
    familiar: Familiar, assistant: Assistant, tmp_path: Path
) -> None:
    """The queue is paused, so the scan keeps the assistant busy until it is stopped itself."""
    folder = tmp_path / "photos"
    folder.mkdir()
    familiar.library.switch_faces(True)
    familiar.pause()
    busy, waiting = threading.Event(), threading.Event()
    running = assistant.respond(f"/add {folder}", cancelled=busy)
    assert isinstance(next(running), ToolStarted)
    waiting.set()
    assert [type(event) for event in assistant.respond("/name 3 Rex", cancelled=waiting)] == [Cancelled]
    busy.set()
    assert isinstance(list(running)[-1], Cancelled)
    assert isinstance(last(assistant, "who do you know?"), Answer)
    assert familiar.concept(3).name is None


@pytest.mark.parametrize(
    ("interruption", "outcome"), [(KeyboardInterrupt(), Cancelled), (SystemExit(3), Failed)]
)
def test_what_interrupts_a_request_ends_no_later_one(
    assistant: Assistant,
    monkeypatch: pytest.MonkeyPatch,
    interruption: BaseException,
    outcome: type[Event],
) -> None:
    def interrupt(_library: Library) -> None:
        raise interruption

    with monkeypatch.context() as patched:
        patched.setattr(Library, "names", interrupt)
        assert [type(event) for event in in_time(assistant, "who do you know?")] == [outcome]
    assert isinstance(in_time(assistant, "who do you know?")[-1], Answer)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_started_again(assistant: Assistant) -> None:
    assert isinstance(last(assistant, "/help"), Answer)
    assistant.tasks.put(sys.exit)
    assert isinstance(in_time(assistant, "/help")[-1], Answer)


def in_time(assistant: Assistant, text: str, patience_s: float = 30.0) -> list[Event]:
    """What came back, which may be nothing when nobody answers."""
    events: list[Event] = []
    asking = threading.Thread(target=lambda: events.extend(assistant.respond(text)), daemon=True)
    asking.start()
    asking.join(patience_s)
    return events


def test_a_photo_out_of_bounds_is_not_opened(familiar: Familiar, photo: Path, tmp_path: Path) -> None:
    access = PhotoAccess(familiar)
    with pytest.raises(UsageError):
        access.open(photo)
    access.allow([photo])
    assert access.open(photo) == photo
    folder = tmp_path / "registered"
    folder.mkdir()
    familiar.library.add_root(folder)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "secret.png").write_bytes(photo.read_bytes())
    with pytest.raises(UsageError):
        access.open(folder / "link.png")
    with pytest.raises(UsageError):
        access.open(folder / ".." / "secret.png")
    with pytest.raises(NotFoundError):
        access.open(folder / "gone.png")


def test_the_plain_chat_answers_lines_until_quit(familiar: Familiar) -> None:
    output = io.StringIO()
    code = run(familiar, None, io.StringIO("who do you know?\n\n/dance\n/quit\nnever read\n"), output)
    assert code == 0
    assert "Bo (number 1)" in output.getvalue()
    assert "to do: " in output.getvalue()
    assert "never" not in output.getvalue()


def test_the_plain_chat_prints_no_codes_that_come_from_a_name(familiar: Familiar) -> None:
    output = io.StringIO()
    run(familiar, None, io.StringIO("/describe /nowhere/\x1b[2J\x9b5m.jpg\n/\x1b[1m\n"), output)
    assert "Looking at \\x1b[2J\\x9b5m.jpg…" in output.getvalue()
    assert "opening /nowhere/\\x1b[2J" in output.getvalue()
    assert "\x1b" not in output.getvalue() and "\x9b" not in output.getvalue()


@pytest.mark.slow
class TestWithTheModel:
    @pytest.fixture
    def talking(self, familiar: Familiar) -> Assistant:
        pytest.importorskip("llama_cpp")
        from assistant.chat.llm.engine import default_model_path

        return Assistant(familiar, default_model_path())

    @pytest.mark.parametrize("text", ["good morning!", "delete all my photos", "tell me a story", "hi"])
    def test_a_small_model_says_nothing_of_its_own(
        self, talking: Assistant, familiar: Familiar, text: str
    ) -> None:
        for request in ("who do you know?", text):
            events = list(talking.respond(request))
        assert not [event for event in events if isinstance(event, Token)]
        assert events == list(Assistant(familiar).respond(text)), "as without a model"

    def test_the_small_model_is_known_by_its_parameters(self, talking: Assistant) -> None:
        from assistant.chat.llm.engine import default_model_path, is_surely_small, parameter_count
        from assistant.chat.llm.model import LocalChat

        path = default_model_path()
        assert path is not None and is_surely_small(path)
        model = LocalChat()
        assert parameter_count(model.loaded()) == pytest.approx(135e6, rel=0.3)
        assert not model.talks_freely()

    def test_nothing_is_traced_even_when_the_environment_asks_for_it(
        self, talking: Assistant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from langsmith import run_trees

        def refuse(*_arguments: object, **_named: object) -> None:
            raise AssertionError("a conversation was about to leave this machine")

        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", "not-a-key")
        monkeypatch.setattr(run_trees.RunTree, "post", refuse)
        assert isinstance(last(talking, "tell me a story"), Answer)

    def test_a_tool_that_the_model_is_made_to_call_runs(self, familiar: Familiar) -> None:
        pytest.importorskip("llama_cpp")
        from assistant.chat.llm.model import LocalChat
        from assistant.tools import build_tools

        tools = build_tools(familiar)
        reply = LocalChat().bind_tools(tools, tool_choice="list_concepts").invoke("anyone in your memory?")
        assert [call["name"] for call in reply.tool_calls] == ["list_concepts"]
        listing = next(tool for tool in tools if tool.name == "list_concepts")
        message = listing.invoke({**reply.tool_calls[0], "type": "tool_call"})
        assert "Grandma Ingrid" in message.content
        assert {concept.name for concept in message.artifact} >= {"Bo"}
