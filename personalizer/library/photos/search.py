"""Queries of a search, one condition each.

Each query returns photos; `assistant/search` combines them. Knows no word's meaning.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from personalizer.library.database import path_from, ranges_below
from personalizer.library.photos.texts import PlaceNames, TextKind, TextRecords
from personalizer.schemas import MembershipStatus

_MOST_TOKENS = 12
"""Words of one phrase that are looked for; of more the first count."""
_TOKEN = re.compile(r"[^\W_]+")
_CHOSEN = "(SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Moments at which photos were taken. All that is given must hold; at least one part is."""

    start: datetime | None = None
    """The first moment."""
    end: datetime | None = None
    """The first moment after it."""
    months: frozenset[int] = frozenset()
    """1 to 12, of any year."""
    days: tuple[tuple[str, str], ...] = ()
    """Ranges of days of any year as `MM-DD`, both ends included."""
    weekdays: frozenset[int] = frozenset()
    """0 is Monday."""
    hours: tuple[int, int] | None = None
    """From this hour of the day until before that one, which may be smaller. Never a photo without a time of day."""
    south: TimeSpan | None = None
    """What holds instead for photos that were taken south of the equator: a season."""


class FoundFile(NamedTuple):
    """A photo that is there, as it is stored: there may be a hundred thousand of them, of which few are shown."""

    photo_id: int
    stored_path: str | bytes
    stored_time: str | None
    """Local time in ISO 8601: earlier ones sort first."""

    @property
    def path(self) -> Path:
        return path_from(self.stored_path)

    @property
    def taken_at(self) -> datetime | None:
        return None if self.stored_time is None else datetime.fromisoformat(self.stored_time)


@dataclass(frozen=True, slots=True)
class FoundCount:
    """How many photos there are, and when they were taken."""

    photos: int
    dated: int
    """Those of which the date is known."""
    oldest: datetime | None
    newest: datetime | None


class SearchRecords(TextRecords):
    """The part of the library that searches ask."""

    def photos_showing(self, *concept_ids: int, status: MembershipStatus = "confirmed") -> set[int]:
        """Photos of members of any of these concepts; `suggested` ones are those that nobody has answered."""
        return self._ids(
            f"""SELECT DISTINCT photo_id FROM memberships JOIN detections ON detections.id = detection_id
                WHERE concept_id IN {_CHOSEN} AND status = ?""",
            json.dumps(concept_ids),
            status,
        )

    def photos_labelled(self, word: str, least: float, least_beside_faces: float) -> dict[int, float]:
        """By photo: how likely it is that it shows this, as analysis found.

        `least_beside_faces` holds where a face is seen, and where none was looked for.
        """
        rows = self._rows(
            """SELECT photo_id, confidence FROM photo_labels
               WHERE word = ? AND confidence >= ?
                 AND (confidence >= ? OR NOT (
                   EXISTS (SELECT 1 FROM detections WHERE photo_id = photo_labels.photo_id AND kind = 'face')
                   OR photo_id IN (SELECT photo_id FROM faceless_photos)))""",
            word,
            least,
            least_beside_faces,
        )
        return dict(rows)

    def photos_taken(self, spans: Iterable[TimeSpan]) -> set[int]:
        """Photos taken in any of these spans."""
        found: set[int] = set()
        for span in spans:
            condition, values = _during(span)
            if span.south is not None:
                southern, more = _during(span.south)
                condition = f"CASE WHEN latitude < 0 THEN {southern} ELSE {condition} END"
                values = more + values
            found |= self._ids(f"SELECT id FROM photos WHERE taken_at IS NOT NULL AND {condition}", *values)
        return found

    def photos_with_faces(self, least: int, most: int | None = None) -> dict[int, int]:
        """By photo: how many faces are seen in it, where that is at least one and in these bounds."""
        rows = self._rows(
            """SELECT photo_id, COUNT(*) AS faces FROM detections WHERE kind = 'face'
               GROUP BY photo_id HAVING faces >= ?1 AND (?2 IS NULL OR faces <= ?2)""",
            least,
            most,
        )
        return dict(rows)

    def photos_without_known_faces(self) -> set[int]:
        """Photos of which it is not known whether a face is in them: nobody looked, or nobody may any more."""
        return self._ids(
            "SELECT photo_id FROM faceless_photos UNION SELECT id FROM photos WHERE forgotten = 1"
        )

    def known_places(self) -> list[PlaceNames]:
        """All places where photos were taken."""
        rows = self.connection.execute(
            "SELECT DISTINCT name, region, country, words FROM photo_places WHERE country IS NOT NULL"
        )
        return [PlaceNames(*row) for row in rows]

    def photos_in_places(self, places: Iterable[PlaceNames]) -> dict[int, str]:
        """By photo: the words for its place, where that is one of these."""
        found: dict[int, str] = {}
        for place in places:
            rows = self.connection.execute(
                """SELECT photo_id, words FROM photo_places
                   WHERE country IS ? AND region IS ? AND name IS ? AND words IS ?""",
                (place.country, place.region, place.name, place.words),
            )
            found.update((int(row["photo_id"]), row["words"]) for row in rows)
        return found

    def photos_with_place(self) -> set[int]:
        """Photos of which the country is known."""
        return self._ids("SELECT photo_id FROM photo_places WHERE country IS NOT NULL")

    def photo_folders(self) -> list[Path]:
        """The folders that photos are or were in."""
        rows = self.connection.execute("SELECT CAST(path AS BLOB) AS path FROM photo_folders")
        return [path_from(row["path"]) for row in rows]

    def photos_below(self, folders: Iterable[Path]) -> dict[int, Path]:
        """By photo: the one of these folders that it lies in or below."""
        found: dict[int, Path] = {}
        for folder in folders:
            for start, end, _ in ranges_below(str(folder)):
                rows = self.connection.execute(
                    """SELECT photo_id FROM photo_files
                       WHERE path > ? AND path < ? AND missing_since IS NULL""",
                    (start, end),
                )
                for row in rows:
                    found.setdefault(int(row["photo_id"]), folder)
        return found

    def photos_in_files_named(self, part: str) -> dict[int, str]:
        """By photo: the name of a file of it that has this text in it, in any case."""
        rows = self.connection.execute(
            """SELECT photo_id, path FROM photo_files
               WHERE missing_since IS NULL AND instr(lower(path), lower(?)) > 0""",
            (part,),
        )
        found: dict[int, str] = {}
        for row in rows:
            name = path_from(row["path"]).name
            if part.casefold() in name.casefold():
                found.setdefault(int(row["photo_id"]), name)
        return found

    def photos_written_about(
        self, phrases: Iterable[Sequence[str]], *, lettering: bool = False
    ) -> dict[int, tuple[TextKind, str]]:
        """By photo: the text about it that has one of these phrases in it, word for word, and its kind.

        With `lettering` only what was read in the picture counts. The words are words: no syntax of a query is known.
        """
        split = [
            [token for word in phrase for token in _TOKEN.findall(word)][:_MOST_TOKENS] for phrase in phrases
        ]
        if not any(split):
            return {}
        query = " OR ".join('"{}"'.format(" ".join(tokens)) for tokens in split if tokens)
        rows = self.connection.execute(
            """SELECT photo_id, kind, photo_texts.text AS text FROM photo_words
               JOIN photo_texts ON photo_texts.id = photo_words.rowid
               WHERE photo_words MATCH ? AND (NOT ? OR kind = 'lettering') ORDER BY photo_texts.id DESC""",
            (query, lettering),
        )
        return {int(row["photo_id"]): (row["kind"], row["text"]) for row in rows}

    def written_texts(self, most: int) -> list[str]:
        """Titles, descriptions and keywords, each once, the first by the alphabet."""
        rows = self._rows(
            "SELECT DISTINCT text FROM photo_texts WHERE kind != 'lettering' ORDER BY text LIMIT ?", most
        )
        return [text for (text,) in rows]

    def photos_with_text(self, text: str) -> set[int]:
        """Photos about which exactly this is written."""
        return self._ids("SELECT photo_id FROM photo_texts WHERE text = ? AND kind != 'lettering'", text)

    def cameras(self) -> list[str]:
        """All cameras that photos were taken with."""
        rows = self.connection.execute("SELECT DISTINCT camera FROM photos WHERE camera IS NOT NULL")
        return [str(row["camera"]) for row in rows]

    def photos_taken_with(self, cameras: Iterable[str]) -> dict[int, str]:
        """By photo: the one of these cameras that took it."""
        rows = self.connection.execute(
            f"SELECT id, camera FROM photos WHERE camera IN {_CHOSEN}", (json.dumps(sorted(cameras)),)
        )
        return {int(row["id"]): str(row["camera"]) for row in rows}

    def all_photos(self) -> set[int]:
        """Every photo of which a file is there."""
        return self._ids("SELECT photo_id FROM photo_files WHERE missing_since IS NULL")

    def files_of(self, photo_ids: Collection[int], limit: int | None = None) -> list[FoundFile]:
        """Those that are there, each with one of its files; the newest first, those without a date last."""
        rows = self._rows(
            f"""SELECT photos.id,
                  (SELECT MIN(path) FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL) AS path,
                  taken_at FROM photos
                WHERE photos.id IN {_CHOSEN}
                  AND EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL)
                ORDER BY taken_at DESC NULLS LAST, photos.id DESC LIMIT ?""",
            json.dumps(list(photo_ids)),
            -1 if limit is None else limit,
        )
        return list(map(FoundFile._make, rows))

    def places_of(self, photo_ids: Collection[int], most: int) -> list[tuple[str, int]]:
        """The words for the places where most of these photos were taken, each with how many."""
        rows = self._rows(
            f"""SELECT words, COUNT(*) FROM photo_places WHERE words IS NOT NULL AND photo_id IN {_CHOSEN}
                GROUP BY words ORDER BY COUNT(*) DESC, words LIMIT ?""",
            json.dumps(list(photo_ids)),
            most,
        )
        return [(str(words), int(count)) for words, count in rows]

    def count_and_times(self, photo_ids: Collection[int]) -> FoundCount:
        """How many of these photos are there, and when they were taken."""
        [(count, dated, *times)] = self._rows(
            f"""SELECT COUNT(*), COUNT(taken_at), MIN(taken_at), MAX(taken_at) FROM photos WHERE photos.id IN {_CHOSEN}
                AND EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL)""",
            json.dumps(list(photo_ids)),
        )
        oldest, newest = (None if time is None else datetime.fromisoformat(time) for time in times)
        return FoundCount(count, dated, oldest, newest)

    def without_texts_read(self) -> int:
        """How many photos were stored before their texts were read."""
        return int(self.connection.execute("SELECT COUNT(*) FROM unread_texts").fetchone()[0])

    def _ids(self, query: str, *values: str | int) -> set[int]:
        return {photo_id for (photo_id,) in self._rows(query, *values)}

    def _rows(self, query: str, *values: str | float | None) -> sqlite3.Cursor:
        """Bare rows, of which there may be a hundred thousand."""
        cursor = self.connection.cursor()
        cursor.row_factory = None
        return cursor.execute(query, values)


def _during(span: TimeSpan) -> tuple[str, list[str | int]]:
    """A condition on `taken_at`, with its values."""
    conditions: list[str] = []
    values: list[str | int] = []
    if span.start is not None:
        conditions.append("taken_at >= ?")
        values.append(span.start.isoformat())
    if span.end is not None:
        conditions.append("taken_at < ?")
        values.append(span.end.isoformat())
    if span.months:
        conditions.append(f"CAST(substr(taken_at, 6, 2) AS INTEGER) IN {_CHOSEN}")
        values.append(json.dumps(sorted(span.months)))
    if span.days:
        conditions.append(
            "({})".format(" OR ".join("substr(taken_at, 6, 5) BETWEEN ? AND ?" for _ in span.days))
        )
        values += [end for day_range in span.days for end in day_range]
    if span.weekdays:
        # SQLite counts from Sunday.
        conditions.append(f"CAST(strftime('%w', substr(taken_at, 1, 10)) AS INTEGER) IN {_CHOSEN}")
        values.append(json.dumps(sorted((day + 1) % 7 for day in span.weekdays)))
    if span.hours is not None:
        first, last = span.hours
        both = "AND" if first < last else "OR"
        hour = "CAST(substr(taken_at, 12, 2) AS INTEGER)"
        conditions.append(f"(({hour} >= ? {both} {hour} < ?) AND substr(taken_at, 12, 8) != '00:00:00')")
        values += [first, last]
    return "({})".format(" AND ".join(conditions) or "1"), values
