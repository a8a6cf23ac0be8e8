//! Files that a person named for an answer: whole under their name, or as they were.
//!
//! Not for the state directory, whose files have rules of their own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes a file, or replaces it. When this returns it survives a loss of power; until then the file
/// is what it was before.
///
/// A pipe or a device is written to as it is, and so is a file in a folder in which nothing may be
/// made.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let before = fs::metadata(file).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return fs::write(file, content);
    }
    // What a link leads to is replaced, not the link.
    let real = match file.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound && !file.is_symlink() => file.to_owned(),
        // `/dev/stdout` leads to whatever is open there, which may have lost its name.
        Err(_) if before.is_some() => return fs::write(file, content),
        Err(error) => return Err(error),
    };
    if before.is_some() {
        // A file that may not be written is not replaced behind its owner's back.
        drop(OpenOptions::new().write(true).open(&real)?);
    }
    let folder = real
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(60).collect();
    let new = folder.join(format!(".{name}.{:x}.new", fastrand::u64(..)));
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&new);
    let mut made = match made {
        Err(error) if error.kind() == ErrorKind::PermissionDenied && before.is_some() => {
            return fs::write(&real, content);
        }
        made => made?,
    };
    let written = made
        .write_all(content)
        .and_then(|()| match before {
            Some(before) => made.set_permissions(before.permissions()),
            None => Ok(()),
        })
        .and_then(|()| made.sync_all())
        // CRASH: half a file is left under a name that nobody looks for; the one that was asked for is
        // as it was.
        .and_then(|()| fs::rename(&new, &real));
    if let Err(error) = written {
        let _the_first_error_counts = fs::remove_file(&new);
        return Err(error);
    }
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.md");
        replace(&file, b"first").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let early = fs::File::open(&file).unwrap();
        replace(&file, b"second").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"second");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        // Whoever was reading goes on with the old one, which nobody cuts off under him.
        assert_eq!(io::read_to_string(early).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        replace(Path::new("/dev/null"), b"nothing").unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }

    #[test]
    fn what_only_a_descriptor_leads_to_takes_what_it_is_given() {
        let (mut reader, writer) = io::pipe().unwrap();
        let link = |open: &dyn AsRawFd| format!("/proc/self/fd/{}", open.as_raw_fd());
        replace(Path::new(&link(&writer)), b"through a pipe").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through a pipe");
        let nameless = tempfile::tempfile().unwrap();
        replace(Path::new(&link(&nameless)), b"into a file").unwrap();
        assert_eq!(io::read_to_string(nameless).unwrap(), "into a file");
    }

    #[test]
    fn where_there_is_no_folder_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&folder.path().join("no/report.md"), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = replace(folder.path(), b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
    }
}
