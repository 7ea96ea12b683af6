"""The `familiar evaluate …` commands: each runs one evaluation in a separate home and prints its tables.

Knows options and tables, not how anything is measured.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from assistant.cli.front_end import front_end, notify, with_options
from assistant.evaluation.data.options import (
    AblationOptions,
    BackboneOptions,
    ClustersOptions,
    EvaluationRun,
    FindOptions,
    GenerationOptions,
    RecognitionOptions,
    RetentionOptions,
    RouterOptions,
    SentencesOptions,
    ShotsOptions,
    WordsOptions,
)
from assistant.evaluation.report import tables
from personalizer.errors import FamiliarError
from personalizer.home import Home, default_home

if TYPE_CHECKING:
    from assistant.evaluation.report.report import Kind

evaluate_app = typer.Typer(
    rich_markup_mode=None,
    help="Measure recognition, drawing, grouping, what a concept costs, and the backbone itself.",
)


@evaluate_app.command()
@with_options(RecognitionOptions)
def recognition(context: typer.Context, options: RecognitionOptions) -> None:
    """Is each one recognised, and nothing else taken for it? With its controls in the same table."""
    from assistant.evaluation.recognition.recognition import evaluate_recognition

    _run(context, partial(evaluate_recognition, options), recognition_lines, "recognition", options.report)


@evaluate_app.command()
@with_options(GenerationOptions)
def generation(context: typer.Context, options: GenerationOptions) -> None:
    """How much do drawn pictures look like their subject, between another subject and real photos?"""
    from assistant.evaluation.drawing.generation import evaluate_generation

    _run(context, partial(evaluate_generation, options), generation_lines, "generation", options.report)


@evaluate_app.command()
@with_options(ShotsOptions)
def shots(context: typer.Context, options: ShotsOptions) -> None:
    """How much better is it with more photos? Every row is tested on the same ones."""
    from assistant.evaluation.recognition.shots import evaluate_shots

    _run(context, partial(evaluate_shots, options), shots_lines, "shots", options.report)


@evaluate_app.command()
@with_options(RetentionOptions)
def retention(context: typer.Context, options: RetentionOptions) -> None:
    """What does a personal prompt cost the backbone? Asked about things that have nothing to do with it."""
    from assistant.evaluation.drawing.retention import evaluate_retention

    _run(context, partial(evaluate_retention, options), retention_lines, "retention", options.report)


@evaluate_app.command()
@with_options(AblationOptions)
def ablation(context: typer.Context, options: AblationOptions) -> None:
    """What does each part of the training do? The same concepts trained without it, and in other ways."""
    from assistant.evaluation.ablation.ablation import evaluate_ablation

    _run(context, partial(evaluate_ablation, options), ablation_lines, "ablation", options.report)


@evaluate_app.command()
@with_options(BackboneOptions)
def backbone(context: typer.Context, options: BackboneOptions) -> None:
    """What can the backbone do by itself? On pictures that it was never trained on."""
    from assistant.evaluation.drawing.backbone_report import evaluate_backbone

    _run(context, partial(evaluate_backbone, options), backbone_lines)


@evaluate_app.command()
@with_options(ClustersOptions)
def clusters(context: typer.Context, options: ClustersOptions) -> None:
    """Are the photos of each one together, with nothing else among them? At once, and as photos come in."""
    from assistant.evaluation.recognition.clusters import evaluate_clusters

    _run(context, partial(evaluate_clusters, options), clusters_lines, "clusters", options.report)


@evaluate_app.command()
@with_options(WordsOptions)
def words(context: typer.Context, options: WordsOptions) -> None:
    """How many photos get a plain word, and how many of these are right?"""
    from assistant.evaluation.recognition.words import evaluate_words

    _run(context, partial(evaluate_words, options), words_lines, "words", options.report)


@evaluate_app.command()
@with_options(FindOptions)
def find(context: typer.Context, options: FindOptions) -> None:
    """Do searches find what is there, and nothing where nothing fits? In a made-up library, where that is known."""
    from assistant.evaluation.search.measure import evaluate_find

    _run(context, partial(evaluate_find, options), find_lines)


@evaluate_app.command()
@with_options(SentencesOptions)
def sentences(context: typer.Context, options: SentencesOptions) -> None:
    """Is what was told, and what photos show, found in other words? In three languages."""
    from assistant.evaluation.recognition.sentences import evaluate_sentences

    _run(context, partial(evaluate_sentences, options), sentences_lines, "sentences", options.report)


@evaluate_app.command()
@with_options(RouterOptions)
def router(context: typer.Context, options: RouterOptions) -> None:
    """Do requests go to the right tool, with the right slots, and small talk to none?"""
    from assistant.evaluation.routing.measure import evaluate_router

    _run(context, partial(evaluate_router, options), router_lines)


def _run(
    context: typer.Context,
    measure: Callable[..., dict[str, Any]],
    lines: Callable[[dict[str, Any]], str],
    kind: Kind | None = None,
    folder: Path | None = None,
) -> None:
    """Run `measure` in the evaluation home and print its result through `lines`, or as JSON.

    With a `folder`, also write the report of that `kind`. If writing fails, the numbers are still printed, and the
    command exits with the error's code.
    """
    from assistant.evaluation.report.report import prepare_report_folder, write_report
    from assistant.presentation.lines import error_document, error_lines
    from assistant.presentation.printable import short_path

    ui = front_end(context)
    if folder is not None:
        prepare_report_folder(folder)
    home, backbone = evaluation_home(ui.home), ui.familiar.backbone
    result = ui.run(lambda on_progress: measure(EvaluationRun(home, backbone, ui.device, on_progress)))
    failure: FamiliarError | None = None
    if folder is not None and kind is not None:
        try:
            result["report"] = list(map(str, write_report(kind, result, folder, command_line(context))))
        except FamiliarError as error:
            # JSON output is a single document: the error joins the numbers instead of replacing them.
            failure, result = error, result | error_document(error)
    ui.show(result, lines)
    if failure is not None:
        notify(error_lines(failure))
        raise typer.Exit(failure.exit_code)
    if folder is not None:
        notify(f"Report: {short_path(folder / 'report.md')}")


def command_line(context: typer.Context) -> str:
    """The running command, shell-quoted, with only the options that were given explicitly (no defaults)."""
    words: list[str] = []
    current: Any = context
    while current is not None:
        arguments = []
        for parameter in current.command.params:
            source = current.get_parameter_source(parameter.name)
            if source is not None and source.name == "COMMANDLINE":
                value = current.params[parameter.name]
                arguments += [max(parameter.opts, key=len), *([] if value is True else [str(value)])]
        words = [current.info_name or "", *arguments, *words]
        current = current.parent
    return shlex.join(words)


def evaluation_home(chosen: Path | None) -> Home:
    """The `chosen` home, created if missing; by default a sibling of the user's home named `…-evaluation`."""
    if chosen is not None:
        return Home(chosen.expanduser().absolute()).ensure()
    user_root = default_home().root
    return Home(user_root.with_name(f"{user_root.name}-evaluation")).ensure()


def recognition_lines(report: dict[str, Any]) -> str:
    """The tables of `evaluate recognition` as text: recognition, then shares of yes on background photos."""
    from assistant.presentation.table import table

    sections = [tables.recognition_table(report), tables.background_table(report)]
    return "\n\n".join(table(rows) for rows in sections if rows)


def generation_lines(report: dict[str, Any]) -> str:
    """The tables of `evaluate generation` as text, with single figures between them."""
    from assistant.presentation.table import table

    figures = ("copy_rate", "prompt_fidelity", "encoder", "concepts_without_room")
    of_montages = ("places_kept", "fill", "nearest_subject", "together")
    lines = [f"{key:22} {tables.number(report[key])}" for key in figures + of_montages if key in report]
    fidelity = table(tables.fidelity_table(report))
    return "\n".join([table(tables.generation_table(report)), "", *lines, "", fidelity])


def shots_lines(report: dict[str, Any]) -> str:
    """The table of `evaluate shots` as text, and which subjects were skipped."""
    from assistant.presentation.table import table

    skipped = report["settings"]["skipped_subjects"]
    note = f"\ntoo few photos: {', '.join(skipped)}" if skipped else ""
    return table(tables.shots_table(report)) + note


def retention_lines(report: dict[str, Any]) -> str:
    """The table of `evaluate retention` as text, and whether outputs that name no concept are identical."""
    from assistant.presentation.table import table

    comparison = {True: "identical", False: "NOT identical", None: "not measured"}[
        report["identical_without_name"]
    ]
    return f"{table(tables.retention_table(report))}\noutputs that name no concept: {comparison}"


def ablation_lines(report: dict[str, Any]) -> str:
    """The table of `evaluate ablation` as text."""
    from assistant.presentation.table import table

    return table(tables.ablation_table(report))


def clusters_lines(report: dict[str, Any]) -> str:
    """The tables of `evaluate clusters` as text: clusters, then siblings."""
    from assistant.presentation.table import table

    sections = [tables.clusters_table(report), tables.siblings_table(report)]
    return "\n\n".join(table(rows) for rows in sections if rows)


def words_lines(report: dict[str, Any]) -> str:
    """The table of `evaluate words` as text, with what was wrong below."""
    from assistant.presentation.table import table

    wrong = [f"wrong: {line}" for line in report["wrong"]]
    return "\n".join([table(tables.words_table(report)), *wrong])


def find_lines(report: dict[str, Any]) -> str:
    """The table of `evaluate find` as text, with the searches that went wrong below."""
    from assistant.presentation.table import table

    rows: list[tuple[str, ...]] = [("", "searches", "precision", "recall")]
    count = str(report["settings"]["searches"])
    rows.append(("find", count, f"{report['precision']:.3f}", f"{report['recall']:.3f}"))
    control = report["control"]
    rows.append(
        (
            "names of files, folders and titles",
            count,
            f"{control['precision']:.3f}",
            f"{control['recall']:.3f}",
        )
    )
    wrong = [
        f"wrong: {row['search']} (precision {row['precision']:.2f}, recall {row['recall']:.2f})"
        for row in report["searches"]
        if min(row["precision"], row["recall"]) < 1
    ]
    nothing = report["nothing_fits"]
    wrong += [f"wrong: {row['search']} (found {row['found']})" for row in nothing if row["found"]]
    said = f"nothing fits: {report['said_nothing']} of {len(nothing)} say so"
    return "\n".join([table(rows), said, *wrong])


def sentences_lines(report: dict[str, Any]) -> str:
    """The tables of `evaluate sentences` as text: what is found, then what the chat answers."""
    from assistant.presentation.table import table

    return f"{table(tables.sentences_table(report))}\n\n{table(tables.told_table(report))}"


def router_lines(report: dict[str, Any]) -> str:
    """The numbers of `evaluate router`, and each request that went wrong."""
    lines = [
        f"requests               {report['requests']}",
        f"right intent           {report['intent']:.3f}",
        f"right slots as well    {report['slots']:.3f}",
        f"small talk to a tool   {report['wrong_tool_on_chatter']:.3f} of {report['chatter']}",
        f"p95                    {report['p95_ms']:.1f} ms",
    ]
    for mistake in report["mistakes"]:
        lines.append(f"{mistake['expected']} → {mistake['got']} ({mistake['source']}): {mistake['text']}")
    return "\n".join(lines)


def backbone_lines(report: dict[str, Any]) -> str:
    """The table of `evaluate backbone` as text."""
    from assistant.presentation.table import table

    return table(tables.backbone_table(report))
