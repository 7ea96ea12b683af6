"""Asks for confirmation of requests that were understood with doubt, or that do more than they sound like.

Knows the library and the conversation; carries nothing out.
"""

from __future__ import annotations

from pathlib import Path

from assistant.chat.memory import Conversation
from assistant.chat.replies import about_change
from assistant.chat.router.route import Route
from assistant.presentation.printable import percent
from assistant.service.familiar import Familiar
from assistant.tools.approvals import CHANGING
from assistant.tools.corrections import OPERATIONS_CALLED


class Doubts:
    """The confirmations of one conversation."""

    def __init__(self, familiar: Familiar, said: Conversation) -> None:
        self._familiar = familiar
        self._said = said
        self._behind = self._newest()
        """The last operation before this conversation, or before somebody was last forgotten in it."""
        self._forgot = False

    def about(self, found: Route) -> str | None:
        """What to ask, as in "Shall I …?"; None where it is simply done."""
        if found.intent not in CHANGING:
            return None
        change = about_change(found)
        if found.intent == "undo":
            return self._about_undo()
        if found.intent == "merge" and len(found.slots.get("concepts", [])) > 1:
            return f"{change}, which both have names"
        if (
            found.intent in ("confirm", "name_concept")
            and "photo" in found.slots
            and "concept" in found.slots
        ):
            seen = self._seen_instead(found)
            if seen is not None:
                return f"{change}, although {seen}"
        return change if found.source == "meaning" else None

    def _seen_instead(self, found: Route) -> str | None:
        """Who is in the photo for all that is known, where that is somebody else."""
        concept, photo = found.slots["concept"], Path(str(found.slots["photo"]))
        denied = found.slots.get("instead_of")
        described = self._said.last_description
        if described is not None and described.photo.name == photo.name:
            seen = [one for one in described.concepts if one.verdict == "yes" and one.name != denied]
            if seen and concept not in [one.name for one in seen]:
                return f"I see {seen[0].name} ({percent(seen[0].probability)} sure)"
        noted = self._noted_in(photo)
        others = [name for name in noted if name not in (concept, denied)]
        return f"I have it as {others[0]}" if others and concept not in noted else None

    def _noted_in(self, photo: Path) -> list[str]:
        """The named ones that photo belongs to."""
        library = self._familiar.library
        files = library.files_named(photo.name)
        photo_ids = {photo_id for path, photo_id in files if photo == Path(photo.name) or path == photo}
        inside = {detection.id for photo_id in photo_ids for detection in library.detections(photo_id)}
        names = {concept.id: concept.name for concept in library.concepts() if concept.name}
        found = [
            names[member.concept_id]
            for member in library.memberships()
            if member.status == "confirmed" and member.detection_id in inside and member.concept_id in names
        ]
        return [name for name in dict.fromkeys(found) if name is not None]

    def somebody_was_forgotten(self) -> None:
        """Until something else is changed, "undo" may mean that."""
        self._behind, self._forgot = self._newest(), True

    def _newest(self) -> int:
        return max((operation.id for operation in self._familiar.library.operations(1)), default=0)

    def _about_undo(self) -> str | None:
        undoable = (one for one in self._familiar.history() if one.can_be_undone and one.kind != "undo")
        last = next(undoable, None)
        if last is None or last.id > self._behind:
            return None
        about = f" of {' and '.join(last.about)}" if last.about else ""
        change = f"take back an earlier change ({OPERATIONS_CALLED.get(last.kind, last.kind)}{about}, {last.at[:10]})"
        return f"{change}; a forgetting cannot be undone" if self._forgot else change
