"""The whole job on the sample library that ships: photos in, answers and pictures out. Knows no screen.

Every step asks the library whether it has been done; a second run repeats nothing that was finished.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL.PngImagePlugin import PngInfo

from assistant.imagine.draw import Painter
from assistant.presentation.thumbnails import Captioned, contact_sheet
from assistant.results import Trained
from assistant.service.familiar import Familiar
from exporters.installed import exported_version
from personalizer.errors import NotReadyError
from personalizer.home import PACKAGE_DATA, write_atomically
from personalizer.photos.formats import SOFTWARE
from personalizer.schemas import Concept, OnProgress, Progress

SAMPLE_LIBRARY = PACKAGE_DATA / "sample_library"
PETS = frozenset({"dog", "cat", "bird"})
NO_CLASS = "something else"
WANTED_MEMBERS = 3
LEARNED_PHOTOS = 3
PLACES = ("on a beach", "in the forest")
"""Of the montages."""
RECORD = "demo.json"
CONTACT_SHEET = "contact-sheet.png"


@dataclass(frozen=True, slots=True)
class Sample:
    """One entry of the sample library's manifest."""

    path: Path
    subject: str | None
    class_name: str
    caption: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """A concept that mostly shows one subject: how many of its photos, and which share they are of all in it."""

    concept_id: int
    photos: int
    share: float


@dataclass(frozen=True, slots=True)
class Named:
    """A subject that the demo gave a name, and how it was found."""

    name: str
    subject: str
    class_name: str
    concept_id: int
    members: int
    how: str


@dataclass
class DemoResult:
    """What was done and what came out; the keys of the command's JSON."""

    photos: int = 0
    detections: int = 0
    concepts: list[dict[str, Any]] = field(default_factory=list)
    trained: list[dict[str, Any]] = field(default_factory=list)
    describe: list[dict[str, Any]] = field(default_factory=list)
    imagine: list[dict[str, Any]] = field(default_factory=list)
    elapsed_s: dict[str, float] = field(default_factory=dict)
    contact_sheet: str = ""
    home: str = ""
    repeated: bool = False
    """Whether everything had been finished by an earlier run."""


def read_samples() -> list[Sample]:
    """The sample library's photos with what they show. Raises NotReadyError when it is not there."""
    manifest = SAMPLE_LIBRARY / "manifest.json"
    if not manifest.exists():
        raise NotReadyError(
            tried="opening the sample library",
            found=f"there is no {manifest}",
            fix="Install the package again; the sample library is part of it.",
        )
    entries = json.loads(manifest.read_text())
    return [
        Sample(
            path=SAMPLE_LIBRARY / entry["file"],
            subject=entry["subject"],
            class_name=entry["class"] or NO_CLASS,
            caption=entry["caption"] or "",
            held_out=entry["split"] == "held_out",
        )
        for entry in entries
    ]


def picture_caption(picture: Mapping[str, Any]) -> str:
    """What was asked for, and who painted it."""
    by_whom = "a montage" if picture.get("painter") == "montage" else "drawn by the model"
    return f"{picture['prompt']} ({by_whom})"


def name_of(subject: str) -> str:
    """What the demo calls a subject of the manifest."""
    return subject.replace("_", " ").replace("-", " ").strip().capitalize()


class Demo:
    """The steps, in order, with their times."""

    def __init__(self, familiar: Familiar, out: Path | None, on_progress: OnProgress) -> None:
        self.familiar = familiar
        self.out = out or familiar.home.root / "demo"
        self.on_progress = on_progress
        self.samples = read_samples()
        self.result = DemoResult(home=str(familiar.home.root))

    def run(self) -> DemoResult:
        """Do what has not been done and return everything."""
        started = time.monotonic()
        earlier = self._finished_earlier()
        if earlier is not None:
            earlier.elapsed_s = {**earlier.elapsed_s, "this_run": round(time.monotonic() - started, 2)}
            return earlier
        with self._timed("ingest"):
            self.familiar.add([SAMPLE_LIBRARY / "library"], self.on_progress)
        status = self.familiar.status()
        self.result.photos, self.result.detections = status.photos, status.detections
        with self._timed("name"):
            named = [self._name(subject) for subject in self._subjects()]
        with self._timed("train"):
            self.result.trained = [
                dataclasses.asdict(trained) for trained in map(self._train, named) if trained
            ]
        self.result.concepts = [
            {**dataclasses.asdict(one), "state": self.familiar.concept(one.name).state} for one in named
        ]
        with self._timed("describe"):
            for one, sample, expected in self._questions(named):
                self._describe(one, sample, expected)
        with self._timed("imagine"):
            for one in named:
                self._imagine(one)
        self.write_contact_sheet()
        self.result.elapsed_s["total"] = round(time.monotonic() - started, 1)
        self.record()
        return self.result

    # --- naming

    def _subjects(self) -> list[str]:
        """The thing and the pet to name: those with the cleanest clusters."""
        clusters = self._clusters()

        def preference(subject: str) -> tuple[bool, float, int, str]:
            """What an earlier run began with stays; then clean clusters, then large ones."""
            cluster = clusters.get(subject, Cluster(0, 0, 0.0))
            return self._named(name_of(subject)) is None, -cluster.share, -cluster.photos, subject

        in_library = {s.subject for s in self.samples if s.subject and not s.held_out}
        class_of = {s.subject: s.class_name for s in self.samples if s.subject and s.held_out}
        candidates = sorted((subject for subject in class_of if subject in in_library), key=preference)
        chosen = [
            next((subject for subject in candidates if (class_of[subject] in PETS) == is_pet), None)
            for is_pet in (False, True)
        ]
        found = [subject for subject in chosen if subject is not None]
        if len(found) < len(chosen):
            raise NotReadyError(
                tried="choosing a thing and a pet of the sample library",
                found=f"only {', '.join(found) or 'neither'} with photos to learn from and to ask about",
                fix="Install the package again; the sample library is part of it.",
            )
        return found

    def _clusters(self) -> dict[str, Cluster]:
        """For each subject the cluster that holds most of its photos."""
        best: dict[str, Cluster] = {}
        for concept in self.familiar.concepts():
            subjects = self._subjects_in(concept.id)
            if not subjects:
                continue
            subject, count = subjects.most_common(1)[0]
            share = count / sum(subjects.values())
            if subject and share > 0.5 and (subject not in best or count > best[subject].photos):
                best[subject] = Cluster(concept.id, count, share)
        return best

    def _subjects_in(self, concept_id: int) -> Counter[str]:
        """How many photos of each subject a concept has; other photos count under the empty string."""
        by_path = {sample.path.resolve(): sample.subject or "" for sample in self.samples}
        library = self.familiar.library
        photos = {member.photo_id for member in library.members(concept_id)}
        return Counter(by_path.get(library.photo(photo).path.resolve(), "") for photo in photos)

    def _named(self, name: str) -> Concept | None:
        return self.familiar.library.concept_by_name(name)

    def _name(self, subject: str) -> Named:
        """Name the cluster of `subject`, or learn from three photos where clustering found too few."""
        name = name_of(subject)
        class_name = next(sample.class_name for sample in self.samples if sample.subject == subject)
        known = self._named(name)
        cluster = self._clusters().get(subject)
        how = "named before"
        if known is None and cluster is not None and cluster.photos >= WANTED_MEMBERS:
            self.familiar.name(cluster.concept_id, name)
            how = f"the cluster with {cluster.photos} of its photos was named"
        elif known is None:
            photos = [s.path for s in self.samples if s.subject == subject and not s.held_out][
                :LEARNED_PHOTOS
            ]
            self.familiar.learn(name, photos, self.on_progress)
            how = f"no cluster had {WANTED_MEMBERS} of its photos: learned from {len(photos)} photos"
        concept = self.familiar.concept(name)
        members = len(self.familiar.library.members(concept.id))
        return Named(name, subject, class_name, concept.id, members, how)

    # --- training, asking, drawing

    def _train(self, named: Named) -> Trained | None:
        concept = self.familiar.concept(named.name)
        if concept.state == "ready" and concept.backbone == self._version():
            return None
        return self.familiar.train(named.name, self.on_progress)

    def _questions(self, named: list[Named]) -> Iterator[tuple[Named, Sample, str]]:
        """For each subject a held-out photo of it and one of another, of its class if there is one."""
        asked: set[Path] = set()
        for one in named:
            pet = one.class_name in PETS
            positives = [s for s in self.samples if s.held_out and s.subject == one.subject]
            others = [s for s in self.samples if s.held_out and s.subject != one.subject]
            others = sorted(
                (sample for sample in others if sample.path not in asked),
                key=lambda s: (s.class_name != one.class_name, (s.class_name in PETS) != pet, str(s.path)),
            )
            if positives:
                yield one, positives[0], "yes"
            if others:
                asked.add(others[0].path)
                yield one, others[0], "no"

    def _describe(self, named: Named, sample: Sample, expected: str) -> None:
        question = f"Is this {named.name}?"
        self.on_progress(Progress(len(self.result.describe), 4, f"Asking: {question}"))
        description = self.familiar.describe(sample.path, question)
        verdict = next((c.verdict for c in description.concepts if c.name == named.name), "unsure")
        probability = next((c.probability for c in description.concepts if c.name == named.name), None)
        self.result.describe.append(
            {
                "photo": str(sample.path),
                "shows": sample.caption,
                "question": question,
                "answer": description.answer,
                "verdict": verdict,
                "probability": probability,
                "expected": expected,
                "correct": verdict == expected,
            }
        )

    def _imagine(self, named: Named) -> None:
        """A montage in a place, and what the model itself draws."""
        place = PLACES[len(self.result.imagine) // 2 % len(PLACES)]
        wanted: list[tuple[Painter, str]] = [
            ("montage", f"{named.name} {place}"),
            ("backbone", f"a photo of {named.name}"),
        ]
        for painter, prompt in wanted:
            self.on_progress(Progress(len(self.result.imagine), 4, f"Painting: {prompt}"))
            painted = self.familiar.imagine(prompt, self.out, seed=1, painter=painter)
            self.result.imagine += [
                {
                    "concept": named.name,
                    "painter": painter,
                    "prompt": prompt,
                    "path": str(path),
                    "seed": painted.seed,
                }
                for path in painted.paths
            ]

    # --- what is kept

    def write_contact_sheet(self) -> None:
        rows = []
        for concept in self.result.concepts:
            shown = [s for s in self.samples if s.subject == concept["subject"] and not s.held_out][:3]
            title = (
                f"{concept['name']}: three of its photos, a montage of one, and what the model itself draws"
            )
            painted = [
                Captioned(Path(d["path"]), picture_caption(d))
                for d in self.result.imagine
                if d["concept"] == concept["name"]
            ]
            tiles = [Captioned(sample.path, sample.caption) for sample in shown]
            rows.append((title, tiles + painted))
        asked = [
            Captioned(
                Path(d["photo"]), f"{d['question']} {d['verdict']} ({'right' if d['correct'] else 'wrong'})"
            )
            for d in self.result.describe
        ]
        rows.append(("Asked about photos that were not learned from", asked))
        self.out.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.out / CONTACT_SHEET
        about = PngInfo()
        about.add_text("concepts", ", ".join(concept["name"] for concept in self.result.concepts))
        about.add_text("Software", SOFTWARE)
        contact_sheet(rows).save(target, pnginfo=about)
        self.result.contact_sheet = str(target)

    def _fingerprint(self) -> str:
        """Changes when an answer could: another backbone version, another prefix."""
        concepts = [concept for concept in self.familiar.library.concepts() if concept.name]
        known = [(c.id, c.name, c.state, c.backbone, str(c.prefix_dir)) for c in concepts]
        return repr((self._version(), known))

    def _version(self) -> str | None:
        """The backbone version that is prepared; `None` after an update, which makes prefixes stale."""
        return exported_version(self.familiar.home, self.familiar.backbone)

    def record(self) -> None:
        content = {"fingerprint": self._fingerprint(), "result": dataclasses.asdict(self.result)}
        write_atomically(self.familiar.home.root / RECORD, json.dumps(content, indent=1).encode())

    def _finished_earlier(self) -> DemoResult | None:
        path = self.familiar.home.root / RECORD
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text())
            result = DemoResult(**content["result"])
        except (ValueError, KeyError, TypeError):
            return None
        files = [result.contact_sheet, *(drawn["path"] for drawn in result.imagine)]
        out_moved = Path(result.contact_sheet).parent != self.out
        if (
            content["fingerprint"] != self._fingerprint()
            or out_moved
            or not all(Path(f).exists() for f in files)
        ):
            return None
        result.repeated = True
        return result

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.result.elapsed_s[step] = round(time.monotonic() - started, 1)
