"""A conversation of forty turns with the real router, tools, worker, backbone and stores, on photos that ship."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.chat.agent import Assistant
from assistant.chat.events import Answer, Event, Failed, Question, Quit, ToolFinished
from assistant.service.familiar import Familiar
from personalizer.home import PACKAGE_DATA, Home

SAMPLES = PACKAGE_DATA / "sample_library"
KIWI = ("0193", "0467", "0893", "0968", "1253", "1487")
BOLT = ("0514", "0755", "0933", "1467", "1702", "1975")
BISCUIT = ("0294", "0509", "0614", "0784", "1210", "1242")
OTHERS = ("0114", "0204", "0837", "1107", "1338", "1743")

# What is said, and what the answer must hold.
TURNS = (
    ("hello", r"^Hello\. Ask me"),
    ("what can you do?", r"I know nobody by name yet"),
    ("/add {folder}", r"May Familiar look for faces"),
    ("n", r"Faces are left alone|Who is this|Who or what"),
    ("later", r"As you like|All right|Goodbye"),
    ("who do you know?", r"groups? without a name|nobody"),
    ("/learn Bolt {bolt0} {bolt1} {bolt2}", r"I know Bolt now"),
    ("/learn Kiwi {kiwi0} {kiwi1} {kiwi2}", r"I know Kiwi now"),
    ("who are my people?", r"Bolt \(number \d+\).*Kiwi \(number \d+\)"),
    ("who is in {bolt5}?", r"I see Bolt"),
    ("is it Kiwi?", r"don't see Kiwi|can't"),
    ("when was this taken?", r"taken on \d+ \w+ \d{{4}}"),
    ("who else is there?", r"Bolt|can't tell"),
    ("wer ist auf {kiwi5}?", r"I see Kiwi"),
    ("¿es Kiwi?", r"Yes, I see Kiwi"),
    ("remember that Kiwi loves sunflower seeds", r"remember about Kiwi: “Kiwi loves sunflower seeds”"),
    ("what does Kiwi love?", r"You told me: “Kiwi loves sunflower seeds”"),
    ("Kiwi is 3 years old", r"remember about Kiwi"),
    ("how old is he?", r"3 years old"),
    ("how many photos of Kiwi do I have?", r"\d photos of Kiwi"),
    ("when did I last see Bolt?", r"newest photo of Bolt"),
    ("who is in the first one?", r"I see Bolt"),
    ("draw Kiwi on a beach", r"A montage: Kiwi cut out of .*(beach|IMG_)"),
    ("another one", r"A montage: Kiwi cut out of .*(beach|IMG_)"),
    ("draw him in the snow", r"A montage: Kiwi cut out of .*snow"),
    ("drw Bolt in a forest", r"A montage: Bolt cut out of .*forest"),
    ("zeichne Bolt am Strand", r"A montage: Bolt cut out of .*(beach|IMG_)"),
    ("delete all my photos", r"I can't delete"),
    ("upload them to facebook", r"I can't send|can't help"),
    ("are my photos uploaded?", r"Nothing leaves this machine"),
    ("rename Bolt to Robo", r"Bolt is Robo now"),
    ("undo", r"Undone: the naming"),
    ("that's not Kiwi", r"Which photo|Kiwi is not in|no photo|not in"),
    ("train Bolt", r"Bolt is trained"),
    ("forget Kiwi", r"Type the name again"),
    ("no, keep it", r"Nothing was removed"),
    ("who do you know?", r"Bolt.*Kiwi"),
    ("forget Kiwi", r"Type the name again"),
    ("Kiwi", r"(?i)forgotten|removed"),
    ("thanks", r"You're welcome"),
)


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (*KIWI, *BOLT, *BISCUIT, *OTHERS):
        shutil.copy2(SAMPLES / "library" / f"IMG_{number}.jpg", folder)
    made = Familiar(Home(tmp_path / "home"))
    made.switch_chats(True)
    yield made
    made.close()


def shown(events: list[Event]) -> str:
    texts = [
        f"{event.tried} {event.found} {event.fix}" if isinstance(event, Failed) else event.text
        for event in events
        if isinstance(event, Answer | Question | ToolFinished | Failed)
    ]
    return "\n".join(texts)


@pytest.mark.slow
def test_forty_turns(familiar: Familiar, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    paths = {f"bolt{at}": folder / f"IMG_{number}.jpg" for at, number in enumerate(BOLT)}
    paths |= {f"kiwi{at}": folder / f"IMG_{number}.jpg" for at, number in enumerate(KIWI)}
    assistant = Assistant(familiar)
    wrong: list[tuple[str, str]] = []
    for said, expected in TURNS:
        text = said.format(folder=folder, **paths)
        answer = shown(list(assistant.respond(text)))
        if not re.search(expected.replace("{{", "{").replace("}}", "}"), answer, re.DOTALL):
            wrong.append((text, answer))
    assert wrong == []
    assert len(TURNS) >= 40

    # What was said is kept, without the one who was forgotten, and goes on in another process's chat.
    [chat] = familiar.chats()
    kept = "\n".join(
        f"{exchange.request.text} {' '.join(message.text for message in exchange.answers)}"
        for exchange in familiar.chat(chat.id).exchanges
    )
    assert "Kiwi" not in kept and "Bolt" in kept
    again = Assistant(familiar)
    assert f"Chat {chat.id} goes on" in shown(list(again.respond(f"/resume {chat.id}")))
    assert "Bolt" in shown(list(again.respond("draw Bolt on a desk")))
    assert isinstance(list(again.respond("quit"))[-1], Quit)
    assert len(familiar.chats()) == 1
