"""Sentences about who is in a photo. Each states what recognition found, never that somebody is absent.

"I don't see Bo" is about recognition; "Bo is not there" is never said. Below 95 % it is "I think I see Bo".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.answers.photo_facts import PhotoFacts, SeenFace
from assistant.answers.wording import CANNOT_TELL, joined, looks_like, sure
from assistant.language.question_types import Alone, HowMany, Presence, WhoIsThere, WithWhom
from assistant.language.similar_names import similar_names
from assistant.presentation.printable import percent
from assistant.results import Recognized
from personalizer.errors import counted
from personalizer.schemas import BoundingBox

NO_FACES = "Looking for faces is off: familiar faces on."
_BACK = "people who look away show none"
YES_FROM = 0.95
"""Answers begin with "Yes" from this probability. Other individuals of the same kind can come near it; below, answers
are worded as guesses."""


def is_sure(probability: float) -> bool:
    """Whether "Yes" is said, by the percentage that is printed beside it."""
    return round(probability, 2) >= YES_FROM


def who_is_there(part: WhoIsThere, facts: PhotoFacts) -> str:
    """Everyone and everything recognized, but for those who are left out; and faces without a name."""
    if part.position in ("left", "right", "middle") and part.kind in ("person", None) and facts.faces:
        return _face_at(part.position, facts)
    sentences = [
        _missing(one, facts)
        for name in part.besides
        if (one := facts.about(name)) is not None and one.verdict != "yes"
    ]
    seen = [one for one in facts.sure if one.name not in part.besides and _fits(part, one, facts)]
    if seen:
        sentences.append(i_see(seen))
    unsure = [one for one in facts.unsure if one.name not in part.besides and _fits(part, one, facts)]
    if unsure:
        sentences.append(might_be(unsure))
    if part.kind in ("person", None) and facts.unnamed_faces:
        sentences.append(_unknown_faces(facts, also=bool(seen)))
    if not seen and not unsure and not (part.kind in ("person", None) and facts.unnamed_faces):
        sentences.append(_nobody_fits(part, facts))
    if part.kind == "person" and not facts.faces_are_on:
        sentences.append(NO_FACES)
    return " ".join(sentences)


def _nobody_fits(part: WhoIsThere, facts: PhotoFacts) -> str:
    more = "else " if part.besides or (part.others and facts.sure) else ""
    match part.kind:
        case "person":
            return f"I don't recognise anybody {more}here."
        case "animal":
            return f"I don't recognise any animal {more}here."
        case "thing":
            return f"I don't recognise anything {more}here."
        case _:
            return f"I don't recognise anyone or anything {more}here." if more else nobody(facts)


def nobody(facts: PhotoFacts) -> str:
    """That nothing was recognized."""
    if facts.faces_are_on:
        return "I don't recognise anyone or anything here."
    return f"I don't recognise anything here. {NO_FACES}"


def i_see(seen: Sequence[Recognized], *, also: bool = False, beside: Sequence[Recognized] = ()) -> str:
    """`I see Amy (97 % sure). I think I also see Bo (78 % sure).`

    `also`: somebody was spoken of before. `beside`: those with whom they are seen.
    """
    certain = [one for one in seen if _is_certain(one)] if all(map(_is_certain, beside)) else []
    guessed = [one for one in seen if one not in certain]
    together = f" with {_list_sure(beside)}" if beside else ""
    sentences = []
    if certain:
        sentences.append(f"I {'also ' if also else ''}see {_list_sure(certain)}{together}.")
    if guessed:
        see = "also see" if also or certain else "see"
        sentences.append(f"I think I {see} {_list_sure(guessed)}{'' if certain else together}.")
    return " ".join(sentences)


def _is_certain(one: Recognized) -> bool:
    """Whether it is said without "I think"."""
    return is_sure(one.probability)


def might_be(unsure: Sequence[Recognized]) -> str:
    """`This might be Bo (41 %).`"""
    return f"This might be {joined((f'{one.name} ({percent(one.probability)})' for one in unsure), 'or')}."


def presence(part: Presence, facts: PhotoFacts, known: Sequence[str], *, whole: bool = True) -> str:
    """Whether the named ones are recognized, each for itself; those without a name are not known.

    "Yes" only where no name is a guess and this is the `whole` question: it would answer "is Bo on a beach?" as well.
    """
    named = [one for name in part.names if (one := facts.about(name)) is not None]
    sentences = []
    seen = [one for one in named if one.verdict == "yes"]
    placed = [_placed(one, part, facts) for one in seen] if part.position or part.asks_where else []
    if placed:
        sentences += placed
    elif seen:
        has_unknown = part.unknown_names or part.relations
        yes = whole and not part.negated and not has_unknown and len(seen) == len(part.names)
        sentences.append(f"{'Yes, ' if yes and all(map(_is_certain, seen)) else ''}{i_see(seen)}")
    sentences += [_missing(one, facts) for one in named if one.verdict == "unsure"]
    off = [one.name for one in named if one.verdict == "no" and _not_looked_for(one.name, facts)]
    unseen = [one.name for one in named if one.verdict == "no" and one.name not in off]
    if unseen:
        sentences.append(f"I don't see {joined(unseen, 'or')} here.")
    # A name that is hidden is compared with nothing.
    off += [name for name in part.names if facts.about(name) is None]
    if off:
        reason = f" {NO_FACES}" if not facts.faces_are_on else ""
        sentences.append(f"Whether {joined(off, 'or')} is here I can't tell.{reason}")
    return " ".join(sentences + unknown(part.unknown_names, part.relations, known))


def _not_looked_for(name: str, facts: PhotoFacts) -> bool:
    """Whether "I don't see …" would say more than is known: nobody looked for faces."""
    return facts.is_person(name) and not facts.faces_are_on


def _missing(one: Recognized, facts: PhotoFacts) -> str:
    """About somebody who is not recognized for sure."""
    if one.verdict == "unsure":
        return f"I am not sure about {one.name} ({percent(one.probability)})."
    if _not_looked_for(one.name, facts):
        return f"Whether {one.name} is here I can't tell."
    return f"I don't see {one.name} here."


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
    found = f" {i_see(facts.sure_things)}" if facts.sure_things else ""
    if label is not None and label in facts.labels:
        found += f" {looks_like(label)}"
    return f"I can count faces only, not what you ask for.{found}"


def count_faces(facts: PhotoFacts) -> str:
    """`I see 2 faces: Amy (99 % sure) and one that I don't know.`"""
    if not facts.faces_are_on:
        return f"I can't tell that. {NO_FACES}"
    if not facts.faces:
        return f"I see no face; {_BACK}."
    listed = [sure(face.name, face.probability or 0.0) for face in facts.faces if face.name]
    listed += [f"one that might be {face.maybe}" for face in facts.faces if face.maybe]
    if facts.unnamed_faces and listed:
        count = facts.unnamed_faces
        listed.append("one that I don't know" if count == 1 else f"{count} that I don't know")
    of_whom = f": {joined(listed)}" if listed else ", none that I know"
    return f"I see {counted(len(facts.faces), 'face')}{of_whom}."


def with_whom(part: WithWhom, facts: PhotoFacts, known: Sequence[str]) -> str:
    """Who else is recognized beside somebody."""
    asked = [one for name in part.names if (one := facts.about(name)) is not None]
    sentences = [_missing(one, facts) for one in asked if one.verdict != "yes"]
    others = [one for one in facts.sure if one.name not in part.names]
    unsure = [one for one in facts.unsure if one.name not in part.names]
    beside = [] if sentences else asked
    if others:
        sentences.append(i_see(others, beside=beside))
    if unsure:
        sentences.append(might_be(unsure))
    if facts.unnamed_faces:
        sentences.append(_unknown_faces(facts, also=bool(facts.sure)))
    if not others and not unsure and not facts.unnamed_faces:
        together = f" with {_list_sure(beside)}" if beside else ""
        sentences.append(f"I don't recognise anyone else{together}." if part.names else nobody(facts))
    if not facts.faces_are_on and NO_FACES not in sentences[-1]:
        sentences.append(NO_FACES)
    return " ".join(sentences + unknown(part.unknown_names, part.relations, known))


def alone(part: Alone, facts: PhotoFacts, known: Sequence[str]) -> str:
    """Whether somebody else can be seen; nobody is said to be alone for sure, and a mug is no company."""
    about_unknown = unknown(part.unknown_names, part.relations, known)
    if not facts.faces_are_on:
        seen = [i_see(facts.sure)] if facts.sure else []
        return " ".join([*seen, CANNOT_TELL, NO_FACES, *about_unknown])
    asked = [one for name in part.names if (one := facts.about(name)) is not None]
    missing = [_missing(one, facts) for one in asked if one.verdict != "yes"]
    if missing or (about_unknown and not part.names):
        return " ".join([*missing, count_faces(facts), *about_unknown])
    if not part.names:
        return " ".join([_one_face_only(part, facts), *_things_beside(part, facts)])
    people = [one for one in facts.sure if one.name not in part.names and facts.is_person(one.name)]
    guessed = [one for one in asked if not _is_certain(one)]
    sentences = [i_see(guessed)] if guessed else []
    no = "" if part.negated or guessed else "No, "
    if people:
        is_no = facts.unnamed_faces or any(map(_is_certain, people))
        sentences.append(f"{no if is_no else ''}{i_see(people, also=True)}")
    if facts.unnamed_faces:
        be = "is" if facts.unnamed_faces == 1 else "are"
        there = f"there {be}" if people else f"{no}there {be}"
        count = counted(facts.unnamed_faces, "face")
        sentences.append(_capital(f"{there} also {count} that I don't know."))
    sentences += _things_beside(part, facts)
    unsure = [one for one in facts.unsure if one.name not in part.names]
    if unsure:
        sentences.append(might_be(unsure))
    if not people and not facts.unnamed_faces and not any(face.maybe for face in facts.faces):
        own = any(face.name in part.names for face in facts.faces)
        sentences.append(f"I see no {'other ' if own else ''}face; {_BACK}.")
    return " ".join([*sentences, *about_unknown])


def _one_face_only(part: Alone, facts: PhotoFacts) -> str:
    """For whoever the photo is about."""
    if len(facts.faces) == 1:
        return f"{count_faces(facts)} I see no other; {_BACK}."
    no = "No. " if len(facts.faces) > 1 and not part.negated else ""
    return f"{no}{count_faces(facts)}"


def _things_beside(part: Alone, facts: PhotoFacts) -> list[str]:
    things = [one for one in facts.sure_things if one.name not in part.names]
    return [i_see(things, also=True)] if things else []


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


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
    """Who has the outermost face, or the middle one of an odd number."""
    face = _at(position, facts.faces)
    if face is None:
        listed = joined(_whose(face) for face in facts.faces)
        if len(facts.faces) == 1:
            return f"I see only one face, {_side(facts.faces[0].box, facts)}: {listed}."
        return f"I see {len(facts.faces)} faces, from left to right: {listed}."
    where = "in the middle" if position == "middle" else f"on the {position}"
    if face.name is not None:
        probability = face.probability or 0.0
        the_face = "The face" if is_sure(probability) else "I think the face"
        return f"{the_face} {where} is {sure(face.name, probability)}."
    if face.maybe is not None:
        return f"The face {where} might be {face.maybe}."
    return f"I don't know the face {where}."


def _whose(face: SeenFace) -> str:
    if face.name is not None:
        return sure(face.name, face.probability or 0.0)
    return f"one that might be {face.maybe}" if face.maybe else "one that I don't know"


def _at(position: str, faces: Sequence[SeenFace]) -> SeenFace | None:
    """Of faces from left to right; None where none has that place: one face is on neither side of another."""
    if len(faces) < 2 or (position == "middle" and len(faces) % 2 == 0):
        return None
    return faces[{"left": 0, "right": -1}.get(position, len(faces) // 2)]


def _placed(one: Recognized, part: Presence, facts: PhotoFacts) -> str:
    """Where somebody is seen, or whether it is there."""
    box = facts.box_of(one)
    if box is None:
        return f"{i_see([one]).removesuffix('.')}; where in the photo I can't tell."
    side = _side(box, facts)
    guess = "" if _is_certain(one) else "I think "
    if part.asks_where or part.position not in ("left", "right", "middle"):
        return f"{guess}{sure(one.name, one.probability)} is {side}."
    face = _at(part.position, facts.faces) if facts.is_person(one.name) else None
    asked = "in the middle" if part.position == "middle" else f"on the {part.position}"
    if not part.negated and (side.startswith(asked) if face is None else face.name == one.name):
        return f"{guess or 'Yes, '}{sure(one.name, one.probability)} is {asked}."
    return f"{i_see([one]).removesuffix('.')} {side}."


def _side(box: BoundingBox, facts: PhotoFacts) -> str:
    share = (box.left + box.right) / 2 / max(facts.decoded.width_px, 1)
    if share < 0.4:
        return "on the left of the photo"
    return "on the right of the photo" if share > 0.6 else "in the middle of the photo"
