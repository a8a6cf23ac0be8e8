-- Version 4: the successes that are doubted are found without reading the others.

CREATE INDEX attempt_doubted ON attempts (task_id) WHERE doubt IS NOT NULL;
