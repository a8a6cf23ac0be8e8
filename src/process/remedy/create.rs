//! Creating a directory that a task misses.
//!
//! It is made as the task itself would make it: for the user, with the user's umask.

use std::io;
use std::path::Path;

use rustix::fs::FileType;

use crate::process::checkpoint::folder::Folder;
use crate::process::remedy::RemedyError;
use crate::process::remedy::names;
use crate::support::bytes::OsText;
use crate::support::text::count;

/// The most directories that one remedy makes.
const MOST: usize = 20;

/// Creates a directory beneath the workdir, or one that is declared.
pub(super) fn directory(
    workdir: &Path,
    path: &OsText,
    declared: bool,
) -> Result<String, RemedyError> {
    let is_absolute = path.as_bytes().starts_with(b"/");
    let (mut folder, names) = if is_absolute && declared {
        (
            names::open_declared(Path::new("/"))?,
            names::absolute(path)?,
        )
    } else {
        (names::open_declared(workdir)?, names::relative(path)?)
    };
    let mut made = 0_usize;
    for name in &names {
        let name = Path::new(name);
        match folder.look_at(name) {
            Ok(there) => {
                let kind = FileType::from_raw_mode(there.st_mode);
                if kind == FileType::Symlink {
                    return Err(RemedyError::refused(
                        path.clone(),
                        "leads through a link, and links are not followed",
                    ));
                }
                if kind != FileType::Directory {
                    return Err(RemedyError::refused(
                        path.clone(),
                        "leads through something that is no directory",
                    ));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if made == MOST {
                    return Err(RemedyError::refused(
                        path.clone(),
                        "would need more than 20 new directories",
                    ));
                }
                // Somebody else may have made it in between: then it is looked at by opening it.
                folder
                    .make_inner(name)
                    .map_err(RemedyError::system("create", path.clone()))?;
                made += 1;
            }
            Err(error) => return Err(RemedyError::system("look at", path.clone())(error)),
        }
        // INVARIANT: whatever has the name now is entered only if it is a directory and no link.
        folder = folder
            .inner(name)
            .map_err(RemedyError::system("open", path.clone()))?;
    }
    verified(&folder, path, made)
}

/// That the directory is open proves that it is there; a task also has to be able to write in it.
fn verified(folder: &Folder, path: &OsText, made: usize) -> Result<String, RemedyError> {
    let shown = path.untrusted().for_terminal();
    if !folder.is_writable() {
        return Err(RemedyError::refused(
            path.clone(),
            "is there and may not be written in",
        ));
    }
    Ok(match made {
        0 => format!("`{shown}` is there"),
        1 => format!("created `{shown}`"),
        made => {
            let above = count(made - 1, "directory");
            format!("created `{shown}` and {above} above it")
        }
    })
}
