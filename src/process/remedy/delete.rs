//! Deleting what a task declares as temporary, and nothing else.
//!
//! Only regular files, found by [`Walk`]. A link is left where it is: what it leads to is not declared.

use std::io;
use std::path::Path;

use rustix::fs::FileType;
use rustix::fs::OFlags;

use crate::process::remedy::RemedyError;
use crate::process::remedy::held;
use crate::process::remedy::names;
use crate::process::remedy::walk::Walk;
use crate::process::remedy::walk::place;
use crate::support::bytes::OsText;
use crate::support::text;

/// The most files that one remedy deletes.
const MOST: u64 = 100_000;

/// Deletes all files that the patterns mean.
pub(super) fn clean(
    workdir: &Path,
    patterns: &[String],
    protected: &[OsText],
) -> Result<String, RemedyError> {
    let root = names::open_declared(workdir)?;
    let mut walk = Walk::new(&root, workdir, patterns, protected)?;
    let mut deleted = Deleted::default();
    let free_before = root.free_bytes();
    walk.each(&root, true, &mut |meant| {
        if deleted.files >= MOST {
            return Err(io::Error::other("there are more than 100,000 of them"));
        }
        match meant.folder.remove_file(Path::new(meant.name)) {
            Ok(()) => {
                deleted.files += 1;
                // With another name it keeps its space.
                if meant.stat.st_nlink == 1 {
                    let blocks = u64::try_from(meant.stat.st_blocks).unwrap_or_default();
                    deleted.bytes += blocks * 512;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => deleted.refused += 1,
        }
        Ok(())
    })
    .map_err(RemedyError::system(
        "delete all temporary files of",
        workdir,
    ))?;
    let mut left = 0_u64;
    walk.each(&root, false, &mut |_| {
        left += 1;
        Ok(())
    })
    .map_err(RemedyError::system("look again at", workdir))?;
    deleted.told(left, root.free_bytes() > free_before)
}

#[derive(Debug, Default)]
struct Deleted {
    files: u64,
    bytes: u64,
    refused: u64,
}

impl Deleted {
    fn told(&self, left: u64, freed: bool) -> Result<String, RemedyError> {
        let Self {
            files,
            bytes,
            refused,
        } = self;
        let size = text::size(*bytes);
        let plural = if *files == 1 { "" } else { "s" };
        if *files == 0 {
            return Err(RemedyError::InVain(if *refused == 0 {
                "no file is there that `temp` names".to_owned()
            } else {
                format!("none of the {refused} files that `temp` names may be deleted")
            }));
        }
        // What is written again at once counts as long as there is more space than before.
        if left > 0 && !freed {
            return Err(RemedyError::InVain(format!(
                "deleted {files} file{plural} ({size}), but {left} are left and no space was freed"
            )));
        }
        let rest = if left > 0 {
            format!("; {left} are left")
        } else {
            String::new()
        };
        Ok(format!("deleted {files} file{plural} ({size}){rest}"))
    }
}

/// Deletes one file that the patterns mean.
pub(super) fn one(
    workdir: &Path,
    patterns: &[String],
    path: &OsText,
    unless_held: bool,
    protected: &[OsText],
) -> Result<String, RemedyError> {
    let names = names::relative(path)?;
    let root = names::open_declared(workdir)?;
    let walk = Walk::new(&root, workdir, patterns, protected)?;
    if !walk.means(&names) {
        return Err(RemedyError::refused(path.clone(), "is not named by `temp`"));
    }
    let shown = path.untrusted().for_terminal();
    let (folder, name) = names::holder_of(root, path, &names)?;
    let name = Path::new(&name);
    let stat = match folder.look_at(name) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(format!("`{shown}` is not there any more"));
        }
        Err(error) => return Err(RemedyError::system("look at", path.clone())(error)),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(RemedyError::refused(path.clone(), "is no regular file"));
    }
    let open = if unless_held {
        let file = folder
            .file(name, OFlags::RDONLY | OFlags::NONBLOCK)
            .map_err(RemedyError::system("open", path.clone()))?;
        if let Some(holder) = held::holder(&file) {
            return Err(RemedyError::InVain(format!("`{shown}` is held: {holder}")));
        }
        Some(file)
    } else {
        None
    };
    // INVARIANT: what is deleted is what was looked at.
    let again = folder
        .look_at(name)
        .map_err(RemedyError::system("look again at", path.clone()))?;
    if place(&again) != place(&stat) {
        return Err(RemedyError::refused(path.clone(), "was replaced meanwhile"));
    }
    folder
        .remove_file(name)
        .map_err(RemedyError::system("delete", path.clone()))?;
    // Our own lock on it, if it was asked for, ends here.
    drop(open);
    match folder.look_at(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(format!("deleted `{shown}`")),
        Ok(_) => Err(RemedyError::refused(path.clone(), "is there again")),
        Err(error) => Err(RemedyError::system("look again at", path.clone())(error)),
    }
}
