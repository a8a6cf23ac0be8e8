//! Floor 4, a door: the queue in SQLite.
