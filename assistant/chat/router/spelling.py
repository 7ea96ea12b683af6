"""Typing mistakes in the words that requests are made of: "drw Bo", "shwo me pictures". Knows no intent.

Only words in front of the first name or photo are mended, and only into words that a rule could turn on; whatever is
drawn, searched for or kept stays as it was typed.
"""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.language.ordinary_words import word_set
from assistant.language.parse import Request
from assistant.language.question_words import is_known
from assistant.language.similar_names import edit_distance
from personalizer.sentences.embed import shipped_embedder

KEYWORDS = sorted(
    word_set("""
    draw paint sketch imagine picture pictures photo photos image images drawing painting make create generate
    show list find search look learned who what when where which how many describe tell about remember note forget
    delete remove group change mistake
    erase rename call name merge combine join together undo revert take back train retrain learn confirm reject
    split separate people pets things everyone know help upload share scan quit the this that with please not
    zeichne male bilder fotos zeige vergiss merk lerne trainiere rückgängig dibuja pinta muestra olvida recuerda entrena
    """)
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_WHOSE = re.compile(r"\b(who|what|where|when|how|that|it|here|there)s\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(isn|wasn|don|doesn|aren|can|won|didn)t\b", re.IGNORECASE)


def mended(request: Request) -> Request | None:
    """The request with its typing mistakes mended; None where there are none."""
    skeleton = _NEGATED.sub(r"\1't", _WHOSE.sub(r"\1's", request.skeleton))
    end = skeleton.find("⟦")
    head, rest = (skeleton, "") if end < 0 else (skeleton[:end], skeleton[end:])
    better = _WORD.sub(lambda match: _mended_word(match[0], first=match.start() == 0), head) + rest
    return None if better == request.skeleton else replace(request, skeleton=better)


def _mended_word(word: str, *, first: bool) -> str:
    folded = word.casefold()
    # A capital in front marks a name, and a word that there is is meant as it is: "print" is no "paint".
    if (word[0].isupper() and not word.isupper() and not first) or folded in KEYWORDS or is_known(folded):
        return word
    if shipped_embedder().is_word(folded):
        return word
    limit = 2 if len(word) >= 6 else 1
    near = [(edit_distance(folded, keyword, limit), keyword) for keyword in KEYWORDS]
    distance, keyword = min(near)
    # The first letter is rarely wrong, and three letters are close to everything.
    if distance > limit or (len(word) < 4 and keyword[0] != folded[0]):
        return word
    return keyword
