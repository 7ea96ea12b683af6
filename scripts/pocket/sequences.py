"""Turns corpus records and cached image codes into training sequences in the wording that the product uses.

Text to picture, captions and yes/no questions; and, in context with a reserved name token, recognising, naming and
drawing again the thing that another picture shows — what a learned prefix will later do without that picture, in the
prompt that it will have, self-prompting included. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from tokenizers import Tokenizer

from assistant.evaluation.corpora import Record, with_article
from personalizer.prompts import DESCRIBE_QUESTION, GENERATION_TEXT, NO, RECOGNITION_QUESTION, YES
from scripts.pocket.config import PocketConfig
from scripts.pocket.vocabulary import BEGIN_IMAGE, BOS, END_IMAGE, EOS, image_token, reserved_token

NO_CAPTION_SHARE = 0.12
"""Share of picture requests with empty text: what classifier-free guidance compares with."""
SUBJECT_SHARE, SAME_VIEW_SHARE = 0.4, 0.3
"""In context, how often two pictures of a subject are compared instead of two views of one picture, and how often those
are the same view. With subjects alone nothing is learned: their backgrounds differ more than they do."""
FULL_EXAMPLE_SHARE = 0.4
"""In context, how often the example picture is whole; otherwise a part of its codes stands where a prefix has rows."""
DRAW_SHARE, NAME_SHARE = 0.35, 0.1
"""In context, how often the thing is to be drawn, and how often a picture is to be described by its name."""


@dataclass
class Sequence:
    """Ids of one example; `answer` marks text ids that are graded. Every image code is graded as well."""

    ids: list[int] = field(default_factory=list)
    answer: list[bool] = field(default_factory=list)
    shown_until: int = 0
    """In context: the index of the token behind the example, which has read all of it and nothing else."""
    same: list[int] = field(default_factory=list)
    """In context: another picture of the example's subject, framed, whether or not it is in the sequence."""

    def add(self, ids: list[int], *, answer: bool = False) -> Sequence:
        self.ids += ids
        self.answer += [answer] * len(ids)
        return self


class SequenceMaker:
    """Samples examples; `codes` is `[pictures, views, tokens]`."""

    def __init__(
        self,
        config: PocketConfig,
        tokenizer: Tokenizer,
        codes: np.ndarray,
        records: list[Record],
        picks: list[int],
    ) -> None:
        self._tokenizer = tokenizer
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
        self._picks = np.array(picks)
        self._captioned = np.array([pick for pick in picks if records[pick].caption])
        self._asked = np.array([pick for pick in picks if records[pick].questions])
        self._labels = sorted({label for pick in picks if (label := records[pick].label)})
        self._by_subject: dict[str, list[int]] = {}
        self._by_label: dict[str, list[int]] = {}
        for pick in picks:
            record = records[pick]
            if record.subject:
                self._by_subject.setdefault(record.subject, []).append(pick)
            if record.label:
                self._by_label.setdefault(record.label, []).append(pick)
        self._subjects = sorted(name for name, members in self._by_subject.items() if len(members) > 1)

    def text(self, words: str) -> list[int]:
        return list(self._tokenizer.encode(words, add_special_tokens=False).ids)

    def picture(self, pick: int, rng: np.random.Generator, view: int | None = None) -> list[int]:
        """Codes of one view, by default of any."""
        view = int(rng.integers(self._codes.shape[1])) if view is None else view
        return [int(code) + self.first_code for code in self._codes[pick, view]]

    def framed(self, codes: list[int]) -> list[int]:
        return [*self._begin, *codes, *self._end]

    def short(self, rng: np.random.Generator) -> Sequence:
        """A one-picture example."""
        kind = rng.random()
        if kind < 0.5:
            return self._draw(int(rng.choice(self._picks)), rng)
        if kind < 0.75:
            return self._caption(int(rng.choice(self._captioned)), rng)
        asked = len(self._asked) and rng.random() < 0.5
        pick = int(rng.choice(self._asked if asked else self._captioned))
        return self._question(pick, rng)

    def _draw(self, pick: int, rng: np.random.Generator) -> Sequence:
        caption = self._records[pick].caption
        words = (
            []
            if caption is None or rng.random() < NO_CAPTION_SHARE
            else self.text(self._vary(pick, caption, rng))
        )
        sequence = Sequence().add(self._bos).add(words).add(self._separator)
        return sequence.add(self.framed(self.picture(pick, rng))).add(self._eos, answer=True)

    def _vary(self, pick: int, caption: str, rng: np.random.Generator) -> str:
        """Captions of labelled pictures in the ways a person would ask."""
        label = self._records[pick].label
        if label is None or self._records[pick].kind == "render":
            return caption if rng.random() < 0.7 or label is None else f"{with_article(label)}."
        kind = self._records[pick].kind
        noun = with_article(label)
        return str(
            rng.choice([f"a {kind} of {noun}.", f"{noun}.", f"a picture of {noun}."], p=[0.6, 0.2, 0.2])
        )

    def _caption(self, pick: int, rng: np.random.Generator) -> Sequence:
        caption = self._records[pick].caption or ""
        sequence = Sequence().add(self._bos).add(self.framed(self.picture(pick, rng)))
        sequence.add(self.text(DESCRIBE_QUESTION)).add(self._separator)
        return sequence.add([*self.text(caption), *self._eos], answer=True)

    def _question(self, pick: int, rng: np.random.Generator) -> Sequence:
        record = self._records[pick]
        if record.questions and rng.random() < 0.7:
            question, answer = record.questions[rng.integers(len(record.questions))]
            answer = YES if answer == "yes" else NO
        else:
            true = rng.random() < 0.5
            label = record.label if true else self._labels[rng.integers(len(self._labels))]
            question = f"is there {with_article(label or 'thing')} in this photo?"
            answer = YES if label == record.label else NO
        sequence = Sequence().add(self._bos).add(self.framed(self.picture(pick, rng)))
        return (
            sequence.add(self.text(question.lower()))
            .add(self._separator)
            .add([*self.text(answer), *self._eos], answer=True)
        )

    def long(self, rng: np.random.Generator) -> Sequence:
        """A two-picture example about one named thing."""
        example, same = self._pair(rng)
        # Looking again at the very same codes is where comparing begins; two views are the next step.
        view = int(rng.integers(self._codes.shape[1]))
        again = view if rng.random() < SAME_VIEW_SHARE else (view + 1) % self._codes.shape[1]
        other_view = again if example == same else None
        name = [self._names[rng.integers(len(self._names))]]
        if rng.random() < FULL_EXAMPLE_SHARE:
            drawing, understanding = [], []
            shown = self.framed(self.picture(example, rng, view))
        else:
            drawing, understanding = self._pieces(example, same, view, rng)
            shown = drawing + understanding
        sequence = Sequence().add(self._bos).add(name).add(self.text(" is ")).add(shown).add(self.text("."))
        sequence.shown_until = len(sequence.ids) - 1
        sequence.same = [*self._bos, *self.framed(self.picture(same, rng, other_view))]
        before, after = (self.text(part) for part in GENERATION_TEXT.split("{name}"))
        named = [*before, *name, *after]
        task = rng.random()
        if task < DRAW_SHARE:
            sequence.add([*named, *self._separator, *drawing])
            return sequence.add(self.framed(self.picture(same, rng, other_view))).add(self._eos, answer=True)
        yes = rng.random() < 0.5
        seen = same if yes else self._different(example, rng)
        sequence.add(self.framed(self.picture(seen, rng, other_view if yes else None)))
        caption = self._records[seen].caption
        if task < DRAW_SHARE + NAME_SHARE and (yes or caption):
            sequence.add([*self.text(DESCRIBE_QUESTION), *self._separator, *understanding])
            return sequence.add([*(named if yes else self.text(caption or "")), *self._eos], answer=True)
        before, after = (self.text(part) for part in RECOGNITION_QUESTION.split("{name}"))
        sequence.add([*before, *name, *after, *self._separator, *understanding])
        return sequence.add([*self.text(YES if yes else NO), *self._eos], answer=True)

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
        count = 2 * int(rng.integers(8, 17))
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
        pick = int(rng.choice(self._picks))
        return pick, pick

    def _different(self, example: int, rng: np.random.Generator) -> int:
        """Half of the time a stranger of the same class, which is what personalisation must tell apart."""
        record = self._records[example]
        if record.label and rng.random() < 0.5:
            strangers = [
                pick
                for pick in self._by_label[record.label]
                if self._records[pick].subject != record.subject or record.subject is None
            ]
            strangers = [pick for pick in strangers if pick != example]
            if strangers:
                return int(strangers[rng.integers(len(strangers))])
        while True:
            pick = int(rng.choice(self._picks))
            if pick != example and (record.subject is None or self._records[pick].subject != record.subject):
                return pick
