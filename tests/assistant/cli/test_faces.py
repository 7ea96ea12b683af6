"""`familiar faces models|download|use`, as a person calls it; nothing is fetched and no network is reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_photos import store_photo

from assistant.setup.face_models import use_face_models
from personalizer.home import Home
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

COMMAND = "import sys; from tui.entry import main; main()"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def run(home: Home, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    # Whatever would be fetched after all meets a proxy that is not there.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "--home", str(home.root), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **nowhere},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def shown(home: Home, *arguments: str) -> Any:
    return json.loads(run(home, "--json", *arguments).stdout)


def test_models_are_listed_and_none_is_here(home: Home) -> None:
    models = shown(home, "faces", "models")
    assert [(model["name"], model["task"]) for model in models] == [
        ("yunet", "detection"),
        ("sface", "recognition"),
    ]
    assert not any(model["installed"] or model["used"] for model in models)
    assert all(len(model["sha256"]) == 64 and model["size"] > 0 for model in models)
    text = run(home, "faces", "models").stdout
    assert "not downloaded" in text and "github.com/opencv/opencv_zoo" in text
    assert sorted(home.models.iterdir()) == []


def test_nothing_is_used_or_taken_that_is_not_the_published_file(home: Home, tmp_path: Path) -> None:
    assert "familiar faces download yunet" in run(home, "faces", "use", "yunet", status=4).stderr
    run(home, "faces", "use", "retina", status=2)
    wrong = tmp_path / "yunet.onnx"
    wrong.write_bytes(bytes(232_589))
    said = run(home, "faces", "download", "yunet", "--from", str(wrong), status=1).stderr
    assert "SHA-256" in said and "face_detection_yunet_2023mar.onnx" in said
    assert sorted(home.models.iterdir()) == []


def test_without_a_network_it_says_how_to_bring_the_file(home: Home) -> None:
    said = run(home, "faces", "download", "sface", status=1).stderr
    assert "--from FILE" in said and "Traceback" not in said
    assert sorted(home.models.iterdir()) == []


def test_what_ships_is_used_and_can_be_chosen_again(home: Home) -> None:
    assert shown(home, "faces", "use", "built-in") == {"used": [], "photos_to_look_at": 0, "job": None}
    # A choice that names what this version does not know is a clear error with a way out.
    (home.models / "face_models.json").write_text('{"use": ["retina"]}')
    assert "built-in" in run(home, "faces", "models", status=1).stderr
    assert shown(home, "faces", "use", "built-in")["used"] == []


def test_photos_that_other_models_looked_at_are_looked_at_again(home: Home) -> None:
    with Library.open(home.database) as library:
        queue = JobQueue(library)
        whole = NewDetection("photo", BoundingBox(0, 0, 9, 9), 1.0, "whole-photo")
        store_photo(
            library,
            content_hash="a",
            path=Path("/a.jpg"),
            detections=[(whole, Embedding(np.ones(4, np.float32), "things", "1"))],
            analysed_by="things:1|activation-map|dlib-hog-5pt|dlib-resnet-v1:55533b28",
        )
        first = use_face_models(home.models, library, queue, ["built-in"])
        assert first["photos_to_look_at"] == 1
        [job] = queue.list("queued")
        assert (job.kind, job.id) == ("analyse", first["job"])
        # Waiting work is not queued twice.
        assert use_face_models(home.models, library, queue, ["built-in"])["job"] == job.id
