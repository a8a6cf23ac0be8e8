//! Requirements looked at with real tools, files and ports.

use super::*;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

struct Place {
    folder: tempfile::TempDir,
    environment: Environment,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let environment = [
            (OsText::from("PATH"), OsText::from(path)),
            ("PGHOST".into(), "db".into()),
            ("EMPTY".into(), "".into()),
        ];
        Self {
            folder,
            environment: environment.into(),
        }
    }

    fn tool(&self, name: &str, script: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn found(&self, requirement: &Requirement) -> Option<String> {
        let unmet = look(
            std::slice::from_ref(requirement),
            &self.environment,
            self.folder.path(),
        );
        assert!(unmet.len() <= 1);
        unmet.into_iter().next().map(|unmet| {
            assert_eq!(&unmet.requirement, requirement);
            unmet.found
        })
    }
}

fn tool(name: &str, version: &str) -> Requirement {
    Requirement::Tool {
        name: name.to_owned(),
        version: (!version.is_empty()).then(|| version.to_owned()),
    }
}

#[test]
fn a_tool_is_looked_for_on_the_path_of_the_task_and_asked_for_its_version() {
    let place = Place::new();
    place.tool(
        "snake",
        "[ \"$1\" = --version ] && echo Snake $PGHOST 3.9.2",
    );
    place.tool("loud", "echo 'loud 17.0.1' >&2");
    place.tool("mute", "exit 0");
    place.tool("broken", "exit 3");
    place.tool("slow", "sleep 600");
    for (name, version, found) in [
        ("sh", "", None),
        ("snake", "", None),
        ("snake", "3.9", None),
        ("snake", "3.11", Some("`snake` is 3.9.2, 3.11 is required")),
        ("loud", "17", None),
        (
            "mute",
            "1",
            Some("`mute --version` tells no version, 1 is required"),
        ),
        (
            "broken",
            "1",
            Some("`broken --version` ended with exit code 3, 1 is required"),
        ),
        (
            "slow",
            "1",
            Some("`slow --version` did not end within 10.0s, 1 is required"),
        ),
        ("nowhere", "2", Some("`nowhere` is not on the task's PATH")),
    ] {
        let answer = place.found(&tool(name, version));
        assert_eq!(answer.as_deref(), found, "{name} {version}");
    }
    let path = place.folder.path().join("mute");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    if !rustix::process::geteuid().is_root() {
        let answer = place.found(&tool("mute", "")).unwrap();
        assert_eq!(answer, "`mute` may not be executed");
    }
}

#[test]
fn files_and_folders_are_relative_to_the_folder_of_the_task() {
    let place = Place::new();
    let folder = place.folder.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("in.csv"), "x").unwrap();
    let file = |path: &str| place.found(&Requirement::File(path.into()));
    assert_eq!(file("data/in.csv"), None);
    assert_eq!(file("data/"), None);
    assert_eq!(file(folder.to_str().unwrap()), None);
    assert_eq!(file("data/out.csv").unwrap(), "`data/out.csv` is missing");
    assert_eq!(file("data/in.csv/x").unwrap(), "`data/in.csv/x` is missing");
}

#[test]
fn a_variable_must_be_set_and_hold_something() {
    let place = Place::new();
    let env = |name: &str| place.found(&Requirement::Env(name.to_owned()));
    assert_eq!(env("PGHOST"), None);
    assert_eq!(env("EMPTY").unwrap(), "the variable `EMPTY` is empty");
    assert_eq!(env("NONE").unwrap(), "the variable `NONE` is not set");
}

#[test]
fn a_port_must_take_connections() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = |host: &str, port| {
        place.found(&Requirement::Tcp {
            host: host.to_owned(),
            port,
        })
    };
    assert_eq!(tcp("127.0.0.1", port), None);
    // Nobody is given one of the first ports by chance, as one that was let go of would be.
    assert_eq!(
        tcp("127.0.0.1", 1).unwrap(),
        "`127.0.0.1` port 1 refuses connections"
    );
    let unknown = tcp("no-such-host.invalid", 1).unwrap();
    assert!(
        unknown.starts_with("the host `no-such-host.invalid` "),
        "{unknown}"
    );
}

#[test]
fn all_that_is_unmet_is_told_in_the_order_of_the_task() {
    let place = Place::new();
    let wanted: Vec<Requirement> = (0..20)
        .map(|number| {
            if number % 2 == 0 {
                tool("sh", "")
            } else {
                Requirement::Env(format!("NONE_{number}"))
            }
        })
        .collect();
    let unmet = look(&wanted, &place.environment, place.folder.path());
    let expected: Vec<&Requirement> = wanted.iter().skip(1).step_by(2).collect();
    let told: Vec<&Requirement> = unmet.iter().map(|unmet| &unmet.requirement).collect();
    assert_eq!(told, expected);
    assert_eq!(look(&[], &place.environment, place.folder.path()), []);
}
