"""A graph of LangGraph's of which nothing is traced. Importing this loads LangGraph."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from langsmith import tracing_context


class UntracedGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """Every way to run a graph goes through `stream` or `astream`; no step of theirs reaches a tracing service."""

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        steps = iter(super().stream(*arguments, **options))
        while True:
            # Around each step and not the whole, so that the caller's own tracing goes on in between.
            with tracing_context(enabled=False):
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step

    async def astream(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
        steps = aiter(super().astream(*arguments, **options))
        while True:
            with tracing_context(enabled=False):
                try:
                    step = await anext(steps)
                except StopAsyncIteration:
                    return
            yield step


def untraced(graph: CompiledStateGraph[Any, Any, Any, Any]) -> UntracedGraph:
    """The same graph, untraced."""
    # As `copy` of LangGraph's makes another one of the same class.
    parts = {key: value for key, value in graph.__dict__.items() if key != "__orig_class__"}
    return UntracedGraph(**parts)
