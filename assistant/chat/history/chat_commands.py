"""What can be done with kept chats from within one: the logic of /chats, /resume, /search, /export and the like.

Each function returns the text for people and the record behind it, as an action does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.chat.history.recorder import Recorder
from assistant.chat.history.resume import ResumedChat, resume
from assistant.chat.memory import Conversation
from assistant.presentation.chat_lines import chat_list_lines, found_message_lines
from assistant.presentation.printable import short_path
from assistant.service.chats import DeletedChats, ExportedChat
from assistant.service.familiar import Familiar
from personalizer.errors import NotFoundError, UsageError, counted
from personalizer.library.chats import ChatSummary, FoundMessage

LISTED = 20
CHAT_COMMANDS = frozenset({"/chats", "/resume", "/search", "/export", "/private", "/delete-chat"})


def chat_command(
    name: str, arguments: str, familiar: Familiar, recorder: Recorder, conversation: Conversation
) -> tuple[str, Any]:
    """What one of `CHAT_COMMANDS` says, and the record behind it. Raises FamiliarError."""
    match name:
        case "/chats":
            return list_chats(familiar)
        case "/resume":
            return resume_chat(familiar, recorder, conversation, arguments)
        case "/search":
            return search_chats(familiar, arguments)
        case "/export":
            return export_chat(familiar, recorder, arguments)
        case "/private":
            return make_private(recorder, arguments)
        case _:
            return delete_chat(familiar, recorder, arguments)


def list_chats(familiar: Familiar) -> tuple[str, list[ChatSummary]]:
    """`/chats`: those that are kept."""
    chats = familiar.chats()
    lines = chat_list_lines(chats[:LISTED], kept=familiar.library.keeps_chats())
    if len(chats) > LISTED:
        lines += f"\nand {len(chats) - LISTED:,} more: familiar chats"
    return (f"{lines}\n/resume ID goes on with one." if chats else lines), chats


def resume_chat(
    familiar: Familiar, recorder: Recorder, conversation: Conversation, arguments: str
) -> tuple[str, ResumedChat]:
    """`/resume ID`: go on with a kept chat. Without a number, with the last one but this."""
    which: int | str = arguments.strip()
    if not which:
        others = [chat.id for chat in familiar.chats() if chat.id != recorder.chat_id]
        if not others:
            raise NotFoundError(
                tried="/resume", found="no other chat is kept", fix="/chats lists those that are."
            )
        which = others[0]
    resumed = resume(familiar, which)
    resumed.put_into(conversation)
    recorder.continue_chat(resumed.id)
    return f"Chat {resumed.id} goes on: {resumed.title}", resumed


def search_chats(familiar: Familiar, text: str) -> tuple[str, list[FoundMessage]]:
    """`/search TEXT`: messages that have all these words."""
    found = familiar.search_chats(text, LISTED)
    lines = found_message_lines(found)
    return (f"{lines}\n/resume ID goes on with one." if found else lines), found


def export_chat(familiar: Familiar, recorder: Recorder, arguments: str) -> tuple[str, ExportedChat]:
    """`/export FILE`: this chat as Markdown. Never over something that is there."""
    if not arguments.strip():
        raise UsageError(tried="/export", found="no file was named", fix="/export FILE.md")
    exported = familiar.export_chat(_this(recorder, "/export"), Path(arguments.strip().strip("\"'")))
    return exported_lines(exported), exported


def make_private(recorder: Recorder, arguments: str) -> tuple[str, None]:
    """`/private`: nothing of this chat is kept from now on; what was kept of it is removed, once that was asked for."""
    if recorder.chat_id is not None and arguments.strip().casefold() != "yes":
        return (
            "This removes what was kept of this chat and what was drawn for it, for good, and keeps nothing more of "
            "it; photos are not touched. To do it: /private yes",
            None,
        )
    removed = recorder.make_private()
    return (
        "Nothing of this chat is kept from now on"
        + (", and what was kept of it is removed." if removed else "."),
        None,
    )


def delete_chat(familiar: Familiar, recorder: Recorder, arguments: str) -> tuple[str, DeletedChats | None]:
    """`/delete-chat`: remove this chat for good, once that was asked for twice. What comes next is a new one."""
    chat_id = _this(recorder, "/delete-chat")
    if arguments.strip().casefold() != "yes":
        return (
            "This removes what was said in this chat and what was drawn for it, for good; photos are not touched. "
            "To do it: /delete-chat yes",
            None,
        )
    recorder.new_chat()
    deleted = familiar.delete_chats([chat_id], missing_ok=True)
    return deleted_lines(deleted), deleted


def exported_lines(exported: ExportedChat) -> str:
    """Where the chat is now, with how many pictures."""
    lines = [short_path(exported.path)]
    if exported.folder is not None:
        lines.append(f"{counted(exported.pictures, 'picture')} in {short_path(exported.folder)}")
    if exported.missing:
        lines.append(
            f"{counted(exported.missing, 'picture')} of it {'is' if exported.missing == 1 else 'are'} gone."
        )
    lines.append("These files are yours now: what you delete or forget in Familiar stays in them.")
    return "\n".join(lines)


def deleted_lines(deleted: DeletedChats) -> str:
    """What went, and which backups still hold it."""
    went = f" and {counted(deleted.drawings, 'drawing')}" if deleted.drawings else ""
    lines = [f"Deleted {counted(deleted.chats, 'chat')}{went} for good. No photo was touched."]
    held = [backup.path for backup in deleted.backups if backup.state == "there"]
    if held:
        lines.append(
            "Backups that were made before still hold them (familiar backups --prune deletes these):"
        )
        lines += [f"  {short_path(path)}" for path in held]
    return "\n".join(lines)


def _this(recorder: Recorder, tried: str) -> int:
    if recorder.chat_id is None:
        raise UsageError(
            tried=tried,
            found="nothing of this chat is kept",
            fix="Chats are kept once you say so: familiar chats on"
            if not recorder.private
            else "It is private, and stays so.",
        )
    return recorder.chat_id
