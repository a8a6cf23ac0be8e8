-- Version 2: order between tasks, checkpoints, hours of the night, error patterns.

ALTER TABLE meta ADD COLUMN paused_at INTEGER;
-- Until when nothing new is started; none: until somebody says so.
ALTER TABLE meta ADD COLUMN paused_until INTEGER;

-- What `not_before` and `deadline` meant when the task was added; the first stands in `due_at` too.
ALTER TABLE task_records ADD COLUMN not_before_at INTEGER;
ALTER TABLE task_records ADD COLUMN deadline_at INTEGER;
-- The first start of all, since which `total_timeout` counts.
ALTER TABLE task_records ADD COLUMN first_started_at INTEGER;
ALTER TABLE task_records ADD COLUMN total_timeout_ms INTEGER;
-- Window ends that stopped it in a row without a changed checkpoint.
ALTER TABLE task_records ADD COLUMN cut_short INTEGER NOT NULL DEFAULT 0;
-- A sentence that goes with `parked_by`.
ALTER TABLE task_records ADD COLUMN parked_detail TEXT;

-- When a task is given up that has not come to its end.
CREATE INDEX task_give_up ON task_records (
    min(coalesce(deadline_at, 9223372036854775807),
        coalesce(first_started_at + total_timeout_ms, 9223372036854775807)))
    WHERE (deadline_at IS NOT NULL OR total_timeout_ms IS NOT NULL)
    AND status = 'queued' AND attempt_id IS NULL;
-- Of the tasks that wait for their time those that wait for their next attempt.
CREATE INDEX task_retrying ON task_records (due_at)
    WHERE status = 'queued' AND attempt_id IS NULL AND ready = 0 AND attempts > 0;
CREATE INDEX task_parked ON task_records (parked_by)
    WHERE parked_by IS NOT NULL AND status = 'queued' AND attempt_id IS NULL;

-- Whom a task waits for. Rows stay when they are met, because a task may be queued again.
CREATE TABLE task_dependencies (
    task_id     INTEGER NOT NULL REFERENCES task_records (id),
    -- Not a reference: a finished task may be pruned before those that waited for it.
    upstream_id INTEGER NOT NULL,
    upstream    TEXT    NOT NULL,
    wanted      TEXT    NOT NULL CHECK (wanted = 'success' OR wanted = 'failure' OR wanted = 'always'),
    met         INTEGER NOT NULL DEFAULT 0,
    -- What becomes of a task that waits in vain, because the other one ended otherwise.
    in_vain     TEXT    CHECK (in_vain = 'blocked' OR in_vain = 'not_needed'),
    PRIMARY KEY (task_id, upstream_id),
    CHECK (met = 0 OR in_vain IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependency_of_upstream ON task_dependencies (upstream_id);
CREATE INDEX dependency_in_vain ON task_dependencies (task_id, in_vain) WHERE in_vain IS NOT NULL;

-- Finished steps: the next attempt begins behind them.
CREATE TABLE task_checkpoints (
    task_id    INTEGER NOT NULL REFERENCES task_records (id),
    step       TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    attempt_id INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;

-- When its end was committed, and what it said of itself in JSON.
ALTER TABLE attempts ADD COLUMN recorded_at INTEGER;
ALTER TABLE attempts ADD COLUMN result TEXT;
-- A doubt about a success, such as an error in its output: one line, untrusted.
ALTER TABLE attempts ADD COLUMN doubt TEXT;

-- The hours of the run, resolved once at its start.
ALTER TABLE runs ADD COLUMN window_start INTEGER;
ALTER TABLE runs ADD COLUMN window_end INTEGER;

-- Error patterns: those of the program, brought up to date by it, and those of the user. How often a
-- pattern was met is counted by a trigger.
CREATE TABLE error_patterns (
    name       TEXT    NOT NULL PRIMARY KEY,
    origin     TEXT    NOT NULL CHECK (origin = 'built_in' OR origin = 'user'),
    category   TEXT    NOT NULL,
    retryable  TEXT    CHECK (retryable = 'yes' OR retryable = 'no' OR retryable = 'after_fix'),
    matches    TEXT,
    exit_codes TEXT,
    tool       TEXT,
    strategies TEXT,
    reason     TEXT,
    examples   TEXT,
    -- Another pattern that this name stands for, because it is known by both.
    stands_for TEXT,
    enabled    INTEGER NOT NULL DEFAULT 1,
    changed_at INTEGER NOT NULL,
    seen       INTEGER NOT NULL DEFAULT 0,
    last_seen  INTEGER
) STRICT;

-- The version of the program whose patterns `error_patterns` holds.
ALTER TABLE meta ADD COLUMN patterns_of TEXT;
-- Raised with every change of what counts in `error_patterns`, so that a run sees it.
ALTER TABLE meta ADD COLUMN pattern_changes INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER pattern_was_met AFTER UPDATE OF pattern ON attempts WHEN NEW.pattern IS NOT NULL
BEGIN
    UPDATE error_patterns SET seen = seen + 1, last_seen = NEW.ended_at
        WHERE name = NEW.pattern OR stands_for = NEW.pattern;
END;
