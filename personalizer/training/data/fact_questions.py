"""Turns the facts about a concept into question-answer pairs that a prefix is trained on.

Understands simple English sentences; knows no tensor, no tokenizer and no library.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from personalizer.prefix.prompts import NO, YES

MAX_QUESTION_CHARACTERS = 120
"""A longer question would cost more than the pictures beside it."""
SLOT = "{name}"

# What almost nothing is and hardly anybody fears or loves, so that nobody is taught the opposite of the truth; and
# the words of a profile that would make it less sure.
_OTHERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("lighthouse", frozenset({"lighthouse", "building", "tower", "lamp", "light", "house"})),
    ("submarine", frozenset({"submarine", "boat", "ship", "vehicle", "sea"})),
    ("piano", frozenset({"piano", "instrument", "furniture", "music", "keyboard"})),
)
_CONTRASTED = re.compile(
    r"^(?P<head>(?:is|was) \{name\} (?:\w+ )?(?:afraid|scared|fond|proud|tired) of"
    r"|(?:is|was) \{name\} (?:\w+ )?allergic to|does \{name\} (?:love|like|hate|fear|chase)) (?P<what>.+)\?$"
)
_EVERYTHING = frozenset({"everything", "anything", "all", "every", "any", "everyone", "things"})

_SUBJECT = rf"(?:{re.escape(SLOT)}|he|she|it|they|who|which)"
_POSSESSIVE = rf"(?:{re.escape(SLOT)}'s|his|her|its|their)"
_ADVERB = r"(?:always|often|usually|sometimes|really|also|only|still|just)"
# Words in -s that a clause without a subject may begin with and mean what is done.
_COMMON_VERBS = (
    r"(?:barks|belongs|chases|comes|drinks|eats|enjoys|fears|gets|goes|hates|has|hears|hides|knows|lives|likes"
    r"|loves|needs|plays|prefers|runs|sings|sits|sleeps|speaks|steals|swims|wants|wears|weighs|works)"
)
_SENTENCE_END = re.compile(
    rf"[.;!?]+(?:\s+|$)|,\s*(?:and\s+|but\s+)?"
    rf"|\s+(?:and|but)\s+(?={_SUBJECT}\b|(?:is|was|can|can't|cannot|does|doesn't|isn't|{_POSSESSIVE}|{_COMMON_VERBS})\s)"
)
_OWNED = re.compile(rf"^{_POSSESSIVE} (?P<what>[\w -]+?) (?P<be>is|are|was|were) (?P<value>.+)$")
_BEING = re.compile(
    rf"^(?:{_SUBJECT}'s|(?:{_SUBJECT} )?(?P<be>is|are|was|were))(?P<no> not| never|n't)? (?P<rest>.+)$"
)
_MODAL = re.compile(
    rf"^(?:{_SUBJECT} )?(?P<modal>can|could|will|should|must)(?P<no>not| not| never|n't|'t)? (?P<rest>.+)$"
)
_DOING_NOT = re.compile(rf"^(?:{_SUBJECT} )?(?P<do>does|did)(?: not| never|n't) (?P<rest>.+)$")
_DOING = re.compile(
    rf"^(?P<subject>{_SUBJECT} )?(?:{_ADVERB} )*(?P<never>never )?(?:{_ADVERB} )*(?P<verb>[a-z]+s)(?P<rest> .+)?$"
)
_KIND = re.compile(r"^(?:an?|my|our) (?P<noun>[\w' -]+)$")
_KIND_END = re.compile(r"^(?:who|that|which|with|without|from|in|on|at|of|to|for|named|called|and|but|by)$")
_STATE = re.compile(
    r"^(?:(?:not )?\w+ (?:of|to|with|about|at) .+|\d+ (?:years?|months?|weeks?) old|(?:black|white|blind|deaf).*)$"
)
_NO_VERBS = frozenset(
    {"always", "is", "was", "has", "does", "this", "its", "his", "perhaps", "as", "us", "yes"}
)


@dataclass(frozen=True, slots=True)
class TextQuestion:
    """A question without a picture and its short answer; the concept's name is `{name}` in the question."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class SkippedFact:
    """A fact that no question could be made of; `number` counts the facts from 1."""

    number: int
    reason: str


def text_questions(name: str, facts: Sequence[str]) -> tuple[list[TextQuestion], list[SkippedFact]]:
    """Questions that `facts` about `name` answer, each once, and the facts that give none.

    Of two facts that contradict each other the later counts. Some questions are about what nobody told and are
    answered with no: things from a small closed set, left out wherever a fact has a word to do with them.
    """
    answers: dict[str, str] = {}
    kinds: list[str] = []
    skipped: list[SkippedFact] = []
    words = _words(_plain(name))
    for number, fact in enumerate(facts, start=1):
        plain = _plain(fact)
        words |= _words(plain)
        worded = _with_slot(plain, _plain(name))
        reason = _unfit(worded)
        found = [] if reason else [one for clause in _clauses(worded) for one in _questions(clause)]
        # An answer is words alone: it has no place for the name.
        found = [
            one for one in found if len(one.question) <= MAX_QUESTION_CHARACTERS and SLOT not in one.answer
        ]
        if not found:
            skipped.append(SkippedFact(number, reason or "no short question can be made of it"))
        for one in found:
            if one.question == f"what is {SLOT}?":
                kinds.append(one.answer)
            else:
                answers[one.question] = one.answer
    if kinds:
        # The first is what it is, the others ("my best friend") are more.
        answers = {f"what is {SLOT}?": kinds[0], **answers}
    for question in list(_contrasts(answers, words)):
        answers.setdefault(question, NO)
    return [TextQuestion(question, answer) for question, answer in answers.items()], skipped


def _plain(text: str) -> str:
    """Lower case, plain quotes, no emoji: what the wording is made for."""
    lowered = unicodedata.normalize("NFC", text).lower().translate(str.maketrans("’‘“”", "''\"\""))
    kept = (" " if unicodedata.category(c) in ("So", "Sk", "Cf", "Cn", "Co", "Mn") else c for c in lowered)
    return " ".join("".join(kept).split())


def _with_slot(plain: str, name: str) -> str:
    # A special token of a backbone is written in angle brackets, the slot in braces: neither may come from a user.
    safe = re.sub(r"[{}<>\[\]|]", "\0", plain)
    if not name:
        return safe
    return re.sub(rf"(?<!\w)(?:(?:the|my|our) )?{re.escape(name)}(?!\w)", SLOT, safe)


def _unfit(worded: str) -> str | None:
    if "\0" in worded:
        return "it has brackets"
    letters = [character for character in worded if unicodedata.category(character).startswith("L")]
    if not all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters):
        return "it is not in Latin letters"
    return None


def _clauses(worded: str) -> Iterator[str]:
    for part in _SENTENCE_END.split(worded):
        clause = part.strip(" \"'()-–—:")
        clause = re.sub(r"^(?:and|but|also|that) ", "", clause)
        # "my corgi bo is …": the subject with what it is in front.
        owned = re.match(rf"^(?P<kind>(?:my|our) [\w' -]+?) {re.escape(SLOT)}(?P<rest> .+)?$", clause)
        if owned:
            yield owned["kind"]
            clause = SLOT + (owned["rest"] or "")
        if clause:
            yield clause


def _questions(clause: str) -> Iterator[TextQuestion]:
    """What one clause answers; nothing where its shape is unknown."""
    if owned := _OWNED.match(clause):
        subject = f"{SLOT}'s {owned['what']}"
        yield TextQuestion(f"what {owned['be']} {subject}?", f"{owned['value']}.")
        yield TextQuestion(f"{owned['be']} {subject} {owned['value']}?", YES)
    elif being := _BEING.match(clause):
        verb = "was" if being["be"] in ("was", "were") else "is"
        yield from _of_being(verb, being["rest"], being["no"] is not None)
    elif modal := _MODAL.match(clause):
        yield TextQuestion(f"{modal['modal']} {SLOT} {modal['rest']}?", NO if modal["no"] else YES)
    elif doing_not := _DOING_NOT.match(clause):
        yield TextQuestion(f"{doing_not['do']} {SLOT} {doing_not['rest']}?", NO)
    elif _KIND.match(clause) or _STATE.match(clause):
        no = clause.startswith("not ")
        yield from _of_being("is", clause.removeprefix("not "), no)
    elif (doing := _DOING.match(clause)) and _is_verb(doing):
        rest = doing["rest"] or ""
        yield TextQuestion(f"does {SLOT} {_base_form(doing['verb'])}{rest}?", NO if doing["never"] else YES)


def _of_being(verb: str, rest: str, no: bool) -> Iterator[TextQuestion]:
    kind = _KIND.match(rest)
    if kind is None:
        yield TextQuestion(f"{verb} {SLOT} {rest}?", NO if no else YES)
        return
    noun = _first_words(kind["noun"])
    if not noun:
        return
    indefinite = f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
    if not no and verb == "is":
        yield TextQuestion(f"what is {SLOT}?", f"{indefinite}.")
    yield TextQuestion(f"{verb} {SLOT} {indefinite}?", NO if no else YES)


def _first_words(noun: str) -> str:
    """The noun without what follows it: "corgi from wales" is a corgi."""
    words = noun.split()
    end = next((place for place, word in enumerate(words) if _KIND_END.match(word)), len(words))
    return " ".join(words[:end])


def _is_verb(doing: re.Match[str]) -> bool:
    verb = doing["verb"]
    if re.fullmatch(_COMMON_VERBS, verb):
        return True
    return doing["subject"] is not None and verb not in _NO_VERBS and not verb.endswith(("ss", "us"))


def _base_form(verb: str) -> str:
    """The infinitive of a third person: "watches" → "watch"."""
    if verb == "has":
        return "have"
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if verb.endswith(("ches", "shes", "sses", "xes", "zzes", "oes")):
        return verb[:-2]
    return verb[:-1]


def _words(plain: str) -> set[str]:
    """Every word, and every word in -s without it as well."""
    found = set(re.findall(r"\w+", plain))
    return found | {word.removesuffix("s") for word in found}


def _contrasts(answers: dict[str, str], words: set[str]) -> Iterator[str]:
    """Questions to which the answer is no, as far as anything that was told goes."""
    others = [noun for noun, doubts in _OTHERS if not doubts & words]
    if f"what is {SLOT}?" in answers:
        yield from (f"is {SLOT} a {noun}?" for noun in others)
    if words & _EVERYTHING:
        return
    for question, answer in answers.items():
        framed = _CONTRASTED.match(question)
        if framed and answer == YES:
            yield from (f"{framed['head']} {noun}s?" for noun in others)
