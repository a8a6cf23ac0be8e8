//! Space on the disk.

use std::io;
use std::path::Path;

/// Bytes that this user may still write where `path` lies.
///
/// # Errors
/// When the path is not there or the file system does not answer.
pub fn free(path: &Path) -> io::Result<u64> {
    let answer = rustix::fs::statvfs(path)?;
    Ok(answer.f_bavail.saturating_mul(answer.f_frsize))
}
