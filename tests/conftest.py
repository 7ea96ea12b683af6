"""What tests of several packages need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with EfficientNet-Lite0 converted to ONNX, once for all tests. Read-only."""
    from personalizer.embedding import ensure_object_model

    folder = tmp_path_factory.mktemp("models")
    ensure_object_model(folder)
    return folder
