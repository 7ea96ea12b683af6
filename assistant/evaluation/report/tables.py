"""Reports of evaluations as tables of text, for a terminal and for `report.md` alike. Computes and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]
Table = list[Sequence[str]]

CONTROLS = ("embedding_only", "retrieval_only", "prefix_only", "other_prefix", "no_concept", "same_class")
RATES = ("weighted", "positive", "negative", "precision", "recall", "ece", "coverage_at_98", "abstained")
TWO_SUBJECTS = "two subjects"
TOGETHER_ROWS = ("product", "alone", "beside_another")
BACKGROUND_ROWS = ("untouched", "swapped", "background_only", "strangers")
BACKGROUND_PARTS = ("product", "embedding_only", "prefix_only", "retrieval_only")
BESIDE = ("reranked", "no_concept", "in_places", "reconstruction")
"""What is scored beside first samples: what serving keeps of several candidates; first samples of the class without a
concept; first samples that were asked for in a place; the shots after the backbone's own image tokenizer, which no
drawing of its can be expected to exceed."""
SHOTS_ROWS = ("retrieval_only", "prefix_only", "same_class")
ABLATION_CONTROLS = ("no_concept", "retrieval_only", "other_prefix")
MEASURES = ("caption_top1", "attribute_questions", "text_bits_per_token")
"""Of general ability, as `evaluate backbone` calls them."""


def recognition_table(report: Report) -> Table:
    """The product with its controls, one row each."""
    measured = {"product": report, **{name: report.get(name) for name in CONTROLS}, **_together(report)}
    rows: Table = [("", *RATES, "interval")]
    rows += [
        (name, *(number(row.get(key)) for key in RATES), between(row.get("interval")))
        for name, row in measured.items()
        if row
    ]
    return rows


def _together(report: Report) -> dict[str, Any]:
    """The prefix's rows with another concept in the prompt, where that was measured."""
    together = report.get("together")
    if not together:
        return {}
    rows = {"beside_another": together["beside_another"]}
    return rows | {f"{TWO_SUBJECTS}: {name}": together["composites"][name] for name in TOGETHER_ROWS}


def background_table(report: Report) -> Table:
    """Shares of yes by row and by what is asked; empty where that was not measured."""
    measured = report.get("background")
    if not measured:
        return []
    head = (f"yes, {measured['with_mask']} of {measured['photos']} photos", *BACKGROUND_PARTS)
    return [
        head,
        *(
            (row, *(number(measured[row][part]["yes"]) for part in BACKGROUND_PARTS))
            for row in BACKGROUND_ROWS
        ),
    ]


def generation_table(report: Report) -> Table:
    """What was drawn, with its controls, between the nearest other subject and real photos."""
    rows: Table = [("", "similarity", "position", "interval")]
    for name, row in (("first samples", report), *((name, report.get(name)) for name in BESIDE)):
        if row:
            rows.append((name, *(number(row[key]) for key in rows[0][1:3]), between(row.get("interval"))))
    rows.append(("floor: nearest other subject", number(report["floor"]), number(0.0), "–"))
    rows.append(("ceiling: real photos", number(report["ceiling"]), number(1.0), "–"))
    return rows


def fidelity_table(report: Report) -> Table:
    """How often drawings show the place that they were asked for: with the concept, and of its class without it."""
    detail = report["prompt_fidelity_detail"]
    rows: Table = [("place", "with_concept", "no_concept")]
    rows += [
        (name, number(row["with_concept"]), number(row["no_concept"]))
        for name, row in (*detail["places"].items(), ("all places", detail))
    ]
    rows.append(("above chance", *(number(_above_chance(detail, name)) for name in rows[0][1:])))
    return rows


def _above_chance(detail: Report, name: str) -> float | None:
    return None if detail[name] is None else float(detail[name] - detail["chance"])


def shots_table(report: Report) -> Table:
    """A row per number of shots: the product, and each control's weighted accuracy."""
    rows: Table = [("shots", "product", "interval", *SHOTS_ROWS, "ece", "coverage_at_98")]
    for row in report["rows"]:
        controls = [number((row.get(name) or {}).get("weighted")) for name in SHOTS_ROWS]
        product = (number(row["weighted"]), between(row["interval"]))
        rows.append(
            (str(row["shots"]), *product, *controls, number(row["ece"]), number(row["coverage_at_98"]))
        )
    return rows


def ablation_table(report: Report) -> Table:
    """A row per way of training, what it changes of the full recipe and what it costs; then the controls."""
    rows: Table = [
        (
            *("", "weighted", "minus full", "area_under_curve", "similarity", "position", "minus full"),
            *("copy_rate", "elapsed_s", "trained_values", "bytes"),
        )
    ]
    rows += [_ablation_row(row["variant"], row) for row in report["rows"]]
    rows += [_ablation_row(name, report[name]) for name in ABLATION_CONTROLS if report[name]["recognition"]]
    for name, drawn in (("floor: nearest other subject", "floor"), ("ceiling: real photos", "ceiling")):
        rows.append(_ablation_row(name, {"generation": {"similarity": report[drawn]}}))
    return rows


def _ablation_row(name: str, row: Report) -> Sequence[str]:
    recognized, drawn, cost = (row.get(key) or {} for key in ("recognition", "generation", "cost"))
    change = row.get("minus_full") or {}
    return (
        name,
        number(recognized.get("weighted")),
        _changed(change.get("weighted")),
        number(recognized.get("area_under_curve")),
        *(number(drawn.get(key)) for key in ("similarity", "position")),
        _changed(change.get("similarity")),
        number(drawn.get("copy_rate")),
        number(cost.get("elapsed_s")),
        # Medians of whole numbers, which need not be whole.
        *(number(round(cost[key]) if key in cost else None) for key in ("trained_values", "bytes")),
    )


def _changed(difference: Report | None) -> str:
    if difference is None or difference["mean"] is None:
        return number(None)
    return f"{difference['mean']:+.3f} ({between(difference['interval'])})"


def retention_table(report: Report) -> Table:
    """A row per measure: bare, with the personal prompt as served, the difference, and where rows are forced."""
    rows: Table = [("", "bare", "with_prompt", "difference", "interval", "forced", "chance", "count")]
    for name in MEASURES:
        row = report[name]
        if row:
            rows.append(
                (
                    name,
                    number(row["bare"]),
                    number(row["with_prompt"]),
                    _difference(row),
                    between(row["interval"]),
                    _difference(row["forced"]),
                    number(row.get("chance")),
                    str(row["count"]),
                )
            )
    return rows


def _difference(row: Report) -> str:
    if "difference_points" in row:
        return f"{number(row['difference_points'])} points"
    return f"{number(row['difference_bits'])} bits"


def backbone_table(report: Report) -> Table:
    """One row per measure, the version before beside it."""
    now, before = flat(report), flat(report.get("previous") or {})
    rows: Table = [("", "now", "before")]
    rows += [(name, number(value), number(before.get(name))) for name, value in now.items()]
    return rows


def clusters_table(report: Report) -> Table:
    """A row per set of photos, with what came in by and by below what was grouped at once."""
    rows: Table = [
        (
            *("", "precision", "recall", "F", "clusters", "identities", "unassigned", "undetected"),
            "negatives_clustered",
        )
    ]
    sets = {name: report[name] for name in ("faces", "objects", "synthetic") if name in report}
    if "bcubed" in report:
        sets = {"all photos": report, **sets}
    for name, one in sets.items():
        rows.append(
            (
                name,
                *(number(one["bcubed"][key]) for key in ("precision", "recall", "f")),
                *(number(one.get(key)) for key in rows[0][4:]),
            )
        )
        for label, run in _as_they_come(one):
            numbers = (number(run[key]) for key in ("precision", "recall", "f"))
            rows.append((label, *numbers, *("–" for _ in rows[0][4:])))
        if one.get("named"):
            named = one["named"]
            words = f"{named['attached']} of {named['later']} joined, {named['attached_wrong']} wrongly"
            words += f"; asked about {named['suggested']}, {named['suggested_wrong']} wrongly"
            rows.append((f"  {named['shown']} named: {words}", *("" for _ in rows[0][1:])))
    return rows


def words_table(report: Report) -> Table:
    """A row for what is said, and one for each control."""
    rows: Table = [("", "photos", "given", "coverage", "judged", "right", "precision", "95 % interval")]
    shown = [
        ("a word is said", report["said"]),
        ("control: always the likeliest", report["control_likeliest_word"]),
        (f"control: always {report['control_one_word']['word']!r}", report["control_one_word"]),
    ]
    for name, row in shown if report["known"] else []:
        numbers = (number(row[key]) for key in ("given", "coverage", "judged", "right", "precision"))
        rows.append((name, number(report["known"]), *numbers, between(row["interval"])))
    unknown = report["without_truth"]
    if unknown["photos"]:
        rows.append(
            ("what they show is not known", number(unknown["photos"]), number(unknown["given"]), *[""] * 5)
        )
    return rows


def sentences_table(report: Report) -> Table:
    """A row for each task and group of languages, by meaning and by the control."""
    keys = (
        "cases",
        "answerable",
        "top1",
        "mrr",
        "threshold",
        "given",
        "right",
        "precision",
        "recall",
        "abstained",
    )
    rows: Table = [("", "task", "languages", *keys)]
    rows += [
        (row["method"], row["task"], row["languages"], *(number(row[key]) for key in keys))
        for row in report["rows"]
    ]
    return rows


def told_table(report: Report) -> Table:
    """What the chat answers from what was told, and what it would answer by words alone."""
    keys = ("cases", "given", "right", "precision", "recall", "abstained")
    rows: Table = [("what was told, answered by", "languages", *keys)]
    rows += [
        (row["method"], row["languages"], *(number(row[key]) for key in keys)) for row in report["answers"]
    ]
    return rows


def _as_they_come(one: Report) -> list[tuple[str, Report]]:
    incremental = one.get("incremental")
    if not incremental:
        return []
    if "bcubed" in incremental:
        return [(f"  in {incremental['parts']} parts", incremental["bcubed"])]
    return [(f"  shuffled, in {run['parts']} parts", run) for run in incremental["orders"]]


def siblings_table(report: Report) -> Table:
    """A row per distance between siblings; empty where that was not measured."""
    siblings = report.get("siblings")
    if not siblings:
        return []
    head = (
        *("distance of siblings", "their photos", "joined the named", "asked about"),
        *("own photos", "joined", "asked"),
    )
    keys = ("siblings", "merged", "asked", "own", "own_attached", "own_asked")
    return [
        head,
        *(
            (number(row["distance"]), *(str(row[key]) for key in keys))
            for row in (*siblings["limit_rows"], *siblings["rows"])
        ),
    ]


def per_concept_table(report: Report) -> Table:
    """A row per concept, a column per number; empty where the report has none."""
    concepts = {name: flat(row) | _words(row) for name, row in (report.get("per_concept") or {}).items()}
    columns = list(dict.fromkeys(key for row in concepts.values() for key in row))
    if not columns:
        return []
    return [
        ("", *columns),
        *((name, *(number(row.get(key)) for key in columns)) for name, row in concepts.items()),
    ]


def _words(row: Report) -> dict[str, object]:
    return {key: value for key, value in row.items() if isinstance(value, str)}


def settings_table(report: Report) -> Table:
    """What the numbers depend on."""
    return [("setting", "value"), *((name, _setting(value)) for name, value in report["settings"].items())]


def _setting(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_setting(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def flat(report: Report, prefix: str = "") -> dict[str, object]:
    """Nested numbers by dotted name; settings and the version before are left out."""
    found: dict[str, object] = {}
    for key, value in report.items():
        if isinstance(value, dict) and key not in ("settings", "previous"):
            found |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, int | float):
            found[f"{prefix}{key}"] = value
    return found


def number(value: object) -> str:
    """To three places; a dash where there is none."""
    return f"{value:.3f}" if isinstance(value, float) else "–" if value is None else str(value)


def between(interval: Sequence[float | None] | None) -> str:
    """A 95 % interval."""
    return f"{number(interval[0])} … {number(interval[1])}" if interval else "–"
