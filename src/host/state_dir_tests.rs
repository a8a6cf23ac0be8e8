//! Directories that may hold a queue, and those that may not.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn mode_of(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_missing_directory_is_made_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path().join("a/b/state"));
    for _ in 0..2 {
        let warnings = prepare(&dir, SharedFileSystem::Refuse).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    for path in [
        dir.root().to_owned(),
        dir.slots(),
        dir.logs(),
        dir.backups(),
    ] {
        assert_eq!(mode_of(&path), 0o700, "{path:?}");
    }
    assert_eq!(mode_of(&dir.ballast()), 0o600);
}

#[test]
fn a_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    let link = folder.path().join("link");
    symlink(&real, &link).unwrap();
    assert!(matches!(
        prepare(&StateDir::at(&link), SharedFileSystem::Refuse),
        Err(StateDirError::Link { path }) if path == link
    ));
    assert_eq!(fs::read_dir(&real).unwrap().count(), 0);
    // Inside, too; but the folders above may be links.
    let dir = StateDir::at(&real);
    symlink(folder.path(), dir.logs()).unwrap();
    assert!(matches!(
        prepare(&dir, SharedFileSystem::Refuse),
        Err(StateDirError::Link { .. })
    ));
    prepare(&StateDir::at(link.join("below")), SharedFileSystem::Refuse).unwrap();
}

#[test]
fn a_link_of_ones_own_means_the_directory_that_it_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let real = root.join("real");
    fs::create_dir(&real).unwrap();
    symlink("real", root.join("link")).unwrap();
    symlink(root.join("link"), root.join("to-link")).unwrap();
    symlink("missing", root.join("nowhere")).unwrap();
    symlink("circle", root.join("circle")).unwrap();
    for name in ["real", "link", "to-link"] {
        assert_eq!(meant(root.join(name)), real, "{name}");
    }
    for name in ["nowhere", "circle", "missing"] {
        assert_eq!(meant(root.join(name)), root.join(name));
    }
}

#[test]
fn a_directory_that_others_may_write_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o720, 0o702, 0o777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = prepare(&StateDir::at(folder.path()), SharedFileSystem::Refuse).unwrap_err();
        assert!(matches!(error, StateDirError::WritableByOthers { .. }));
        assert!(error.to_string().contains("chmod go-w"), "{error}");
    }
}

#[test]
fn a_file_in_its_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    fs::write(&path, "x").unwrap();
    assert!(matches!(
        prepare(&StateDir::at(path), SharedFileSystem::Refuse),
        Err(StateDirError::NotADirectory { .. })
    ));
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    if rustix::process::geteuid().is_root() {
        // Only the superuser can give a directory away.
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(12_345), None).unwrap();
        assert!(matches!(
            prepare(&StateDir::at(folder.path()), SharedFileSystem::Refuse),
            Err(StateDirError::ForeignOwner { owner: 12_345, .. })
        ));
    } else {
        assert!(matches!(
            prepare(&StateDir::at("/"), SharedFileSystem::Refuse),
            Err(StateDirError::ForeignOwner { owner: 0, .. })
        ));
    }
}

#[test]
fn where_nothing_may_be_written_the_path_is_named() {
    // The kernel's own tree refuses everybody, the superuser too.
    let dir = StateDir::at("/proc/autoexec-state");
    let error = prepare(&dir, SharedFileSystem::Refuse).unwrap_err();
    assert!(
        error.to_string().contains("/proc/autoexec-state"),
        "{error}"
    );
    assert!(
        check(&dir, SharedFileSystem::Refuse).is_ok(),
        "it is not there"
    );
}
