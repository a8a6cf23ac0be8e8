//! The names that a path of a remedy consists of, and the way down to what it names.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::process::checkpoint::folder::Folder;
use crate::process::remedy::RemedyError;
use crate::support::bytes::OsText;

/// The longest path.
const LONGEST: usize = 4096;

/// The names of a path that stays below the folder in which it begins.
pub(super) fn relative(path: &OsText) -> Result<Vec<OsString>, RemedyError> {
    if path.as_bytes().starts_with(b"/") {
        return Err(RemedyError::refused(
            path.clone(),
            "is absolute and not declared",
        ));
    }
    names(path)
}

/// The names of an absolute path.
pub(super) fn absolute(path: &OsText) -> Result<Vec<OsString>, RemedyError> {
    names(path)
}

fn names(path: &OsText) -> Result<Vec<OsString>, RemedyError> {
    let refused = |why| Err(RemedyError::refused(path.clone(), why));
    let bytes = path.as_bytes();
    if bytes.len() > LONGEST {
        // Its beginning tells enough.
        let begin = bytes.get(..64).unwrap_or_default();
        return Err(RemedyError::refused(
            OsText::new(begin),
            "is longer than a path can be",
        ));
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return refused("holds a control character");
    }
    let mut names = Vec::new();
    for name in bytes.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => return refused("leads upwards"),
            name => names.push(OsStr::from_bytes(name).to_owned()),
        }
    }
    if names.is_empty() {
        return refused("names nothing");
    }
    Ok(names)
}

/// Opens a folder that the definition itself names: links in its own path are the user's.
pub(super) fn open_declared(path: &Path) -> Result<Folder, RemedyError> {
    Folder::open_declared(path).map_err(RemedyError::system("open the folder", path))
}

/// Opens the folder that holds the last of `names`; no link is followed.
pub(super) fn holder_of(
    root: Folder,
    path: &OsText,
    names: &[OsString],
) -> Result<(Folder, OsString), RemedyError> {
    let Some((last, above)) = names.split_last() else {
        return Err(RemedyError::refused(path.clone(), "names nothing"));
    };
    let mut folder = root;
    for name in above {
        folder = folder
            .inner(Path::new(name))
            .map_err(RemedyError::system("open the folder of", path.clone()))?;
    }
    Ok((folder, last.clone()))
}
