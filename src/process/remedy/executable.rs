//! Setting the execute bit of a program of the task.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::Access;
use rustix::fs::AtFlags;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;

use crate::process::remedy::RemedyError;
use crate::process::remedy::names;
use crate::support::bytes::OsText;

/// The bits by which a program runs as somebody else.
const SET_ID: u32 = 0o6000;

/// Lets the user execute a file of their own beneath the workdir.
pub(super) fn make(workdir: &Path, program: &OsText) -> Result<String, RemedyError> {
    let refused = |why| Err(RemedyError::refused(program.clone(), why));
    if !program.as_bytes().contains(&b'/') {
        return refused("is found by PATH and not a file of the task");
    }
    // A command may name it by its whole path.
    let beneath = match program.as_path().strip_prefix(workdir) {
        Ok(beneath) => OsText::from(beneath),
        Err(_) => program.clone(),
    };
    let parts = names::relative(&beneath)?;
    let root = names::open_declared(workdir)?;
    let (folder, name) = names::holder_of(root, program, &parts)?;
    let file = folder
        .file(Path::new(&name), OFlags::RDONLY | OFlags::NONBLOCK)
        .map_err(RemedyError::system("open", program.clone()))?;
    let stat = rustix::fs::fstat(&file)
        .map_err(|error| RemedyError::system("look at", program.clone())(error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refused("is no regular file");
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return refused("belongs to somebody else");
    }
    if stat.st_mode & SET_ID != 0 {
        return refused("is set-id, and such a file is not touched");
    }
    if stat.st_nlink != 1 {
        return refused("has another name too");
    }
    let wanted = Mode::from_raw_mode(stat.st_mode & 0o7777) | Mode::XUSR;
    rustix::fs::fchmod(&file, wanted).map_err(|error| {
        RemedyError::system("change the mode of", program.clone())(error.into())
    })?;
    let mode = file
        .metadata()
        .map_err(RemedyError::system("look again at", program.clone()))?
        .permissions()
        .mode();
    let may_run = rustix::fs::accessat(
        rustix::fs::CWD,
        workdir.join(program.as_path()),
        Access::EXEC_OK,
        AtFlags::EACCESS,
    );
    if mode & 0o100 == 0 || may_run.is_err() {
        return refused("may still not be executed; is its file system mounted `noexec`?");
    }
    Ok(format!(
        "`{}` may be executed now",
        program.untrusted().for_terminal()
    ))
}
