-- Version 1. Times are milliseconds since the epoch, UTC. This file is never changed once released:
-- a later version is a migration of its own.

CREATE TABLE meta (
    only           INTEGER PRIMARY KEY CHECK (only = 1),
    queue_id       TEXT    NOT NULL CHECK (length(queue_id) = 32),
    created_at     INTEGER NOT NULL,
    epoch          INTEGER NOT NULL DEFAULT 0,
    -- How far the last report that a person saw went, in `execution_logs` and in time.
    report_read_to INTEGER NOT NULL DEFAULT 0,
    report_read_at INTEGER,
    -- Events up to here were pruned; the checksum of the last of them is where the chain begins.
    log_pruned_to  INTEGER NOT NULL DEFAULT 0,
    log_anchor     BLOB    NOT NULL CHECK (length(log_anchor) = 32)
) STRICT;

-- PATH and the like as they were when tasks were added; one row for all tasks added alike.
CREATE TABLE surroundings (
    id        INTEGER PRIMARY KEY,
    variables TEXT NOT NULL UNIQUE
) STRICT;

-- The definitions stand last, so that what is read often is found without reading them.
CREATE TABLE task_records (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    attempt_id      INTEGER,
    due_at          INTEGER,
    -- 1: `due_at` is none or has come. Only a hint for the indexes below, kept by `pick`.
    ready           INTEGER NOT NULL DEFAULT 1,
    unmet           INTEGER NOT NULL DEFAULT 0,
    parked_by       TEXT,
    hold_code       TEXT,
    hold_reason     TEXT,
    skip            TEXT    CHECK (skip = 'blocked' OR skip = 'not_needed'),
    priority        INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    used            INTEGER NOT NULL DEFAULT 0,
    on_crash        TEXT    NOT NULL,
    last_category   TEXT,
    added_at        INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    source          TEXT,
    surroundings_id INTEGER NOT NULL REFERENCES surroundings (id),
    definition_hash TEXT    NOT NULL,
    spec            TEXT    NOT NULL,
    -- Written out, because a list after IN becomes a table of its own for every row.
    CHECK (CASE WHEN status = 'queued' OR status = 'running' OR status = 'recovering' OR status = 'held'
                THEN finished_at IS NULL
                WHEN status = 'succeeded' OR status = 'failed' OR status = 'cancelled' OR status = 'skipped'
                THEN finished_at IS NOT NULL
                ELSE 0 END),
    CHECK ((hold_code IS NULL) = (status <> 'held')),
    CHECK ((skip IS NULL) = (status <> 'skipped'))
) STRICT;

-- One unfinished task per name.
CREATE UNIQUE INDEX task_unfinished ON task_records (name) WHERE finished_at IS NULL;
CREATE INDEX task_finished ON task_records (name) WHERE finished_at IS NOT NULL;
CREATE INDEX task_status ON task_records (status) WHERE status <> 'queued';
-- What `pick` reads: one page of the first, the head of the second.
CREATE INDEX task_ready ON task_records (priority DESC, id)
    WHERE status = 'queued' AND attempt_id IS NULL AND unmet = 0 AND parked_by IS NULL AND ready = 1;
CREATE INDEX task_waiting ON task_records (due_at)
    WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0;

CREATE TABLE attempts (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id         INTEGER NOT NULL REFERENCES task_records (id),
    number          INTEGER NOT NULL,
    state           TEXT    NOT NULL CHECK (state = 'claimed' OR state = 'running' OR state = 'ended'),
    run_id          INTEGER NOT NULL REFERENCES runs (id),
    epoch           INTEGER NOT NULL,
    boot            TEXT    NOT NULL,
    slot            INTEGER,
    pid             INTEGER,
    pid_start       INTEGER,
    timeout_ms      INTEGER,
    claimed_at      INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    stop_intent     TEXT,
    used            INTEGER NOT NULL DEFAULT 0,
    exit_code       INTEGER,
    signal          INTEGER,
    duration_ms     INTEGER,
    max_rss_bytes   INTEGER,
    cpu_ms          INTEGER,
    category        TEXT,
    pattern         TEXT,
    retryable       TEXT,
    confidence      REAL,
    line            TEXT,
    extracted       TEXT,
    decision        TEXT,
    next_at         INTEGER,
    definition_hash TEXT    NOT NULL,
    outcome         TEXT,
    CHECK ((outcome IS NULL) = (state <> 'ended')),
    UNIQUE (task_id, number)
) STRICT;

CREATE UNIQUE INDEX attempt_open ON attempts (task_id) WHERE state <> 'ended';

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    mode          TEXT    NOT NULL,
    pid           INTEGER NOT NULL,
    pid_start     INTEGER NOT NULL,
    boot          TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    slots         INTEGER NOT NULL,
    -- No attempt of this run has a lower id.
    first_attempt INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    ended_because TEXT,
    exit_code     INTEGER
) STRICT;

-- How often a runner died while it was busy with an attempt.
CREATE TABLE runner_deaths (
    attempt_id INTEGER PRIMARY KEY,
    task_id    INTEGER NOT NULL,
    crashes    INTEGER NOT NULL,
    silent     INTEGER NOT NULL
) STRICT;

CREATE INDEX runner_deaths_of_task ON runner_deaths (task_id);

CREATE TABLE requests (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    made_at     INTEGER NOT NULL,
    made_by     TEXT    NOT NULL,
    wish        TEXT    NOT NULL,
    answered_at INTEGER,
    accepted    INTEGER,
    answer      TEXT,
    CHECK ((answered_at IS NULL) = (accepted IS NULL))
) STRICT;

CREATE INDEX request_pending ON requests (id) WHERE answered_at IS NULL;

CREATE TABLE execution_logs (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    task_id    INTEGER,
    attempt_id INTEGER,
    actor      TEXT NOT NULL,
    event      TEXT NOT NULL,
    details    TEXT NOT NULL,
    checksum   BLOB NOT NULL
) STRICT;

CREATE INDEX log_of_task ON execution_logs (task_id);

CREATE TRIGGER log_is_append_only BEFORE UPDATE ON execution_logs
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER log_is_pruned_from_its_beginning BEFORE DELETE ON execution_logs
WHEN OLD.id > (SELECT log_pruned_to FROM meta)
BEGIN
    SELECT RAISE(ABORT, 'only events before the anchor may be pruned');
END;
