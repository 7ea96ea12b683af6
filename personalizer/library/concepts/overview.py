"""Data for the people page: counts, dates, and example photos of each person, pet or thing.

Reads the library in small pieces and writes nothing; opens no photo.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from personalizer.library.database import Database, path_from
from personalizer.schemas import BoundingBox, ConceptKind, ConceptState

_PER_PART = 3
"""Candidates for each example: files may be gone, or hold something else by now."""
_THERE = "EXISTS (SELECT 1 FROM photo_files WHERE photo_files.photo_id = photos.id AND missing_since IS NULL)"


@dataclass(frozen=True, slots=True)
class Portrayed:
    """A concept with what is known of its photos; counts are of photos."""

    id: int
    name: str | None
    kind: ConceptKind
    state: ConceptState
    photos: int
    suggested: int
    """Photos that look right but wait for a person to say so."""
    first: date | None
    """When the oldest of its photos with a date was taken."""
    last: date | None
    feature_id: int | None


@dataclass(frozen=True, slots=True)
class Example:
    """One place where a concept is to be seen, and the file as it was when that was found."""

    detection_id: int
    path: Path
    size: int
    mtime_ns: int
    box: BoundingBox
    """In pixels of the upright photo."""
    width_px: int
    height_px: int
    taken: date | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Numbers over the whole library."""

    photos: int
    first: date | None
    last: date | None
    unnamed: dict[ConceptKind, int]
    """Groups that nobody named, hidden ones left out."""
    hidden: dict[ConceptKind, int]
    ungrouped_faces: int
    """Faces that are in no group and belong to nobody."""
    waiting: int
    """Suggestions about named concepts that wait for an answer."""
    unreadable: int


def overview(library: Database) -> Overview:
    """Counts each in a query of its own; nothing is kept in memory."""
    connection = library.connection
    photos = connection.execute(
        f"SELECT COUNT(*) AS number, MIN(taken_at) AS first, MAX(taken_at) AS last FROM photos WHERE {_THERE}"
    ).fetchone()
    counted = connection.execute(
        """SELECT kind, SUM(state != 'hidden' AND name IS NULL) AS unnamed, SUM(state = 'hidden') AS hidden
           FROM concepts GROUP BY kind"""
    ).fetchall()
    ungrouped = connection.execute(
        """SELECT COUNT(*) FROM detections WHERE kind = 'face'
           AND EXISTS (SELECT 1 FROM photo_files WHERE photo_files.photo_id = detections.photo_id)
           AND NOT EXISTS (SELECT 1 FROM memberships
                           WHERE detection_id = detections.id AND status = 'confirmed')"""
    ).fetchone()
    waiting = connection.execute(
        """SELECT COUNT(*) FROM memberships JOIN concepts ON concepts.id = concept_id
           WHERE status = 'suggested' AND name IS NOT NULL AND state != 'hidden'"""
    ).fetchone()
    unreadable = connection.execute("SELECT COUNT(*) FROM failures WHERE reason IS NOT NULL").fetchone()
    kinds: tuple[ConceptKind, ...] = ("face", "object")
    by_kind = {row["kind"]: row for row in counted}
    return Overview(
        photos=int(photos["number"]),
        first=_date(photos["first"]),
        last=_date(photos["last"]),
        unnamed={kind: int(by_kind[kind]["unnamed"]) if kind in by_kind else 0 for kind in kinds},
        hidden={kind: int(by_kind[kind]["hidden"]) if kind in by_kind else 0 for kind in kinds},
        ungrouped_faces=int(ungrouped[0]),
        waiting=int(waiting[0]),
        unreadable=int(unreadable[0]),
    )


def named(library: Database, kind: ConceptKind) -> list[Portrayed]:
    """Everybody or everything with a name, by name; hidden ones are left out."""
    found = [_portrayed(row) for row in _concepts(library, kind, "name IS NOT NULL", -1)]
    return sorted(found, key=lambda one: ((one.name or "").casefold(), one.id))


def largest_unnamed(library: Database, kind: ConceptKind, limit: int) -> list[Portrayed]:
    """Groups that nobody named, those with most photos first; hidden ones are left out."""
    return [_portrayed(row) for row in _concepts(library, kind, "name IS NULL", limit)]


def _concepts(library: Database, kind: ConceptKind, which: str, limit: int) -> sqlite3.Cursor:
    return library.connection.execute(
        f"""SELECT concepts.id, concepts.name, concepts.kind, concepts.state, concepts.feature_id,
              COUNT(DISTINCT photo_id) FILTER (WHERE status = 'confirmed') AS photos,
              COUNT(DISTINCT photo_id) FILTER (WHERE status = 'suggested') AS suggested,
              MIN(taken_at) FILTER (WHERE status = 'confirmed') AS first,
              MAX(taken_at) FILTER (WHERE status = 'confirmed') AS last
            FROM concepts
            LEFT JOIN memberships ON concept_id = concepts.id
            LEFT JOIN detections ON detections.id = detection_id
            LEFT JOIN photos ON photos.id = photo_id
            WHERE concepts.kind = ? AND state != 'hidden' AND {which}
            GROUP BY concepts.id ORDER BY photos DESC, concepts.id LIMIT ?""",
        (kind, limit),
    )


def examples(library: Database, concept: Portrayed, number: int) -> Iterator[list[Example]]:
    """Up to `number` lists of candidates, of which the first that can be shown is to be: the chosen photo, then others.

    Those are spread over the time in which the concept was photographed; each is the best of its stretch of time, and
    the best of all comes first where no photo was chosen. Of copies and of photos taken in a burst there is one.
    """
    seen: set[int] = set()
    if concept.feature_id is not None:
        chosen = _rows(library, concept, "detections.id = ?", (concept.feature_id,), 1, 1)
        if chosen:
            seen.add(chosen[0]["photo_id"])
            number -= 1
            yield [_example(row) for row in chosen]
    parts: dict[int, list[sqlite3.Row]] = {}
    for row in _rows(library, concept, "1", (), number, _PER_PART):
        if row["photo_id"] not in seen:
            seen.add(row["photo_id"])
            parts.setdefault(row["part"], []).append(row)
    in_time = list(parts.values())
    if in_time and concept.feature_id is None:
        best = max(in_time, key=lambda rows: rows[0]["worth"])
        in_time.remove(best)
        in_time.insert(0, best)
    for rows in in_time:
        yield [_example(row) for row in rows]


def example_of(library: Database, detection_id: int) -> Example | None:
    """What one detection shows; None where no file of its photo is there."""
    row = library.connection.execute(
        """SELECT detections.id, width_px, height_px, taken_at, box_left, box_top, box_right, box_bottom,
             path, size, mtime_ns
           FROM detections JOIN photos ON photos.id = detections.photo_id
           JOIN photo_files ON photo_files.photo_id = photos.id AND missing_since IS NULL
           WHERE detections.id = ? ORDER BY photo_files.rowid LIMIT 1""",
        (detection_id,),
    ).fetchone()
    return None if row is None else _example(row)


def _rows(
    library: Database,
    concept: Portrayed,
    which: str,
    values: tuple[int, ...],
    parts: int,
    per_part: int,
) -> list[sqlite3.Row]:
    """The best members, `per_part` of each of so many equal `parts` of the concept's time."""
    if parts < 1:
        return []
    # A whole picture stands for a thing; its surest region is where the thing is.
    region = """(SELECT region.id FROM detections AS region WHERE region.photo_id = photos.id
                 AND region.kind = 'object' ORDER BY region.score DESC, region.id LIMIT 1)"""
    shown = "detections.id" if concept.kind == "face" else f"COALESCE({region}, detections.id)"
    area = "(box_right - box_left) * (box_bottom - box_top)"
    return library.connection.execute(
        f"""WITH shots AS (
              SELECT detections.id, detections.photo_id, taken_at, score * {area} AS worth,
                ROW_NUMBER() OVER (
                  PARTITION BY COALESCE(leader_id, photos.id) ORDER BY score * {area} DESC, detections.id
                ) AS place
              FROM memberships JOIN detections ON detections.id = detection_id
              JOIN photos ON photos.id = detections.photo_id
              LEFT JOIN same_shots ON same_shots.photo_id = photos.id
              WHERE concept_id = ? AND status = 'confirmed' AND {which} AND {_THERE}
            ), stretches AS (
              SELECT *, NTILE(?) OVER (ORDER BY taken_at IS NULL, taken_at, id) AS part
              FROM shots WHERE place = 1
            ), best AS (
              SELECT *, ROW_NUMBER() OVER (PARTITION BY part ORDER BY worth DESC, id) AS rank FROM stretches
            )
            SELECT best.id, best.photo_id, best.part, best.worth, photos.width_px, photos.height_px, photos.taken_at,
              shown.box_left, shown.box_top, shown.box_right, shown.box_bottom,
              photo_files.path, photo_files.size, photo_files.mtime_ns
            FROM best JOIN photos ON photos.id = best.photo_id
            JOIN detections ON detections.id = best.id
            JOIN detections AS shown ON shown.id = {shown}
            JOIN photo_files ON photo_files.rowid = (
              SELECT rowid FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL
              ORDER BY rowid LIMIT 1)
            WHERE rank <= ? ORDER BY part, rank""",
        (concept.id, *values, parts, per_part),
    ).fetchall()


def _portrayed(row: sqlite3.Row) -> Portrayed:
    return Portrayed(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        state=row["state"],
        photos=row["photos"],
        suggested=row["suggested"],
        first=_date(row["first"]),
        last=_date(row["last"]),
        feature_id=row["feature_id"],
    )


def _example(row: sqlite3.Row) -> Example:
    return Example(
        detection_id=row["id"],
        path=path_from(row["path"]),
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        box=BoundingBox(row["box_left"], row["box_top"], row["box_right"], row["box_bottom"]),
        width_px=row["width_px"],
        height_px=row["height_px"],
        taken=_date(row["taken_at"]),
    )


def _date(stored: str | None) -> date | None:
    return None if stored is None else datetime.fromisoformat(stored).date()
