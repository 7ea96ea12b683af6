"""LangChain's own unit tests of a tool, on ours over a real library."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests")

from langchain_core.tools import BaseTool
from langchain_tests.unit_tests import ToolsUnitTests

from assistant.service.familiar import Familiar
from assistant.tools import Approvals, PhotoAccess, build_tools
from personalizer.home import Home

EXAMPLES: dict[str, dict[str, Any]] = {
    "describe": {"photo": "bo.jpg", "question": "is this Bo?"},
    "imagine": {"prompt": "Bo on a beach", "concept": "Bo"},
    "find": {"query": "Bo on a beach"},
    "list_concepts": {},
    "name_concept": {"name": "Rex", "id": 2},
    "confirm": {"concept": "Bo", "photo": "bo.jpg"},
    "reject": {"concept": "Bo", "photo": "bo.jpg"},
    "merge": {"concept": "Bo", "other": "2"},
    "split": {"concept": "Bo", "photos": ["bo.jpg"]},
    "undo": {},
    "train": {"concept": "Bo"},
    "remember": {"concept": "Bo", "text": "Bo is afraid of water"},
    "forget": {"concept": "Bo", "typed": "Bo"},
}


def tools(approvals: Approvals | None = None) -> dict[str, BaseTool]:
    familiar = Familiar(Home(Path(tempfile.mkdtemp()) / "home"))
    familiar.library.create_concept("object", name="Bo")
    access = PhotoAccess(familiar)
    access.allow(["/photos/bo.jpg"])
    return {tool.name: tool for tool in build_tools(familiar, access, approvals=approvals)}


class _Standard(ToolsUnitTests):
    name = ""

    @property
    def tool_constructor(self) -> BaseTool:
        return tools()[self.name]

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


class TestDescribe(_Standard):
    name = "describe"


class TestImagine(_Standard):
    name = "imagine"


class TestFind(_Standard):
    name = "find"


class TestListConcepts(_Standard):
    name = "list_concepts"


class TestNameConcept(_Standard):
    name = "name_concept"


class TestConfirm(_Standard):
    name = "confirm"


class TestReject(_Standard):
    name = "reject"


class TestMerge(_Standard):
    name = "merge"


class TestSplit(_Standard):
    name = "split"


class TestUndo(_Standard):
    name = "undo"


class TestTrain(_Standard):
    name = "train"


class TestRemember(_Standard):
    name = "remember"


class TestForget(_Standard):
    name = "forget"


del _Standard


def test_there_are_these_tools_and_each_field_is_described() -> None:
    made = tools()
    assert list(made) == [
        *("describe", "imagine", "find", "list_concepts", "name_concept"),
        *("confirm", "reject", "merge", "split", "undo", "train", "remember", "forget"),
    ]
    for tool in made.values():
        assert tool.response_format == "content_and_artifact"
        fields = tool.get_input_jsonschema()["properties"]
        assert all(field["description"] for field in fields.values()), tool.name


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
