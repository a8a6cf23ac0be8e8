//! Commands that never ran: what was in the way.

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::policy::classify::judged;

/// The pattern of a start that failed because this host has nothing to spare.
pub const HOST_BUSY_PATTERN: &str = "host_busy";
/// The pattern of a start that did not happen because the remedy before it failed.
pub const REMEDY_FAILED_PATTERN: &str = "remedy_failed";

/// What kept the command from starting; `unmet` says more of requirements.
pub(super) fn judge(failure: &StartFailure, unmet: Option<&str>) -> Classification {
    use Category as C;
    use Retryable as R;
    use StartFailureKind as K;
    let (category, pattern, retryable) = match failure.kind {
        K::ProgramMissing => (C::Dependency, "missing_command", R::AfterFix),
        K::InterpreterMissing => (C::Dependency, "missing_interpreter", R::AfterFix),
        K::WorkdirForbidden | K::NotExecutable => (C::Resource, "permission", R::AfterFix),
        K::WrongFormat => (C::Validation, "wrong_format", R::No),
        K::TooLong => (C::Validation, "arguments_too_long", R::No),
        K::NulByte => (C::Validation, "nul_byte", R::No),
        K::StdinUnreadable if failure.errno == libc::EACCES => {
            (C::Resource, "permission", R::AfterFix)
        }
        K::WorkdirMissing | K::StdinUnreadable => (C::Resource, "missing_path", R::No),
        K::EnvFileUnreadable => (C::Validation, "env_file", R::No),
        K::LimitRefused => (C::Validation, "limit_refused", R::No),
        K::RequirementMissing => requirement(&failure.path.as_path().to_string_lossy()),
        K::CheckpointUnusable => (C::Resource, "checkpoint_unusable", R::Yes),
        K::RemedyFailed => (C::Unknown, REMEDY_FAILED_PATTERN, R::No),
        K::HostBusy => (C::Resource, HOST_BUSY_PATTERN, R::Yes),
        K::Other => by_errno(failure.errno),
    };
    let path = String::from_utf8_lossy(failure.path.as_bytes()).into_owned();
    let line = match (failure.kind, unmet) {
        (K::RequirementMissing | K::EnvFileUnreadable | K::RemedyFailed, Some(unmet)) => {
            unmet.to_owned()
        }
        (kind, _) => sentence(kind, failure.errno, &path),
    };
    let mut judgement = judged(category, pattern, retryable, 1.0, line);
    if !path.is_empty() {
        let key = match (failure.kind, category) {
            (K::RequirementMissing, _) => "requirement",
            (_, C::Dependency) => "command",
            _ => "path",
        };
        judgement.extracted.insert(key.to_owned(), path);
    }
    judgement
}

/// The judgement of a start failure of which only the error number is known.
fn by_errno(errno: i32) -> (Category, &'static str, Retryable) {
    use Category as C;
    use Retryable as R;
    match errno {
        libc::EACCES | libc::EPERM => (C::Resource, "permission", R::AfterFix),
        libc::ETXTBSY => (C::Resource, "busy", R::Yes),
        libc::EMFILE | libc::ENFILE => (C::Resource, "too_many_files", R::Yes),
        libc::ENOSPC => (C::Resource, "disk_full", R::AfterFix),
        libc::EIO => (C::Resource, "io_error", R::Yes),
        libc::ELOOP | libc::ENAMETOOLONG | libc::EISDIR | libc::ENOTDIR => {
            (C::Validation, "bad_path", R::No)
        }
        _ => (C::Resource, "cannot_start", R::No),
    }
}

/// What a requirement that is not met means, by the way it is written.
fn requirement(written: &str) -> (Category, &'static str, Retryable) {
    use Category as C;
    use Retryable as R;
    match written.split_once(':') {
        Some(("tcp", _)) => (C::Network, "requirement_unreachable", R::Yes),
        Some(("env", _)) => (C::Validation, "requirement_missing", R::AfterFix),
        _ if written.contains('/') && !written.contains(" >= ") => {
            (C::Resource, "requirement_missing", R::AfterFix)
        }
        _ => (C::Dependency, "requirement_missing", R::AfterFix),
    }
}

/// What was in the way, for a person. The path in it is untrusted, as every deciding line is.
fn sentence(kind: StartFailureKind, errno: i32, path: &str) -> String {
    use StartFailureKind as K;
    match kind {
        K::ProgramMissing => format!("the program `{path}` was not found"),
        K::InterpreterMissing => format!("the interpreter `{path}` was not found"),
        K::WorkdirMissing => format!("the working directory `{path}` is missing"),
        K::WorkdirForbidden => format!("the working directory `{path}` may not be entered"),
        K::NotExecutable => format!("`{path}` may not be executed"),
        K::WrongFormat => format!("`{path}` is no program that this machine can run"),
        K::TooLong => "arguments and environment are longer than the system allows".to_owned(),
        K::NulByte => "an argument or variable holds a NUL byte".to_owned(),
        K::StdinUnreadable => format!("the file for standard input `{path}` cannot be opened"),
        K::EnvFileUnreadable => format!("the file of variables `{path}` cannot be used"),
        K::LimitRefused => "a limit or the niceness could not be set".to_owned(),
        K::RequirementMissing => format!("`{path}`, which it requires, is not there"),
        K::CheckpointUnusable => format!("the folder of its checkpoint `{path}` cannot be used"),
        K::RemedyFailed => format!("the recovery `{path}` before it failed"),
        K::HostBusy => "this host has no processes, memory or descriptors to spare".to_owned(),
        K::Other => format!("`{path}` could not be started (error {errno})"),
    }
}
