//! The smallest Rust programs that could do what is measured: `figures` compares autoexec with them.
//!
//! A program of its own, because a small one is loaded faster than a large one. Not a benchmark:
//! without one of its words it does nothing, which is what happens when `cargo bench` runs it.

#![expect(clippy::print_stdout, reason = "it stands for any other program")]

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

fn main() -> rusqlite::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["say"] => println!("minimal 1.0.0"),
        ["open", database] => {
            let connection = open(database)?;
            println!("{}", read(&connection)?);
        }
        ["write", database] => {
            let connection = open(database)?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            connection.execute("UPDATE meta SET created_at = created_at", [])?;
            connection.execute_batch("COMMIT")?;
            println!("{}", read(&connection)?);
        }
        _ => {}
    }
    Ok(())
}

/// With what anybody must set who does not want to lose what was acknowledged.
fn open(database: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    // Nobody tidies up in what is measured.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    Ok(connection)
}

fn read(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT queue_id FROM meta", [], |row| row.get(0))
}
