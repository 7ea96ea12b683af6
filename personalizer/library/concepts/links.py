"""Must-link and cannot-link constraints that the user set between detections. Knows no concept and no vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from personalizer.library.database import Database, now_text

LinkKind = Literal["must", "cannot"]
"""`must`: both show the same person or thing. `cannot`: they do not."""
Pair = tuple[int, int]
"""Two detection ids, the smaller one first."""


class LinkRecords(Database):
    """The part of the library that stores links, which clustering must respect."""

    def add_links(self, pairs: Iterable[tuple[int, int]], kind: LinkKind) -> None:
        """Set this link for each pair of detections; it replaces earlier links of the same pairs."""
        with self.transaction() as connection:
            connection.executemany(
                """INSERT INTO links(first_id, second_id, kind, created_at) VALUES (?, ?, ?, ?)
                   ON CONFLICT(first_id, second_id) DO UPDATE
                   SET kind = excluded.kind, created_at = excluded.created_at""",
                [(*pair, kind, now_text()) for pair in map(_ordered, pairs)],
            )

    def remove_links(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Remove the links of these pairs."""
        with self.transaction() as connection:
            connection.executemany(
                "DELETE FROM links WHERE first_id = ? AND second_id = ?",
                [_ordered(pair) for pair in pairs],
            )

    def links(self) -> dict[Pair, LinkKind]:
        """Everything that was said, by pair."""
        rows = self.connection.execute("SELECT first_id, second_id, kind FROM links")
        return {(row["first_id"], row["second_id"]): row["kind"] for row in rows}

    def links_newest_first(self) -> list[tuple[Pair, LinkKind]]:
        """Everything that was said, the last word first."""
        rows = self.connection.execute(
            "SELECT first_id, second_id, kind FROM links ORDER BY created_at DESC, rowid DESC"
        )
        return [((row["first_id"], row["second_id"]), row["kind"]) for row in rows]

    def set_shows_twice(self, photo_ids: Iterable[int], shows_twice: bool) -> None:
        """Say that these photos may show one person more than once: a mirror, a collage, a contact sheet."""
        with self.transaction() as connection:
            connection.executemany(
                "UPDATE photos SET shows_twice = ? WHERE id = ?",
                [(int(shows_twice), photo_id) for photo_id in photo_ids],
            )

    def photos_that_show_twice(self) -> set[int]:
        """The photos of `set_shows_twice`: in all others two faces are two people."""
        return {row["id"] for row in self.connection.execute("SELECT id FROM photos WHERE shows_twice = 1")}


def _ordered(pair: tuple[int, int]) -> Pair:
    first, second = int(pair[0]), int(pair[1])
    if first == second:
        raise ValueError(f"a link needs two detections, found {first} twice")
    return (first, second) if first < second else (second, first)
