"""onnxruntime reports nothing: it leaves no device number, no cache and no session behind, which it does otherwise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = """
from personalizer.analysis.embed import ObjectEmbedder
ObjectEmbedder().load()
"""


def _written(folder: Path) -> list[str]:
    folder.mkdir()
    silencing = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")
    environment = {name: value for name, value in os.environ.items() if name not in silencing}
    environment |= {"HOME": str(folder), "TMPDIR": str(folder), "XDG_CACHE_HOME": str(folder)}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", LOADED]
    subprocess.run(command, env=environment, check=True)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_loading_the_network_writes_and_reports_nothing(tmp_path: Path) -> None:
    assert _written(tmp_path / "quiet") == []


def test_nothing_of_ours_loads_it_another_way() -> None:
    another = re.compile(r"^\s*(?:import|from) onnxruntime\b", re.MULTILINE)
    # Parts may be imported by their names once it has been loaded.
    first = re.compile(r"load_onnxruntime\(\)\n\s*from onnxruntime\.")
    texts = {path: first.sub("", text) for path, text in _other_modules().items()}
    assert [path for path, text in texts.items() if another.search(text)] == []


def test_no_other_module_decides_where_a_session_runs() -> None:
    decides = re.compile(r"InferenceSession\(|providers=|[A-Z]\w+ExecutionProvider")
    assert [path for path, text in _other_modules().items() if decides.search(text)] == []


def _other_modules() -> dict[str, str]:
    """The text of every module of ours but `onnx_runtime`, by path."""
    files = [
        path
        for package in ("personalizer", "exporters", "assistant", "tui", "scripts")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "onnx_runtime.py"
    ]
    assert len(files) > 100
    return {str(path): path.read_text("utf-8") for path in files}
