"""The sentences of the chat itself: what it asks back and what it cannot do. Knows no library."""

from __future__ import annotations

from assistant.chat.router.route import Route

CANNOT_HELP = (
    "I can't help with that. I can find photos (“photos of …”), say who is in one (“who is in PHOTO?”), draw "
    "(“draw …”), say whom I know (“who do you know?”), name a group (“call number 3 Bo”) and keep what you tell me "
    "(“remember that Bo …”). /help lists everything."
)
"""What to say to what no tool answers."""


def clarification(found: Route) -> str:
    """What to ask back when something is missing."""
    wanted, missing = found.slots.get("wanted"), found.slots.get("missing")
    if missing == "photo":
        concept = found.slots.get("concept")
        looking_for = f" and I will look for {concept}" if concept else ""
        return f"Which photo? Name its file{looking_for}, such as ~/Pictures/IMG_1.jpg."
    if missing == "prompt":
        return "What shall I draw?"
    if missing == "concept":
        doing = {"forget": "forget", "remember": "remember that about"}.get(str(wanted), "do that with")
        return f"Whom or what shall I {doing}? I found no name that I know; /concepts lists them."
    return "What can I do for you? /help lists what I can."


def without_model(found: str, fix: str) -> str:
    """What to say to free conversation when the chat model is not there."""
    return (
        f"I cannot chat freely: {found}.\n{fix}\n"
        'What works: "who is in PHOTO?", "draw …", "who do you know?", "call number 3 Bo", and /help.'
    )
