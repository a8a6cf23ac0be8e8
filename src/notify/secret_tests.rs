//! Tests of where secrets come from.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

fn fetch(source: &SecretSource, folder: &Path) -> Result<Secret, String> {
    let variable = |name: &str| match name {
        "SET" => Some(OsString::from("from the environment")),
        "EMPTY" => Some(OsString::new()),
        "CREDENTIALS_DIRECTORY" => Some(folder.join("credentials").into_os_string()),
        _ => None,
    };
    let around = Surroundings {
        variable: &variable,
        home: Some(folder),
        folder,
    };
    source.fetch(around).map_err(|error| error.to_string())
}

fn write(path: &Path, content: &str, mode: u32) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_secret_is_shown_by_nobody() {
    let source = SecretSource::Written(Secret::new("hunter2"));
    assert_eq!(format!("{source:?}"), "Written([secret])");
    assert_eq!(source.place(), None);
}

#[test]
fn each_source_gives_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(
        &here.join("pass"),
        "from a file\nand a second line\n",
        0o600,
    );
    std::fs::create_dir(here.join("credentials")).unwrap();
    write(&here.join("credentials/smtp"), "from systemd\n", 0o440);
    let command = ["/bin/sh", "-c", "echo from a command; echo noise >&2"];
    let command = command.map(str::to_owned).to_vec();
    for (source, expected) in [
        (
            SecretSource::Variable("SET".to_owned()),
            "from the environment",
        ),
        (SecretSource::File("pass".into()), "from a file"),
        (SecretSource::File("~/pass".into()), "from a file"),
        (SecretSource::File(here.join("pass")), "from a file"),
        (SecretSource::Credential("smtp".to_owned()), "from systemd"),
        (SecretSource::Command(command), "from a command"),
    ] {
        assert_eq!(
            fetch(&source, here).unwrap().reveal(),
            expected,
            "{source:?}"
        );
    }
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for mode in [0o640, 0o604, 0o660, 0o644, 0o666] {
        write(&here.join("pass"), "hunter2", mode);
        let told = fetch(&SecretSource::File("pass".into()), here).unwrap_err();
        assert!(told.contains(&format!("(mode {mode:o})")), "{told}");
        assert!(told.contains("chmod 600"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn what_is_not_there_is_told_with_its_place_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(&here.join("empty"), "\nhunter2\n", 0o600);
    let failing = ["/bin/sh", "-c", "echo hunter2; exit 3"].map(str::to_owned);
    for (source, piece) in [
        (
            SecretSource::Variable("EMPTY".to_owned()),
            "`EMPTY` is not set",
        ),
        (SecretSource::File("none".into()), "there is no such file"),
        (SecretSource::File("empty".into()), "is empty"),
        (SecretSource::File("/dev/zero".into()), "it is no file"),
        (
            SecretSource::Credential("none".to_owned()),
            "there is no such file",
        ),
        (
            SecretSource::Command(failing.to_vec()),
            "ends with exit status: 3",
        ),
        (
            SecretSource::Command(vec!["/no/such/program".to_owned()]),
            "cannot be started",
        ),
    ] {
        let told = fetch(&source, here).unwrap_err();
        assert!(told.contains(piece), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
