"""Sentences about who is in a photo. Each says what recognition found, and nothing about who is not there.

"I don't see Bo" is about recognition; "Bo is not there" is never said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.answers.photo_facts import PhotoFacts, SeenFace
from assistant.answers.wording import joined, percent, sure
from assistant.language.question_types import Alone, HowMany, Presence, WhoIsThere, WithWhom
from assistant.language.similar_names import similar_names
from assistant.results import Recognized
from personalizer.errors import counted

NO_FACES = "Looking for faces is off: familiar faces on."
_BACK = "people who look away show none"


def who_is_there(part: WhoIsThere, facts: PhotoFacts) -> str:
    """Everyone and everything recognized, but for those who are left out; and faces without a name."""
    if part.position in ("left", "right", "middle") and part.kind in ("person", None) and facts.faces:
        return _face_at(part.position, facts)
    seen = [one for one in facts.sure if one.name not in part.besides and _fits(part, one, facts)]
    more = "else " if part.besides or part.others else ""
    sentences = [f"I see {_list_sure(seen)}."] if seen else []
    unsure = [one for one in facts.unsure if one.name not in part.besides and _fits(part, one, facts)]
    if unsure:
        sentences.append(might_be(unsure))
    if part.kind != "animal" and facts.unnamed_faces:
        sentences.append(_unknown_faces(facts, also=bool(seen)))
    if not sentences:
        sentences.append(f"I don't recognise anyone or anything {more}here." if more else nobody(facts))
    return " ".join(sentences)


def nobody(facts: PhotoFacts) -> str:
    """That nothing was recognized."""
    return "I don't recognise anyone or anything here."


def might_be(unsure: Sequence[Recognized]) -> str:
    """`This might be Bo (41 %).`"""
    return f"This might be {joined((f'{one.name} ({percent(one.probability)})' for one in unsure), 'or')}."


def presence(part: Presence, facts: PhotoFacts, known: Sequence[str]) -> str:
    """Whether the named ones are recognized, each for itself; those without a name are not known."""
    named = [one for name in part.names if (one := facts.about(name)) is not None]
    sentences = []
    seen = [one for one in named if one.verdict == "yes"]
    placed = [_placed(one, part, facts) for one in seen] if part.position or part.asks_where else []
    if placed:
        sentences += placed
    elif seen:
        yes = "" if part.negated or part.unknown_names or len(seen) < len(named) else "Yes, "
        sentences.append(f"{yes}I see {_list_sure(seen)}.")
    for one in named:
        if one.verdict == "unsure":
            sentences.append(f"I am not sure about {one.name} ({percent(one.probability)}).")
    unseen = [one.name for one in named if one.verdict == "no"]
    if unseen:
        sentences.append(f"I don't see {joined(unseen, 'or')} here.")
    return " ".join(sentences + unknown(part.unknown_names, part.relations, known))


def unknown(names: Iterable[str], relations: Iterable[str], known: Sequence[str]) -> list[str]:
    """That nobody has these names, with names that may be meant."""
    sentences, strange = [], []
    for name in names:
        meant = similar_names(name, known)
        if meant:
            hint = f"Did you mean {joined(meant, 'or')}?"
            sentences.append(f"I don't know anyone or anything called {name}. {hint}")
        else:
            strange.append(name)
    if strange:
        hint = f"I know {joined(sorted(known))}." if known else "Nothing has a name yet."
        sentences.append(f"I don't know anyone or anything called {joined(strange, 'or')}. {hint}")
    sentences += [f"I don't know “{relation}”: nobody and nothing has that name." for relation in relations]
    return sentences


def how_many(part: HowMany, facts: PhotoFacts) -> str:
    """Faces are counted; things are not."""
    if part.what in ("people", "faces", "person", "face", "man", "woman", "child"):
        return count_faces(facts)
    if part.what == "known":
        return f"I recognise {_list_sure(facts.sure)}." if facts.sure else nobody(facts)
    label = facts.label_of(part.what)
    seen = [one for one in facts.sure if not facts.is_person(one.name)]
    found = f" I see {_list_sure(seen)}." if seen else ""
    if label is not None and label in facts.labels:
        found += f" It looks like there is at least one {label.word} ({percent(label.confidence)})."
    return f"I can count faces only, not what you ask for.{found}"


def count_faces(facts: PhotoFacts) -> str:
    """`I see 2 faces: Amy (99 % sure) and one that I don't know.`"""
    if not facts.faces_are_on:
        return f"I can't tell that. {NO_FACES}"
    if not facts.faces:
        return f"I see no face; {_BACK}."
    named = [sure(face.name, face.probability or 0.0) for face in facts.faces if face.name]
    if facts.unnamed_faces and named:
        count = facts.unnamed_faces
        named.append("one that I don't know" if count == 1 else f"{count} that I don't know")
    of_whom = f": {joined(named)}" if named else ", nobody whom I know"
    return f"I see {counted(len(facts.faces), 'face')}{of_whom}."


def with_whom(part: WithWhom, facts: PhotoFacts, known: Sequence[str]) -> str:
    """Who else is recognized beside somebody."""
    sentences = []
    for name in part.names:
        one = facts.about(name)
        if one is not None and one.verdict != "yes":
            sentences.append(f"I don't see {name} here." if one.verdict == "no" else might_be([one]))
    others = [one for one in facts.sure if one.name not in part.names]
    beside = f" with {joined(part.names)}" if part.names and not sentences else ""
    if others:
        sentences.append(f"I see {_list_sure(others)}{beside}.")
    if facts.unnamed_faces:
        sentences.append(_unknown_faces(facts, also=bool(others)))
    if not others and not facts.unnamed_faces:
        sentences.append(f"I recognise nobody else{beside}.")
    return " ".join(sentences + unknown(part.unknown_names, part.relations, known))


def alone(part: Alone, facts: PhotoFacts, known: Sequence[str]) -> str:
    """Whether somebody else can be seen; nobody is said to be alone for sure."""
    missing = [name for name in part.names if (one := facts.about(name)) is not None and one.verdict != "yes"]
    if missing:
        return " ".join([f"I don't see {joined(missing, 'or')} here.", count_faces(facts)])
    others = [one for one in facts.sure if one.name not in part.names] if part.names else list(facts.sure)[1:]
    sentences = []
    if others:
        sentences.append(f"No, I also see {_list_sure(others)}.")
    own = {one.box for one in facts.sure if one.name in part.names}
    unknown_faces = [face for face in facts.faces if face.name is None and face.box not in own]
    if not part.names and len(facts.faces) == len(unknown_faces):
        unknown_faces = unknown_faces[1:]
    if unknown_faces:
        also = "also " if others else "No, there "
        count = counted(len(unknown_faces), "face")
        be = "is" if len(unknown_faces) == 1 else "are"
        sentences.append(
            f"There {be} also {count} that I don't know."
            if others
            else f"{also}{be} {count} more that I don't know."
        )
    if not sentences:
        seen = "one face, and nobody else" if len(facts.faces) == 1 else "nobody else, and no face"
        sentences.append(
            f"I see {seen}; {_BACK}." if facts.faces_are_on else f"I recognise nobody else. {NO_FACES}"
        )
    return " ".join(sentences + unknown(part.unknown_names, part.relations, known))


def _fits(part: WhoIsThere, one: Recognized, facts: PhotoFacts) -> bool:
    if part.kind == "person":
        return facts.is_person(one.name)
    return part.kind is None or not facts.is_person(one.name)


def _list_sure(seen: Iterable[Recognized]) -> str:
    return joined(sure(one.name, one.probability) for one in seen)


def _unknown_faces(facts: PhotoFacts, *, also: bool) -> str:
    count = facts.unnamed_faces
    there = "There is also" if also and count == 1 else "There are also" if also else "I see"
    return f"{there} {counted(count, 'face')} that I don't know."


def _face_at(position: str, facts: PhotoFacts) -> str:
    face = _at(position, facts.faces)
    where = "in the middle" if position == "middle" else f"on the {position}"
    if face.name is None:
        return f"I don't know the face {where}."
    return f"The face {where} is {sure(face.name, face.probability or 0.0)}."


def _at(position: str, faces: Sequence[SeenFace]) -> SeenFace:
    """Of faces from left to right."""
    return faces[{"left": 0, "right": -1}.get(position, len(faces) // 2)]


def _placed(one: Recognized, part: Presence, facts: PhotoFacts) -> str:
    """Where somebody is seen, or whether it is there."""
    if one.box is None:
        return f"I see {sure(one.name, one.probability)}; where in the photo I can't tell."
    where = _where(one, facts)
    if part.asks_where or part.position not in ("left", "right", "middle"):
        return f"{sure(one.name, one.probability)} is {where}."
    if facts.is_person(one.name):
        face = _at(part.position, facts.faces)
        if face.name == one.name:
            return f"Yes, that is {sure(one.name, one.probability)}."
    return f"I see {sure(one.name, one.probability)} {where}."


def _where(one: Recognized, facts: PhotoFacts) -> str:
    assert one.box is not None
    share = (one.box.left + one.box.right) / 2 / max(facts.decoded.width_px, 1)
    if share < 0.4:
        return "on the left of the photo"
    return "on the right of the photo" if share > 0.6 else "in the middle of the photo"
