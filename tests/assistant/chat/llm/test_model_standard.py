"""LangChain's own unit tests of a chat model, on ours."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("langchain_tests")

from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from assistant.chat.llm.model import LocalChat


class TestLocalChat(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChat

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"n_ctx": 512}

    @property
    def has_tool_choice(self) -> bool:
        return True
