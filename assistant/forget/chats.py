"""Removes exchanges about a concept or faces from stored chats; deletes chats with their drawings.

An exchange, a request with its results, is removed as a whole, because the answer may mention what the request named.
Only drawings below the home are deleted, never photos of the user.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from assistant.language.parse import parse
from personalizer.concepts.forget import Identity
from personalizer.concepts.name_mentions import NameMentions
from personalizer.home import Home
from personalizer.library.chats import ChatExchange, ChatMessage
from personalizer.library.library import Library
from personalizer.photos.formats import is_drawing


def forget_in_chats(
    library: Library, home: Home | None, identity: Identity, mentions: NameMentions, *, faces: bool = False
) -> Counter[str]:
    """Remove the exchanges that name the concept, quote what was told about it or show it drawn.

    `home`: where drawings lie; None for a library that is in none yet. `faces`: also those that may rest on faces.
    For before the concept's facts and the log are removed. Returns how many `chat_exchanges` and `drawings` went.
    """
    quoted = _quoted_facts(library, identity)
    numbers = NameMentions(f"number {concept_id}" for concept_id in identity.concept_ids)
    names = [*identity.names, *identity.others]

    def is_about(exchange: ChatExchange) -> bool:
        if faces and any(message.of_faces for message in exchange.answers):
            return True
        said = set(parse(exchange.request.text, names).concepts) & set(identity.names)
        return bool(said) or any(
            found.in_value(_all_of(message))
            for message in (exchange.request, *exchange.answers)
            for found in (mentions, numbers, quoted)
        )

    chosen = [exchange for exchange in library.exchanges() if is_about(exchange)]
    if not chosen:
        return Counter()
    drawings = 0 if home is None else delete_drawings(library, home, chosen)
    library.delete_exchanges(exchange.request.id for exchange in chosen)
    return Counter(chat_exchanges=len(chosen), drawings=drawings)


def delete_drawings(library: Library, home: Home, exchanges: Iterable[ChatExchange]) -> int:
    """Delete the drawings that belong to these exchanges and to no other; returns how many there were."""
    chosen = list(exchanges)
    requests = [exchange.request.id for exchange in chosen]
    folder = home.imagined.resolve()
    paths = {
        picture.path
        for exchange in chosen
        for message in exchange.answers
        for picture in message.pictures
        if picture.drawn
    }
    deleted = 0
    for path in sorted(paths):
        # A link leads elsewhere, and what a path says need not be where it leads.
        inside = path.resolve().parent == folder and not path.is_symlink()
        if inside and is_drawing(path) and not library.other_chats_show(path, requests):
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _all_of(message: ChatMessage) -> list[object]:
    pictures = [part for picture in message.pictures for part in (str(picture.path), picture.caption)]
    return [message.text, message.artifact, pictures]


def _quoted_facts(library: Library, identity: Identity) -> NameMentions:
    """Finds what was told about the concept, also what was taken back or changed since.

    A fact of one word counts only where it is quoted, as answers do: the word itself is in many sentences.
    """
    facts = [fact.text for concept_id in identity.concept_ids for fact in library.facts(concept_id)]
    for operation in library.operations():
        payload = operation.payload
        if payload.get("concept") in identity.concept_ids and isinstance(payload.get("text"), str):
            facts.append(payload["text"])
        for change in payload.get("changes_facts", []):
            rows = [row for row in (change.get("before"), change.get("after")) if row is not None]
            facts += [row["text"] for row in rows if row.get("concept_id") in identity.concept_ids]
    return NameMentions(fact.rstrip(" .!") if len(fact.split()) > 1 else f"“{fact}”" for fact in facts)
