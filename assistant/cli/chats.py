"""`familiar chats`: earlier conversations, where they are kept. Parses arguments, asks what has to be asked, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.front_end import FrontEnd, front_end
from personalizer.errors import UsageError, counted

chats_app = typer.Typer(
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Earlier conversations, kept only where you said so; without a command: the list.",
)
Chat = Annotated[str, typer.Argument(metavar="ID", help="The number of a chat.")]


@chats_app.callback()
def chats(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        _list(front_end(context))


@chats_app.command(name="list")
def list_chats(context: typer.Context) -> None:
    """The chats that are kept, the one that was used last first."""
    _list(front_end(context))


@chats_app.command()
def show(context: typer.Context, chat: Chat) -> None:
    """One chat from its beginning."""
    from assistant.presentation.chat_lines import chat_lines

    ui = front_end(context)
    ui.show(ui.familiar.chat(chat), chat_lines)


@chats_app.command()
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words that were said.")],
    limit: Annotated[int, typer.Option(metavar="N", min=1)] = 20,
) -> None:
    """Messages that have all these words, the newest first."""
    from assistant.presentation.chat_lines import found_message_lines

    ui = front_end(context)
    ui.show(ui.familiar.search_chats(text, limit), found_message_lines)


@chats_app.command()
def export(
    context: typer.Context,
    chat: Chat,
    file: Annotated[Path, typer.Argument(metavar="FILE.md")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a chat to a Markdown file, with copies of its pictures in a folder beside it."""
    from assistant.chat.history.chat_commands import exported_lines

    ui = front_end(context)
    ui.show(ui.familiar.export_chat(chat, file, force=force), exported_lines)


@chats_app.command()
def delete(
    context: typer.Context,
    chats: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="The numbers of chats.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are kept.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """Remove chats for good, with what was drawn in them. No photo is touched."""
    from assistant.chat.history.chat_commands import deleted_lines

    ui = front_end(context)
    if bool(chats) == every:
        found = "both numbers and --all" if every else "neither a number nor --all"
        raise UsageError(tried="deleting chats", found=found, fix="Give one of them.")
    ui.familiar.finish_deleting_chats()
    chosen: list[int | str] = [chat.id for chat in ui.familiar.chats()] if every else list(chats or [])
    known = [ui.familiar.chat(chat) for chat in dict.fromkeys(chosen)] if not every else []
    if not yes:
        titles = [f"{chat.id} “{chat.title}”" for chat in known] or [counted(len(chosen), "chat")]
        _confirm(ui, ", ".join(titles))
    ui.show(ui.familiar.delete_chats(chosen, missing_ok=every), deleted_lines)


@chats_app.command()
def on(context: typer.Context) -> None:
    """Keep chats from now on, in the library only."""
    ui = front_end(context)
    ui.show(ui.familiar.switch_chats(True), state_lines)


@chats_app.command()
def off(context: typer.Context) -> None:
    """Keep no chat from now on. Those that are kept stay until they are deleted."""
    ui = front_end(context)
    ui.show(ui.familiar.switch_chats(False), state_lines)


def state_lines(found: dict[str, Any]) -> str:
    """How it stands, for a person."""
    kept = counted(found["kept"], "chat")
    if found["chats"]:
        return f"Chats are kept, in your library only ({kept} so far)."
    lines = ["Chats are not kept."]
    if found["kept"]:
        lines.append(f"{kept} from before kept. To remove them: familiar chats delete --all")
    return "\n".join(lines)


def _list(ui: FrontEnd) -> None:
    from assistant.presentation.chat_lines import chat_list_lines

    found = ui.familiar.chats()
    ui.show(found, lambda shown: chat_list_lines(shown, kept=ui.familiar.library.keeps_chats()))


def _confirm(ui: FrontEnd, what: str) -> None:
    """Ask, where somebody is there. Raises UsageError where nobody is, or for any answer but yes."""
    from assistant.presentation.printable import printable

    if not ui.asking():
        found, fix = "nobody is there who can be asked", "Say --yes. Nothing was removed."
    elif typer.confirm(printable(f"Remove for good: {what}?"), default=False, err=True):
        return
    else:
        found, fix = "it was not confirmed", "Nothing was removed."
    raise UsageError(tried="deleting chats", found=found, fix=fix)
