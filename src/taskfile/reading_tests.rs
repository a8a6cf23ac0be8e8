//! Which files are trusted.

use super::*;

const ME: Person = Person {
    uid: 1000,
    private_group: Some(1000),
};

fn file(mode: u32, uid: u32, gid: u32) -> Ownership {
    Ownership { mode, uid, gid }
}

#[test]
fn a_file_is_trusted_when_only_its_user_or_root_can_have_written_it() {
    for (trusted, file) in [
        (true, file(0o600, 1000, 1000)),
        (true, file(0o644, 0, 0)),
        (true, file(0o664, 1000, 1000)),
        (false, file(0o664, 1000, 100)),
        (false, file(0o666, 1000, 1000)),
        (false, file(0o602, 0, 0)),
        (false, file(0o600, 1001, 1000)),
        (false, file(0o664, 0, 0)),
    ] {
        assert_eq!(
            check_ownership("task file", file, ME).is_ok(),
            trusted,
            "{file:?}"
        );
    }
    let nobody_alone = Person {
        uid: 1000,
        private_group: None,
    };
    assert!(check_ownership("task file", file(0o664, 1000, 1000), nobody_alone).is_err());
}

#[test]
fn a_group_is_private_when_nobody_else_is_in_it() {
    let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n";
    let alone = "ann:x:1001:\n";
    assert!(is_private_by(passwd, alone, 1000, 1001));
    assert!(!is_private_by(passwd, "ann:x:1001:bob\n", 1000, 1001));
    assert!(!is_private_by(passwd, "users:x:1001:\n", 1000, 1001));
    let shared = format!("{passwd}bob:x:1001:1001::/home/bob:/bin/sh\n");
    assert!(!is_private_by(&shared, alone, 1000, 1001));
    assert!(!is_private_by("", "", 1000, 1001));
}

#[test]
fn unreadable_files_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(Path::new("missing.toml"), folder.path()).unwrap_err();
    assert_eq!(
        missing.message,
        "cannot read the task file: no such file or directory"
    );
    let directory = read(Path::new("."), folder.path()).unwrap_err();
    assert_eq!(directory.message, "the task file is a folder");
    std::fs::write(folder.path().join("latin.toml"), b"name = \"\xfc\"").unwrap();
    let latin = read(Path::new("latin.toml"), folder.path()).unwrap_err();
    assert!(latin.message.contains("UTF-8"));
    std::fs::write(
        folder.path().join("large.toml"),
        vec![b'#'; 16 * 1024 * 1024 + 1],
    )
    .unwrap();
    let large = read(Path::new("large.toml"), folder.path()).unwrap_err();
    assert_eq!(large.message, "the task file is larger than 16 MiB");
}

#[test]
fn a_file_has_the_same_folder_from_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("a")).unwrap();
    std::fs::write(root.join("tasks.toml"), "").unwrap();
    let direct = read(Path::new("./tasks.toml"), &root).unwrap().folder;
    let above = read(Path::new("../tasks.toml"), &root.join("a"))
        .unwrap()
        .folder;
    assert_eq!(direct, root);
    assert_eq!(above, root);
}
