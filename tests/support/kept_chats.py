"""A home with kept chats, made by the recorder from the events of a chat; no backbone and no model is needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from assistant.chat.events import Answer, Event, ToolFinished, ToolStarted
from assistant.chat.history.recorder import Recorder
from assistant.results import Description, Facts, Imagined, Recognized
from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.schemas import BoundingBox


def familiar_that_keeps(folder: Path) -> Familiar:
    """A new home in which a person said that chats may be kept."""
    familiar = Familiar(Home(folder / "home").ensure())
    familiar.switch_chats(True)
    return familiar


def said(recorder: Recorder, request: str, *events: Event) -> None:
    """One exchange; without events it is answered in words."""
    recorder.request(request)
    for event in events or (Answer(f"About: {request}"),):
        recorder.event(event)


def drawing(home: Home, prompt: str, name: str = "") -> Path:
    """A small file that Familiar would know for its own drawing."""
    about = PngInfo()
    about.add_text("prompt", prompt)
    about.add_text("Software", "Familiar")
    path = home.imagined / f"{name or prompt.replace(' ', '-')}.png"
    Image.new("RGB", (4, 4), "teal").save(path, pnginfo=about)
    return path


def drawn(paths: Iterable[Path], concepts: Iterable[str] = ()) -> list[Event]:
    """The events of a drawing."""
    shown = list(paths)
    imagined = Imagined(shown, list(concepts), 7, "pocket", 10.0, 0.5)
    text = "\n".join(map(str, shown))
    return [ToolStarted("imagine", "Drawing"), ToolFinished(text, imagined), Answer(text)]


def described(photo: Path, answer: str, name: str = "Bo", *, faces: int = 0) -> list[Event]:
    """The events of an answer about a photo."""
    box = BoundingBox(1, 2, 3, 4) if faces else None
    found = Recognized(name, 0.78, "yes", ["appearance 0.39, needs 0.19"], box)
    facts = Facts(None, 46.5, None, "Pixel", 10, 20, True, faces=faces)
    description = Description(photo, "who is this?", answer, [found], facts, "pocket", 0.25)
    return [ToolStarted("describe", "Looking"), ToolFinished(answer, description), Answer(answer)]
