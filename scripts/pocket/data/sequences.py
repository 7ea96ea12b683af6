"""Turns corpus records and image codes into training sequences in the wording that the product uses.

A sequence is a trunk and branches. Every branch goes on from the end of the trunk and sees nothing of the others, so
that a picture or an example is read once and asked about many times. Four kinds: a picture drawn from words; a
picture described and asked about; words asked about; and, in context with a reserved name token, recognising, naming
and drawing again the thing that another picture shows — what a learned prefix will later do without that picture, in
the prompt that it will have, self-prompting included. The personal prompts of other things stand before some of them,
each read as if it were alone, and change none of the answers. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer

from assistant.evaluation.data.corpora import Record, with_article
from personalizer.prefix.prompts import DESCRIBE_QUESTION, GENERATION_TEXT, NO, RECOGNITION_QUESTION, YES
from scripts.pocket.config import PocketConfig
from scripts.pocket.data.vocabulary import BEGIN_IMAGE, BOS, END_IMAGE, EOS, image_token, reserved_token
from scripts.render.captions import PLACE_PHRASES

DRAWN_SHARES, READ_SHARES = {"photo": 0.45, "render": 0.4}, {"photo": 0.5, "render": 0.42}
"""Of the pictures that are drawn from words, and that are read, by kind; the rest is drawings. Renders are asked about
most, photos have the most to tell apart."""
NO_CAPTION_SHARE = 0.12
"""Share of picture requests with empty text: what classifier-free guidance compares with."""
SUBJECT_SHARE, SAME_VIEW_SHARE = 0.55, 0.2
"""In context, how often two pictures of a subject are compared instead of two views of one picture, and how often those
are the same view. With subjects alone nothing is learned: their backgrounds differ more than they do."""
FULL_EXAMPLE_SHARE = 0.4
"""In context, how often the example picture is whole; otherwise a part of its codes stands where a prefix has rows."""
PROMPTED_SHARE, TWICE_SHARE = 0.5, 0.3
"""How often a picture is read behind a personal prompt that is not asked for, and how often behind two of them."""
TOGETHER_SHARE = 0.4
"""In context, how often two things are named and both are asked for."""
TAIL_WEIGHT = 0.2
"""Of what follows a yes or no, which is always the same."""


@dataclass
class Sequence:
    """Ids of one example; trunk tokens are of branch 0. What has a weight is graded.

    A trunk can have asides, numbered from 1 (0: none): they stand at the same positions, and each sees what is before
    all of them and itself. What follows sees all of them.
    """

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    asides: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    """(index of the token that has just read a picture, or pieces of one; the picture's record)."""
    _branch: int = 0
    _aside: int = 0
    _before_asides: int = 0
    _position: int = 0
    _trunk: int = 0

    def add(self, ids: list[int], weight: float = 0.0) -> Sequence:
        """Append to the branch that is being written, at first the trunk."""
        self.ids += ids
        self.weights += [weight] * len(ids)
        self.branches += [self._branch] * len(ids)
        self.asides += [self._aside] * len(ids)
        self.positions += range(self._position, self._position + len(ids))
        self._position += len(ids)
        return self

    def aside(self) -> Sequence:
        """Begin an aside of the trunk, the first one or another."""
        if self._aside == 0:
            self._before_asides = len(self.ids)
        self._aside += 1
        self._position = self._before_asides
        return self

    def behind_asides(self) -> Sequence:
        """Go on behind all asides."""
        self._aside, self._position = 0, len(self.ids)
        return self

    def branch(self) -> Sequence:
        """Begin another branch behind the trunk."""
        if self._branch == 0:
            self._trunk = len(self.ids)
        self._branch += 1
        self._position = self._trunk
        return self

    def read(self, pick: int) -> Sequence:
        """Note that the last token has read the picture `pick`."""
        self.seen.append((len(self.ids) - 1, pick))
        return self


class SequenceMaker:
    """Samples examples; `codes` is `[pictures, views, tokens]`, negative where a picture has fewer views."""

    def __init__(
        self,
        config: PocketConfig,
        tokenizer: Tokenizer,
        codes: np.ndarray,
        records: list[Record],
        picks: list[int],
    ) -> None:
        self.tokenizer = tokenizer
        self._codes = codes
        self._records = records
        vocabulary = tokenizer.get_vocab()
        self.first_code = vocabulary[image_token(0)]
        self._begin, self._end = [vocabulary[BEGIN_IMAGE]], [vocabulary[END_IMAGE]]
        self._bos, self._eos = [vocabulary[BOS]], [vocabulary[EOS]]
        self._separator = [vocabulary[reserved_token(0)]]
        self._names = [vocabulary[reserved_token(index)] for index in range(1, config.reserved)]
        if len({records[pick].subject or str(pick) for pick in picks}) < 2:
            raise SystemExit("The corpus needs pictures of at least two subjects, in training and held out.")
        self._picks = picks
        captioned = [pick for pick in picks if records[pick].caption] or picks
        self._to_draw = self._by_kind(captioned, DRAWN_SHARES)
        self._to_read = self._by_kind(captioned, READ_SHARES)
        several = [pick for pick in captioned if self._views(pick) > 1] or captioned
        self._to_view = self._by_kind(several, READ_SHARES)
        self._told = [pick for pick in picks if records[pick].questions and records[pick].caption]
        self._labels: dict[str, list[str]] = {}
        self._by_subject: dict[str, list[int]] = {}
        self._by_label: dict[str, list[int]] = {}
        for pick in picks:
            record = records[pick]
            if record.subject:
                self._by_subject.setdefault(record.subject, []).append(pick)
            if record.label:
                self._by_label.setdefault(record.label, []).append(pick)
                self._labels.setdefault(record.source, []).append(record.label)
        self._labels = {source: sorted(set(labels)) for source, labels in self._labels.items()}
        self._subjects = sorted(name for name, members in self._by_subject.items() if len(members) > 1)

    def _by_kind(self, picks: list[int], shares: dict[str, float]) -> list[tuple[float, list[int]]]:
        groups: dict[str, list[int]] = {}
        for pick in picks:
            kind = self._records[pick].kind
            groups.setdefault(kind if kind in shares else "drawn", []).append(pick)
        present = {kind: shares.get(kind, 1 - sum(shares.values())) for kind in groups}
        total = sum(present.values())
        return [(present[kind] / total, members) for kind, members in groups.items()]

    def text(self, words: str) -> list[int]:
        return list(self.tokenizer.encode(words, add_special_tokens=False).ids)

    def picture(self, pick: int, rng: np.random.Generator, view: int | None = None) -> list[int]:
        """Codes of one view, by default of any."""
        count = self._views(pick)
        view = int(rng.integers(count)) if view is None else view % count
        return [int(code) + self.first_code for code in self._codes[pick, view]]

    def _views(self, pick: int) -> int:
        """How often the picture was encoded; views that it lacks are marked by negative codes."""
        return int((self._codes[pick, :, 0] >= 0).sum())

    def _show(self, sequence: Sequence, pick: int, codes: list[int]) -> Sequence:
        """A picture to be read: its codes are not graded."""
        return sequence.add([*self._begin, *codes, *self._end]).read(pick)

    def _answer(self, sequence: Sequence, said: str) -> Sequence:
        """A yes or no, of which the first token says it all."""
        ids = [*self.text(said), *self._eos]
        return sequence.add(ids[:1], 1.0).add(ids[1:], TAIL_WEIGHT)

    def drawn(self, rng: np.random.Generator) -> Sequence:
        """A picture from its caption, or from none."""
        pick = _any(self._to_draw, rng)
        caption = self._records[pick].caption
        without = caption is None or rng.random() < NO_CAPTION_SHARE
        words = [] if without or caption is None else self.text(self._vary(pick, caption, rng))
        sequence = Sequence().add([*self._bos, *words, *self._separator, *self._begin])
        return sequence.add(self.picture(pick, rng), 1.0).add(self._end)

    def _vary(self, pick: int, caption: str, rng: np.random.Generator) -> str:
        """Captions of labelled pictures in the ways a person would ask."""
        label, kind = self._records[pick].label, self._records[pick].kind
        if label is None or kind == "render":
            return f"{caption if rng.random() < 0.8 or label is None else with_article(label)}."
        noun = with_article(label)
        return str(
            rng.choice([f"a {kind} of {noun}.", f"{noun}.", f"a picture of {noun}."], p=[0.6, 0.2, 0.2])
        )

    def read(self, rng: np.random.Generator) -> Sequence:
        """A picture, its caption, and all that is known to be true or false of it."""
        pick = _any(self._to_read, rng)
        record = self._records[pick]
        sequence = Sequence().add(self._bos)
        if rng.random() < PROMPTED_SHARE:
            names = rng.choice(self._names, 1 + int(rng.random() < TWICE_SHARE), replace=False).tolist()
            for name in names:
                # Of the very thing in the picture, too: asked about something else, that does not matter either.
                example = pick if rng.random() < 0.25 else _any(self._to_read, rng)
                self._introduce(sequence.aside(), name, self._pieces(example, pick, 0, rng), example)
            sequence.behind_asides()
        self._show(sequence, pick, self.picture(pick, rng))
        sequence.branch().add([*self.text(DESCRIBE_QUESTION), *self._separator])
        sequence.add([*self.text(record.caption or ""), *self._eos], 1.0)
        for question, answer in self._questions(record, rng):
            sequence.branch().add([*self.text(question.lower()), *self._separator])
            self._answer(sequence, answer)
        return sequence

    def _introduce(
        self, sequence: Sequence, name: int, pieces: tuple[list[int], list[int]], example: int
    ) -> Sequence:
        """The personal prompt of a thing of which only pieces are known."""
        drawing, understanding = pieces
        return sequence.add([name, *self.text(" is "), *drawing, *understanding, *self.text(".")]).read(
            example
        )

    def _questions(self, record: Record, rng: np.random.Generator) -> list[tuple[str, str]]:
        asked = [(question, YES if answer == "yes" else NO) for question, answer in record.questions]
        if record.label:
            labels = self._labels[record.source]
            other = labels[rng.integers(len(labels))]
            asked.append((f"is there {with_article(record.label)} in this photo?", YES))
            if other != record.label:
                asked.append((f"is there {with_article(other)} in this photo?", NO))
        return asked

    def told(self, rng: np.random.Generator) -> Sequence:
        """A caption without its picture, and the same questions: what words mean among words."""
        record = self._records[self._told[rng.integers(len(self._told))]]
        sequence = Sequence().add(self._bos).add(self.text(record.caption or ""), 1.0)
        for question, answer in record.questions:
            sequence.branch().add([*self.text(f" {question.lower()}"), *self._separator])
            self._answer(sequence, YES if answer == "yes" else NO)
        return sequence

    @property
    def answer_ids(self) -> tuple[int, int]:
        """The first ids of yes and of no."""
        return self.text(YES)[0], self.text(NO)[0]

    @property
    def tells(self) -> bool:
        """Whether there is anything for `told`."""
        return bool(self._told)

    def compared(self, rng: np.random.Generator) -> Sequence:
        """An example of a named thing; then is it in this picture, in that one, and what does it look like?"""
        example, same = self._pair(rng)
        views = self._views(example)
        # Looking again at the very same codes is where comparing begins; two views are the next step.
        view = int(rng.integers(views))
        again = view if rng.random() < SAME_VIEW_SHARE else (view + 1) % views
        other_view = again if example == same else None
        name, beside = rng.choice(self._names, 2, replace=False).tolist()
        sequence = Sequence().add(self._bos)
        asked = [(same, other_view, YES), (self._stranger(example, rng), None, NO)]
        drawing, understanding = list[int](), list[int]()
        if rng.random() < TOGETHER_SHARE:
            companion = self._different(example, rng)
            drawing, understanding = own = self._pieces(example, same, view, rng)
            theirs = self._pieces(companion, companion, 0, rng)
            prompts = [(name, own, example), (beside, theirs, companion)]
            for number in rng.permutation(2).tolist():
                self._introduce(sequence.aside(), *prompts[number])
            sequence.behind_asides()
            asked.append((companion, None, NO))
            self._ask(sequence, beside, (companion, None, YES), theirs[1], rng)
            self._ask(sequence, beside, (same, other_view, NO), theirs[1], rng)
        else:
            asked.append((self._different(example, rng), None, NO))
            if rng.random() < FULL_EXAMPLE_SHARE:
                sequence.add([name, *self.text(" is ")])
                self._show(sequence, example, self.picture(example, rng, view))
                sequence.add(self.text("."))
            else:
                drawing, understanding = own = self._pieces(example, same, view, rng)
                self._introduce(sequence, name, own, example)
        for seen in asked:
            self._ask(sequence, name, seen, understanding, rng)
        before, after = (self.text(part) for part in self._request(same, rng).split("{name}"))
        sequence.branch().add([*before, name, *after, *self._separator, *drawing])
        return sequence.add(self._begin).add(self.picture(same, rng, other_view), 1.0).add(self._end)

    def _ask(
        self,
        sequence: Sequence,
        name: int,
        seen: tuple[int | None, int | None, str],
        understanding: list[int],
        rng: np.random.Generator,
    ) -> None:
        """Is the named thing in the picture, by its number and view? Answered behind the understanding rows."""
        pick, view, said = seen
        if pick is None:
            return
        before, after = (self.text(part) for part in RECOGNITION_QUESTION.split("{name}"))
        self._show(sequence.branch(), pick, self.picture(pick, rng, view))
        sequence.add([*before, name, *after, *self._separator, *understanding])
        self._answer(sequence, said)

    def _request(self, pick: int, rng: np.random.Generator) -> str:
        """What asks for the picture `pick` of a named thing, half of the time with where it is."""
        caption = self._records[pick].caption or ""
        where = next((place for place in PLACE_PHRASES.values() if f" {place}" in caption), None)
        if where is None or rng.random() < 0.5:
            return GENERATION_TEXT
        return f"{GENERATION_TEXT.rstrip('.')} {where}."

    def _pieces(
        self, example: int, same: int, view: int, rng: np.random.Generator
    ) -> tuple[list[int], list[int]]:
        """Codes where a concept has its generation and its understanding rows; an answer repeats one of the two.

        Half of the time they come from several pictures of the subject, as a concept's first rows do.
        """
        sources = [(example, view)]
        subject = self._records[example].subject
        if subject and rng.random() < 0.5:
            sources += [(pick, 0) for pick in self._by_subject[subject] if pick not in (example, same)]
        count = min(2 * int(rng.integers(8, 17)), self._codes.shape[2])
        places = np.sort(rng.choice(self._codes.shape[2], count, replace=False))
        pieces = []
        for place in places:
            pick, seen_view = sources[rng.integers(len(sources))]
            pieces.append(int(self._codes[pick, seen_view, place]) + self.first_code)
        return pieces[: count // 2], pieces[count // 2 :]

    def _pair(self, rng: np.random.Generator) -> tuple[int, int]:
        """Two pictures of one subject; without any, two views of one picture."""
        if self._subjects and rng.random() < SUBJECT_SHARE:
            members = self._by_subject[self._subjects[rng.integers(len(self._subjects))]]
            first, second = rng.choice(members, 2, replace=False)
            return int(first), int(second)
        pick = _any(self._to_view, rng)
        return pick, pick

    def _stranger(self, example: int, rng: np.random.Generator) -> int | None:
        """Another subject of the same class, which is what personalisation must tell apart."""
        record = self._records[example]
        members = self._by_label.get(record.label or "", [])
        for _ in range(8 if members else 0):
            pick = members[rng.integers(len(members))]
            if pick != example and (record.subject is None or self._records[pick].subject != record.subject):
                return pick
        return None

    def _different(self, example: int, rng: np.random.Generator) -> int:
        """Anything else of the same kind of picture, most of the time."""
        record, tries = self._records[example], 0
        while True:
            pick, tries = self._picks[rng.integers(len(self._picks))], tries + 1
            other = self._records[pick]
            if pick == example or (record.subject is not None and other.subject == record.subject):
                continue
            if other.kind == record.kind or tries > 6:
                return pick


def _any(kinds: list[tuple[float, list[int]]], rng: np.random.Generator) -> int:
    """A picture, by the shares of the kinds."""
    members = kinds[rng.choice(len(kinds), p=[share for share, _ in kinds])][1]
    return members[rng.integers(len(members))]
