//! What must be true of tasks and their attempts, whatever happened: statements that give the tasks
//! which break a rule, each with the rule's words.

/// What must be true of all attempts that are open, looked for by indexes that hold nothing else.
pub(super) const OF_OPEN_ATTEMPTS: [(&str, &str); 4] = [
    (
        "SELECT task_id FROM attempts WHERE state <> 'ended' GROUP BY task_id HAVING count(*) > 1",
        "more than one attempt of it is open",
    ),
    (
        "SELECT a.task_id FROM attempts a JOIN task_records t ON t.id = a.task_id \
         WHERE a.state <> 'ended' AND t.attempt_id IS NOT a.id",
        "an attempt of it is open, and the task does not know it",
    ),
    (
        "SELECT t.id FROM attempts a JOIN task_records t ON t.attempt_id = a.id \
         WHERE a.state <> 'ended' AND a.task_id = t.id AND a.state IS NOT CASE t.status \
         WHEN 'queued' THEN 'claimed' WHEN 'running' THEN 'running' ELSE 'ended' END",
        "its open attempt is not in the state that the task is in",
    ),
    (
        // The second term is the one of the index.
        "SELECT t.id FROM task_records t LEFT JOIN attempts a ON a.id = t.attempt_id \
         WHERE t.status = 'running' AND t.status <> 'queued' AND a.state IS NOT 'running'",
        "it runs without an attempt that does",
    ),
];

/// What must be true of everything that is kept.
pub(super) const OF_EVERYTHING: [(&str, &str); 7] = [
    (
        "SELECT t.id FROM task_records t LEFT JOIN attempts a ON a.id = t.attempt_id \
         WHERE t.attempt_id IS NOT NULL AND (a.task_id IS NOT t.id OR a.state IS NOT CASE t.status \
         WHEN 'queued' THEN 'claimed' WHEN 'running' THEN 'running' ELSE 'ended' END)",
        "its attempt is not in the state that the task is in",
    ),
    (
        "SELECT t.id FROM task_records t WHERE t.attempts <> \
         (SELECT count(*) FROM attempts a WHERE a.task_id = t.id) OR t.attempts <> \
         (SELECT coalesce(max(number), 0) FROM attempts a WHERE a.task_id = t.id)",
        "its attempts are not numbered one by one",
    ),
    (
        "SELECT t.id FROM task_records t WHERE t.used > \
         (SELECT count(*) FROM attempts a WHERE a.task_id = t.id AND a.used)",
        "more attempts count against its limit than there were",
    ),
    (
        "SELECT id FROM task_records t WHERE unmet <> \
         (SELECT count(*) FROM task_dependencies d WHERE d.task_id = t.id AND NOT d.met)",
        "it does not know for how many tasks it waits",
    ),
    (
        "SELECT task_id FROM (SELECT d.task_id, d.wanted, d.met, d.in_vain, CASE \
         WHEN u.status = 'succeeded' THEN 'good' \
         WHEN u.status = 'failed' OR u.status = 'cancelled' OR u.skip = 'blocked' THEN 'bad' \
         WHEN u.skip = 'not_needed' THEN 'none' END AS ended \
         FROM task_dependencies d JOIN task_records u ON u.id = d.upstream_id) \
         WHERE met IS NOT (ended IS NOT NULL AND (wanted = 'always' \
         OR (wanted = 'success' AND ended = 'good') OR (wanted = 'failure' AND ended = 'bad'))) \
         OR in_vain IS NOT iif(met OR ended IS NULL, NULL, iif(ended = 'bad', 'blocked', 'not_needed'))",
        "it does not know how the task ended that it waits for",
    ),
    (
        "SELECT t.id FROM task_records t WHERE status = 'queued' AND attempt_id IS NULL AND EXISTS \
         (SELECT 1 FROM task_dependencies d WHERE d.task_id = t.id AND in_vain IS NOT NULL)",
        "it waits in vain",
    ),
    (
        "SELECT t.id FROM task_records t WHERE status = 'skipped' \
         AND EXISTS (SELECT 1 FROM task_dependencies d WHERE d.task_id = t.id) \
         AND NOT EXISTS (SELECT 1 FROM task_dependencies d \
         WHERE d.task_id = t.id AND d.in_vain = t.skip) \
         AND NOT EXISTS (SELECT 1 FROM task_records n WHERE n.name = t.name AND n.id <> t.id)",
        "it is skipped, and no task that it waits for is the reason",
    ),
];
