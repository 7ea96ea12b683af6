"""What the language model is trained on: sequences, and batches in which they share rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import ChameleonForConditionalGeneration

from assistant.evaluation.data.corpora import Record, with_article
from scripts.pocket.config import PocketConfig
from scripts.pocket.data.sequences import Sequence, SequenceMaker
from scripts.pocket.data.vocabulary import image_token, reserved_token, special_tokens, train_vocabulary
from scripts.pocket.model.checkpoint import chameleon_config
from scripts.pocket.model.code_embeddings import merge_levels, share_levels
from scripts.pocket.train_language_model import ROW_LENGTH, Batch, Losses, Recognizing

SMALL = PocketConfig(
    levels=(4, 4), text_vocabulary=300, reserved=6, hidden=32, intermediate=48, layers=2, heads=2
)
CODES = 16
QUESTIONS = [["Is the cup red?", "yes"], ["Is this on a beach?", "no"]]
KINDS = ("drawn", "read", "compared", "told")


def records() -> list[Record]:
    """Two pictures of each of five cups, then ten labelled photos of two kinds."""
    cups = [
        Record("render", "render", "cup", f"a red cup {n}.", f"render:{n // 2}", questions=QUESTIONS)
        for n in range(10)
    ]
    photos = [
        Record("open", "photo", label, f"a photo of {with_article(label)}") for label in ["dog", "apple"] * 5
    ]
    return [*cups, *photos]


@pytest.fixture(scope="module")
def maker() -> SequenceMaker:
    found = records()
    texts = [record.caption or "" for record in found]
    codes = np.random.default_rng(0).integers(0, CODES, (20, 2, 64)).astype(np.int16)
    return SequenceMaker(SMALL, train_vocabulary(texts, SMALL), codes, found, list(range(20)))


SPECIAL = {token: number for number, token in enumerate(special_tokens(SMALL))}
BEGIN, END = SPECIAL["<racm3:break>"], SPECIAL["<eoss>"]
SEPARATOR, EOS = SPECIAL[reserved_token(0)], SPECIAL["</s>"]


def branches(sequence: Sequence) -> list[list[tuple[int, float]]]:
    """(id, weight) of the trunk and of every branch."""
    return [
        [
            (token, weight)
            for token, weight, owner in zip(sequence.ids, sequence.weights, sequence.branches, strict=True)
            if owner == branch
        ]
        for branch in range(max(sequence.branches) + 1)
    ]


def test_special_tokens_have_chameleons_names_and_come_first() -> None:
    tokenizer = train_vocabulary(["a red cup"], SMALL)
    vocabulary = tokenizer.get_vocab()
    special = special_tokens(SMALL)
    assert [vocabulary[token] for token in special] == list(range(len(special)))
    assert image_token(305) == "IMGIMGDAFZ" and image_token(0) == "IMGIMGAZ"
    assert reserved_token(0) == "<reserved08706>"
    assert len(set(special)) == len(special) == 4 + CODES + 3 + 6
    text = tokenizer.encode("A Red Cup", add_special_tokens=False).ids
    assert tokenizer.decode(text) == "a red cup" and min(text) >= len(special)


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_fit_and_grade_answers_and_pictures_only(maker: SequenceMaker, kind: str) -> None:
    answers = set()
    for step in range(100):
        sequence = getattr(maker, kind)(np.random.default_rng((11, step)))
        assert len(sequence.ids) == len(sequence.weights) == len(sequence.branches) == len(sequence.positions)
        assert max(sequence.positions) < SMALL.max_positions
        trunk = sequence.branches.count(0)
        assert set(sequence.branches[:trunk]) == {0} and not any(sequence.asides[trunk:])
        # Asides begin at the same place, and what follows stands behind all of them together.
        for aside in range(1, max(sequence.asides) + 1):
            own = [p for p, a in zip(sequence.positions, sequence.asides, strict=True) if a == aside]
            assert own == list(range(1, 1 + len(own))) and len(own) > 3
        for place in range(trunk):
            assert sequence.asides[place] or sequence.positions[place] == place
        for number, branch in enumerate(branches(sequence)):
            ids = [token for token, _ in branch]
            inside = False
            for place, (token, weight) in enumerate(branch):
                inside = token == BEGIN or (inside and token != END)
                if inside and token != BEGIN:
                    assert maker.first_code <= token < maker.first_code + CODES
                    drawn = kind == "drawn" or (kind == "compared" and SEPARATOR in ids[:place])
                    assert (weight > 0) == drawn, "what is read is not graded"
                elif weight > 0 and kind != "told":
                    assert SEPARATOR in ids[:place]
            assert ids.count(BEGIN) == ids.count(END) and ids.count(SEPARATOR) <= 1
            places = [p for p, b in zip(sequence.positions, sequence.branches, strict=True) if b == number]
            if number:
                assert places == list(range(trunk, trunk + len(places))), "it goes on where the trunk ends"
            answers.add(tuple(token for token, weight in branch if weight == 1.0))
    assert len(answers) > 2


def test_what_was_read_is_noted_behind_the_picture(maker: SequenceMaker) -> None:
    stop = maker.text(".")[0]
    for step in range(50):
        for kind in ("read", "compared"):
            sequence = getattr(maker, kind)(np.random.default_rng((2, step)))
            assert sequence.seen
            for place, pick in sequence.seen:
                assert 0 <= pick < 20
                assert sequence.ids[place] == END or (
                    sequence.branches[place] == 0 and sequence.ids[place] == stop
                )


NAMES = {SPECIAL[reserved_token(number)] for number in range(1, SMALL.reserved)}


def introduced(sequence: Sequence) -> dict[int, tuple[int, list[int]]]:
    """By name in the trunk: the picture that it stands for, and the codes that stand for its rows."""
    found = {}
    for aside in set(sequence.asides[: sequence.branches.count(0)]):
        places = [p for p in range(sequence.branches.count(0)) if sequence.asides[p] == aside]
        ids = [sequence.ids[place] for place in places]
        names = [token for token in ids if token in NAMES]
        picks = [pick for place, pick in sequence.seen if place in places]
        if names:
            shown = [] if BEGIN in ids else [token for token in ids if token >= SPECIAL[image_token(0)]]
            found[names[0]] = (picks[0], [t for t in shown if t < SPECIAL[image_token(0)] + CODES])
    return found


def test_yes_means_the_same_thing(maker: SequenceMaker) -> None:
    """In context, a yes shows another picture of the subject that is asked for, a no never does."""
    found = records()
    yes, no = maker.answer_ids
    together = 0
    for step in range(200):
        sequence = maker.compared(np.random.default_rng((5, step)))
        named = introduced(sequence)
        together += len(named) == 2
        said_of: dict[int, set[int]] = {}
        picks = {sequence.branches[place]: pick for place, pick in sequence.seen if sequence.branches[place]}
        for number, branch in enumerate(branches(sequence)):
            if number not in picks:
                continue
            [name] = {token for token, _ in branch} & NAMES
            said = next(token for token, weight in branch if token in (yes, no) and weight == 1.0)
            pick, example = picks[number], named[name][0]
            same = pick == example or (
                found[pick].subject is not None and found[pick].subject == found[example].subject
            )
            assert same == (said == yes)
            said_of.setdefault(name, set()).add(said)
        assert len(said_of) == len(named)
        assert all(said == {yes, no} for said in said_of.values())
    assert 40 < together < 120


def test_personal_prompts_before_a_picture_change_no_answer(maker: SequenceMaker) -> None:
    """Whoever is introduced, what is asked about a picture and what is answered stay what they are without."""
    counts = {0: 0, 1: 0, 2: 0}
    known: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for step in range(300):
        sequence = maker.read(np.random.default_rng((6, step)))
        named = introduced(sequence)
        counts[len(named)] += 1
        [pick] = [p for place, p in sequence.seen if sequence.ids[place] == END]
        for branch in branches(sequence)[1:]:
            ids = [token for token, _ in branch]
            assert not NAMES & set(ids), "nobody is asked for by name"
            turn = ids.index(SEPARATOR)
            known.setdefault((pick, *ids[:turn]), set()).add(tuple(ids[turn:]))
    assert all(len(answers) == 1 for answers in known.values())
    assert min(counts.values()) > 20


def test_an_answer_in_context_starts_with_half_of_the_rows_stand_ins(maker: SequenceMaker) -> None:
    """As self-prompting does: a drawing repeats the first half, an answer about a picture the second."""
    codes = range(maker.first_code, maker.first_code + CODES)
    seen = {True: 0, False: 0}
    for step in range(100):
        sequence = maker.compared(np.random.default_rng(step))
        named = introduced(sequence)
        for branch in branches(sequence)[1:]:
            ids = [token for token, _ in branch]
            turn = ids.index(SEPARATOR)
            [name] = set(ids[:turn]) & NAMES
            shown = named[name][1]
            draws = BEGIN in ids[turn:]
            stop = ids.index(BEGIN, turn) if draws else len(ids)
            repeated = [token for token in ids[turn:stop] if token in codes]
            assert len(shown) == 2 * len(repeated) <= 32
            if shown:
                assert repeated == (shown[: len(repeated)] if draws else shown[len(repeated) :])
                seen[draws] += 1
    assert min(seen.values()) > 20


def test_one_subject_alone_is_refused_instead_of_searched_forever() -> None:
    alone = [Record("render", "render", "cup", "a cup.", "render:1") for _ in range(4)]
    tokenizer = train_vocabulary(["a cup."], SMALL)
    with pytest.raises(SystemExit, match="two subjects"):
        SequenceMaker(SMALL, tokenizer, np.zeros((4, 2, 64), np.int16), alone, [0, 1, 2, 3])


def test_sharing_rows_and_trunks_changes_no_loss(maker: SequenceMaker) -> None:
    """Every branch by itself, behind its own copy of the trunk, gives what all give side by side in one batch."""
    torch.manual_seed(0)
    tokenizer = maker.tokenizer
    model = ChameleonForConditionalGeneration(chameleon_config(SMALL, tokenizer)).eval()
    for parameter in model.model.layers.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    features = torch.randn(20, 7)
    codes = range(maker.first_code, maker.first_code + CODES)
    losses = Losses(model, Recognizing(model, 32, 7), features, codes, maker.answer_ids)
    rng = np.random.default_rng(3)
    sequences = [maker.drawn(rng), maker.compared(rng), maker.read(rng), maker.read(rng)]
    while not {1, 2} <= set(sequences[1].asides):
        sequences[1] = maker.compared(rng)
    together = Batch(sequences, 1, "cpu")
    assert together.ids.shape[0] < len(sequences) and together.ids.shape[1] >= ROW_LENGTH // 2
    apart: dict[str, list[tuple[float, float]]] = {"image": [], "text": []}
    for sequence in sequences:
        trunk, *others = branches(sequence)
        for number, branch in enumerate([trunk, *others]):
            alone = Sequence()
            for token, weight in trunk if number else ():
                alone.add([token], 0.0 * weight)
            for token, weight in branch:
                alone.add([token], weight)
            shown = len(trunk) if number else len(branch)
            alone.asides[:shown] = sequence.asides[:shown]
            alone.positions[:shown] = sequence.positions[:shown]
            # The first token of a branch is not predicted by the trunk.
            if number:
                alone.weights[len(trunk)] = 0.0
            graded = [(t, w) for t, w in zip(alone.ids[1:], alone.weights[1:], strict=True) if w > 0]
            if not graded:
                continue
            _, parts = losses("compared", Batch([alone], 1, "cpu"))
            for name in apart:
                weight = sum(w for t, w in graded if (t in codes) == (name == "image"))
                if weight:
                    apart[name].append((parts[f"compared:{name}"], weight))
    _, parts = losses("compared", together)
    for name, values in apart.items():
        mean = sum(value * weight for value, weight in values) / sum(weight for _, weight in values)
        assert parts[f"compared:{name}"] == pytest.approx(mean, rel=1e-4)


def test_what_stands_aside_is_read_as_if_it_were_alone(maker: SequenceMaker) -> None:
    """The states of the second personal prompt are those of a prompt that is the only one."""
    torch.manual_seed(0)
    model = ChameleonForConditionalGeneration(chameleon_config(SMALL, maker.tokenizer)).eval()
    for parameter in model.model.layers.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    rng = np.random.default_rng(1)
    both = maker.compared(rng)
    while not {1, 2} <= set(both.asides):
        both = maker.compared(rng)
    second = [place for place, aside in enumerate(both.asides) if aside == 2]
    alone = Sequence().add([both.ids[0], *(both.ids[place] for place in second)])
    states = []
    for sequence in (both, alone):
        batch = Batch([sequence], 1, "cpu")
        with torch.no_grad():
            states.append(
                model.model(
                    input_ids=batch.ids,
                    attention_mask=batch.mask,
                    position_ids=batch.positions,
                    use_cache=False,
                ).last_hidden_state[0]
            )
    torch.testing.assert_close(states[0][second], states[1][1:], atol=1e-4, rtol=1e-3)


def test_codes_that_share_levels_share_what_they_learn_and_merge_into_ordinary_rows() -> None:
    tokenizer = train_vocabulary(["a red cup"], SMALL)
    first_code = tokenizer.get_vocab()[image_token(0)]
    model = ChameleonForConditionalGeneration(chameleon_config(SMALL, tokenizer))
    before = model.get_input_embeddings().weight.detach().clone()
    share_levels(model, SMALL.levels, first_code)
    ids = torch.tensor([[first_code + 1, 0]])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = model.get_input_embeddings().weight.detach().clone()
    model.get_input_embeddings()(ids).sum().backward()
    optimizer.step()
    after = model.get_input_embeddings().weight.detach().clone()
    moved = (after - start).abs().sum(dim=1) > 1e-6
    # Code 1 is level 0 of the first axis and level 1 of the second; text row 0 moves alone.
    assert moved[first_code : first_code + 16].nonzero().flatten().tolist() == [0, 1, 2, 3, 5, 9, 13]
    assert (~moved[:first_code]).sum() == first_code - 1 and moved[0]
    assert torch.equal(before[:first_code], start[:first_code])
    merge_levels(model)
    assert torch.equal(model.get_input_embeddings().weight, after)
    assert not any("parametrizations" in name for name in model.state_dict())
