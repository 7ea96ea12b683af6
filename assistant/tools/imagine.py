"""The tool that draws pictures. Knows the façade, no model and no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from assistant.imagine.draw import Painter
from assistant.language.parse import Phrase
from assistant.presentation.lines import known_line, montage_sentence
from assistant.results import Imagined
from assistant.service.familiar import Familiar
from assistant.tools.wrap import ToolSpec
from personalizer.errors import UsageError, counted
from personalizer.schemas import OnProgress

MAX_COUNT = 8
MAX_NAMES = 60
NO_NAME = "nobody"


def imagine_pictures(
    familiar: Familiar,
    text: str | Phrase,
    *,
    count: int = 1,
    seed: int | None = None,
    on_progress: OnProgress | None = None,
    painter: Painter = "auto",
) -> tuple[str, Imagined]:
    """Pictures of `text`, as a sentence about them and as the record with their paths."""
    if not 1 <= count <= MAX_COUNT:
        raise UsageError(
            tried=f"drawing {counted(count, 'picture')}",
            found=f"one request draws 1 to {MAX_COUNT}",
            fix="Ask for fewer, several times.",
        )
    imagined = familiar.imagine(text, None, seed, count, on_progress, painter)
    return imagined_text(imagined, text if isinstance(text, str) else text.text), imagined


def imagined_text(imagined: Imagined, text: str) -> str:
    """What was drawn, with what and where it lies."""
    if imagined.painter == "montage":
        lines = [f"{montage_sentence(imagined)} (seed {imagined.seed})"]
    else:
        pictures = "a picture" if len(imagined.paths) == 1 else f"{len(imagined.paths)} pictures"
        using = f", using what I learned about {' and '.join(imagined.concepts)}" if imagined.concepts else ""
        lines = [f"I drew {pictures} of {text}{using} (seed {imagined.seed})."]
    lines += [f"· {path}" for path in imagined.paths]
    return "\n".join([*lines, *known_line(imagined), *imagined.notes])


def imagine_spec(
    familiar: Familiar, names: Sequence[str], request: str | None = None, *, choices: bool = True
) -> ToolSpec:
    """`imagine(prompt, concept, count, seed)`; with `choices` the library's names are what can be chosen.

    With `request`, the user's own words are drawn and the model only decides that they are to be drawn.
    """
    from pydantic import Field

    fields: dict[str, Any] = {}
    if request is None:
        concept_type: Any = Literal[(NO_NAME, *names[:MAX_NAMES])] if choices else str
        about = f"the name of who or what of the user's is in the picture; {NO_NAME!r} for none"
        fields["concept"] = (concept_type, Field(default=NO_NAME, description=about))
        fields["prompt"] = (str, Field(description="what the picture shows, in the user's words"))
        how_many = f"how many pictures, 1 to {MAX_COUNT}"
        fields["count"] = (int, Field(default=1, ge=1, le=MAX_COUNT, description=how_many))
        again = "the number that draws the same picture again; leave it out otherwise"
        fields["seed"] = (int | None, Field(default=None, description=again))

    def run(
        on_progress: OnProgress | None,
        prompt: str = "",
        concept: str = NO_NAME,
        count: int = 1,
        seed: int | None = None,
    ) -> tuple[str, Imagined]:
        wanted = prompt.strip() if request is None else request
        if concept.strip() and concept != NO_NAME and concept.casefold() not in wanted.casefold():
            wanted = f"{concept} {wanted}"
        return imagine_pictures(familiar, wanted, count=count, seed=seed, on_progress=on_progress)

    return ToolSpec("imagine", "Draw a new picture of what the user describes.", run, fields)
