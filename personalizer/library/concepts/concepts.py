"""Stores concepts, their members and facts. Knows nothing of clustering."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from personalizer.errors import NotFoundError, UsageError
from personalizer.library.database import Database, now_text, path_from, path_value
from personalizer.library.photos.photos import detection_from
from personalizer.names import name_key
from personalizer.schemas import Concept, ConceptKind, ConceptState, Detection, Fact, MembershipStatus

MembershipSource = Literal["cluster", "user"]


@dataclass(frozen=True, slots=True)
class Membership:
    """That a detection belongs, may belong or does not belong to a concept, and who says so."""

    concept_id: int
    detection_id: int
    source: MembershipSource
    status: MembershipStatus


class ConceptRecords(Database):
    """The part of the library that people and clustering fill."""

    def create_concept(self, kind: ConceptKind, name: str | None = None) -> Concept:
        """A new concept without members, `named` where it has a name and else `suggested`.

        Raises `UsageError` when the name is empty or, ignoring case, already taken.
        """
        if name is not None:
            name = _clean_name(name)
        with self.transaction() as connection:
            self._refuse_taken(name, except_id=None)
            concept_id = connection.execute(
                "INSERT INTO concepts(name, name_key, kind, state, created_at) VALUES (?, ?, ?, ?, ?)",
                (name, _name_key(name), kind, "suggested" if name is None else "named", now_text()),
            ).lastrowid
            assert concept_id is not None
            return self.concept(concept_id)

    def concept(self, concept_id: int) -> Concept:
        """The concept with this id, or `NotFoundError`."""
        row = self.connection.execute("SELECT * FROM concepts WHERE id = ?", (concept_id,)).fetchone()
        if row is None:
            raise NotFoundError(
                tried=f"looking up concept {concept_id}",
                found="there is none",
                fix="List them with: familiar concepts",
            )
        return _concept(row)

    def concept_by_name(self, name: str) -> Concept | None:
        """The concept with this name in any case, or None."""
        row = self.connection.execute(
            "SELECT * FROM concepts WHERE name_key = ?", (_name_key(name),)
        ).fetchone()
        return None if row is None else _concept(row)

    def concepts(self) -> list[Concept]:
        """All concepts, hidden ones included, by id."""
        return [_concept(row) for row in self.connection.execute("SELECT * FROM concepts ORDER BY id")]

    def names(self, *, with_hidden: bool = False) -> list[str]:
        """The names of concepts in alphabetical order, those of hidden ones only where asked. Loads no concept."""
        visible = "" if with_hidden else "AND state != 'hidden'"
        rows = self.connection.execute(f"SELECT name FROM concepts WHERE name_key IS NOT NULL {visible}")
        return sorted((str(row["name"]) for row in rows), key=str.casefold)

    def member_counts(self) -> dict[tuple[int, MembershipStatus], int]:
        """By concept and status, how many detections have that status in it; nothing for none."""
        rows = self.connection.execute(
            "SELECT concept_id, status, COUNT(*) AS number FROM memberships GROUP BY concept_id, status"
        )
        return {(row["concept_id"], row["status"]): row["number"] for row in rows}

    def newest_concept_id(self) -> int:
        """The highest id of a concept that is there; 0 where there is none."""
        return int(self.connection.execute("SELECT COALESCE(MAX(id), 0) FROM concepts").fetchone()[0])

    def last_concept_id(self) -> int:
        """The highest id that any concept ever had; none is handed out twice."""
        row = self.connection.execute(
            "SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'concepts'"
        ).fetchone()
        return int(row[0] or 0)

    def keep_concept_ids_above(self, last: int) -> None:
        """Never hand out an id up to this one."""
        self.connection.execute(
            "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = 'concepts'", (last,)
        )

    def concepts_with_members(self) -> set[int]:
        """The concepts that any detection belongs or may belong to."""
        rows = self.connection.execute(
            "SELECT DISTINCT concept_id FROM memberships WHERE status != 'rejected'"
        )
        return {int(row["concept_id"]) for row in rows}

    def trained_concepts(self) -> list[Concept]:
        """Those that have a prefix, hidden ones included, by id."""
        rows = self.connection.execute("SELECT * FROM concepts WHERE prefix_dir IS NOT NULL ORDER BY id")
        return [_concept(row) for row in rows]

    def rename_concept(self, concept_id: int, name: str) -> Concept:
        """Give a concept a name; a suggested one becomes `named`. `UsageError` when the name is taken."""
        name = _clean_name(name)
        with self.transaction() as connection:
            self._refuse_taken(name, except_id=concept_id)
            connection.execute(
                """UPDATE concepts SET name = ?, name_key = ?,
                   state = CASE state WHEN 'suggested' THEN 'named' ELSE state END WHERE id = ?""",
                (name, _name_key(name), concept_id),
            )
            return self.concept(concept_id)

    def _refuse_taken(self, name: str | None, *, except_id: int | None) -> None:
        taken = None if name is None else self.concept_by_name(name)
        if taken is not None and taken.id != except_id:
            other = None if except_id is None else self.concept(except_id)
            fix = f"Choose another name, or join them: familiar merge {taken.id} {except_id or 'ID'}"
            if other is not None and other.kind != taken.kind:
                person = other if other.kind == "face" else taken
                fix = (
                    "Choose another name. Only two of a kind can be joined; if both are one thing: "
                    f"familiar learn --thing {person.id}, then familiar merge {taken.id} {other.id}"
                )
            raise UsageError(
                tried=f"naming a concept {name!r}",
                found=f"concept {taken.id} is already called {taken.name!r}",
                fix=fix,
            )

    def delete_concept(self, concept_id: int) -> None:
        """Remove a concept, its memberships and its facts; the photos and detections stay."""
        self.connection.execute("DELETE FROM concepts WHERE id = ?", (concept_id,))

    def set_state(self, concept_id: int, state: ConceptState) -> Concept:
        """Move a concept to another state."""
        self.connection.execute("UPDATE concepts SET state = ? WHERE id = ?", (state, concept_id))
        return self.concept(concept_id)

    def mark_stale(self, concept_id: int) -> Concept:
        """Set a trained concept to `stale`, or one that is being trained; other states stay."""
        self.connection.execute(
            "UPDATE concepts SET state = 'stale' WHERE id = ? AND state IN ('ready', 'training')",
            (concept_id,),
        )
        return self.concept(concept_id)

    def set_prefix(
        self, concept_id: int, *, backbone: str | None, directory: Path | None, state: ConceptState
    ) -> Concept:
        """Note which backbone version the concept's prefix was trained for and where; None removes it."""
        self.connection.execute(
            "UPDATE concepts SET backbone = ?, prefix_dir = ?, state = ? WHERE id = ?",
            (backbone, None if directory is None else path_value(directory), state, concept_id),
        )
        return self.concept(concept_id)

    def move_prefix(self, concept_id: int, directory: Path) -> None:
        """Note that the prefix lies elsewhere now."""
        self.connection.execute(
            "UPDATE concepts SET prefix_dir = ? WHERE id = ?", (path_value(directory), concept_id)
        )

    def set_kind(self, concept_id: int, kind: ConceptKind) -> None:
        """Say what the concept is; its members are to be of that kind."""
        self.connection.execute("UPDATE concepts SET kind = ? WHERE id = ?", (kind, concept_id))

    def set_feature(self, concept_id: int, detection_id: int | None) -> None:
        """Choose the detection that stands for the concept; None for whichever is best."""
        self.connection.execute("UPDATE concepts SET feature_id = ? WHERE id = ?", (detection_id, concept_id))

    def example_paths(self) -> dict[int, Path]:
        """By concept, a photo that shows it: the chosen one, or the confirmed member that was detected most surely."""
        rows = self.connection.execute(
            """SELECT concept_id, path FROM (
                 SELECT memberships.concept_id, photo_files.path, ROW_NUMBER() OVER (
                   PARTITION BY memberships.concept_id
                   ORDER BY detections.id IS concepts.feature_id DESC, status = 'confirmed' DESC,
                     detections.score DESC, detections.id, photo_files.path) AS place
                 FROM memberships JOIN concepts ON concepts.id = memberships.concept_id
                 JOIN detections ON detections.id = memberships.detection_id
                 JOIN photo_files ON photo_files.photo_id = detections.photo_id
                 WHERE status != 'rejected' AND missing_since IS NULL)
               WHERE place = 1"""
        )
        return {row["concept_id"]: path_from(row["path"]) for row in rows}

    def add_members(
        self,
        concept_id: int,
        detection_ids: Iterable[int],
        *,
        source: MembershipSource,
        status: MembershipStatus,
    ) -> None:
        """Add or update memberships. What a person said is never overwritten by a cluster."""
        with self.transaction() as connection:
            connection.executemany(
                """INSERT INTO memberships(concept_id, detection_id, source, status) VALUES (?, ?, ?, ?)
                   ON CONFLICT(concept_id, detection_id) DO UPDATE
                   SET source = excluded.source, status = excluded.status
                   WHERE excluded.source = 'user' OR source = 'cluster'""",
                [(concept_id, int(detection_id), source, status) for detection_id in detection_ids],
            )

    def remove_members(self, concept_id: int, detection_ids: Iterable[int]) -> None:
        """Take memberships away, whatever their status."""
        with self.transaction() as connection:
            connection.executemany(
                "DELETE FROM memberships WHERE concept_id = ? AND detection_id = ?",
                [(concept_id, int(detection_id)) for detection_id in detection_ids],
            )

    def photos_of_somebody(self) -> set[int]:
        """Photos that show, or may show, a concept that has a name or is hidden."""
        rows = self.connection.execute(
            """SELECT DISTINCT detections.photo_id FROM memberships
               JOIN detections ON detections.id = memberships.detection_id
               JOIN concepts ON concepts.id = memberships.concept_id
               WHERE memberships.status IN ('confirmed', 'suggested')
                 AND (concepts.name IS NOT NULL OR concepts.state = 'hidden')"""
        )
        return {row[0] for row in rows}

    def members(self, concept_id: int, status: MembershipStatus = "confirmed") -> list[Detection]:
        """The detections that have this status in the concept, by id."""
        rows = self.connection.execute(
            """SELECT detections.* FROM detections JOIN memberships ON detection_id = detections.id
               WHERE concept_id = ? AND status = ? ORDER BY detections.id""",
            (concept_id, status),
        )
        return [detection_from(row) for row in rows]

    def confirmed_of_named(self, kind: ConceptKind) -> set[int]:
        """The detections that are members of any concept of this kind with a name."""
        rows = self.connection.execute(
            """SELECT DISTINCT detection_id FROM memberships JOIN concepts ON concepts.id = concept_id
               WHERE kind = ? AND name IS NOT NULL AND status = 'confirmed'""",
            (kind,),
        )
        return {int(row["detection_id"]) for row in rows}

    def memberships(self, concept_id: int | None = None) -> list[Membership]:
        """All memberships, or those of one concept, by concept and detection."""
        rows = self.connection.execute(
            """SELECT * FROM memberships WHERE (?1 IS NULL OR concept_id = ?1)
               ORDER BY concept_id, detection_id""",
            (concept_id,),
        )
        return [
            Membership(row["concept_id"], row["detection_id"], row["source"], row["status"]) for row in rows
        ]

    def facts(self, concept_id: int) -> list[Fact]:
        """What was told about the concept, in the order in which it was told."""
        rows = self.connection.execute("SELECT * FROM facts WHERE concept_id = ? ORDER BY id", (concept_id,))
        return [Fact(row["id"], row["concept_id"], row["text"]) for row in rows]

    def add_fact(self, concept_id: int, text: str) -> Fact | None:
        """Keep `text` about the concept; None when the same words are kept already."""
        inserted = self.connection.execute(
            """INSERT INTO facts(concept_id, text, text_key, created_at) VALUES (?, ?, ?, ?)
               ON CONFLICT(concept_id, text_key) DO NOTHING RETURNING id""",
            (concept_id, text, _fact_key(text), now_text()),
        ).fetchall()
        return Fact(inserted[0]["id"], concept_id, text) if inserted else None

    def told_keys(self, concept_id: int) -> frozenset[str]:
        """Keys that identify the facts about a concept without their words; a changed fact has another key."""
        rows = self.connection.execute(
            "SELECT id || ' ' || created_at AS key FROM facts WHERE concept_id = ?", (concept_id,)
        )
        return frozenset(str(row["key"]) for row in rows)

    def has_fact(self, concept_id: int, text: str) -> bool:
        """Whether the same words are kept already."""
        row = self.connection.execute(
            "SELECT 1 FROM facts WHERE concept_id = ? AND text_key = ?", (concept_id, _fact_key(text))
        ).fetchone()
        return row is not None

    def change_fact(self, fact: Fact, text: str) -> Fact | None:
        """Put `text` into the place of a fact; None when another one of the concept has the same words."""
        # More exact than when it was told, so that its key is another one also within a millisecond.
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        changed = self.connection.execute(
            "UPDATE OR IGNORE facts SET text = ?, text_key = ?, created_at = ? WHERE id = ?",
            (text, _fact_key(text), now, fact.id),
        )
        return Fact(fact.id, fact.concept_id, text) if changed.rowcount else None

    def delete_fact(self, fact_id: int) -> None:
        """Remove one fact."""
        self.connection.execute("DELETE FROM facts WHERE id = ?", (fact_id,))

    def move_facts(self, from_id: int, to_id: int) -> None:
        """Give the facts of one concept to another; what both have is kept once."""
        self.connection.execute(
            "UPDATE OR IGNORE facts SET concept_id = ? WHERE concept_id = ?", (to_id, from_id)
        )
        self.connection.execute("DELETE FROM facts WHERE concept_id = ?", (from_id,))


def _clean_name(name: str) -> str:
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    if not cleaned:
        raise UsageError(
            tried="naming a concept", found="the name is empty", fix="Give it at least one letter."
        )
    return cleaned


def _name_key(name: str | None) -> str | None:
    return None if name is None else name_key(name)


def _fact_key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold().rstrip(" .!")


def _concept(row: sqlite3.Row) -> Concept:
    return Concept(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        state=row["state"],
        backbone=row["backbone"],
        prefix_dir=None if row["prefix_dir"] is None else path_from(row["prefix_dir"]),
        feature_id=row["feature_id"],
    )
