"""LangChain's own unit tests of a tool, on ours over a real library."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("langchain_tests")

from langchain_core.tools import BaseTool
from langchain_tests.unit_tests import ToolsUnitTests

from assistant.service.familiar import Familiar
from assistant.tools import PhotoAccess, build_tools
from personalizer.home import Home


def tools() -> dict[str, BaseTool]:
    familiar = Familiar(Home(Path(tempfile.mkdtemp()) / "home"))
    familiar.library.create_concept("object", name="Bo")
    access = PhotoAccess(familiar)
    access.allow(["/photos/bo.jpg"])
    return {tool.name: tool for tool in build_tools(familiar, access)}


class _Standard(ToolsUnitTests):
    name = ""
    example: ClassVar[dict[str, Any]] = {}

    @property
    def tool_constructor(self) -> BaseTool:
        return tools()[self.name]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return self.example


class TestDescribe(_Standard):
    name = "describe"
    example: ClassVar[dict[str, Any]] = {"photo": "bo.jpg", "question": "is this Bo?"}


class TestImagine(_Standard):
    name = "imagine"
    example: ClassVar[dict[str, Any]] = {"text": "Bo on a beach", "concept": "Bo"}


class TestFind(_Standard):
    name = "find"
    example: ClassVar[dict[str, Any]] = {"text": "Bo on a beach"}


class TestRemember(_Standard):
    name = "remember"
    example: ClassVar[dict[str, Any]] = {"concept": "Bo", "text": "Bo is afraid of water"}


class TestListConcepts(_Standard):
    name = "list_concepts"


del _Standard


def test_what_a_model_may_choose_comes_from_the_library() -> None:
    made = tools()
    assert made["describe"].get_input_jsonschema()["properties"]["photo"]["const"] == "bo.jpg"
    assert made["imagine"].get_input_jsonschema()["properties"]["concept"]["enum"] == ["nobody", "Bo"]
    assert made["remember"].get_input_jsonschema()["properties"]["concept"]["const"] == "Bo"


def test_the_result_of_a_call_has_text_and_the_record() -> None:
    message = tools()["list_concepts"].invoke(
        {"name": "list_concepts", "args": {}, "id": "1", "type": "tool_call"}
    )
    assert "Bo (number 1)" in message.content
    assert [concept.name for concept in message.artifact] == ["Bo"]


def test_the_model_keeps_what_the_user_said_and_not_what_it_made_of_it(tmp_path: Path) -> None:
    familiar = Familiar(Home(tmp_path / "home"))
    familiar.library.create_concept("object", name="Bo")
    made = build_tools(familiar, request="FYI you should know that Bo hates “cats” 🐈")
    [tool] = [tool for tool in made if tool.name == "remember"]
    assert set(tool.args) == {"concept"}
    message = tool.invoke({"name": "remember", "args": {"concept": "Bo"}, "id": "1", "type": "tool_call"})
    assert message.artifact.facts == ["Bo hates “cats” 🐈"] == familiar.profile("Bo").facts
    assert "Bo hates “cats” 🐈" in message.content
    familiar.close()
