"""The tables of the first release: folders, photos, what is in them, concepts, jobs, settings.

Never to be edited: every library in the field has run this. What changed since is in `steps`.
"""

from __future__ import annotations

FIRST: tuple[str, ...] = (
    """CREATE TABLE roots (
            path TEXT PRIMARY KEY NOT NULL,
            added_at TEXT NOT NULL
        )""",
    """CREATE TABLE photos (
            id INTEGER PRIMARY KEY,
            content_hash TEXT NOT NULL UNIQUE,
            last_path TEXT NOT NULL,
            width_px INTEGER NOT NULL,
            height_px INTEGER NOT NULL,
            taken_at TEXT,
            latitude REAL,
            longitude REAL,
            camera TEXT,
            added_at TEXT NOT NULL
        )""",
    """CREATE TABLE photo_files (
            path TEXT PRIMARY KEY NOT NULL,
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            missing_since TEXT
        )""",
    "CREATE INDEX photo_files_by_photo ON photo_files(photo_id)",
    # `reason` is NULL while an attempt is under way: a row like that left behind means the attempt
    # crashed. `retry` is 1 when the next scan may try the unchanged file again.
    """CREATE TABLE failures (
            path TEXT PRIMARY KEY NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            reason TEXT,
            attempts INTEGER NOT NULL,
            retry INTEGER NOT NULL DEFAULT 0,
            failed_at TEXT NOT NULL
        )""",
    """CREATE TABLE detections (
            id INTEGER PRIMARY KEY,
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('photo', 'object', 'face')),
            box_left REAL NOT NULL,
            box_top REAL NOT NULL,
            box_right REAL NOT NULL,
            box_bottom REAL NOT NULL,
            score REAL NOT NULL,
            detector TEXT NOT NULL
        )""",
    "CREATE INDEX detections_by_photo ON detections(photo_id)",
    "CREATE INDEX detections_by_kind ON detections(kind)",
    """CREATE TABLE vectors (
            detection_id INTEGER NOT NULL REFERENCES detections(id) ON DELETE CASCADE,
            model TEXT NOT NULL,
            version TEXT NOT NULL,
            vector BLOB NOT NULL,
            indexed INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (detection_id, model, version)
        )""",
    "CREATE INDEX vectors_not_indexed ON vectors(detection_id) WHERE indexed = 0",
    """CREATE TABLE concepts (
            id INTEGER PRIMARY KEY,
            name TEXT,
            name_key TEXT UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('object', 'face')),
            state TEXT NOT NULL,
            backbone TEXT,
            prefix_dir TEXT,
            created_at TEXT NOT NULL
        )""",
    """CREATE TABLE memberships (
            concept_id INTEGER NOT NULL REFERENCES concepts(id) ON DELETE CASCADE,
            detection_id INTEGER NOT NULL REFERENCES detections(id) ON DELETE CASCADE,
            source TEXT NOT NULL CHECK (source IN ('cluster', 'user')),
            status TEXT NOT NULL CHECK (status IN ('confirmed', 'suggested', 'rejected')),
            PRIMARY KEY (concept_id, detection_id)
        )""",
    "CREATE INDEX memberships_by_detection ON memberships(detection_id)",
    """CREATE TABLE operations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            payload TEXT NOT NULL
        )""",
    """CREATE TABLE jobs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            payload TEXT NOT NULL,
            priority INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL DEFAULT 'queued',
            attempts INTEGER NOT NULL DEFAULT 0,
            done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            message TEXT NOT NULL DEFAULT '',
            result TEXT,
            error TEXT,
            cancel_requested INTEGER NOT NULL DEFAULT 0,
            worker_pid INTEGER,
            created_at TEXT NOT NULL,
            started_at TEXT,
            finished_at TEXT
        )""",
    "CREATE UNIQUE INDEX jobs_once ON jobs(kind, subject) WHERE state IN ('queued', 'running')",
    "CREATE INDEX jobs_by_state ON jobs(state, priority DESC, id)",
    """CREATE TABLE settings (
            key TEXT PRIMARY KEY NOT NULL,
            value TEXT NOT NULL
        )""",
)
