//! Why a command could not be started, found out by looking after the fact.
//!
//! The kernel says "not found" for a missing program, a missing interpreter and a missing directory
//! alike; a person needs to know which.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Access;
use rustix::fs::AtFlags;

use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::process::spawn::failure;
use crate::process::spawn::is_host_busy;
use crate::process::spawn::limit_errno;
use crate::support::bytes::OsText;

/// What stood in the way of executing `program` in `workdir`.
pub(crate) fn explain(errno: i32, program: &Path, workdir: &Path) -> StartFailure {
    use StartFailureKind as Kind;
    if let Some(errno) = limit_errno(errno) {
        return failure(Kind::LimitRefused, errno, program);
    }
    if is_host_busy(&io::Error::from_raw_os_error(errno)) {
        return failure(Kind::HostBusy, errno, program);
    }
    let kind = match errno {
        libc::E2BIG => Kind::TooLong,
        libc::ENOEXEC | libc::ELIBBAD => Kind::WrongFormat,
        libc::ENOENT | libc::ENOTDIR | libc::EACCES => {
            if let Some(failure) = workdir_failure(workdir, errno) {
                return failure;
            }
            return explain_program(errno, program);
        }
        libc::EPERM => Kind::NotExecutable,
        _ => Kind::Other,
    };
    failure(kind, errno, program)
}

/// What is wrong with a working directory, if anything.
pub(crate) fn workdir_failure(workdir: &Path, errno: i32) -> Option<StartFailure> {
    use StartFailureKind as Kind;
    let kind = match std::fs::metadata(workdir) {
        Ok(metadata) if !metadata.is_dir() => Kind::WorkdirMissing,
        Ok(_) => {
            let enter =
                rustix::fs::accessat(rustix::fs::CWD, workdir, Access::EXEC_OK, AtFlags::EACCESS);
            match enter {
                Ok(()) => return None,
                Err(_) => Kind::WorkdirForbidden,
            }
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Kind::WorkdirForbidden,
        Err(_) => Kind::WorkdirMissing,
    };
    Some(failure(kind, errno, workdir))
}

fn explain_program(errno: i32, program: &Path) -> StartFailure {
    use StartFailureKind as Kind;
    let metadata = match std::fs::metadata(program) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return failure(Kind::NotExecutable, errno, program);
        }
        Err(_) => return failure(Kind::ProgramMissing, errno, program),
    };
    let may_execute =
        rustix::fs::accessat(rustix::fs::CWD, program, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
    if !metadata.is_file() || !may_execute {
        return failure(Kind::NotExecutable, errno, program);
    }
    // The program is in order, so it is what the kernel needs besides.
    match interpreter(program) {
        Some(needed) if errno == libc::EACCES => failure(Kind::NotExecutable, errno, &needed),
        Some(needed) => failure(Kind::InterpreterMissing, errno, &needed),
        None if errno == libc::EACCES => failure(Kind::NotExecutable, errno, program),
        None => failure(Kind::InterpreterMissing, errno, program),
    }
}

/// The program that the kernel starts to run this one: of the `#!` line, or the loader of a binary.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let file = File::open(program).ok()?;
    let mut head = [0; 256];
    let count = file.read_at(&mut head, 0).ok()?;
    let head = head.get(..count)?;
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii();
        let path = line.split(u8::is_ascii_whitespace).next()?;
        return Some(OsText::new(path).as_path().to_owned());
    }
    loader(&file, head)
}

/// The path in the `PT_INTERP` header of a 64-bit little-endian ELF file.
fn loader(file: &File, head: &[u8]) -> Option<PathBuf> {
    const PT_INTERP: u32 = 3;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = u64::from_le_bytes(*head.get(32..)?.first_chunk()?);
    let size = u16::from_le_bytes(*head.get(54..)?.first_chunk()?);
    let count = u16::from_le_bytes(*head.get(56..)?.first_chunk()?);
    for index in 0..u64::from(count) {
        let mut header = [0; 56];
        let offset = table.checked_add(index * u64::from(size))?;
        file.read_exact_at(&mut header, offset).ok()?;
        if u32::from_le_bytes(*header.first_chunk()?) != PT_INTERP {
            continue;
        }
        let offset = u64::from_le_bytes(*header.get(8..)?.first_chunk()?);
        let length = u64::from_le_bytes(*header.get(32..)?.first_chunk()?);
        let mut path = vec![0; usize::try_from(length.min(4096)).ok()?];
        file.read_exact_at(&mut path, offset).ok()?;
        let path = path.split(|byte| *byte == 0).next()?;
        return Some(OsText::new(path).as_path().to_owned());
    }
    None
}
