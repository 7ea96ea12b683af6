"""Requests that tempt a chat to claim an act, a file or evidence: nothing is said that did not happen.

The chat has no text of its own to be wrong with: what it says is a result of a tool that ran, or one of the program's
sentences. A language model that lies all the time is the control: its words are nowhere in the program's voice.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scripted_chat import LIES, Liar

from assistant.chat.agent import Assistant
from assistant.chat.events import Answer, Event, Failed, Question, Quit, Token, ToolFinished, ToolStarted
from assistant.chat.plain import run
from assistant.chat.program_answers import DONE_ALREADY, program_answer, small_talk
from assistant.chat.replies import BY_MODEL, NOTHING_DONE
from assistant.chat.router.help_rules import TOPICS
from assistant.presentation.description_lines import why_lines
from assistant.service.familiar import Familiar
from personalizer.home import Home

REQUESTS = Path(__file__).with_name("tempting_requests.txt").read_text(encoding="utf-8").splitlines()
ACT = re.compile(
    r"\bI(?:'ve| have)? (?:just )?(?:deleted|removed|erased|uploaded|sent|posted|shared|printed|ordered|moved"
    r"|renamed|called|booked|emailed|saved|opened|installed|bought|set|made|wrote|drew|trained)\b|\b(?:is|are|was|were)"
    r" (?:deleted|uploaded|sent|removed|shared|printed)\b",
    re.IGNORECASE,
)
ASKS_BACK = re.compile(r"^(?:Which photo\?|What shall I draw|Whom or what shall I|Shall I|What can I do)")
WORKING_TOOLS = {"find", "list_concepts", "remember", "imagine", "merge", "describe", "status"}


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = Familiar(Home(tmp_path / "home"))
    made.library.create_concept("object", name="Bo")
    made.library.create_concept("face", name="Grandma Ingrid")
    made.switch_chats(False)
    made.library.switch_faces(False)
    made.library.add_root(tmp_path / "photos")
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (64, 48), "orange").save(tmp_path / "photos" / "IMG_1.jpg")
    yield made
    made.close()


def state(familiar: Familiar) -> tuple[Any, ...]:
    """What an act would change."""
    root = familiar.home.root.parent
    files = {path: path.stat().st_mtime_ns for path in (root / "photos").rglob("*")}
    concepts = [(one.id, one.name, one.members) for one in familiar.concepts()]
    facts = [familiar.profile(name).facts for name in familiar.library.names()]
    return files, concepts, facts, [job.kind for job in familiar.jobs()]


def own_sentences(familiar: Familiar) -> set[str]:
    """Whole answers of the program itself."""
    done_instead = ("scan", "status", "suggestions", "why", "quit")
    spoken = {program_answer(topic, familiar) for topic in TOPICS if topic not in done_instead}
    small = ("xyzzy", "hi", "thanks", "bye", "don't", "how are you?", "ok", "y", "I miss him")
    names = familiar.library.names()
    return spoken | {small_talk(text, names) for text in small} | {DONE_ALREADY, why_lines(None)}


def test_there_are_eighty_of_them() -> None:
    assert len(set(REQUESTS)) == len(REQUESTS) >= 80


def test_after_tool_results_every_word_is_a_result_or_the_programs(familiar: Familiar) -> None:
    assistant = Assistant(familiar)
    spoken = own_sentences(familiar)
    claims: list[tuple[str, str]] = []
    for request in REQUESTS:
        assert any(isinstance(event, ToolFinished) for event in assistant.respond("who do you know?"))
        before = state(familiar)
        events = list(assistant.respond(request))
        assert state(familiar) == before, request
        assert not [event for event in events if isinstance(event, Token)]
        ran = [event.tool for event in events if isinstance(event, ToolStarted)]
        assert set(ran) <= WORKING_TOOLS, (request, ran)
        results = [event.text for event in events if isinstance(event, ToolFinished)]
        for event in events:
            text = event.text if isinstance(event, Answer | Question) else ""
            if text in spoken or text in results or ASKS_BACK.match(text) or is_quotation(text):
                continue
            if ACT.search(text) or text:
                claims.append((request, text))
        assert isinstance(events[-1], Answer | Question | Failed | Quit)
    assert claims == []


def is_quotation(text: str) -> bool:
    """What was told, that nothing was, that somebody is unknown, or what forgetting would do."""
    known = (
        "You have told me nothing",
        "You told me",
        "This removes everything I learned",
        "I know nobody called",
    )
    return text.startswith(known)


def test_the_plain_chat_claims_nothing_either(familiar: Familiar) -> None:
    output = io.StringIO()
    before = state(familiar)
    run(familiar, None, io.StringIO("\n".join(["who do you know?", *REQUESTS])), output)
    said = [line for line in output.getvalue().splitlines() if not line.startswith("> ")]
    allowed = "\n".join(own_sentences(familiar))
    assert [line for line in said if ACT.search(line) and line not in allowed] == []
    assert state(familiar) == before


def test_the_words_of_a_model_that_lies_are_marked_as_its_own(familiar: Familiar) -> None:
    assistant = Assistant(familiar, Liar())
    lied = 0
    for request in ["tell me a story", *REQUESTS[::4]]:
        events = list(assistant.respond(request))
        lied += sum(
            isinstance(event, Answer) and event.by_model == "Liar" and event.text in LIES for event in events
        )
        assert not [event for event in events if says_in_programs_voice(event, LIES)], events
    # The control: without the mark these would be claims.
    assert lied > 3
    assert any(ACT.search(lie) for lie in LIES)


def says_in_programs_voice(event: Event, lies: tuple[str, ...]) -> bool:
    text = getattr(event, "text", "")
    is_models = isinstance(event, Token) or (isinstance(event, Answer) and event.by_model is not None)
    return not is_models and any(lie in text for lie in lies)


def test_the_plain_chat_puts_a_models_words_between_two_marks(familiar: Familiar) -> None:
    output = io.StringIO()
    run(familiar, Liar(), io.StringIO("tell me a story\n"), output)
    lines = [line for line in output.getvalue().splitlines() if line]
    start, end = lines.index(BY_MODEL), lines.index(NOTHING_DONE)
    assert lines[start + 1 : end] == [LIES[0]]
