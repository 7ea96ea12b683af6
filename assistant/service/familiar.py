"""The façade that every front end calls: what a user can ask for, as methods. Knows no screen.

Long work is a job that the worker does while the caller waits; answers are computed here, without torch, from
SQLite and the exported runtime. Each noun has its own file.
"""

from __future__ import annotations

from assistant.service.answers import Answers
from assistant.service.backups import Backups
from assistant.service.chats import Chats
from assistant.service.concepts import Concepts
from assistant.service.faces import Faces
from assistant.service.facts import Facts
from assistant.service.folders import Folders
from assistant.service.jobs import Jobs
from assistant.service.search import Search
from assistant.service.suggestions import Suggestions
from assistant.service.training import Training


class Familiar(Folders, Jobs, Concepts, Suggestions, Facts, Training, Faces, Backups, Search, Chats, Answers):
    """One library and the model that answers about it. Safe to use from several threads and processes.

    >>> with Familiar("~/photo-library") as familiar:  # doctest: +SKIP
    ...     [concept.name for concept in familiar.concepts()]
    ['Bo', 'Grandma Ingrid']
    """
