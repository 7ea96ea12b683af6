"""Writes the vectors of the words that photos can show, and of what describes them, into `personalizer/data`.

Run it after a change of `word_meanings.json`, of the words or of the sentence network:
python -m scripts.fit.word_meanings
"""

from __future__ import annotations

import numpy as np

from assistant.search.meaning import VECTORS_FILE, described_words, phrases_mark
from personalizer.sentences.embed import shipped_embedder


def main() -> None:
    phrases, _ = described_words()
    vectors = shipped_embedder().embed(phrases).astype(np.float16)
    np.savez_compressed(
        VECTORS_FILE, vectors=vectors, mark=np.frombuffer(phrases_mark(phrases), dtype=np.uint8)
    )
    print(f"{len(phrases)} phrases, {VECTORS_FILE.stat().st_size / 1024:.0f} KiB: {VECTORS_FILE}")


if __name__ == "__main__":
    main()
