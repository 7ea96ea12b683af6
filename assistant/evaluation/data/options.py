"""What an evaluation is asked, and where it runs. The command line reads its options from these records."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personalizer.errors import UsageError
from personalizer.home import Home

if TYPE_CHECKING:
    from personalizer.schemas import OnProgress


def option(text: str, default: Any = MISSING, *, metavar: str | None = None, least: int | None = None) -> Any:
    """A field that is also an option of the command; `text` is its help, `least` the smallest number it takes.

    A list of numbers or names is one text with commas, as it is typed.
    """
    return field(default=default, metadata={"help": text, "metavar": metavar, "min": least})


PAINTERS = ("montage", "backbone")
SIZES = (64, 224)
"""In pixels: what the bundled backbone draws, and what usual encoders look at."""


def subjects_option() -> Any:
    return option("One folder of photos per person, pet or thing.", metavar="DIR")


def negatives_option() -> Any:
    return option("Photos of anything else.", metavar="DIR")


def images_option() -> Any:
    return option("A training corpus; its held-out part is measured on.", None, metavar="DIR")


def check_samples(samples: int) -> None:
    """Raise UsageError where nothing would be drawn."""
    if samples < 1:
        raise UsageError(tried="drawing", found=f"{samples} samples", fix="Draw at least one, better 20.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOptions:
    """What all measurements take."""

    seed: int = option("Of all that is drawn by chance.", 0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions(SeedOptions):
    """What evaluations take that can be written as a report."""

    report: Path | None = option("Also write report.md and diagrams there.", None, metavar="DIR")


@dataclass(frozen=True, slots=True)
class EvaluationRun:
    """Where an evaluation runs; `home` keeps what was analysed, trained and drawn for a rerun."""

    home: Home
    backbone: str = "pocket"
    device: str = "auto"
    on_progress: OnProgress | None = None

    def say(self, done: int, total: int, message: str) -> None:
        """Report how far it is."""
        from personalizer.schemas import Progress

        if self.on_progress is not None:
            self.on_progress(Progress(done, total, message))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionOptions(EvaluationOptions):
    """Which photos are learned from, and what is asked."""

    subjects: Path = subjects_option()
    negatives: Path = negatives_option()
    shots: int = option("Photos that are learned from.", 3, least=1)
    splits: int = option("Random choices of the shots.", 10, least=1)
    trained_splits: int = option("Of those, how many are trained too.", 1, least=0)
    together: bool = option("Ask with two concepts in one prompt as well.", False)
    backgrounds: bool = option("Ask about photos on other grounds, and grounds alone, as well.", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsOptions(EvaluationOptions):
    """How many photos are learned from, and how often."""

    subjects: Path = subjects_option()
    negatives: Path = negatives_option()
    shots: str = option("Numbers of photos to learn from.", "1,2,3,4", metavar="N,N…")
    splits: int = option("Random choices of the shots.", 10, least=1)
    trained_splits: int = option(
        "Of those, how many are trained too, for every number of photos.", 0, least=0
    )

    @property
    def counts(self) -> list[int]:
        """The numbers of shots, fewest first. Raises UsageError."""
        try:
            numbers = sorted({int(part) for part in self.shots.split(",")})
        except ValueError as error:
            raise UsageError(
                tried="reading --shots",
                found=repr(self.shots),
                fix="Give whole numbers with commas between: 1,2,3,4.",
            ) from error
        if numbers[0] < 1:
            raise UsageError(
                tried="choosing numbers of shots",
                found=", ".join(map(str, numbers)),
                fix="Give numbers from 1 up, such as 1,2,3,4.",
            )
        return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ClustersOptions(EvaluationOptions):
    """Photos of whom and what are grouped."""

    faces: Path | None = option("One folder of photos per person.", None, metavar="DIR")
    objects: Path | None = option("One folder of photos per pet or thing.", None, metavar="DIR")
    negatives: Path | None = option("Photos of anything else, among the objects.", None, metavar="DIR")
    orders: int = option("Shuffled orders in which photos come in.", 5, least=0)
    synthetic: int = option("Also group N people who do not exist, and siblings.", 0, metavar="N", least=0)

    def check(self) -> None:
        """Raise UsageError for what cannot be measured on."""
        if self.faces is None and self.objects is None and not self.synthetic:
            raise UsageError(
                tried="measuring clusters",
                found="neither faces nor objects nor synthetic people were asked for",
                fix="Give --faces DIR, --objects DIR with --negatives DIR, or --synthetic N.",
            )
        if self.negatives is not None and self.objects is None:
            raise UsageError(
                tried="measuring clusters",
                found="--negatives without --objects",
                fix="Negatives are photos that things stand among: give --objects DIR as well.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsOptions(EvaluationOptions):
    """Photos whose content is known."""

    photos: Path = option(
        "Photos, with WordNet's number or a folder that says what they show.", metavar="DIR"
    )
    second_half: bool = option("Only every second one by name; of ImageNet's, the fit saw the others.", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOptions(SeedOptions):
    """The made-up library that is searched."""

    photos: int = option("Photos in it.", 5_000, least=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindBenchOptions(SeedOptions):
    """The made-up library that is searched, and how often."""

    photos: int = option("Photos in it.", 100_000, least=100)
    repeats: int = option("Times that each search runs; the median counts.", 3, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentencesOptions(EvaluationOptions):
    """Nothing is asked: the pairs ship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterOptions(SeedOptions):
    """The requests that are routed."""

    requests: Path = option("Labelled requests as JSON lines.", metavar="FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOptions(EvaluationOptions):
    """What is drawn, and how often."""

    subjects: Path = subjects_option()
    shots: int = option("Photos that are learned from.", 3, least=1)
    samples: int = option("Pictures drawn per subject.", 20, least=1)
    trained_splits: int = option("Random choices of the shots.", 1, least=1)
    sheets: Path | None = option("Keep contact sheets here.", None, metavar="DIR")
    painter: str = option(
        f"{' or '.join(PAINTERS)}; the second trains a prefix for each choice.", PAINTERS[0]
    )
    size: int = option(
        f"Side to which all pictures are reduced first: {' or '.join(map(str, SIZES))}.", SIZES[0]
    )

    def check(self) -> None:
        """Raise UsageError where nothing would be drawn, or by nobody known."""
        check_samples(self.samples)
        if self.painter not in PAINTERS:
            raise UsageError(
                tried=f"drawing by {self.painter!r}", found="no painter", fix=f"Use {' or '.join(PAINTERS)}."
            )
        if self.size not in SIZES:
            sizes = " or ".join(map(str, SIZES))
            raise UsageError(tried=f"a size of {self.size}", found="not measured", fix=f"Use {sizes}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionOptions(EvaluationOptions):
    """Whose personal prompts, and what is asked behind them."""

    subjects: Path = subjects_option()
    images: Path | None = images_option()
    shots: int = option("Photos that are learned from.", 3, least=1)
    trained_splits: int = option("Random choices of the shots.", 1, least=1)
    count: int = option("Pictures or questions per measure.", 100, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneOptions(SeedOptions):
    """What the backbone is measured on."""

    images: Path | None = images_option()
    subjects: Path | None = option("One folder of real photos per identity.", None, metavar="DIR")
    count: int = option("Pictures, pairs and drawings per measure.", 250, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationOptions(EvaluationOptions):
    """Which ways of training are compared, and on what."""

    subjects: Path = subjects_option()
    negatives: Path = negatives_option()
    shots: int = option("Photos that are learned from.", 3, least=1)
    trained_splits: int = option("Random choices of the shots.", 1, least=1)
    samples: int = option("Pictures drawn per subject.", 20, least=1)
    variants: str = option("Only these ways of training, beside the full one.", "", metavar="NAME,NAME…")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBenchOptions(SeedOptions):
    """What both ways of training are given."""

    subject: Path | None = option("Photos of one thing; the sample library's without.", None, metavar="DIR")
    negatives: Path | None = option("Photos of anything else.", None, metavar="DIR")
    steps: int = option("Of each training.", 60, least=3)
    repeats: int = option("Trainings, each from another seed.", 1, least=1)
    baseline_rate: float = option("Learning rate of the naive recipe.", 0.01)
    padded_to: int | None = option("Fixed length of the naive recipe's examples.", None, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions(SeedOptions):
    """What is imported, and how often."""

    photos: list[Path] = field(
        default_factory=list,
        metadata={
            "help": "Small photos that large ones are composed of, may be repeated; the samples without.",
            "metavar": "DIR",
        },
    )
    count: int = option("12-megapixel photos to import.", 60, least=1)
    repeats: int = option("Imports, each followed by the other command.", 3, least=1)
    cores: int = option("Processors that each side may use.", 2, least=1)
    reference_command: Path | None = option(
        "The command face_recognition; without it the one on the path, or the same work.",
        None,
        metavar="PATH",
    )
    photos_count: int = option("Also import that many small photos, and watch the memory.", 0, least=0)
    library_faces: int = option(
        "Also compare new photos in a library with that many faces and in an empty one.", 0, least=0
    )
    keep: Path | None = option("Keep the composed photos in this new folder.", None, metavar="DIR")
