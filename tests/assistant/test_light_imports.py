"""What starting must not pay for, in fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "langchain",
    "langchain_core",
    "langsmith",
    "llama_cpp",
    "chromadb",
    "onnxruntime",
)


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "tui.app",
        "assistant",
        "assistant.service.familiar",
        "assistant.agent.create",
        "assistant.mcp.installed",
        "assistant.tools.build",
        "assistant.tools.approvals",
        "assistant.chat.agent",
        "assistant.chat.plain",
        "assistant.tools",
        "assistant.chat.router.route",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


def test_the_tools_and_the_chat_model_load_neither_torch_nor_transformers() -> None:
    code = "from assistant.tools import build_tools\nimport assistant.chat.llm.model"
    assert not loaded_by(code) & {"torch", "transformers", "llama_cpp"}


def test_without_the_engine_the_chat_says_what_it_can_do() -> None:
    """llama_cpp is made impossible to import, as if the extra had not been installed."""
    code = """
import sys, importlib.util
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "llama_cpp":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "llama_cpp" else find_spec(name, *rest)
import tempfile, io
from pathlib import Path
from assistant.chat.plain import run
from assistant.service.familiar import Familiar
from personalizer.home import Home
output = io.StringIO()
with tempfile.TemporaryDirectory() as folder:
    familiar = Familiar(Home(Path(folder) / "home"))
    run(familiar, None, io.StringIO("hello!\\nwho do you know?\\n/status\\n"), output)
assert "Hello. Ask me" in output.getvalue(), output.getvalue()
assert "I know nobody yet" in output.getvalue()
assert "worker" in output.getvalue()
"""
    assert not loaded_by(code) & {"langchain", "llama_cpp"}
