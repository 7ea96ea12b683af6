"""The sentences of the chat itself: what it asks back and what it cannot do. Knows no library."""

from __future__ import annotations

from assistant.chat.router.route import Route

CANNOT_HELP = (
    "I can't help with that. I can find photos (“photos of …”), say who is in one (“who is in PHOTO?”), draw "
    "(“draw …”), say whom I know (“who do you know?”), name a group (“call number 3 Bo”) and keep what you tell me "
    "(“remember that Bo …”). /help lists everything."
)
"""What to say to what no tool answers."""
NO_WORDS = "The language model had no answer. Nothing was done."
BY_MODEL = "[A language model writes, not Familiar:]"
"""In front of a model's words where there are only lines of text."""
NOTHING_DONE = "[Familiar looked at nothing and did nothing for these words.]"
"""Behind a model's words."""
_DOING = {
    "describe": "say something about a photo",
    "imagine": "draw it",
    "find": "look for photos",
    "list_concepts": "say what I know about people, pets and things",
    "name_concept": "give a name",
    "confirm": "note that someone is in a photo",
    "reject": "note that someone is not in a photo",
    "merge": "make one of two",
    "split": "take photos out of a group",
    "undo": "take back the last change",
    "train": "train someone",
    "remember": "keep that as a note",
    "forget": "forget someone",
    "help": "explain how that works",
}


def clarification(found: Route) -> str:
    """What to ask back when something is missing."""
    wanted, missing = str(found.slots.get("wanted")), found.slots.get("missing")
    if missing == "choice":
        first, second = (_DOING[label.split()[0]] for label in (wanted, str(found.slots["other"])))
        return f"Shall I 1) {first}, or 2) {second}?"
    if missing == "photo" and wanted == "split":
        return "Which photos show somebody or something else? Name their files, such as IMG_1.jpg IMG_2.jpg."
    if missing == "photo":
        concept = found.slots.get("concept")
        looking_for = f" and I will look for {concept}" if concept and wanted == "describe" else ""
        return f"Which photo? Name its file{looking_for}, such as ~/Pictures/IMG_1.jpg."
    if missing == "prompt":
        return "What shall I draw?"
    if missing == "name":
        which = found.slots.get("concept") or f"number {found.slots.get('id')}"
        return f"Which name shall {which} have?"
    if wanted == "forget":
        return "Whom or what shall I forget? One at a time, by name; /concepts lists those that I know."
    if wanted == "remember" and not found.slots.get("text"):
        return "What shall I remember, and about whom? Such as “remember that Bo loves cheese”."
    if missing == "concept":
        doing = {
            "forget": "forget",
            "remember": "remember that about",
            "train": "train",
            "imagine": "draw",
            "merge": f"merge {found.slots['concept']} with" if "concept" in found.slots else "merge",
        }.get(wanted, "do that with")
        return f"Whom or what shall I {doing}? I found no name that I know; /concepts lists them."
    return "What can I do for you? /help lists what I can."


def without_model(found: str, fix: str) -> str:
    """What to say where the model that was asked for is not there."""
    return (
        f"I cannot chat freely: {found}.\n{fix}\n"
        'What works: "who is in PHOTO?", "draw …", "who do you know?", "call number 3 Bo", and /help.'
    )


def about_change(found: Route) -> str:
    """What a route would do, as in "Shall I …?"."""
    slots = found.slots
    concept = slots.get("concept", f"number {slots['id']}" if "id" in slots else "")
    photo = str(slots.get("photo", "")).rsplit("/", 1)[-1]
    match found.intent:
        case "name_concept" if "photo" in slots and "concept" in slots:
            return f"note that {photo} shows {concept}"
        case "name_concept":
            return f"call {concept or photo} {slots.get('name', '')}".strip()
        case "confirm":
            return f"note that {concept} is in {photo}"
        case "reject":
            return f"note that {concept} is not in {photo}"
        case "merge":
            return f"make one of {' and '.join(found.both)}"
        case "split":
            return f"take {photo} out of {concept}"
        case "undo":
            return "take back the last change"
        case "train":
            return f"train {concept}, which takes some minutes"
        case "remember":
            return f"remember about {concept}: “{slots.get('text', '')}”"
        case _:
            return _DOING.get(found.intent, "do that")
