"""Nearest neighbours through Chroma: an index that can always be rebuilt from the library's vectors.

The only module that imports chromadb. Not process-safe: the worker alone opens it. Makes no vectors and never lets
Chroma make any, so it never fetches a model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from personalizer.errors import CorruptArtifactError
from personalizer.library import Library
from personalizer.schemas import DetectionKind, Embedding

_BATCH = 1000
_KINDS: tuple[DetectionKind, ...] = ("photo", "object", "face")


class VectorStore:
    """One Chroma collection per kind of detection and version of model."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @cached_property
    def _client(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return chromadb.PersistentClient(
                path=str(self.path), settings=Settings(anonymized_telemetry=False, allow_reset=False)
            )
        except Exception as error:  # Chroma raises what its storage raises
            raise CorruptArtifactError(
                tried=f"opening the vector index {self.path}",
                found=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
                fix="Delete that folder and run: familiar rebuild-index",
            ) from error

    def _collection(self, kind: DetectionKind, model: str, version: str) -> Any:
        return self._client.get_or_create_collection(
            name=f"{kind}-{model}-{version}",
            # Without this explicit None, Chroma would set up (and download) a text model of its own.
            embedding_function=None,
            configuration={"hnsw": {"space": "l2" if kind == "face" else "cosine"}},
        )

    def sync(self, library: Library) -> int:
        """Push the vectors that the index lacks; returns how many.

        A vector is marked as indexed only after it is in Chroma. A crash in between pushes it again, which changes
        nothing.
        """
        pushed = 0
        while batch := library.vectors_to_index(_BATCH):
            groups: dict[tuple[DetectionKind, str, str], list[tuple[int, int, Embedding]]] = {}
            for detection_id, kind, photo_id, embedding in batch:
                key = (kind, embedding.model, embedding.version)
                groups.setdefault(key, []).append((detection_id, photo_id, embedding))
            for key, group in groups.items():
                self._collection(*key).upsert(
                    ids=[str(detection_id) for detection_id, _, _ in group],
                    embeddings=[embedding.vector for _, _, embedding in group],
                    metadatas=[{"photo": photo_id} for _, photo_id, _ in group],
                )
            library.set_indexed([detection_id for detection_id, _, _, _ in batch], indexed=True)
            pushed += len(batch)
        if pushed:
            self._make_private()
        return pushed

    def query(self, kind: DetectionKind, embedding: Embedding, k: int) -> list[tuple[int, float]]:
        """Up to `k` nearest detections made by the same model: (detection id, similarity), best first.

        Similarity is the cosine for objects and 1 - Euclidean distance for faces.
        """
        collection = self._collection(kind, embedding.model, embedding.version)
        wanted = min(k, collection.count())
        if wanted <= 0:
            return []
        found = collection.query(query_embeddings=[embedding.vector], n_results=wanted, include=["distances"])
        # Chroma's "l2" is the squared distance.
        return [
            (int(name), 1.0 - (float(distance) ** 0.5 if kind == "face" else float(distance)))
            for name, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def count(self, kind: DetectionKind) -> int:
        """Vectors of this kind, of all model versions."""
        return sum(
            collection.count()
            for collection in self._client.list_collections()
            if collection.name.startswith(f"{kind}-")
        )

    def remove(self, detection_ids: Iterable[int]) -> None:
        """Take detections out of the index. Chroma leaves traces on disk, also after `rebuild`."""
        names = [str(detection_id) for detection_id in detection_ids]
        for collection in self._client.list_collections():
            for start in range(0, len(names), _BATCH):
                collection.delete(ids=names[start : start + _BATCH])

    def rebuild(self, library: Library) -> int:
        """Empty the index and fill it from the library; returns the number of vectors."""
        for collection in self._client.list_collections():
            self._client.delete_collection(collection.name)
        library.set_indexed(None, indexed=False)
        return self.sync(library)

    def _make_private(self) -> None:
        """Chroma creates its files with the umask's rights."""
        for folder, _, files in os.walk(self.path):
            Path(folder).chmod(0o700)
            for name in files:
                (Path(folder) / name).chmod(0o600)
