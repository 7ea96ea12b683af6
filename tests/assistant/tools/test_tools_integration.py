"""LangChain's own integration tests of a tool, on ours over a real library; not those that need a trained backbone.

`imagine` and `train` are called in `tests/assistant/mcp/test_whole_way.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests")

from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from PIL import Image
from stored_photos import photo_with_vector

from assistant.service.familiar import Familiar
from assistant.tools import Approvals, PhotoAccess, build_tools

EXAMPLES: dict[str, dict[str, Any]] = {
    "describe": {"photo": "bo.png"},
    "find": {"query": "Bo"},
    "list_concepts": {"concept": "Bo"},
    "name_concept": {"name": "Rex", "id": 2},
    "confirm": {"concept": "Bo", "photo": "IMG_2.jpg"},
    "reject": {"concept": "Bo", "photo": "IMG_1.jpg"},
    "merge": {"concept": "Bo", "other": "2"},
    "split": {"concept": "Bo", "photos": ["IMG_1.jpg"]},
    "undo": {},
    "remember": {"concept": "Bo", "text": "Bo is afraid of water"},
    "forget": {"concept": "Bo", "typed": "Bo"},
}


def tool(name: str) -> BaseTool:
    """The tool over a new library, in which a person approves everything."""
    folder = Path(tempfile.mkdtemp())
    familiar = Familiar(folder / "home")
    library = familiar.library
    photos = [photo_with_vector(library, f"IMG_{number}.jpg") for number in (0, 1, 2, 3)]
    for concept, members in ((library.create_concept("object", name="Bo"), photos[:2]), (None, photos[3:])):
        kept = concept or library.create_concept("object")
        things = [library.detections(photo.id, "photo")[0].id for photo in members]
        library.add_members(kept.id, things, source="user", status="confirmed")
    familiar.confirm("Bo", "IMG_0.jpg")
    Image.new("RGB", (64, 48), "green").save(folder / "bo.png")
    approvals = Approvals(lambda request: "once", familiar)
    access = PhotoAccess(familiar, approvals)
    access.allow([folder / "bo.png"])
    [made] = [
        one for one in build_tools(familiar, access, approvals=approvals, choices=False) if one.name == name
    ]
    return made


class _Integration(ToolsIntegrationTests):
    name = ""

    @property
    def tool_constructor(self) -> BaseTool:
        return tool(self.name)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


@pytest.mark.slow
class TestDescribe(_Integration):
    name = "describe"


class TestFind(_Integration):
    name = "find"


class TestListConcepts(_Integration):
    name = "list_concepts"


class TestNameConcept(_Integration):
    name = "name_concept"


class TestConfirm(_Integration):
    name = "confirm"


class TestReject(_Integration):
    name = "reject"


class TestMerge(_Integration):
    name = "merge"


class TestSplit(_Integration):
    name = "split"


class TestUndo(_Integration):
    name = "undo"


class TestRemember(_Integration):
    name = "remember"


@pytest.mark.slow
class TestForget(_Integration):
    name = "forget"


del _Integration
