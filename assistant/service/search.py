"""Searches for photos."""

from __future__ import annotations

from assistant.results import FoundPhotos
from assistant.service.base import Core


class Search(Core):
    """Photos of one library, by who and what is in them, when, where, and what is written about them."""

    def find(self, text: str, limit: int | None = None) -> FoundPhotos:
        """Photos that fit `text`, each with the reasons; empty when nothing fits. `limit`: how many are listed.

        Raises `UsageError` for a text that is too long to be a search.
        """
        from assistant.search.search import Searcher

        return Searcher(self.library).find(text, limit=limit)
