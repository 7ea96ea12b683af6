"""What a personal prompt costs, with stand-ins for trained concepts in the bundled backbone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from assistant.evaluation.data.corpora import Picture, Record
from assistant.evaluation.data.options import EvaluationRun, RetentionOptions
from assistant.evaluation.drawing import retention
from assistant.evaluation.drawing.backbone import BackboneMeasure, stand_in
from assistant.evaluation.drawing.backbone_report import sample_library, some_questions
from assistant.evaluation.drawing.retention import General, Unnamed, evaluate_retention
from assistant.evaluation.report.tables import MEASURES
from assistant.service.familiar import Familiar
from exporters.runtime.session import BackboneSession
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> BackboneSession:
    familiar = Familiar(Home(tmp_path_factory.mktemp("home")))
    try:
        return familiar.session()
    finally:
        familiar.close()


def test_a_prompt_in_the_context_is_read_and_the_bare_measure_stays_what_it_was(
    session: BackboneSession,
) -> None:
    """A stand-in for a concept changes what the backbone says, more so where its rows open the answer."""
    pictures = [picture for picture in sample_library() if picture.record.label][:3]
    bare = BackboneMeasure(session)
    concept = stand_in(session, bare.codes([pictures[0].image()])[0])
    before = bare.text_bits(pictures)
    forced = bare.with_concept(concept).text_bits(pictures)
    chosen = bare.with_concept(concept, forced=False).text_bits(pictures)
    assert np.abs(np.subtract(forced, before)).min() > 1e-4
    assert np.abs(np.subtract(chosen, before)).min() > 1e-4
    assert np.abs(np.subtract(forced, chosen)).min() > 1e-4
    assert bare.text_bits(pictures) == before
    again = BackboneMeasure(session).text_bits(pictures)
    assert again == before, "what was read of a picture is what would be read again"


def test_captions_and_questions_take_the_prompt_too(session: BackboneSession) -> None:
    """Through rows forty times too loud nobody can answer; without them the pictures are told apart."""
    pictures = [picture for picture in sample_library() if picture.record.label][:24]
    labels = sorted({str(picture.record.label) for picture in pictures})
    bare = BackboneMeasure(session)
    concept = stand_in(session, bare.codes([pictures[0].image()])[0])
    loud = {kind: 40 * rows for kind, rows in concept.input_embeddings.items()}
    shouting = bare.with_concept(
        type(concept)(session, dataclasses.replace(concept.prefix, input_embeddings=loud))
    )
    asked = some_questions(pictures, 12, seed=0)
    assert len(set(bare.said_yes(asked))) == 2
    assert len(set(shouting.said_yes(asked))) == 1
    assert shouting.captioned_rightly(pictures, labels) != bare.captioned_rightly(pictures, labels)
    assert bare.captioned_rightly([], []) == []


def _general(items: int) -> General:
    picture = Picture(Record("test", "render", "dog", "a dog"), np.zeros((8, 8, 3), dtype=np.uint8))
    asked = [(picture, "is it?", number < items // 4) for number in range(items)]
    return General([picture] * items, ["cat", "dog"], asked, [picture] * items)


def _scores(items: int, right: float) -> retention.Scores:
    made = np.zeros(items)
    made[: round(items * right)] = 1
    return {"caption_top1": made, "attribute_questions": made, "text_bits_per_token": 2 - made}


def test_a_loss_is_counted_in_points_and_seen_where_it_is_more_than_two() -> None:
    bare, general = _scores(100, 0.8), _general(100)
    lost = {"dog": [_scores(100, 0.7)], "cat": [_scores(100, 0.8), _scores(100, 0.6)]}
    kept = {"dog": [bare], "cat": [bare, bare]}
    row = retention.retention_row("caption_top1", general, bare, lost, kept, seed=0)
    assert row is not None
    assert (row["bare"], row["with_prompt"], row["difference_points"]) == (0.8, 0.7, -10.0)
    low, high = row["interval"]
    assert low < -10 < high < 0 and not row["within_2_points"]
    assert row["forced"]["difference_points"] == 0 and row["forced"]["interval"] == [0, 0]
    assert (row["chance"], row["count"]) == (0.5, 100)
    bits = retention.retention_row("text_bits_per_token", general, bare, lost, kept, seed=0)
    assert bits is not None and bits["difference_bits"] == pytest.approx(0.1)
    assert retention.retention_row("caption_top1", general, bare, kept, kept, seed=0)["within_2_points"]  # type: ignore[index]


def test_questions_to_answer_with_yes_count_as_much_as_those_with_no() -> None:
    """A quarter is to answer with yes: whoever says no to all is right in half."""
    general = _general(100)
    no_to_all = {name: 1.0 - _scores(100, 0.25)[name] for name in MEASURES}
    row = retention.retention_row(
        "attribute_questions", general, _scores(100, 1.0), {"dog": [no_to_all]}, {"dog": [no_to_all]}, 0
    )
    assert row is not None
    assert (row["bare"], row["with_prompt"], row["difference_points"]) == (1.0, 0.5, -50.0)


def test_any_changed_caption_or_drawing_is_counted() -> None:
    codes = np.arange(6).reshape(2, 3)
    first = Unnamed(["a dog", "a cat"], codes)
    assert first.differences(Unnamed(["a dog", "a cat"], codes.copy())) == 0
    assert first.differences(Unnamed(["a dog", "a cap"], codes + np.array([[0, 0, 0], [0, 1, 0]]))) == 2


def test_nothing_to_measure_is_refused_or_said(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    home = Home(tmp_path / "home")
    run = EvaluationRun(home)
    with pytest.raises(NotFoundError, match="no such folder"):
        evaluate_retention(RetentionOptions(subjects=folders[0], images=tmp_path / "nowhere"), run)
    with pytest.raises(UsageError, match="more than 9 photos"):
        evaluate_retention(RetentionOptions(subjects=folders[0], shots=9), run)
    seen = {"source": "test", "kind": "photo", "label": "dog", "caption": "a dog", "held_out": False}
    np.save(tmp_path / "images.npy", np.zeros((1, 8, 8, 3), dtype=np.uint8))
    (tmp_path / "records.jsonl").write_text(json.dumps(seen))
    with pytest.raises(NotFoundError, match="none of its 1 pictures is held out"):
        evaluate_retention(RetentionOptions(subjects=folders[0], images=tmp_path), run)
    assert not home.root.exists(), "nothing was prepared in vain"
