"""Fits the judge of places that `evaluate generation` asks whether "on a beach" survived in a drawing.

    python -m scripts.render.render_corpus --out RENDERS --count 4200 --seed 11
    python -m scripts.fit.place_judge --renders RENDERS [--backbone pocket] [--home DIR] [--out FILE]

Sharp renders alone teach it. How often it is right is measured on those of other subjects, as they are and after the
image tokenizer of `--backbone`, which blurs them as it does drawings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from assistant.evaluation.drawing.backbone import BackboneMeasure
from assistant.evaluation.drawing.backbone_report import place_of
from assistant.evaluation.drawing.encoder import IndependentEncoder
from assistant.evaluation.drawing.fidelity import JUDGE_FILE, JUDGED_SIDE_PX, PLACES, write_judge
from assistant.evaluation.drawing.probe import LinearProbe
from assistant.service.familiar import Familiar
from personalizer.home import Home
from scripts.pocket.command import run
from scripts.pocket.data.corpus import read_renders

HELD_OUT_OF = 4
"""Every fourth subject is only tested on."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--backbone", default="pocket")
    parser.add_argument("--home", type=Path, help="where converted models are or go")
    parser.add_argument("--out", type=Path, default=JUDGE_FILE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        fit(options.renders, options.backbone, Home(options.home or Path(temporary)).ensure(), options.out)


def fit(renders: Path, backbone: str, home: Home, out: Path) -> None:
    """Fit, measure, and write to `out`."""
    known = [
        (p, place) for p in read_renders(renders) if (place := place_of(p.record.caption or "")) in PLACES
    ]
    subjects = sorted({str(picture.record.subject) for picture, _ in known})
    tested_subjects = set(subjects[::HELD_OUT_OF])
    training = [pair for pair in known if pair[0].record.subject not in tested_subjects]
    tested = [pair for pair in known if pair[0].record.subject in tested_subjects]
    encoder = IndependentEncoder(home.models)
    probe = LinearProbe(encoder.encode, JUDGED_SIDE_PX)
    weights = probe.fit([picture for picture, _ in training], [str(place) for _, place in training])
    familiar = Familiar(home, backbone, "cpu")
    try:
        session = familiar.session()
    finally:
        familiar.close()
    measure = BackboneMeasure(session)
    images, names = [picture.image() for picture, _ in tested], [str(place) for _, place in tested]
    accuracy = {
        "renders": round(probe.accuracy(images, names), 4),
        "reconstructed": round(probe.accuracy(measure.reconstructed(measure.codes(images)), names), 4),
    }
    provenance = {
        "accuracy": accuracy,
        "renders": json.loads((renders / "settings.json").read_text()),
        "training": len(training),
        "tested": len(tested),
        "backbone": f"{session.spec.name} {session.spec.version}",
    }
    write_judge(weights, provenance, out)
    print(f"{out}: {out.stat().st_size} bytes, {json.dumps(provenance)}")


if __name__ == "__main__":
    run(main)
