"""Scores of drawn pictures, from vectors whose likeness is known; the encoder on drawn patterns."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assistant.answers.backbone_service import CANDIDATES
from assistant.evaluation.data.options import EvaluationRun, GenerationOptions
from assistant.evaluation.data.protocol import Split, Subject
from assistant.evaluation.drawing import generation
from assistant.evaluation.drawing.encoder import IndependentEncoder
from personalizer.errors import NotReadyError, UsageError
from personalizer.home import Home
from personalizer.schemas import Float32Array


def _at(degrees: float) -> Float32Array:
    angle = np.deg2rad(degrees)
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def _world() -> tuple[Split, list[Subject], dict[Path, Float32Array]]:
    dog, cat, cup = (
        Subject(name, tuple(Path(f"{name}{n}") for n in range(2))) for name in ("dog", "cat", "cup")
    )
    angles = {"dog0": 0, "dog1": 10, "cat0": 60, "cat1": 60, "cup0": 90, "cup1": 90}
    real = {Path(name): _at(degrees) for name, degrees in angles.items()}
    return Split(dog, 0, (Path("dog0"),)), [dog, cat, cup], real


def test_scores_lie_between_the_nearest_other_subject_and_real_photos() -> None:
    split, subjects, real = _world()
    scores = generation.score(split, subjects, real, np.stack([_at(30), _at(30)]), copy_rate=0.25)
    assert scores.ceiling == pytest.approx(np.cos(np.deg2rad(10)))
    assert scores.floor == pytest.approx(np.cos(np.deg2rad(50)))
    assert scores.nearest_other == "cat"
    assert scores.similarity == pytest.approx(np.cos(np.deg2rad(20)))
    assert scores.copy_rate == 0.25


def test_drawing_the_real_thing_reaches_the_ceiling_and_the_other_subject_the_floor() -> None:
    split, subjects, real = _world()
    alike, other = (generation.score(split, subjects, real, _at(angle)[None], 0) for angle in (0, 60))
    assert alike.similarity == pytest.approx(alike.ceiling, abs=1e-5)
    assert other.similarity == pytest.approx(other.floor, abs=1e-5)


def test_controls_are_scored_against_the_same_photos_and_stand_under_their_names() -> None:
    split, subjects, real = _world()
    beside = {"reranked": _at(20)[None], "no_concept": np.stack([_at(60), _at(80)])}
    scores = generation.score(split, subjects, real, _at(30)[None], 0, beside)
    assert scores.beside["reranked"] == pytest.approx(np.cos(np.deg2rad(10)))
    assert scores.beside["no_concept"] == pytest.approx(np.cos(np.deg2rad([50, 70])).mean())
    overall = generation.overall_scores([generation.mean_scores([scores, scores])])
    assert overall["similarity"] == pytest.approx(np.cos(np.deg2rad(20)), abs=1e-4)
    assert overall["reranked"]["position"] == pytest.approx(1.0, abs=1e-3) and "reconstruction" not in overall
    assert overall["no_concept"]["position"] < 0 < overall["position"] < overall["reranked"]["position"]
    low, high = overall["reranked"]["interval"]
    assert low == high == overall["reranked"]["similarity"], "one concept has no spread"


def test_one_concept_without_room_does_not_decide_the_position() -> None:
    """Its own position is far out of bounds; the overall one is that of the means, and the report says so."""

    def concept(similarity: float, ceiling: float, floor: float, splits: int) -> dict[str, float]:
        one = generation.GenerationScores(similarity, ceiling, floor, "other", 0.0)
        return generation.mean_scores([one] * splits)

    overall = generation.overall_scores([concept(0.5, 0.8, 0.4, 1), concept(0.5, 0.601, 0.6, 3)])
    assert overall["position"] == pytest.approx((0.5 - 0.5) / (0.7005 - 0.5))
    assert overall["concepts_without_room"] == 0
    assert generation.overall_scores([concept(0.5, 0.6, 0.6, 1)])["position"] is None
    assert generation.overall_scores([concept(0.5, 0.6, 0.6, 1)])["concepts_without_room"] == 1


def test_photos_are_reduced_to_their_middle_square() -> None:
    photo = Image.new("RGB", (300, 100), "red")
    photo.paste((0, 0, 255), (100, 0, 200, 100))
    small = generation.reduced(photo, 64)
    assert small.size == (64, 64)
    assert small.getpixel((1, 32)) == (0, 0, 255)


def test_a_missing_encoder_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotReadyError, match=r"familiar-assistant\[evaluate\]"):
        generation.evaluate_generation(
            GenerationOptions(subjects=tmp_path), EvaluationRun(Home(tmp_path / "home"))
        )


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        generation.evaluate_generation(
            GenerationOptions(subjects=tmp_path, samples=0), EvaluationRun(Home(tmp_path / "home"))
        )


def test_first_samples_are_what_the_reranking_chooses_from(home: Home, exported: Any) -> None:
    """One candidate of seed n is the first of several; more can only be recognised better."""
    from assistant.answers.backbone_service import BackboneService, draw
    from exporters.runtime.images import recognition_scores

    session = BackboneService(home, str(exported.checkpoint)).session
    text = "a photo of a dog."
    first, served = (draw(session, text, 3, 5, candidates=n) for n in (1, CANDIDATES))
    assert first.sampled_tokens * CANDIDATES == served.sampled_tokens
    assert (
        recognition_scores(session, text, served.codes)
        >= recognition_scores(session, text, first.codes) - 1e-4
    ).all()
    alone = generation.draw_class(session, "dog", 3, 5)
    assert [one.tobytes() for one in alone] == [one.tobytes() for one in first.images]


@pytest.mark.slow
def test_the_encoder_tells_patterns_apart(tmp_path: Path) -> None:
    def stripes(width: int, color: str) -> Image.Image:
        picture = Image.new("RGB", (128, 128), "white")
        for left in range(0, 128, 2 * width):
            picture.paste(color, (left, 0, left + width, 128))
        return picture

    pictures = [stripes(16, "red"), stripes(18, "red"), Image.effect_noise((128, 128), 90).convert("RGB")]
    vectors = IndependentEncoder(tmp_path).encode(pictures)
    assert vectors.shape == (3, 1280)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    again = IndependentEncoder(tmp_path)
    assert again.encode(pictures[:1])[0] == pytest.approx(vectors[0], abs=1e-6)
    assert len(again.encode([])) == 0
