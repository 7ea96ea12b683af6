"""What changed in the schema since the first release, step by step.

Never edit a step that has been released: a library in the field has already run it. Append a new one.
"""

from __future__ import annotations

from personalizer.library.schema.chat_tables import CHAT_TABLES

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # Work may be asked for again while it runs. Not unique: when a worker dies, what it was running goes
        # back to the queue, where an equal job may be waiting that somebody else waits for.
        "DROP INDEX jobs_once",
        "CREATE INDEX jobs_waiting ON jobs(kind, subject) WHERE state = 'queued'",
    ),
    # Concept ids are never handed out twice: people and queued jobs still name the one that is gone. A table
    # that is dropped empties what refers to it, so the memberships move first.
    (
        """CREATE TABLE new_concepts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT,
            name_key TEXT UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('object', 'face')),
            state TEXT NOT NULL,
            backbone TEXT,
            prefix_dir TEXT,
            created_at TEXT NOT NULL
        )""",
        """INSERT INTO new_concepts(id, name, name_key, kind, state, backbone, prefix_dir, created_at)
            SELECT id, name, name_key, kind, state, backbone, prefix_dir, created_at FROM concepts""",
        """CREATE TABLE new_memberships (
            concept_id INTEGER NOT NULL REFERENCES new_concepts(id) ON DELETE CASCADE,
            detection_id INTEGER NOT NULL REFERENCES detections(id) ON DELETE CASCADE,
            source TEXT NOT NULL CHECK (source IN ('cluster', 'user')),
            status TEXT NOT NULL CHECK (status IN ('confirmed', 'suggested', 'rejected')),
            PRIMARY KEY (concept_id, detection_id)
        )""",
        """INSERT INTO new_memberships(concept_id, detection_id, source, status)
            SELECT concept_id, detection_id, source, status FROM memberships""",
        "DROP TABLE memberships",
        "DROP TABLE concepts",
        # Renaming also renames the reference and the row in sqlite_sequence.
        "ALTER TABLE new_concepts RENAME TO concepts",
        "ALTER TABLE new_memberships RENAME TO memberships",
        "CREATE INDEX memberships_by_detection ON memberships(detection_id)",
        # Ids that are gone already, as far as anything remembers them.
        """INSERT INTO sqlite_sequence(name, seq)
            SELECT 'concepts', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'concepts')""",
        """UPDATE sqlite_sequence SET seq = max(
                seq,
                (SELECT COALESCE(MAX(CAST(json_extract(payload, '$.concept') AS INTEGER)), 0) FROM operations),
                (SELECT COALESCE(MAX(CAST(json_extract(payload, '$.removed') AS INTEGER)), 0) FROM operations),
                (SELECT COALESCE(MAX(CAST(json_extract(payload, '$.concept') AS INTEGER)), 0) FROM jobs)
            ) WHERE name = 'concepts'""",
    ),
    # What the user told about a concept. The key makes the same words, whatever their case, one fact.
    (
        """CREATE TABLE facts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            concept_id INTEGER NOT NULL REFERENCES concepts(id) ON DELETE CASCADE,
            text TEXT NOT NULL,
            text_key TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (concept_id, text_key)
        )""",
    ),
    # 1 for photos that showed something a person had forgotten: nothing is looked for in them on its own again.
    ("ALTER TABLE photos ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0",),
    # What people said about pairs of detections, and photos in which one person may be seen twice.
    (
        """CREATE TABLE links (
            first_id INTEGER NOT NULL REFERENCES detections(id) ON DELETE CASCADE,
            second_id INTEGER NOT NULL REFERENCES detections(id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('must', 'cannot')),
            created_at TEXT NOT NULL,
            PRIMARY KEY (first_id, second_id),
            CHECK (first_id < second_id)
        )""",
        "CREATE INDEX links_by_second ON links(second_id)",
        "ALTER TABLE photos ADD COLUMN shows_twice INTEGER NOT NULL DEFAULT 0",
        # The detection that stands for a concept where it is shown.
        "ALTER TABLE concepts ADD COLUMN feature_id INTEGER REFERENCES detections(id) ON DELETE SET NULL",
    ),
    # The photos (ids, as JSON) that a concept was trained with, and what became of automatic trainings since; and
    # the photos in which no face was looked for because faces were switched off.
    (
        """CREATE TABLE trainings (
            concept_id INTEGER PRIMARY KEY NOT NULL REFERENCES concepts(id) ON DELETE CASCADE,
            photos TEXT,
            trained_at TEXT,
            wanted TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            tried_at TEXT
        )""",
        """CREATE TABLE faceless_photos (
            photo_id INTEGER PRIMARY KEY NOT NULL REFERENCES photos(id) ON DELETE CASCADE
        )""",
    ),
    # Where a folder was when it was last scanned as a whole, and why nothing is concluded from what is gone of it.
    (
        "ALTER TABLE roots ADD COLUMN device INTEGER",
        "ALTER TABLE roots ADD COLUMN frozen TEXT",
    ),
    # Which photos are one shot.
    (
        """CREATE TABLE fingerprints (
            photo_id INTEGER PRIMARY KEY REFERENCES photos(id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            bits INTEGER NOT NULL,
            tones BLOB NOT NULL,
            grouped INTEGER NOT NULL DEFAULT 0
        )""",
        # Only photos that another one stands for are here; the one that stands for them never is. `beside_id`: the
        # photo that the camera wrote together with this RAW file.
        """CREATE TABLE same_shots (
            photo_id INTEGER PRIMARY KEY REFERENCES photos(id) ON DELETE CASCADE,
            leader_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            beside_id INTEGER REFERENCES photos(id) ON DELETE SET NULL,
            CHECK (photo_id != leader_id)
        )""",
        "CREATE INDEX same_shots_by_leader ON same_shots(leader_id)",
    ),
    # Counts what could make groups that were read before wrong, so that they need not be read again for every photo.
    # New detections do not count: they are found by their ids.
    (
        "CREATE TABLE grouping (changes INTEGER NOT NULL, removals INTEGER NOT NULL)",
        "INSERT INTO grouping(changes, removals) VALUES (0, 0)",
        """CREATE TABLE placed (
            kind TEXT PRIMARY KEY NOT NULL,
            source TEXT NOT NULL,
            last_id INTEGER NOT NULL
        )""",
        *(
            f"""CREATE TRIGGER grouping_after_{number} AFTER {event}
                BEGIN UPDATE grouping SET changes = changes + 1; END"""
            for number, event in enumerate(
                (
                    "INSERT ON memberships",
                    "UPDATE ON memberships",
                    "DELETE ON memberships",
                    "UPDATE OF name, state ON concepts",
                    "DELETE ON concepts",
                    "INSERT ON links",
                    "UPDATE ON links",
                    "DELETE ON links",
                    "UPDATE OF shows_twice ON photos",
                    "UPDATE OF photo_id ON photo_files",
                    "DELETE ON photo_files",
                )
            )
        ),
        # The ids of the newest detections are handed out again when these are removed: what comes next under such an
        # id has not been placed.
        """CREATE TRIGGER grouping_after_removal AFTER DELETE ON detections BEGIN
            UPDATE grouping SET changes = changes + 1, removals = removals + 1;
            UPDATE placed SET last_id = MIN(last_id, (SELECT COALESCE(MAX(id), 0) FROM detections));
        END""",
    ),
    # What work is about, who holds it until when, why it failed and when it is tried again. Times are seconds since
    # 1970. `strikes`: attempts since something was stored for good that will not have to be done again.
    (
        "ALTER TABLE jobs ADD COLUMN input_hash TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN model_version TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN lease TEXT",
        # Not used any more: whoever holds the worker lock takes over all that runs.
        "ALTER TABLE jobs ADD COLUMN lease_until REAL",
        "ALTER TABLE jobs ADD COLUMN heartbeats INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN error_class TEXT",
        "ALTER TABLE jobs ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN not_before REAL",
        "ALTER TABLE jobs ADD COLUMN delay_s REAL NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN rate_per_s REAL",
        "UPDATE jobs SET strikes = attempts",
        # Work with a known input is there once, whatever its payload says about the way to do it.
        """CREATE UNIQUE INDEX jobs_once ON jobs(kind, subject, input_hash, model_version)
            WHERE state IN ('queued', 'running') AND input_hash != ''""",
        "CREATE INDEX jobs_by_work ON jobs(kind, subject, input_hash, model_version) WHERE input_hash != ''",
        # By which models a photo was looked at last, since one without faces has no vector that tells; '' was before
        # this was noted. The strikes are of looking again: the first time they are in `failures`.
        "ALTER TABLE photos ADD COLUMN analysed_by TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE analysis_strikes (
            photo_id INTEGER PRIMARY KEY REFERENCES photos(id) ON DELETE CASCADE,
            analysed_by TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            reason TEXT
        )""",
        # Attempts that ended with the whole worker: whoever ends that seldom means a photo.
        "ALTER TABLE failures ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0",
        # Numbers by which people name unreadable files. Not the rowid, which writing the file anew may change.
        "ALTER TABLE failures ADD COLUMN number INTEGER",
        "CREATE TABLE failure_numbers (number INTEGER PRIMARY KEY AUTOINCREMENT)",
        """CREATE TRIGGER failures_numbered AFTER INSERT ON failures BEGIN
            INSERT INTO failure_numbers VALUES (NULL);
            UPDATE failures SET number = (SELECT MAX(number) FROM failure_numbers) WHERE path = NEW.path;
            DELETE FROM failure_numbers;
        END""",
        "UPDATE failures SET number = rowid",
        """INSERT INTO failure_numbers(number)
            SELECT MAX(number) FROM failures WHERE (SELECT COUNT(*) FROM failures) > 0""",
        "DELETE FROM failure_numbers",
        # The other half of the outbox: vectors that the index may have and the library has not any more. Also those
        # that were never noted as indexed: a crash may have come between.
        """CREATE TABLE index_removals (
            detection_id INTEGER NOT NULL,
            model TEXT NOT NULL,
            version TEXT NOT NULL,
            PRIMARY KEY (detection_id, model, version)
        )""",
        """CREATE TRIGGER vectors_removed AFTER DELETE ON vectors BEGIN
            INSERT OR IGNORE INTO index_removals VALUES (OLD.detection_id, OLD.model, OLD.version);
        END""",
    ),
    # Files beside photos; which backups were made; and what was forgotten, so that no older backup brings it back. What
    # is forgotten is known by the random `uid` that its concept had, here and in every backup, and by nothing else.
    (
        """CREATE TABLE companion_files (
            path TEXT PRIMARY KEY NOT NULL,
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            gave_date INTEGER NOT NULL DEFAULT 0,
            gave_place INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX companion_files_by_photo ON companion_files(photo_id)",
        # `last_photo` and `last_concept`: the highest ids that there were, which say what cannot be in it yet.
        """CREATE TABLE backups (
            uid TEXT PRIMARY KEY NOT NULL,
            path TEXT NOT NULL,
            made_at TEXT NOT NULL,
            size INTEGER NOT NULL,
            faces INTEGER NOT NULL,
            last_photo INTEGER NOT NULL,
            last_concept INTEGER NOT NULL
        )""",
        # What was forgotten and is still in a backup: the uid of a concept, or `faces`.
        """CREATE TABLE backups_holding (
            backup TEXT NOT NULL REFERENCES backups(uid) ON DELETE CASCADE,
            uid TEXT NOT NULL,
            PRIMARY KEY (backup, uid)
        )""",
        "CREATE TABLE concept_uids (concept_id INTEGER PRIMARY KEY NOT NULL, uid TEXT NOT NULL UNIQUE)",
        "INSERT INTO concept_uids(concept_id, uid) SELECT id, lower(hex(randomblob(16))) FROM concepts",
        # One that undoing brings back is the one that it was.
        """CREATE TRIGGER concept_uid_after_insert AFTER INSERT ON concepts BEGIN
            INSERT OR IGNORE INTO concept_uids(concept_id, uid) VALUES (NEW.id, lower(hex(randomblob(16))));
        END""",
        # Groups without a name come and go by thousands; what had a name is remembered, such as one half of a merge.
        """CREATE TRIGGER concept_uid_after_delete AFTER DELETE ON concepts WHEN OLD.name IS NULL BEGIN
            DELETE FROM concept_uids WHERE concept_id = OLD.id;
        END""",
        """CREATE TABLE forgotten_concepts (
            uid TEXT PRIMARY KEY NOT NULL,
            forgotten_at TEXT NOT NULL
        )""",
    ),
    # Places are registered folders and file systems mounted below them. Exclusions are patterns of what is left out.
    (
        """CREATE TABLE places (
            path TEXT PRIMARY KEY NOT NULL,
            file_system TEXT,
            frozen TEXT,
            frozen_at TEXT,
            gone INTEGER NOT NULL DEFAULT 0
        )""",
        "INSERT INTO places(path, frozen) SELECT path, frozen FROM roots WHERE frozen IS NOT NULL",
        "ALTER TABLE roots DROP COLUMN device",
        "ALTER TABLE roots DROP COLUMN frozen",
        "CREATE TABLE exclusions (pattern TEXT PRIMARY KEY NOT NULL, added_at TEXT NOT NULL)",
    ),
    (
        # Why a face says too little about whose it is; NULL for all others, and where older detectors did not say.
        "ALTER TABLE detections ADD COLUMN flaw TEXT",
        # What was seen anew, by another detector or network, is known no longer: it is read and placed again.
        """CREATE TRIGGER grouping_after_new_vector AFTER INSERT ON vectors
            WHEN NEW.detection_id < (SELECT MAX(id) FROM detections) BEGIN
            UPDATE grouping SET changes = changes + 1, removals = removals + 1;
            UPDATE placed SET last_id = MIN(last_id, NEW.detection_id - 1);
        END""",
        """CREATE TRIGGER grouping_after_other_vector AFTER UPDATE OF vector ON vectors BEGIN
            UPDATE grouping SET changes = changes + 1, removals = removals + 1;
            UPDATE placed SET last_id = MIN(last_id, NEW.detection_id - 1);
        END""",
        """CREATE TRIGGER grouping_after_other_score AFTER UPDATE OF score ON detections
            WHEN NEW.score IS NOT OLD.score BEGIN
            UPDATE grouping SET changes = changes + 1, removals = removals + 1;
            UPDATE placed SET last_id = MIN(last_id, NEW.id - 1);
        END""",
    ),
    (
        # What a photo shows in plain words, for search. The photo's `analysed_by` says by which network and words.
        """CREATE TABLE photo_labels (
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            word TEXT NOT NULL,
            confidence REAL NOT NULL,
            kind TEXT NOT NULL,
            PRIMARY KEY (photo_id, word)
        ) WITHOUT ROWID""",
        "CREATE INDEX photo_labels_by_word ON photo_labels(word, confidence)",
    ),
    (
        # Of a thing inside a clear mask; NULL for all others.
        "ALTER TABLE detections ADD COLUMN colors BLOB",
        # The same thing on another ground, where a mask tells it from its own; half precision.
        "ALTER TABLE vectors ADD COLUMN cutout BLOB",
    ),
    (
        # What is written about a photo, in its own file or in one beside it, and what was read in the picture.
        """CREATE TABLE photo_texts (
            id INTEGER PRIMARY KEY,
            photo_id INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            text TEXT NOT NULL,
            beside TEXT
        )""",
        "CREATE INDEX photo_texts_by_photo ON photo_texts(photo_id)",
        "CREATE INDEX photo_texts_by_file ON photo_texts(beside) WHERE beside IS NOT NULL",
        """CREATE VIRTUAL TABLE photo_words USING fts5(
            text, content = 'photo_texts', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
        )""",
        """CREATE TRIGGER photo_words_after_insert AFTER INSERT ON photo_texts BEGIN
            INSERT INTO photo_words(rowid, text) VALUES (NEW.id, NEW.text);
        END""",
        """CREATE TRIGGER photo_words_after_delete AFTER DELETE ON photo_texts BEGIN
            INSERT INTO photo_words(photo_words, rowid, text) VALUES ('delete', OLD.id, OLD.text);
        END""",
        # Photos that were stored before texts were: their files, and those beside them, are read once more.
        """CREATE TABLE unread_texts (
            photo_id INTEGER PRIMARY KEY NOT NULL REFERENCES photos(id) ON DELETE CASCADE
        )""",
        "INSERT INTO unread_texts(photo_id) SELECT id FROM photos",
        # Photos of which the lettering was read, also those that have none.
        """CREATE TABLE read_lettering (
            photo_id INTEGER PRIMARY KEY NOT NULL REFERENCES photos(id) ON DELETE CASCADE
        )""",
        # The names for a photo's coordinates; all NULL where none is near.
        """CREATE TABLE photo_places (
            photo_id INTEGER PRIMARY KEY NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
            name TEXT,
            region TEXT,
            country TEXT,
            words TEXT
        )""",
        "CREATE INDEX photo_places_by_name ON photo_places(country, region, name, words)",
        """CREATE TRIGGER photo_places_after_move AFTER UPDATE OF latitude, longitude ON photos
            WHEN NEW.latitude IS NOT OLD.latitude OR NEW.longitude IS NOT OLD.longitude BEGIN
            DELETE FROM photo_places WHERE photo_id = NEW.id;
        END""",
        # The folders that photos are in: far fewer than files, so that their names can be searched one by one.
        "CREATE TABLE photo_folders (path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID",
        """CREATE TRIGGER photo_folders_after_insert AFTER INSERT ON photo_files BEGIN
            INSERT OR IGNORE INTO photo_folders VALUES (rtrim(NEW.path, replace(NEW.path, '/', '')));
        END""",
        """CREATE TRIGGER photo_folders_after_update AFTER UPDATE OF path ON photo_files BEGIN
            INSERT OR IGNORE INTO photo_folders VALUES (rtrim(NEW.path, replace(NEW.path, '/', '')));
        END""",
        # Not for names that are no UTF-8: bytes and text are in separate ranges.
        *(
            f"""CREATE TRIGGER photo_folders_after_{number} AFTER {event} ON photo_files
                WHEN typeof(OLD.path) = 'text' BEGIN
                DELETE FROM photo_folders WHERE path = rtrim(OLD.path, replace(OLD.path, '/', ''))
                  AND NOT EXISTS (SELECT 1 FROM photo_files
                    WHERE photo_files.path > photo_folders.path
                      AND photo_files.path < rtrim(photo_folders.path, '/') || '0');
            END"""
            for number, event in (("delete", "DELETE"), ("move", "UPDATE OF path"))
        ),
        "INSERT OR IGNORE INTO photo_folders SELECT rtrim(path, replace(path, '/', '')) FROM photo_files",
        # What a search reads of all photos is in an index.
        "CREATE INDEX photos_by_time ON photos(taken_at)",
        "CREATE INDEX photos_by_camera ON photos(camera) WHERE camera IS NOT NULL",
        "CREATE INDEX present_photos ON photo_files(photo_id) WHERE missing_since IS NULL",
        "CREATE INDEX detections_by_kind_and_photo ON detections(kind, photo_id)",
        "DROP INDEX detections_by_kind",
    ),
    (
        # What changes with a file whose size and time were kept: its number, and when anything of it changed last. NULL
        # where that is not known, or says nothing in its file system.
        "ALTER TABLE photo_files ADD COLUMN inode TEXT",
        "ALTER TABLE photo_files ADD COLUMN ctime_ns INTEGER",
    ),
    # Chats that are kept, and when facts changed.
    CHAT_TABLES,
)
