//! No memory of ours in a core file: it may hold the secrets of tasks and of those who are told.
//!
//! The limit of the size of core files would do, but commands inherit it, and what they may dump is not
//! ours to change. So the kernel is told that this process cannot be dumped, which ends with the
//! next `execve`: commands are as they would be without us. As a side effect only root can look into
//! `/proc/<pid>/environ` and attach a debugger.

use std::io;

use rustix::process::DumpableBehavior;

/// Switches core dumps of this process off.
///
/// # Errors
/// When the kernel refuses.
pub fn forbid() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
