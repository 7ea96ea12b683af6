"""Opens the library and reads what the screen shows of it. Runs in background threads; knows no widget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from personalizer.errors import counted
from tui.messages import Snapshot, Suggestion

if TYPE_CHECKING:
    from assistant.chat.agent import Assistant
    from assistant.service.familiar import Familiar
    from personalizer.home import Home
    from personalizer.schemas import ConceptSummary

_SCENES = ("on a beach", "in the snow", "in a garden", "at night")


def open_assistant(home: Home, backbone: str, device: str, model_path: Path | None) -> Assistant:
    """The assistant over the library at `home`; imports what the first paint must not wait for."""
    from assistant.chat.agent import Assistant
    from assistant.service.familiar import Familiar

    assistant = Assistant(Familiar(home, backbone, device), model_path)
    assistant.warm_up()
    return assistant


def take_snapshot(familiar: Familiar, *, suggest: bool = True) -> Snapshot:
    """The library as it is now; things to try only where somebody sees them, since these need all concepts."""
    library = familiar.library
    photos = library.photos(1) if suggest else []
    offered = suggestions(familiar.concepts(), photos[0].path if photos else None) if suggest else ()
    return Snapshot(status=familiar.status(), names=tuple(library.names()), suggestions=offered)


def suggestions(concepts: Sequence[ConceptSummary], photo: Path | None) -> tuple[Suggestion, ...]:
    """Three things to try, from what the library really knows."""
    # Out of its photos a picture is made.
    named = [concept for concept in concepts if concept.name and concept.state != "hidden"]
    drawable = sorted((concept for concept in named if concept.members), key=lambda c: -c.members)
    waiting = [concept for concept in concepts if concept.name and concept.suggested]
    unnamed = [concept for concept in concepts if not concept.name]
    found: list[Suggestion] = []
    for concept, scene in zip(drawable[:2], _SCENES, strict=False):
        found.append(Suggestion(f"Draw {concept.name} {scene}", f"Draw {concept.name} {scene}"))
    if waiting:
        photos = counted(sum(concept.suggested for concept in waiting), "photo")
        found.append(Suggestion(f"Look at {photos} that may show somebody you named", "/suggestions"))
    if photo is not None:
        found.append(Suggestion(f"Who is in {photo.name}?", f'Who is in "{photo}"?'))
    if unnamed:
        first = unnamed[0]
        what = "person" if first.kind == "face" else "pet or thing"
        number = first.members + first.suggested
        label = f"Name the {what} in {counted(number, 'photo')} (number {first.id})"
        found.append(Suggestion(label, f"/name {first.id} ", send=False))
    if concepts:
        found.append(Suggestion("Who do you know?", "Who do you know?"))
    if photo is None:
        found.append(Suggestion("Look at a folder of photos", "/add ~/", send=False))
        found.append(Suggestion("Teach me someone from a few photos", "/learn ", send=False))
    found.append(Suggestion("What can you do?", "/help"))
    return tuple(found[:3])
