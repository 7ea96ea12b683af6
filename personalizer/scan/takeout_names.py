"""Which photo a JSON file of Google's Takeout is about. Knows names of files only.

Takeout names the JSON after the title: `A.jpg.json` or `A.jpg.supplemental-metadata.json`, cut to 46 characters before
`.json`. Of a second `A.jpg` the photo becomes `A(1).jpg` and the JSON `A.jpg(1).json`; an edited copy, in English
`A-edited.jpg`, has no JSON of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from personalizer.photos.formats import PHOTO_SUFFIXES

_MAX_TITLE = 46
"""In units of UTF-16, as Java counts. Some exports keep one more, as they do of photos' names."""
_SUPPLEMENT = "supplemental-metadata"
_NUMBER = re.compile(r"\((\d+)\)$")
# fmt: off
_EDITED = frozenset({
    "edited", "effects", "smile", "mix",  # English, and what Google makes of photos by itself
    "bearbeitet", "modifié", "editado", "ha editado", "editada", "modificato", "bewerkt", "edytowane", "redigerad",
    "redigeret", "redigert", "muokattu", "upraveno", "upravené", "szerkesztett", "düzenlendi", "editat", "изменено",
    "отредактировано", "відредаговано", "編集済み", "已修改", "已编辑", "编辑", "편집됨", "수정됨",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class TakeoutMatches:
    """Names: `photo_of` has each JSON's photo, `json_of` the JSON of a copy whose original has it as well."""

    photo_of: Mapping[str, str]
    json_of: Mapping[str, str]


def match_takeout(photos: Iterable[str], json_names: Iterable[str]) -> TakeoutMatches:
    """Find the photo of each JSON file of one folder; one that several photos may have is given to none of them."""
    titles = _Titles(json_names)
    waiting = [_PhotoName.parse(name) for name in sorted(photos)] if titles else []
    photo_of: dict[str, str] = {}
    for step in (_whole_title, _cut_title, _title_without_suffix):
        claims: dict[str, list[_PhotoName]] = defaultdict(list)
        for photo in waiting:
            if (json_name := step(photo, titles)) is not None and json_name not in photo_of:
                claims[json_name].append(photo)
        for json_name, claimants in claims.items():
            if len(claimants) == 1:
                photo_of[json_name] = claimants[0].name
        matched = set(photo_of.values())
        waiting = [photo for photo in waiting if photo.name not in matched]
    json_of: dict[str, str] = {}
    for photo in waiting:
        if (json_name := _title_of_original(photo, titles)) is None:
            continue
        if json_name in photo_of:
            json_of[photo.name] = json_name
        else:
            photo_of[json_name] = photo.name
    return TakeoutMatches(photo_of, json_of)


class _Titles:
    """JSON files by title and number."""

    def __init__(self, json_names: Iterable[str]) -> None:
        self._by_title: dict[tuple[str, str], str] = {}
        self._by_stem: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in sorted(json_names):
            base, number = _without_number(_normal(name).removesuffix(".json"))
            self._by_title.setdefault((base, number), name)
            title, dot, rest = base.rpartition(".")
            # The cut may fall behind the dot, or anywhere in the word.
            if dot and _SUPPLEMENT.startswith(rest):
                self._by_title.setdefault((title, number), name)
                base = title
            stem, dot, suffix = base.rpartition(".")
            if f"{dot}{suffix}" in PHOTO_SUFFIXES:
                self._by_stem[stem, number].add(name)

    def __bool__(self) -> bool:
        return bool(self._by_title)

    def find(self, title: str, number: str) -> str | None:
        return self._by_title.get((title, number))

    def of_stem(self, stem: str, number: str) -> str | None:
        """The JSON of a photo of this name and any suffix; None where there are several."""
        names = self._by_stem.get((stem, number), set())
        return next(iter(names)) if len(names) == 1 else None


@dataclass(frozen=True, slots=True)
class _PhotoName:
    """`IMG_1(2).JPG` in its parts, in small letters: `img_1`, `(2)`, `.jpg`."""

    name: str
    stem: str
    number: str
    suffix: str

    @classmethod
    def parse(cls, name: str) -> _PhotoName:
        whole, dot, suffix = _normal(name).rpartition(".")
        stem, number = _without_number(whole)
        return cls(name, stem, number, dot + suffix)

    @property
    def original_stem(self) -> str | None:
        """The stem without the word that Google adds to an edited copy; None for any other photo."""
        stem, dash, word = self.stem.rpartition("-")
        # The names of photos are cut as well, and with them the word.
        cut = len(self.stem) >= _MAX_TITLE and any(known.startswith(word) for known in _EDITED)
        return stem if dash and (word in _EDITED or cut) else None


def _whole_title(photo: _PhotoName, titles: _Titles) -> str | None:
    # A photo may also have been called `A(1).jpg` from the beginning.
    literal = titles.find(f"{photo.stem}{photo.number}{photo.suffix}", "")
    return literal or titles.find(photo.stem + photo.suffix, photo.number)


def _cut_title(photo: _PhotoName, titles: _Titles) -> str | None:
    return _find_cut(titles, photo.stem + photo.suffix, photo.number)


def _title_without_suffix(photo: _PhotoName, titles: _Titles) -> str | None:
    return titles.find(photo.stem, photo.number)


def _title_of_original(photo: _PhotoName, titles: _Titles) -> str | None:
    """Of an edited copy; or of a second photo whose title is so long that Takeout writes one JSON for both."""
    if (original := photo.original_stem) is None:
        title = photo.stem + photo.suffix
        return _find_cut(titles, title, "") if photo.number else None
    stem, number = _without_number(original)
    title, number = stem + photo.suffix, photo.number or number
    return (
        titles.find(title, number)
        or _find_cut(titles, title, number)
        or titles.of_stem(stem, number)
        or titles.find(stem, number)
    )


def _without_number(stem: str) -> tuple[str, str]:
    match = _NUMBER.search(stem)
    return (stem[: match.start()], match.group()) if match else (stem, "")


def _find_cut(titles: _Titles, title: str, number: str) -> str | None:
    units = title.encode("utf-16-le", "surrogatepass")
    for kept in (_MAX_TITLE, _MAX_TITLE + 1):
        # Half a pair is left out.
        cut = units[: 2 * kept].decode("utf-16-le", "ignore")
        if cut != title and (json_name := titles.find(cut, number)) is not None:
            return json_name
    return None


def _normal(name: str) -> str:
    """Small letters, composed: the case does not matter, and Macs write accents as letters of their own."""
    return unicodedata.normalize("NFC", name).lower()
