//! The log on standard error, for `-v` and `-vv`; without them nothing of it is set up.
//!
//! It tells what the program does to somebody who looks for a fault. What happened to tasks is in
//! the journal, and what a user should know is a message of the command.

use tracing::Level;

use crate::support::paint::Paint;
use crate::ui::printer::ErrorStream;

/// Begins to write the log: 1 tells the steps, 2 and more everything.
pub fn start(wish: u8, stream: ErrorStream, paint: Paint) {
    let level = match wish {
        0 => return,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || stream.clone())
        .with_ansi(paint == Paint::COLOURED)
        .with_max_level(level)
        // It would tell of a terminal that is gone there, and panic.
        .log_internal_errors(false)
        .finish();
    // Only a second start could fail, and the first one holds.
    let _already_started = tracing::subscriber::set_global_default(subscriber);
}
