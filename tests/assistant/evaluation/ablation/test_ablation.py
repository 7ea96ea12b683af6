"""Ways of training, side by side, on a tiny backbone that knows nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from assistant.evaluation.ablation.ablation import DRAWN_FILE, evaluate_ablation
from assistant.evaluation.data.metrics import bootstrap_interval
from assistant.evaluation.data.options import AblationOptions, EvaluationRun, RecognitionOptions
from assistant.evaluation.data.variants import FULL, VARIANTS, Variant, choose_variants
from assistant.evaluation.recognition.recognition import evaluate_recognition
from assistant.evaluation.recognition.trained_split import ANSWERS_FILE
from assistant.evaluation.report.report import write_report
from assistant.evaluation.report.tables import ablation_table
from personalizer.errors import UsageError
from personalizer.home import Home

FAMILIAR = [sys.executable, "-c", "from tui.entry import main; main()"]
SHORT = {
    FULL: Variant("as it ships"),
    "shared": Variant("one set of rows", {"steps": 3, "rows": {"shared": True}}),
    "plain": Variant("no rows in answers", {"steps": 4, "rows": {"self_prompting": False}}),
    "unused": Variant("not asked for", {"steps": 1}),
}


@pytest.mark.slow
def test_variants_are_trained_apart_and_compared_with_the_full_recipe(
    folders: tuple[Path, Path], run: EvaluationRun, tmp_path: Path
) -> None:
    home, (subjects, negatives) = run.home, folders
    recognition = evaluate_recognition(
        RecognitionOptions(subjects=subjects, negatives=negatives, shots=2, splits=1), run
    )
    before = {path: path.stat().st_mtime_ns for path in home.root.glob("trained/*/concepts/*/prefix.safe*")}
    asked = AblationOptions(
        subjects=subjects, negatives=negatives, variants="plain,shared", shots=2, samples=3
    )
    report = evaluate_ablation(asked, run, SHORT)
    rows = {row["variant"]: row for row in report["rows"]}
    assert list(rows) == ["full", "shared", "plain"]

    # The full recipe is what the recognition evaluation has trained and asked.
    assert rows["full"]["recognition"] == recognition["prefix_only"]
    assert rows["full"]["minus_full"] is None
    assert report["no_concept"]["recognition"] == recognition["no_concept"]
    assert report["other_prefix"]["recognition"] == recognition["other_prefix"]
    retrieval = report["retrieval_only"]["recognition"]
    assert retrieval == recognition["retrieval_only_same_splits"]
    assert all(path.stat().st_mtime_ns == at for path, at in before.items()) and len(before) == 2

    # Each of the others was trained with its own settings, and is served with them.
    assert [row["cost"]["steps"] for row in rows.values()] == [160, 3, 4]
    assert rows["shared"]["cost"]["trained_values"] < rows["full"]["cost"]["trained_values"]
    manifests = [
        json.loads(path.read_bytes()) for path in home.root.glob("trained/*/concepts/*/manifest.json")
    ]
    said = sorted((one["shared"], one["self_prompting"]) for one in manifests)
    assert said == [(False, False)] * 2 + [(False, True)] * 2 + [(True, True)] * 2

    # Differences are paired: means over concepts of what each concept gained.
    for name in ("shared", "plain"):
        minus_full = rows[name]["minus_full"]
        gained = [
            rows[name]["recognition"]["per_concept"][concept]["weighted"] - of_full["weighted"]
            for concept, of_full in rows["full"]["recognition"]["per_concept"].items()
        ]
        assert minus_full["weighted"]["mean"] == pytest.approx(sum(gained) / 2, abs=1e-3)
        assert minus_full["weighted"]["interval"] == pytest.approx(bootstrap_interval(gained), abs=1e-3)
        similarity = rows[name]["generation"]["similarity"] - rows["full"]["generation"]["similarity"]
        assert minus_full["similarity"]["mean"] == pytest.approx(similarity, abs=1e-3)
    assert report["no_concept"]["generation"]["similarity"] is not None

    # Finished work is read again, also what was drawn.
    kept = [path for name in (DRAWN_FILE, ANSWERS_FILE) for path in home.root.glob(f"trained/*/{name}")]
    drawn = {path: path.stat().st_mtime_ns for path in kept if path.name == DRAWN_FILE}
    assert len(kept) == 12 and evaluate_ablation(asked, run, SHORT) == report
    assert all(path.stat().st_mtime_ns == at for path, at in drawn.items())

    files = write_report("ablation", report, tmp_path / "report", "familiar evaluate ablation")
    assert [file.name for file in files] == ["report.md", "ablation.png"]
    assert "(ablation.png)" in files[0].read_text()
    assert {"full", "shared", "plain", "no_concept", "retrieval_only"} <= {
        row[0] for row in ablation_table(report)
    }


def test_every_variant_is_a_training_of_its_own() -> None:
    from personalizer.training.trainer import TrainerConfig

    configs = [json.dumps(asdict(TrainerConfig.with_settings(one.settings))) for one in VARIANTS.values()]
    assert len(set(configs)) == len(VARIANTS)
    assert TrainerConfig.with_settings(VARIANTS[FULL].settings) == TrainerConfig()
    assert len({one.says for one in VARIANTS.values()}) == len(VARIANTS)


def test_variants_are_chosen_by_name_beside_the_full_one() -> None:
    assert list(choose_variants([])) == list(VARIANTS)
    assert list(choose_variants(["deep_prompts", "single_prefix"])) == [FULL, "single_prefix", "deep_prompts"]
    with pytest.raises(UsageError) as refused:
        choose_variants(["deep_prompts", "magic"])
    assert "'magic'" in refused.value.found and "'deep_prompts'" not in refused.value.found
    assert all(name in refused.value.fix for name in VARIANTS)


def test_what_cannot_be_compared_is_refused_before_anything_is_made(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    run = EvaluationRun(Home(tmp_path / "home"))
    subjects, negatives = folders
    with pytest.raises(UsageError, match="magic"):
        evaluate_ablation(AblationOptions(subjects=subjects, negatives=negatives, variants="magic"), run)
    with pytest.raises(UsageError, match="0 samples"):
        evaluate_ablation(AblationOptions(subjects=subjects, negatives=negatives, samples=0), run)
    assert not (tmp_path / "home").exists()


def test_the_command_line_names_the_variants_that_there_are(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    command = [*FAMILIAR, "--home", str(tmp_path / "home"), "--json", "evaluate", "ablation"]
    given = ["--subjects", str(folders[0]), "--negatives", str(folders[1]), "--variants", "pull,magic"]
    done = subprocess.run([*command, *given], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    error = json.loads(done.stdout)["error"]
    assert "magic" in error["found"] and "single_prefix" in error["fix"]
