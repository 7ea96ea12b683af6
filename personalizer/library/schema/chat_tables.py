"""The tables of kept chats, and what makes it known that something told about a concept changed: one step."""

from __future__ import annotations

_TOLD_NOW = """INSERT INTO trainings(concept_id, told_changed_at)
    SELECT id, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now') FROM concepts WHERE id = {row}.concept_id
    ON CONFLICT(concept_id) DO UPDATE SET told_changed_at = excluded.told_changed_at"""

CHAT_TABLES: tuple[str, ...] = (
    # The random `uid` says in backups which chat was deleted, as that of a concept does.
    """CREATE TABLE chats (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        uid TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
        started_at TEXT NOT NULL
    )""",
    # An exchange is a request, which has no `request_id`, and what came of it. `ended` is of requests: how; NULL while
    # it is being answered, and for ever where the program was killed. `of_faces`: it may rest on faces that were found.
    """CREATE TABLE chat_messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        chat_id INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE,
        request_id INTEGER REFERENCES chat_messages(id) ON DELETE CASCADE,
        role TEXT NOT NULL CHECK (role IN ('user', 'program', 'tool', 'model')),
        text TEXT NOT NULL,
        at TEXT NOT NULL,
        tool TEXT,
        elapsed_s REAL,
        artifact TEXT,
        of_faces INTEGER NOT NULL DEFAULT 0,
        ended TEXT
    )""",
    "CREATE INDEX chat_messages_by_chat ON chat_messages(chat_id)",
    "CREATE INDEX chat_messages_by_request ON chat_messages(request_id) WHERE request_id IS NOT NULL",
    """CREATE TABLE chat_pictures (
        message_id INTEGER NOT NULL REFERENCES chat_messages(id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        path TEXT NOT NULL,
        caption TEXT NOT NULL,
        drawn INTEGER NOT NULL,
        PRIMARY KEY (message_id, place)
    )""",
    "CREATE INDEX chat_pictures_by_path ON chat_pictures(path)",
    """CREATE VIRTUAL TABLE chat_words USING fts5(
        text, content = 'chat_messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    )""",
    """CREATE TRIGGER chat_words_after_insert AFTER INSERT ON chat_messages BEGIN
        INSERT INTO chat_words(rowid, text) VALUES (NEW.id, NEW.text);
    END""",
    """CREATE TRIGGER chat_words_after_delete AFTER DELETE ON chat_messages BEGIN
        INSERT INTO chat_words(chat_words, rowid, text) VALUES ('delete', OLD.id, OLD.text);
    END""",
    # Which facts a prefix was trained with, and when one was told, changed or taken back last.
    "ALTER TABLE trainings ADD COLUMN told TEXT",
    "ALTER TABLE trainings ADD COLUMN told_changed_at TEXT",
    # Until now every fact made what was trained stale: what is ready was trained with all that is told.
    """UPDATE trainings SET told =
        (SELECT json_group_array(id || ' ' || created_at) FROM facts WHERE facts.concept_id = trainings.concept_id)
        WHERE concept_id IN (SELECT id FROM concepts WHERE state = 'ready')""",
    f"CREATE TRIGGER told_after_insert AFTER INSERT ON facts BEGIN {_TOLD_NOW.format(row='NEW')}; END",
    f"CREATE TRIGGER told_after_update AFTER UPDATE ON facts BEGIN {_TOLD_NOW.format(row='NEW')}; END",
    # Also where the concept itself goes: then there is none of that id any more, and nothing is noted.
    f"CREATE TRIGGER told_after_delete AFTER DELETE ON facts BEGIN {_TOLD_NOW.format(row='OLD')}; END",
)
