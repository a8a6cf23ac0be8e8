//! The loop that a run stands on, and whether the machine has enough to spare for it.

use std::fs::File;
use std::io;
use std::thread::Builder as Thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::engine::error::EngineError;

/// Open files without which no run can work: the queue, the pipes of two supervisors, the loop.
const LEAST_FILES: u64 = 32;
/// Those of them that are not open yet when the loop is set up.
const STILL_TO_COME: usize = 16;
/// Longer than any run.
const FOR_EVER: Duration = Duration::from_hours(10 * 365 * 24);

/// Sets up the loop.
///
/// # Errors
/// When the machine has too little to spare.
pub(crate) fn runtime() -> Result<Runtime, EngineError> {
    // The library that waits for us panics when it cannot open what it needs.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if files.is_some_and(|files| files < LEAST_FILES) {
        return Err(EngineError::TooFewFiles {
            allowed: files.unwrap_or_default(),
            needed: LEAST_FILES,
        });
    }
    let is_missing = |doing| move |source| EngineError::Machine { doing, source };
    let spare: io::Result<Vec<File>> = (0..STILL_TO_COME)
        .map(|_| File::open("/dev/null"))
        .collect();
    drop(spare.map_err(is_missing("open as many files as a run needs"))?);
    let tried = Thread::new().spawn(|| ());
    drop(
        tried
            .map_err(is_missing("start the thread that a run needs"))?
            .join(),
    );
    let runtime = Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(FOR_EVER)
        .build()
        .map_err(is_missing("set up the loop"))?;
    // As long as there is one such thread, the library waits for it where it cannot start another;
    // where there is none, it panics.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}
