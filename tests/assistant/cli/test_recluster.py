"""`familiar recluster` through the real worker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_photos import store_photo

from assistant.cli.concepts import recluster_lines
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection


def _familiar(home: Path, *arguments: str) -> Any:
    program = "from tui.entry import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--home", str(home), "--json", "--quiet", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_preview_is_shown_first_and_done_when_asked_for(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensure()
    random = np.random.default_rng(0)
    with Library.open(home.database) as library:
        wrong = library.create_concept("face")
        for number in range(6):
            center = np.zeros(128, np.float32)
            center[number % 2] = 0.6
            vector = center + random.normal(size=128).astype(np.float32) * 0.02
            photo = store_photo(
                library,
                content_hash=str(number),
                path=tmp_path / f"{number}.jpg",
                width_px=10,
                height_px=10,
                detections=[
                    (NewDetection("face", BoundingBox(0, 0, 9, 9), 1.0, "t"), Embedding(vector, "f", "1"))
                ],
            )
            face = library.detections(photo.id)[0].id
            library.add_members(wrong.id, [face], source="cluster", status="confirmed")
        shown = _familiar(home.root, "recluster")
        assert (shown["applied"], shown["moved"]) == (False, 6)
        assert len(library.members(wrong.id)) == 6
        assert "To do it: familiar recluster --apply" in recluster_lines(shown)
        done = _familiar(home.root, "recluster", "--apply")
        assert done["applied"]
        assert sorted(len(library.members(concept.id)) for concept in library.concepts()) == [3, 3]
        assert "Nothing would change." in recluster_lines(_familiar(home.root, "recluster"))
