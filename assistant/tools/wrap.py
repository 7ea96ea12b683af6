"""A function of ours as a LangChain tool: approved, in a thread, its errors as words. Knows none of the tools."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from assistant.tools.approvals import Approvals
from assistant.tools.quoting import as_data, quote_data
from personalizer.errors import FamiliarError, JobCancelled
from personalizer.schemas import OnProgress, Progress

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from pydantic import BaseModel, ValidationError

Result = TypeVar("Result")
Run = Callable[..., tuple[str, Any]]
"""Called with `on_progress` and the tool's fields, by name; returns the text for people and the record behind it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool: what a model is told about it, and how it is run."""

    name: str
    description: str
    run: Run
    fields: Mapping[str, Any] = field(default_factory=dict)
    """For pydantic's `create_model`: the field's type, and `Field(…)` with its description."""
    says: Callable[[Mapping[str, Any]], str] | None = None
    """What a person is asked before it runs; None for a tool that changes nothing, or that was approved already."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What the tools of one conversation have in common."""

    approvals: Approvals
    on_progress: OnProgress | None = None
    shown: bool = False
    """The tools' own words are the answer, as they are: they are shown to a person, and no model goes on after them."""
    raises: bool = False
    """Errors are the caller's, a front end of ours."""


def as_tool(spec: ToolSpec, context: ToolContext) -> BaseTool:
    """The tool for LangChain. `ainvoke` runs it in a thread, and cancelling that stops what it waits for."""
    from langchain_core.tools import StructuredTool, ToolException

    def checked(on_progress: OnProgress | None, given: dict[str, Any]) -> tuple[str, Any]:
        if spec.says is not None:
            context.approvals.require(spec.name, spec.says(given), given)
        return spec.run(on_progress, **given)

    def call(on_progress: OnProgress | None, given: dict[str, Any]) -> tuple[str, Any]:
        if context.raises:
            return checked(on_progress, given)
        try:
            text, record = checked(on_progress, given)
        except FamiliarError as error:
            raise ToolException(error_text(spec.name, error)) from error
        except JobCancelled as error:
            raise ToolException(f"{spec.name} was cancelled by a person.") from error
        except Exception as error:
            _log.exception("the tool %s failed", spec.name)
            raise ToolException(fault_text(spec.name, error)) from error
        return text if context.shown else as_data(spec.name, text), record

    def run(**given: Any) -> tuple[str, Any]:
        return call(context.on_progress, given)

    async def run_in_thread(**given: Any) -> tuple[str, Any]:
        return await run_cancellable(lambda on_progress: call(on_progress, given), context.on_progress)

    return StructuredTool(
        name=spec.name,
        description=spec.description,
        func=run,
        coroutine=run_in_thread,
        args_schema=fields_of(spec),
        response_format="content_and_artifact",
        return_direct=context.shown,
        handle_tool_error=_words_of,
        handle_validation_error=lambda error: invalid_text(spec.name, error),
    )


def fields_of(spec: ToolSpec) -> type[BaseModel]:
    """The tool's fields as a model of pydantic's; any other is refused."""
    from pydantic import ConfigDict, create_model

    fields: dict[str, Any] = dict(spec.fields)
    return create_model(spec.name, __config__=ConfigDict(extra="forbid"), **fields)


async def run_cancellable(work: Callable[[OnProgress], Result], on_progress: OnProgress | None) -> Result:
    """`work` in a thread, so that the event loop goes on. Cancelling stops it when it next tells its progress."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, _stopped_by(stop, on_progress))
    finally:
        stop.set()


def error_text(tool: str, error: FamiliarError) -> str:
    """What a model is told when `tool` did nothing: what was tried, what was found, what to do."""
    tried, found, fix = (quote_data(part) for part in (error.tried, error.found, error.fix))
    return f"{tool} did nothing. Tried: {tried}. Found: {found}. To do: {fix}."


def fault_text(tool: str, error: Exception) -> str:
    """What a model is told about a fault of the program, without its message, which is in the log."""
    return f"{tool} failed: a fault of the program ({type(error).__name__}), not of the request. Go on without it."


def invalid_text(tool: str, error: ValidationError | Any) -> str:
    """Which fields of a call are wrong, and how."""
    problems = error.errors() if hasattr(error, "errors") else []
    wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the call'}: {one['msg']}" for one in problems)
    return f"{tool} did nothing. The call is not right: {quote_data(wrong or 'wrong fields')}."


def _words_of(error: Exception) -> str:
    return str(error)


def _stopped_by(stop: threading.Event, on_progress: OnProgress | None) -> OnProgress:
    def show(progress: Progress) -> None:
        if stop.is_set():
            # What makes waiting for a job cancel the job.
            raise KeyboardInterrupt
        if on_progress is not None:
            on_progress(progress)

    return show
