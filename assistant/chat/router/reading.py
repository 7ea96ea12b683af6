"""The slots of a tool that meaning chose, read from words that no rule has the shape of. Runs nothing."""

from __future__ import annotations

import re

from assistant.chat.router.correction_rules import merge_outcome, train_outcome
from assistant.chat.router.outcome import LIKELY, LOOSE, Outcome, Sentence, Slots, photo_slots
from assistant.chat.router.words import A_CONCEPT, ARTWORK, PHOTO_PHRASE, PICTURE
from assistant.language.parse import CONCEPT, PHOTO
from assistant.tools.approvals import CHANGING, DELETING

_DRAWN = re.compile(
    r"(?:\b(?:draw|paint|sketch|create|make|generate|imagine|render)(?:ing)?(?: me| us)?(?: up)? "
    rf"|\b(?:{ARTWORK}|{PICTURE}) (?:of|with|where|showing) )(?P<prompt>.+)|(?P<from_name>{A_CONCEPT}.*)",
    re.IGNORECASE,
)
_TO_FORGET = re.compile(
    r"\b(?:forget|delete|remove|erase|wipe|memory|unlearn|rid of|never (?:want|know)|know .*\b(?:any ?more|any longer)"
    r"|vergiss|vergisst|lösch\w*|entfern\w*|olvid\w*|borr\w*|elimin\w*)\b",
    re.IGNORECASE,
)
"""Without one of these nobody is forgotten, whatever a sentence is close to."""
_POINTS = re.compile(
    r"\b(?:this|that|these|it|here|there|photos?|pictures?|image|pic|das|dies\w*|es|hier|fotos?|bild\w*|es[eoa]|est[eoa]|imagen)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?i:\b(?:called|named|name(?: is| to)?|heißt|llama|is|es|ist)) (?:(?i:my|mein\w*|mi) (?:[a-zß-ÿ]+ )?)?"
    r"(?P<name>[A-ZÀ-Þ][\w'-]*(?: [A-ZÀ-Þ][\w'-]*)?)"
)


def read(label: str, sentence: Sentence) -> Outcome | None:
    """The outcome of the intent in `label`; None where the words do not hold what it needs."""
    intent, _, topic = label.partition(" ")
    if intent in (*CHANGING, *DELETING) and _asks(sentence):
        return None
    match intent:
        case "help":
            return Outcome("help", {"topic": topic}, LOOSE)
        case "describe":
            return _describe(sentence)
        case "imagine":
            return _imagine(sentence)
        case "find":
            query = sentence.request.part(sentence.text, sentence.start)
            return Outcome("find", {"query": query.text}, LOOSE, query)
        case "list_concepts":
            return None if sentence.photos else Outcome("list_concepts", {}, LOOSE)
        case "undo":
            return Outcome("undo", {}, LOOSE)
        case "merge":
            return merge_outcome(sentence)
        case "train":
            return train_outcome(sentence)
        case "name_concept":
            return _name(sentence)
        case _:
            return _of_somebody(intent, sentence)


def _asks(sentence: Sentence) -> bool:
    """Whether it is a question, and no request that is only put as one ("could you …?")."""
    return sentence.text.rstrip().endswith("?") and sentence.text == sentence.spoken


def _describe(sentence: Sentence) -> Outcome | None:
    words = PHOTO_PHRASE.sub("this photo", sentence.text)
    question = sentence.request.part(words, sentence.start)
    if sentence.photos:
        return Outcome(
            "describe", {**photo_slots(sentence.photos), "question": question.text}, LOOSE, question
        )
    slots: Slots = {"wanted": "describe", "missing": "photo", "question": question.text}
    return Outcome("clarify", slots, LOOSE, question)


def _imagine(sentence: Sentence) -> Outcome | None:
    match = _DRAWN.search(sentence.text)
    if match is None:
        return Outcome("clarify", {"wanted": "imagine", "missing": "prompt"}, LIKELY)
    group = "prompt" if match["prompt"] else "from_name"
    words = sentence.cut(match[group].replace(PHOTO, ""), sentence.start + match.start(group))
    return Outcome("imagine", {"prompt": words.text}, LOOSE, words) if words.text else None


def _name(sentence: Sentence) -> Outcome | None:
    typed = sentence.request.part(sentence.text, sentence.start).text
    number, name = re.search(r"\d+", typed), _NAME.search(typed)
    if name is None:
        return None
    if number is not None and not sentence.photos:
        return Outcome("name_concept", {"id": int(number[0]), "name": name["name"]}, LOOSE)
    if sentence.photos:
        return Outcome("name_concept", {"name": name["name"], **photo_slots(sentence.photos)}, LOOSE)
    known = sentence.request.concepts
    if known and name["name"] != known[0]:
        return Outcome("name_concept", {"concept": known[0], "name": name["name"]}, LOOSE)
    return None


def _of_somebody(intent: str, sentence: Sentence) -> Outcome | None:
    if CONCEPT not in sentence.text:
        return None
    concept = sentence.request.concepts[0]
    if intent == "forget" and not _TO_FORGET.search(sentence.text):
        return None
    if intent == "forget":
        return Outcome("forget", {"concept": concept}, LOOSE)
    if intent == "remember":
        if sentence.text.endswith("?"):
            return None
        text = sentence.cut(sentence.text, sentence.start)
        return Outcome("remember", {"concept": concept, "text": text.text}, LOOSE)
    if intent in ("confirm", "reject", "split") and not sentence.text.endswith("?"):
        if sentence.photos:
            return Outcome(intent, {"concept": concept, **photo_slots(sentence.photos)}, LOOSE)  # type: ignore[arg-type]
        if _POINTS.search(sentence.text):
            return Outcome("clarify", {"concept": concept, "wanted": intent, "missing": "photo"}, LOOSE)
    return None
