//! What a failure of the state directory or the database means for whoever typed the command: the exit code, the
//! stable code for scripts, and what to type next.

use crate::cli::failure::{CliError, Ending};
use crate::cli::ulimits;
use crate::host::state_dir::StateDirError;
use crate::store::StoreError;

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let (ending, code, hint) = meaning(&error);
        let limit = ulimits::behind(&error);
        let failure = Self::of_error(ending, code, error);
        match (hint, limit) {
            (Some(hint), Some(limit)) => failure.hint(format!("{limit}; otherwise {hint}")),
            (Some(hint), None) => failure.hint(hint),
            (None, Some(limit)) => failure.hint(limit),
            (None, None) => failure,
        }
    }
}

impl From<StateDirError> for CliError {
    fn from(error: StateDirError) -> Self {
        Self::of_error(Ending::QueueUnusable, "state_dir_unusable", error)
    }
}

fn meaning(error: &StoreError) -> (Ending, &'static str, Option<&'static str>) {
    use StoreError as E;
    const KEEP: &str = "keep the directory as it is: nothing was changed; a copy made by \
                        `autoexec db backup` can take the place of `queue.db`, after \
                        `queue.db-wal` and `queue.db-shm` are removed";
    const GO_ON: &str = "nothing was changed; to go on with the copy, remove `queue.db-wal` and \
                         `queue.db-shm` beside it";
    match error {
        E::Missing { .. } => (
            Ending::Usage,
            "no_queue",
            Some("`autoexec queue add` makes one; `--state-dir DIR` names another"),
        ),
        E::Beheaded { .. } => (Ending::QueueUnusable, "queue_damaged", Some(KEEP)),
        E::ForeignLog { .. } => (Ending::QueueUnusable, "queue_damaged", Some(GO_ON)),
        E::Corrupt { .. } | E::Unsound { .. } | E::Unreadable { .. } => {
            (Ending::QueueUnusable, "queue_damaged", Some(KEEP))
        }
        E::Newer { .. } => (
            Ending::QueueUnusable,
            "queue_newer",
            Some("use the newer autoexec that wrote it, or another queue with `--state-dir DIR`"),
        ),
        E::Foreign { .. } => (
            Ending::QueueUnusable,
            "queue_foreign",
            Some("name another directory with `--state-dir DIR`"),
        ),
        E::OldLibrary { .. } => (Ending::QueueUnusable, "library_old", None),
        E::DiskFull { .. } => (
            Ending::QueueUnusable,
            "disk_full",
            Some("free some space; the queue is as it was before"),
        ),
        E::Io { .. } | E::StoppedAfterIo => (
            Ending::QueueUnusable,
            "disk_failed",
            Some("look at the disk before you go on; `autoexec db check` tells what is left"),
        ),
        E::Busy { .. } => (
            Ending::QueueUnusable,
            "queue_busy",
            Some("try again in a moment"),
        ),
        E::CannotOpen { .. } | E::CannotOpenFile { .. } | E::ReadOnly { .. } => (
            Ending::QueueUnusable,
            "queue_not_accessible",
            Some("look at owner and permissions, or name another directory with `--state-dir DIR`"),
        ),
        E::Sqlite { .. } => (Ending::QueueUnusable, "queue_failed", None),
        E::NoSuchTask { .. } | E::NoSuchUpstream { .. } => (
            Ending::Usage,
            "unknown_task",
            Some("see all with `autoexec queue list --all`"),
        ),
        E::Illegal { .. } | E::InUse { .. } => (Ending::Usage, "refused", None),
        E::NameTaken { .. } => (
            Ending::Usage,
            "name_taken",
            Some("see it with `autoexec queue list`"),
        ),
        E::Circle { .. } => (
            Ending::Usage,
            "circle",
            Some("one of them must not wait; nothing was added"),
        ),
        E::NotOpen { .. } | E::AttemptOpen { .. } | E::Stale { .. } => (Ending::Bug, "bug", None),
        E::CopyExists { .. } => (
            Ending::Usage,
            "copy_exists",
            Some("name a file that does not exist yet"),
        ),
        E::CopyFailed { .. } => (Ending::NeedsPerson, "copy_failed", None),
        E::NoWayBack { .. } => (Ending::QueueUnusable, "copy_failed", None),
        E::CopyUnsound { .. } => (
            Ending::NeedsPerson,
            "copy_unsound",
            Some("look at the queue itself with `autoexec db check`"),
        ),
    }
}
