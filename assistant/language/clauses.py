"""A question → clauses of plain English words in which names are lifted out, whatever language it was asked in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.language.ordinary_words import word_set
from assistant.language.parse import CONCEPT, PHOTO, Phrase
from assistant.language.question_words import (
    GRAMMAR,
    RELATIONS,
    RELATIONS_ALONE,
    TITLES,
    fold,
    is_known,
    plain_words,
)
from assistant.language.translations import (
    ENGLISH_MARKERS,
    GERMAN,
    GERMAN_MARKERS,
    PHRASES,
    SPANISH,
    SPANISH_MARKERS,
)

MAX_WORDS = 60
"""More words than anybody needs for questions about one photo."""
_TOKEN = re.compile(rf"{CONCEPT}|{PHOTO}|\d+(?:[.:/-]\d+)+|\w+(?:['’-]\w+)*|[,?!.;&+]|\S")
_POSSESSIVES = word_set("""
    my our your his her their mi mis mein meine meinen meinem meiner unser unsere nuestro nuestra
""")
_ARTICLES = word_set("""
    a an the un una el la los las unos unas ein eine einen einem einer der die dem den some any no kein keine
""")
_WH = word_set("who what when where which how")
_AUXILIARIES = word_set("is are was were do does did can")


@dataclass(frozen=True, slots=True)
class Token:
    """A word as the grammar spells it and as it was typed."""

    word: str
    typed: str


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something in a clause that has a name, or stands for one."""

    kind: str
    """"k" for known names, "u" for unknown ones, "r" for relations."""
    text: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One question. `text` has `@k0`, `@u1`, `@r2` for entities and `@p` for the photo."""

    text: str
    typed: tuple[str, ...]
    """For each word of `text`, how it was typed; empty for words that were put in."""
    entities: tuple[Entity, ...]
    whole: str
    """The question that the clause belongs to, as typed."""

    def entity(self, token: str) -> Entity:
        """The entity behind `@k0`."""
        return self.entities[int(token[2:])]

    def texts(self, words: str, kind: str) -> tuple[str, ...]:
        """The entities of a kind in `words`, each once."""
        found = (self.entity(token) for token in re.findall(r"@[kur]\d+", words))
        return tuple(dict.fromkeys(entity.text for entity in found if entity.kind == kind))

    def typed_at(self, start: int, end: int) -> str:
        """How the words between two places of `text` were typed."""
        first = self.text[:start].count(" ") + (self.text[start : start + 1] == " ")
        count = len(self.text[start:end].split())
        return re.sub(r" (?=,|'s)", "", " ".join(word for word in self.typed[first : first + count] if word))


def clauses_of(question: Phrase) -> list[Clause] | None:
    """The clauses of a question; None for what is too long to be one."""
    if len(question.skeleton) > 20 * MAX_WORDS:
        return None
    pieces = _TOKEN.findall(question.skeleton)
    if len(pieces) > MAX_WORDS:
        return None
    raw = [token for token in (_folded(piece) for piece in pieces) if token is not None]
    raw = [
        token for i, token in enumerate(raw) if token.typed != "." or i == 0 or raw[i - 1].word not in TITLES
    ]
    language = _language(raw, question.text)
    entities: list[Entity] = []
    tokens = _with_names(raw, question.concepts, entities)
    tokens = _with_unknown_names(tokens, entities)
    tokens = _with_relations(tokens, entities)
    tokens = _in_english(tokens, language)
    return _split(tokens, tuple(entities), question.text)


def _folded(piece: str) -> Token | None:
    if piece in (CONCEPT, PHOTO):
        return Token(piece, piece)
    if piece in "&+":
        return Token("and", piece)
    if not re.match(r"[\w,?!.;]", piece):
        return None
    return Token(fold(piece), piece)


def _language(tokens: Sequence[Token], typed: str) -> dict[str, str]:
    """The dictionary of the language that the most words belong to; an empty one for English."""
    words = [token.word for token in tokens]
    if "¿" in typed or "¡" in typed or words[:1] == ["es"]:
        return SPANISH
    counts = [
        (sum(word in markers for word in words), dictionary)
        for markers, dictionary in ((GERMAN_MARKERS, GERMAN), (SPANISH_MARKERS, SPANISH))
    ]
    count, dictionary = max(counts, key=lambda pair: pair[0])
    if count == 0:
        foreign = [word for word in words if len(word) > 2 and not is_known(word)]
        by_noun = [book for book in (GERMAN, SPANISH) if foreign and all(word in book for word in foreign)]
        return by_noun[0] if by_noun else {}
    return dictionary if count > sum(word in ENGLISH_MARKERS for word in words) else {}


def _with_names(tokens: Sequence[Token], names: Sequence[str], entities: list[Entity]) -> list[Token]:
    """`@k0` for names that the library knows; "my dog Bo" and "Bo the dog" are one name."""
    remaining = iter(names)
    result: list[Token] = []
    for token in tokens:
        name = next(remaining, None) if token.word == CONCEPT else None
        if name is not None:
            entities.append(Entity("k", name))
            while result and result[-1].word in TITLES:
                result.pop()
            if len(result) > 1 and result[-2].word in _POSSESSIVES and result[-1].word not in {",", "and"}:
                del result[-2:]
            elif (
                len(result) > 2
                and result[-3].word in _POSSESSIVES
                and is_known(result[-1].word)
                and not is_verb(result[-1].word)
            ):
                del result[-3:]
            result.append(Token(f"@k{len(entities) - 1}", name))
        else:
            result.append(Token("@p", "") if token.word == PHOTO else token)
    return result


def is_verb(word: str) -> bool:
    """Whether a word rather ends what stands before a name than describes it."""
    return word in word_set("is are was and or with like to in on of than ist es und y")


def _with_unknown_names(tokens: Sequence[Token], entities: list[Entity]) -> list[Token]:
    """`@u0` for words with capital letters that are no ordinary words: names that nobody gave."""
    result: list[Token] = []
    shouted = not any(token.typed[:1].islower() for token in tokens if len(token.typed) > 1)
    index = 0
    while index < len(tokens):
        end = index
        if not shouted or len(tokens) < 4:
            while end < len(tokens) and _is_name_part(tokens, index, end):
                end += 1
        parts = tokens[index:end]
        if parts and not all(part.word in TITLES for part in parts):
            entities.append(
                Entity("u", " ".join(part.typed.rstrip(".") for part in parts if part.typed != "."))
            )
            possessive = re.search(r"['’]s$", entities[-1].text)
            if possessive:
                entities[-1] = Entity("u", entities[-1].text[: possessive.start()])
            if len(result) > 1 and result[-2].word in _POSSESSIVES and is_known(result[-1].word):
                del result[-2:]
            result.append(Token(f"@u{len(entities) - 1}", entities[-1].text))
            if possessive:
                result.append(Token("s", "'s"))
        else:
            result.extend(tokens[index : end or index + 1] or [tokens[index]])
        index = max(end, index + 1)
    return result


def _is_name_part(tokens: Sequence[Token], start: int, index: int) -> bool:
    """Whether the word at `index` goes on with, or begins, a name from `start`."""
    token = tokens[index]
    if not re.match(r"[^\W\d_]", token.typed) or token.word.startswith("@"):
        return False
    if token.word in TITLES:
        following = tokens[index + 1 : index + 2]
        return bool(following) and _has_capital(following[0].typed)
    if index == start and index > 0 and tokens[index - 1].word in _ARTICLES:
        return False
    word = re.sub(r"s$", "", token.word) if re.search(r"['’]s$", token.typed) else token.word
    ordinary = (
        is_known(word)
        or word in GERMAN
        or word in SPANISH
        or " " in plain_words(token.word)
        or plain_words(word) != word
    )
    if index == 0 and len(tokens) > 1 and tokens[1].word not in {"?", "and", "or", ","} and not ordinary:
        return tokens[1].word in {"in", "on", "here", "there", "visible", "hier", "aqui"} and _has_capital(
            token.typed
        )
    if ordinary and index > start and tokens[index - 1].word in TITLES:
        return _has_capital(token.typed)
    return _has_capital(token.typed) and not ordinary


def _has_capital(word: str) -> bool:
    return word[:1].isupper()


def _with_relations(tokens: Sequence[Token], entities: list[Entity]) -> list[Token]:
    """`@r0` for "my mother" and "Bo's sister": somebody who is said by what he or she is to another."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        following = [other.word for other in tokens[index + 1 : index + 3]]
        length = 0
        is_owner = token.word in _POSSESSIVES
        if is_owner and following and _may_own(following[0]):
            length = 2
            adjective = following[0] in word_set("best little big old older younger new other whole")
            if adjective and len(following) > 1 and _may_own(following[1]):
                length = 3
        elif (
            token.word.startswith(("@k", "@u"))
            and following[:1] == ["s"]
            and following[1:]
            and following[1] in RELATIONS
        ):
            length = 3
        elif token.word in RELATIONS_ALONE and not token.word.startswith("@"):
            length = 1
        if length:
            owned = tokens[index : index + length]
            typed = " ".join(part.typed for part in owned).replace(" s ", "'s ").replace(" 's", "'s")
            entities.append(Entity("r", typed))
            result.append(Token(f"@r{len(entities) - 1}", typed))
            index += length
        else:
            result.append(token)
            index += 1
    return result


def _may_own(word: str) -> bool:
    """Whether "my" before the word makes it somebody's: "my photo" is the photo itself."""
    own = word_set("photo photos picture pictures pic image album foto bild library phone camera")
    return (
        bool(re.match(r"[^\W\d_]", word))
        and word not in own
        and (word not in GRAMMAR or word in {"best", "little", "big", "old", "new", "other"})
        and word not in {"own", "name", "names"}
    )


def _in_english(tokens: Sequence[Token], dictionary: dict[str, str]) -> list[Token]:
    """Every word as the English grammar has it; phrases of other languages first."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        length, english = 1, ""
        if dictionary:
            for size in (4, 3, 2):
                phrase = " ".join(token.word for token in tokens[index : index + size])
                if phrase in PHRASES and index + size <= len(tokens):
                    length, english = size, PHRASES[phrase]
                    break
            else:
                english = _translated(tokens, index, dictionary)
        if not english:
            word = tokens[index].word
            english = word if word.startswith("@") else plain_words(word)
        if (
            dictionary is SPANISH
            and english in {"is", "are"}
            and not result
            and _lacks_subject(tokens, index)
        ):
            english += " it"
        typed = [token.typed for token in tokens[index : index + length]]
        for number, word in enumerate(english.split()):
            kept = " ".join(typed) if number == 0 else ""
            result.append(Token(word, kept))
        index += length
    return result


def _lacks_subject(tokens: Sequence[Token], index: int) -> bool:
    """Whether "es" or "está" is followed by what something is, as Spanish says no "it"."""
    following = tokens[index + 1].word if index + 1 < len(tokens) else "?"
    own = word_set("este esta esto ese esa eso sola solo aqui alguien mi el la los las ?")
    return not following.startswith("@") and following not in own


def _translated(tokens: Sequence[Token], index: int, dictionary: dict[str, str]) -> str:
    token = tokens[index]
    following = tokens[index + 1].word if index + 1 < len(tokens) else ""
    if (
        dictionary is SPANISH
        and token.word == "esta"
        and (
            token.typed.casefold() == "está"
            or following.startswith("@")
            or following in {"sola", "solo", "en"}
        )
    ):
        return "is"
    if dictionary is SPANISH and token.word == "a" and following.startswith("@"):
        return ""
    return dictionary.get(token.word, "")


def _split(tokens: Sequence[Token], entities: tuple[Entity, ...], whole: str) -> list[Clause]:
    """Clauses at question marks and before "and when …"; "he" and "she" stand for the one named before."""
    clauses: list[Clause] = []
    current: list[Token] = []
    for index, token in enumerate([*tokens, Token("?", "")]):
        following = [other.word for other in tokens[index + 1 : index + 2]]
        joins = token.word in {"and", "but", "or", "also", ","} and following and following[0] in _WH
        joins = joins and not (token.word == "or" and len(current) == 1 and current[0].word in _WH)
        joins = joins or (token.word in {"and", "but"} and following and following[0] in _AUXILIARIES)
        if token.word not in {"?", "!", ".", ";"} and not joins:
            current.append(token)
            continue
        while current and current[-1].word in {",", "and", "but", "or"}:
            current.pop()
        while current and current[0].word in {",", "and", "but", "or"}:
            del current[0]
        if current:
            words = _resolved(" ".join(part.word for part in current), clauses)
            clauses.append(Clause(words, tuple(part.typed for part in current), entities, whole))
        current = []
    return clauses


def _resolved(words: str, before: Sequence[Clause]) -> str:
    """`words` with the one name of the clause before for its pronouns."""
    if not before:
        return words
    named = dict.fromkeys(re.findall(r"@[kur]\d+", before[-1].text))
    if len(named) != 1 or "@" in words:
        return words
    return re.sub(r"\b(?:he|she|him)\b", next(iter(named)), words)
