//! The queue as JSON Lines, for other stores: one line that says what follows, then a line per row.
//!
//! Columns keep their names; what is stored as JSON is JSON, what is stored as bytes is hexadecimal,
//! instants are milliseconds since the epoch.

use std::io::{self, Write};

use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};

use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::support::bytes::to_hex;
use crate::support::clock::Timestamp;
use crate::support::visible_json;

const DOING: &str = "export the queue";

/// The tables that people and scripts may read, what others refer to first.
const TABLES: [&str; 15] = [
    "runs",
    "task_records",
    "task_dependencies",
    "attempts",
    "task_checkpoints",
    "execution_logs",
    "error_patterns",
    "error_recovery_history",
    "recovery_forgotten",
    "recovery_pins",
    "recovery_imported",
    "recovery_experiments",
    "circuit_breakers",
    "breaker_events",
    "clearings",
];

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The queue cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lines cannot be written.
    #[error("cannot write the export")]
    Write(#[from] io::Error),
}

impl Reader {
    /// Writes everything, as of one instant; gives how many rows there were.
    ///
    /// # Errors
    /// When the database cannot be read, or the lines cannot be written.
    pub fn export(&self, out: &mut dyn Write, now: Timestamp) -> Result<u64, ExportError> {
        let mut rows = 0;
        let mut failed = Ok(());
        self.read(|reader| {
            let head = json!({
                "schema": "autoexec.export/1",
                "queue": reader.queue()?.to_string(),
                "exported_at": now.to_rfc3339(),
                "tables": TABLES,
            });
            failed = write_line(out, &head);
            for table in TABLES {
                if failed.is_err() {
                    break;
                }
                failed = reader.export_table(table, out, &mut rows)?;
            }
            Ok(())
        })?;
        failed.and_then(|()| out.flush())?;
        Ok(rows)
    }

    fn export_table(
        &self,
        table: &str,
        out: &mut dyn Write,
        written: &mut u64,
    ) -> Result<io::Result<()>, StoreError> {
        let mut statement = self
            .connection
            .prepare(&format!("SELECT * FROM {table}"))
            .doing(DOING)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Map::new();
            for (index, name) in names.iter().enumerate() {
                let value = row.get_ref(index).doing(DOING)?;
                cells.insert(name.clone(), readable(value));
            }
            let line = json!({ "table": table, "row": cells });
            if let Err(error) = write_line(out, &line) {
                return Ok(Err(error));
            }
            *written += 1;
        }
        Ok(Ok(()))
    }
}

/// What is exported is looked at on terminals, too.
fn write_line(out: &mut dyn Write, line: &Value) -> io::Result<()> {
    visible_json::write(&mut *out, line)?;
    out.write_all(b"\n")
}

fn readable(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Blob(bytes) => to_hex(bytes).into(),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            // Objects and lists are stored as JSON; a text that only looks like a number is a text.
            match text.as_bytes().first() {
                Some(b'{' | b'[') => {
                    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
                }
                _ => Value::String(text.into_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{NOW, queue};

    #[test]
    fn every_row_is_a_line_that_reads_and_says_where_it_belongs() {
        let mut queue = queue();
        let task = queue.add(&["one", "two"])[0];
        let run = queue.run();
        queue.claim(task, run);
        let mut lines = Vec::new();
        let rows = queue.store.export(&mut lines, NOW).unwrap();
        let lines: Vec<Value> = String::from_utf8(lines)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(u64::try_from(lines.len()).unwrap(), rows + 1);
        assert_eq!(lines[0]["schema"], "autoexec.export/1");
        let of = |table: &str| {
            lines
                .iter()
                .filter(|line| line["table"] == table)
                .map(|line| &line["row"])
                .collect::<Vec<_>>()
        };
        assert_eq!(of("task_records").len(), 2);
        assert_eq!(of("task_records")[0]["spec"]["name"], "one");
        assert_eq!(of("attempts")[0]["task_id"], task.get());
        assert_eq!(of("execution_logs").len(), 3);
        assert_eq!(
            of("execution_logs")[0]["checksum"].as_str().unwrap().len(),
            64
        );
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_reads_back_equal() {
        let mut queue = queue();
        let task = queue.add(&["one"])[0];
        let text = "a\u{9b}2J\u{202e}b";
        let connection = rusqlite::Connection::open(queue.dir.database()).unwrap();
        connection
            .execute(
                "UPDATE task_records SET name = ?1 WHERE id = ?2",
                (text, task.get()),
            )
            .unwrap();
        let mut lines = Vec::new();
        queue.store.export(&mut lines, NOW).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert!(!lines.contains(['\u{9b}', '\u{202e}']), "{lines}");
        let read: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(read.iter().any(|line| line["row"]["name"] == text));
    }

    #[test]
    fn the_queue_has_no_table_that_is_forgotten() {
        // What only this program works with: none of it is history.
        let inner = [
            "meta",
            "surroundings",
            "requests",
            "runner_deaths",
            "outbox",
            "log_snapshot",
            "sqlite_sequence",
        ];
        let queue = queue();
        let connection = rusqlite::Connection::open(queue.dir.database()).unwrap();
        let all: Vec<String> = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let forgotten: Vec<&String> = all
            .iter()
            .filter(|name| !TABLES.contains(&name.as_str()) && !inner.contains(&name.as_str()))
            .collect();
        assert!(forgotten.is_empty(), "{forgotten:?}");
    }
}
