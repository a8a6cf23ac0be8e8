-- Version 3: recoveries and what is learned from them, breakers, rescue, notifications.

-- How the next attempts differ from the definition, in JSON; none: not at all.
ALTER TABLE task_records ADD COLUMN adjustments TEXT;
-- Somebody queued the task again: recoveries up to this number are of an earlier life.
ALTER TABLE task_records ADD COLUMN recoveries_before INTEGER NOT NULL DEFAULT 0;
-- Slower rounds of attempts after the ordinary ones were used up; 0: none yet.
ALTER TABLE task_records ADD COLUMN rescue_round INTEGER NOT NULL DEFAULT 0;
-- When it was queued again because its cause was seen to be gone.
ALTER TABLE task_records ADD COLUMN rescued_at INTEGER;

-- What was done about failures, and whether it helped.
CREATE TABLE error_recovery_history (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Not references: history outlives what it tells of.
    task_id       INTEGER NOT NULL,
    task_name     TEXT    NOT NULL,
    -- The attempt that failed.
    attempt_id    INTEGER NOT NULL,
    run_id        INTEGER NOT NULL,
    -- The pattern of the failure, its category, the program that failed, and its fingerprint.
    error_type    TEXT    NOT NULL,
    category      TEXT    NOT NULL,
    tool          TEXT,
    fingerprint   TEXT    NOT NULL,
    strategy_used TEXT    NOT NULL,
    -- Which variant of the strategy, where two are compared.
    variant       TEXT,
    risk          TEXT    NOT NULL,
    -- All of the plan, in JSON; none where it was refused before there was one.
    plan          TEXT,
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'applied', 'helped', 'in_vain', 'failed',
                                                    'suggested', 'refused', 'abandoned')),
    -- 1: the verify probe or the next attempt succeeded; 0: it did not; none: nobody knows.
    success       INTEGER,
    -- Why this strategy: the mean of what was learned, the draw, and the seed of the draws.
    expected      REAL,
    draw          REAL,
    seed          INTEGER,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    -- The attempt that followed.
    next_attempt  INTEGER,
    detail        TEXT,
    undo          TEXT,
    CHECK ((success IS NULL) = (state NOT IN ('helped', 'in_vain', 'failed')))
) STRICT;

CREATE INDEX recovery_of_task ON error_recovery_history (task_id);
CREATE INDEX recovery_open ON error_recovery_history (id) WHERE state IN ('pending', 'applied');
CREATE INDEX recovery_evidence ON error_recovery_history (error_type, strategy_used)
    WHERE success IS NOT NULL;

-- What is learned from it.

-- Recoveries up to this number count no longer; an empty strategy stands for all of the pattern.
CREATE TABLE recovery_forgotten (
    error_type    TEXT    NOT NULL,
    strategy_used TEXT    NOT NULL,
    up_to         INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (error_type, strategy_used)
) STRICT, WITHOUT ROWID;

-- What a person says of a strategy for a pattern.
CREATE TABLE recovery_pins (
    error_type    TEXT    NOT NULL,
    strategy_used TEXT    NOT NULL,
    place         TEXT    NOT NULL CHECK (place = 'first' OR place = 'never'),
    at            INTEGER NOT NULL,
    PRIMARY KEY (error_type, strategy_used)
) STRICT, WITHOUT ROWID;

-- What other machines have learned.
CREATE TABLE recovery_imported (
    error_type    TEXT    NOT NULL,
    strategy_used TEXT    NOT NULL,
    helped        INTEGER NOT NULL CHECK (helped BETWEEN 0 AND tried),
    tried         INTEGER NOT NULL CHECK (tried > 0),
    as_of         INTEGER NOT NULL,
    PRIMARY KEY (error_type, strategy_used)
) STRICT, WITHOUT ROWID;

-- Two strategies that are compared on purpose; `variant` of a recovery is the number and `a` or `b`.
CREATE TABLE recovery_experiments (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    error_type    TEXT    NOT NULL,
    strategy_a    TEXT    NOT NULL,
    strategy_b    TEXT    NOT NULL CHECK (strategy_b <> strategy_a),
    -- It ends after so many tasks; none: when somebody ends it.
    tasks         INTEGER,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER
) STRICT;

CREATE UNIQUE INDEX one_experiment_at_a_time ON recovery_experiments (error_type)
    WHERE ended_at IS NULL;
CREATE INDEX recovery_of_variant ON error_recovery_history (variant) WHERE variant IS NOT NULL;

CREATE VIEW recovery_success_rates AS
SELECT error_type,
       strategy_used,
       round(100.0 * sum(success) / count(*), 1) AS success_rate,
       count(*) AS total_attempts
FROM error_recovery_history AS history
WHERE success IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM recovery_forgotten AS forgotten
                  WHERE forgotten.error_type = history.error_type
                    AND forgotten.strategy_used IN ('', history.strategy_used)
                    AND history.id <= forgotten.up_to)
GROUP BY error_type, strategy_used;

-- Recoveries after failures of a pattern, and those that helped.
ALTER TABLE error_patterns ADD COLUMN recoveries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE error_patterns ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER recovery_was_tried AFTER UPDATE OF success ON error_recovery_history
WHEN OLD.success IS NULL AND NEW.success IS NOT NULL
BEGIN
    UPDATE error_patterns SET recoveries = recoveries + 1, recovered = recovered + NEW.success
        WHERE name = NEW.error_type OR stands_for = NEW.error_type;
END;

-- One that is over as soon as it is written down.
CREATE TRIGGER recovery_was_tried_at_once AFTER INSERT ON error_recovery_history
WHEN NEW.success IS NOT NULL
BEGIN
    UPDATE error_patterns SET recoveries = recoveries + 1, recovered = recovered + NEW.success
        WHERE name = NEW.error_type OR stands_for = NEW.error_type;
END;

-- Circuit breakers: one per service that a task declared, and one per cause that many tasks without a
-- declared service failed of alike (then `name` is its fingerprint).
CREATE TABLE circuit_breakers (
    kind           TEXT    NOT NULL CHECK (kind = 'service' OR kind = 'cause'),
    name           TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state = 'closed' OR state = 'open' OR state = 'half_open'),
    -- Failures that count, newest last, in JSON: when, and whose.
    failures       TEXT    NOT NULL DEFAULT '[]',
    in_a_row       INTEGER NOT NULL DEFAULT 0,
    -- How often it opened in all, and how many probes in a row failed and succeeded since it did.
    opened         INTEGER NOT NULL DEFAULT 0,
    failed_probes  INTEGER NOT NULL DEFAULT 0,
    passed         INTEGER NOT NULL DEFAULT 0,
    opened_at      INTEGER,
    -- When somebody may try next. Half open: until when the one probe is lent; none: to nobody yet.
    next_probe_at  INTEGER,
    -- The attempt that the probe is lent to; none: to the engine itself.
    lease_attempt  INTEGER,
    -- Attempts at once, after it asked us to slow down; none: any number.
    most_at_once   INTEGER,
    steady         INTEGER NOT NULL DEFAULT 0,
    last_category  TEXT,
    last_pattern   TEXT,
    last_line      TEXT,
    changed_at     INTEGER NOT NULL,
    PRIMARY KEY (kind, name),
    CHECK ((opened_at IS NULL) = (state = 'closed')),
    CHECK (state <> 'open' OR next_probe_at IS NOT NULL),
    CHECK (state <> 'closed' OR (next_probe_at IS NULL AND lease_attempt IS NULL)),
    CHECK ((last_category IS NULL) = (last_pattern IS NULL))
) STRICT;

-- What became of the breakers of services, in order.
CREATE TABLE breaker_events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    state   TEXT    NOT NULL CHECK (state = 'closed' OR state = 'open' OR state = 'half_open'),
    because TEXT    NOT NULL
) STRICT;

CREATE INDEX breaker_events_at ON breaker_events (at);

-- The breaker that a parked task waits for; and what a task without a service failed of last.
ALTER TABLE task_records ADD COLUMN parked_on TEXT;
ALTER TABLE task_records ADD COLUMN last_cause TEXT;
CREATE INDEX task_parked_on ON task_records (parked_by, parked_on) WHERE parked_on IS NOT NULL;

-- What is to be told to people elsewhere, until it is delivered, given up or too old to matter.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The same in every try to deliver it, so that a receiver can tell.
    message_id   TEXT    NOT NULL,
    -- Of the target only a hash and a harmless name: addresses are secrets.
    target       TEXT    NOT NULL,
    target_name  TEXT    NOT NULL,
    occasion     TEXT    NOT NULL,
    run_id       INTEGER,
    -- The message, in JSON, without secrets.
    message      TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up', 'expired')),
    -- Counted before a try is made, so that one that nobody saw the end of counts too.
    tries        INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    next_try_at  INTEGER,
    -- Nobody wants to hear it any more after this.
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    last_error   TEXT,
    UNIQUE (message_id, target),
    CHECK ((state = 'waiting') = (next_try_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
) STRICT;

CREATE INDEX outbox_waiting ON outbox (next_try_at) WHERE state = 'waiting';
CREATE INDEX outbox_of_run ON outbox (run_id, target, occasion);

-- Retention. Finished tasks leave by age, and the log of events loses its beginning.
DROP INDEX task_finished;
CREATE INDEX task_finished ON task_records (name, finished_at) WHERE finished_at IS NOT NULL;

-- Where the tasks stood at the anchor of the log: replaying what comes after it begins there.
CREATE TABLE log_snapshot (
    task_id    INTEGER NOT NULL PRIMARY KEY,
    -- In JSON.
    state      TEXT    NOT NULL,
    definition TEXT    NOT NULL
) STRICT;

-- What was cleared away, and when.
CREATE TABLE clearings (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    -- None: a person did it.
    run_id    INTEGER,
    tasks     INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    log_files INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL
) STRICT;
