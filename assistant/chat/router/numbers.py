"""Numbers of groups that are written out: "number twelve is Ben", as somebody dictates it. Knows no intent."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.language.parse import Request

_WRITTEN = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty",
    "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn"
    " achtzehn neunzehn zwanzig",
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho"
    " diecinueve veinte",
)
_DIGITS = {word: str(number) for row in _WRITTEN for number, word in enumerate(row.split(), 1)}
_GROUP = re.compile(
    r"\b(?P<what>(?:group|number|person|cluster|no\.?|gruppe|nummer|grupo|número|numero|persona) )"
    rf"(?P<word>{'|'.join(_DIGITS)})\b",
    re.IGNORECASE,
)


def with_digits(request: Request) -> Request:
    """The request with digits for the number of a group that is written out."""
    skeleton = _GROUP.sub(lambda match: match["what"] + _DIGITS[match["word"].casefold()], request.skeleton)
    return request if skeleton == request.skeleton else replace(request, skeleton=skeleton)
