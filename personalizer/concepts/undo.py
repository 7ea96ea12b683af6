"""Takes back what a person did to concepts, from what the log recorded of it. Undoing is itself an operation.

What clustering did meanwhile gives way; what a person did meanwhile does not: then it says what to undo first.
"""

from __future__ import annotations

from dataclasses import dataclass

from personalizer.concepts.change_log import recorded
from personalizer.errors import NotFoundError, UsageError
from personalizer.library.concepts.rows import (
    TABLES,
    Row,
    put_back_concept,
    put_back_fact,
    put_back_fact_values,
    put_back_values,
    snapshot,
)
from personalizer.library.library import Library, Operation
from personalizer.schemas import Concept, MembershipStatus

UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, and the concepts that it was about as they are now."""

    operation: int
    undone: Operation
    concepts: list[Concept]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An operation as a person reads it."""

    id: int
    at: str
    kind: str
    about: list[str]
    """Names, or numbers, of the concepts."""
    undone: bool
    can_be_undone: bool


def history(library: Library, limit: int | None = None) -> list[HistoryEntry]:
    """What people did, newest first."""
    operations = library.operations()
    undone = _undone(operations)
    return [
        HistoryEntry(
            one.id,
            one.at,
            one.kind,
            [_title(library, concept_id) for concept_id in _about(one)],
            one.id in undone,
            _is_recorded(one) and one.id not in undone,
        )
        for one in operations[:limit]
    ]


def undo(library: Library, operation_id: int | None = None) -> Undone:
    """Take back one operation, the last that is not taken back yet by default.

    Undoing an undo does the operation again. Raises `NotFoundError` when there is none, `UsageError` when it cannot be
    taken back, with what stands in the way.
    """
    operation = _chosen(library, operation_id)
    tried = f"undoing operation {operation.id}, {operation.kind}"
    changes = {table: operation.payload.get(f"changes_{table}", []) for table in TABLES}
    about = frozenset(
        {row["id"] for change in changes["concepts"] for row in change.values() if row is not None}
        | {row["concept_id"] for table in ("memberships", "facts") for row in _rows(changes[table])}
    )
    photos = frozenset(row["id"] for row in _rows(changes["shows_twice"]))
    regroups = any(changes[table] for table in TABLES if table != "facts")
    with recorded(library, UNDO, about, photos, regroups=regroups) as undoing:
        current = snapshot(library, about, photos)
        steps = [(table, change) for table in TABLES for change in changes[table]]
        # What it made goes last: by then its facts and members are back where they were.
        for table, change in sorted(
            steps, key=lambda step: step[0] == "concepts" and step[1]["before"] is None
        ):
            row = change["before"] or change["after"]
            now = current[table].get(tuple(row[name] for name in TABLES[table]))
            _put_back(library, tried, table, change["before"], change["after"], now)
        for concept_id in sorted({row["id"] for row in _rows(changes["concepts"])}):
            _leave_other_kind(library, concept_id)
        undoing.payload = {"undone": operation.id, "kind": operation.kind, "concepts": sorted(about)}
    left = [concept for concept in library.concepts() if concept.id in about]
    return Undone(undoing.operation_id, operation, left)


def _leave_other_kind(library: Library, concept_id: int) -> None:
    """Take away members that were added while the concept was a thing and not a person, or the other way."""
    concept = next((one for one in library.concepts() if one.id == concept_id), None)
    if concept is not None:
        statuses: tuple[MembershipStatus, ...] = ("confirmed", "suggested", "rejected")
        members = [member for status in statuses for member in library.members(concept_id, status)]
        library.remove_members(
            concept_id, [one.id for one in members if (one.kind == "face") != (concept.kind == "face")]
        )


def _chosen(library: Library, operation_id: int | None) -> Operation:
    operations = library.operations()
    undone = _undone(operations)
    if operation_id is None:
        for one in operations:
            if one.kind != UNDO and one.id not in undone:
                if _is_recorded(one):
                    return one
                break
        else:
            raise NotFoundError(
                tried="undoing the last operation", found="there is none", fix="See: familiar history"
            )
        raise UsageError(
            tried=f"undoing operation {one.id}, {one.kind}",
            found="it is of a kind that cannot be taken back, or was done by an older version",
            fix="See `familiar history`; an earlier one is undone by its number: familiar undo ID",
        )
    found = next((one for one in operations if one.id == operation_id), None)
    if found is None:
        raise NotFoundError(
            tried=f"undoing operation {operation_id}", found="there is none", fix="See: familiar history"
        )
    if found.id in undone or not _is_recorded(found):
        raise UsageError(
            tried=f"undoing operation {found.id}, {found.kind}",
            found="it has been undone already" if found.id in undone else "it cannot be taken back",
            fix="See: familiar history",
        )
    return found


def _undone(operations: list[Operation]) -> set[int]:
    """Which operations are taken back now; an undo that was itself undone does not count."""
    undone: set[int] = set()
    for one in operations:  # newest first, so an undo is known to be undone before it is looked at
        if one.kind == UNDO and one.id not in undone:
            undone.add(int(one.payload["undone"]))
    return undone


def _is_recorded(operation: Operation) -> bool:
    return any(key.startswith("changes_") for key in operation.payload)


def _rows(changes: list[dict[str, Row | None]]) -> list[Row]:
    return [row for change in changes for row in change.values() if row is not None]


def _about(operation: Operation) -> list[int]:
    payload = operation.payload
    named = [payload.get(key) for key in ("concept", "kept", "removed", "made")]
    return [one for one in [*named, *payload.get("concepts", [])] if isinstance(one, int)]


def _title(library: Library, concept_id: int) -> str:
    known = {concept.id: concept.name for concept in library.concepts()}
    return known.get(concept_id) or str(concept_id)


def _put_back(
    library: Library, tried: str, table: str, before: Row | None, after: Row | None, now: Row | None
) -> None:
    {
        "concepts": _put_back_concept,
        "facts": _put_back_fact,
        "memberships": _put_back_membership,
        "links": _put_back_link,
        "shows_twice": _put_back_shows_twice,
    }[table](library, tried, before, after, now)


def _put_back_concept(
    library: Library, tried: str, before: Row | None, after: Row | None, now: Row | None
) -> None:
    if before is None:
        assert after is not None
        if now is None:
            return
        if now["name"] != after["name"] or library.facts(after["id"]):
            raise _in_the_way(tried, f"concept {after['id']}, which it made, was named or told about since")
        library.delete_concept(after["id"])
    elif now is None:
        if after is not None:
            raise _in_the_way(tried, f"concept {before['id']} is gone")
        if before["name"] is not None and library.concept_by_name(before["name"]) is not None:
            raise _in_the_way(tried, f"another concept is called {before['name']!r} now")
        put_back_concept(library, before)
    else:
        assert after is not None
        if now["name"] != after["name"]:
            raise _in_the_way(tried, f"concept {before['id']} was given another name since")
        if before["name"] is not None and before["name_key"] != now["name_key"]:
            taken = library.concept_by_name(before["name"])
            if taken is not None and taken.id != before["id"]:
                raise _in_the_way(tried, f"another concept is called {before['name']!r} now")
        changed = [
            name for name in before if before[name] != after.get(name) and now[name] == after.get(name)
        ]
        put_back_values(library, before, changed)
        if before["state"] != after["state"] and "state" not in changed:
            # It may have been trained since, with the members that are taken back now.
            library.mark_stale(before["id"])


def _put_back_fact(
    library: Library, tried: str, before: Row | None, after: Row | None, now: Row | None
) -> None:
    if now is not None and after is not None and now["text"] != after["text"]:
        raise _in_the_way(tried, "what was told there was changed since")
    if before is None:
        if now is not None:
            library.delete_fact(now["id"])
        return
    if now is None and after is not None:
        return  # taken back by a person meanwhile
    if now is not None:
        put_back_fact_values(library, before)
        return
    put_back_fact(library, before)


def _put_back_membership(
    library: Library, tried: str, before: Row | None, after: Row | None, now: Row | None
) -> None:
    row = before or after
    assert row is not None
    if now != after and now is not None and now["source"] == "user":
        if before is None and after is not None and after["source"] == "cluster":
            return  # it was a suggestion, and a person has answered since
        raise _in_the_way(tried, f"something else was said since about detection {row['detection_id']} of it")
    library.remove_members(row["concept_id"], [row["detection_id"]])
    if before is not None and library.has_detection(before["detection_id"]):
        library.add_members(
            before["concept_id"], [before["detection_id"]], source=before["source"], status=before["status"]
        )


def _put_back_link(
    library: Library, tried: str, before: Row | None, after: Row | None, now: Row | None
) -> None:
    row = before or after
    assert row is not None
    pair = (row["first_id"], row["second_id"])
    if now != after and now is not None:
        raise _in_the_way(tried, f"something else was said since about detections {pair[0]} and {pair[1]}")
    library.remove_links([pair])
    if before is not None and all(library.has_detection(detection_id) for detection_id in pair):
        library.add_links([pair], before["kind"])


def _put_back_shows_twice(
    library: Library, tried: str, before: Row | None, after: Row | None, now: Row | None
) -> None:
    if before is not None and now is not None:
        library.set_shows_twice([before["id"]], bool(before["shows_twice"]))


def _in_the_way(tried: str, found: str) -> UsageError:
    return UsageError(tried=tried, found=found, fix="Undo what was done later first; see: familiar history")
