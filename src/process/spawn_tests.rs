//! Starting real programs, on both ways, and every kind of failure told apart.

use super::*;
use crate::model::outcome::Exit;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

struct Place {
    dir: tempfile::TempDir,
    environment: Environment,
}

impl Place {
    fn new() -> Self {
        let mut environment = Environment::new();
        environment.insert("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into());
        Self {
            dir: tempfile::tempdir().unwrap(),
            environment,
        }
    }

    fn script(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn start(&self, argv: &[&str], limits: &Limits) -> Result<Launched, StartFailure> {
        let argv: Vec<OsText> = argv.iter().map(|text| OsText::from(*text)).collect();
        launch(&Launch {
            argv: &argv,
            program: None,
            workdir: self.dir.path(),
            environment: &self.environment,
            stdin: None,
            streams: Streams::Captured,
            limits,
            nice: None,
        })
    }

    fn output(&self, argv: &[&str], limits: &Limits) -> (String, Exit) {
        let launched = self.start(argv, limits).unwrap();
        let mut text = String::new();
        std::fs::File::from(launched.stdout.unwrap())
            .read_to_string(&mut text)
            .unwrap();
        (text, wait(launched.process.pid))
    }
}

/// Waits for one child, leaving those of other tests alone.
fn wait(pid: i32) -> Exit {
    let status =
        rustix::process::waitpid(Pid::from_raw(pid), rustix::process::WaitOptions::empty())
            .unwrap()
            .unwrap()
            .1;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (_, Some(signal)) => Exit::Signal {
            signal: crate::model::signal::Signal::new(signal),
            core: false,
        },
        _ => panic!("neither exited nor killed"),
    }
}

fn some_limit() -> Limits {
    Limits {
        files: Some(64),
        ..Limits::default()
    }
}

#[test]
fn arguments_of_any_bytes_arrive_unchanged_on_both_ways() {
    let place = Place::new();
    let odd = "a b\"c'\n$HOME ü *";
    for limits in [Limits::default(), some_limit()] {
        let (text, exit) = place.output(&["printf", "%s|", odd, "", "-x"], &limits);
        assert_eq!(text, format!("{odd}||-x|"));
        assert_eq!(exit, Exit::Code(0));
    }
}

#[test]
fn a_command_gets_its_own_name_group_directory_and_environment() {
    let mut place = Place::new();
    place.environment.insert("ONLY".into(), "this".into());
    let script = place.script(
        "show",
        "#!/bin/sh\necho $0; pwd; env | grep -c .; cut -d' ' -f5 /proc/$$/stat; echo $$",
        0o755,
    );
    for limits in [Limits::default(), some_limit()] {
        let (text, _) = place.output(&["./show"], &limits);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], script.replace(&script, lines[0]), "{text}");
        assert!(lines[0].ends_with("show"));
        assert_eq!(Path::new(lines[1]), place.dir.path());
        // PATH, ONLY and what the shell adds (PWD, perhaps _ and SHLVL).
        assert!(lines[2].parse::<u32>().unwrap() <= 5);
        assert_eq!(lines[3], lines[4]);
    }
}

#[test]
fn standard_input_is_empty_or_the_file() {
    let place = Place::new();
    assert_eq!(place.output(&["cat"], &Limits::default()).0, "");
    place.script("input", "hello", 0o600);
    let argv = [OsText::from("cat")];
    let given = |stdin: &str| {
        launch(&Launch {
            argv: &argv,
            program: None,
            workdir: place.dir.path(),
            environment: &place.environment,
            stdin: Some(Path::new(stdin)),
            streams: Streams::Captured,
            limits: &Limits::default(),
            nice: None,
        })
    };
    let launched = given("input").unwrap();
    let mut text = String::new();
    std::fs::File::from(launched.stdout.unwrap())
        .read_to_string(&mut text)
        .unwrap();
    wait(launched.process.pid);
    assert_eq!(text, "hello");
    for bad in ["missing", "."] {
        let failure = given(bad).unwrap_err();
        assert_eq!(failure.kind, StartFailureKind::StdinUnreadable, "{bad}");
    }
}

#[test]
fn each_way_not_to_start_has_its_own_name() {
    use StartFailureKind as Kind;
    let mut place = Place::new();
    let long = "x".repeat(200 * 1024);
    let missing_interpreter = place.script("bad-bang", "#!/no/such/interpreter -x\n", 0o755);
    let no_bang = place.script("no-bang", "echo hello\n", 0o755);
    let not_executable = place.script("plain", "#!/bin/sh\n", 0o644);
    let folder = place.dir.path().to_str().unwrap().to_owned();
    place.environment.insert(
        "PATH".into(),
        OsText::from(format!("{folder}/none:{folder}:/bin")),
    );
    let table: Vec<(Vec<&str>, Kind, i32)> = vec![
        (vec!["no-such-program"], Kind::ProgramMissing, libc::ENOENT),
        (
            vec!["./no-such-program"],
            Kind::ProgramMissing,
            libc::ENOENT,
        ),
        (vec!["no-bang/inside"], Kind::ProgramMissing, libc::ENOTDIR),
        (vec![""], Kind::ProgramMissing, libc::ENOENT),
        (
            vec![&missing_interpreter],
            Kind::InterpreterMissing,
            libc::ENOENT,
        ),
        (vec!["bad-bang"], Kind::InterpreterMissing, libc::ENOENT),
        (vec![&no_bang], Kind::WrongFormat, libc::ENOEXEC),
        (vec![&not_executable], Kind::NotExecutable, libc::EACCES),
        (vec!["plain"], Kind::NotExecutable, libc::EACCES),
        (vec![&folder], Kind::NotExecutable, libc::EACCES),
        (vec!["true", &long], Kind::TooLong, libc::E2BIG),
        (vec!["true", "a\0b"], Kind::NulByte, 0),
    ];
    for limits in [Limits::default(), some_limit()] {
        for (argv, kind, errno) in &table {
            let failure = place.start(argv, &limits).unwrap_err();
            assert_eq!(
                (failure.kind, failure.errno),
                (*kind, *errno),
                "{argv:.60?}"
            );
        }
    }
    let failure = place.start(&["bad-bang"], &Limits::default()).unwrap_err();
    assert_eq!(failure.path.as_str(), Some("/no/such/interpreter"));
}

#[test]
fn a_missing_directory_is_not_taken_for_a_missing_program() {
    use StartFailureKind as Kind;
    let place = Place::new();
    place.script("file", "", 0o600);
    for (workdir, argv) in [
        ("gone", "true"),
        ("gone", "./true"),
        ("gone", "no-such-program"),
        ("file", "true"),
    ] {
        let workdir = place.dir.path().join(workdir);
        let failure = launch(&Launch {
            argv: &[argv.into()],
            program: None,
            workdir: &workdir,
            environment: &place.environment,
            stdin: None,
            streams: Streams::Captured,
            limits: &Limits::default(),
            nice: None,
        })
        .unwrap_err();
        assert_eq!(failure.kind, Kind::WorkdirMissing, "{argv}");
        assert_eq!(failure.path.as_path(), workdir);
    }
}

#[test]
fn a_loader_that_is_not_there_is_named() {
    let place = Place::new();
    let mut elf = std::fs::read("/bin/true").unwrap();
    let Some(at) = elf
        .windows(5)
        .position(|part| part == b"/lib6" || part == b"/lib/")
    else {
        return;
    };
    elf[at + 1] = b'X';
    let path = place.dir.path().join("true");
    std::fs::write(&path, elf).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let failure = place.start(&["./true"], &Limits::default()).unwrap_err();
    assert_eq!(failure.kind, StartFailureKind::InterpreterMissing);
    assert!(failure.path.as_str().unwrap().starts_with("/Xib"));
}

#[test]
fn limits_hold_for_the_command_and_not_for_us() {
    let place = Place::new();
    let limits = Limits {
        memory: Some(1 << 30),
        files: Some(50),
        cpu: Some(Duration::from_millis(1500)),
        processes: None,
    };
    let (text, _) = place.output(
        &[
            "sh",
            "-c",
            "ulimit -v; ulimit -n; ulimit -S -t; ulimit -H -t",
        ],
        &limits,
    );
    assert_eq!(text, "1048576\n50\n2\n7\n");
    let (text, _) = place.output(&["sh", "-c", "ulimit -t; ulimit -v"], &Limits::default());
    assert_eq!(text, "unlimited\nunlimited\n");
}

#[test]
fn a_limit_of_processes_needs_what_we_do_not_have() {
    let limits = Limits {
        processes: Some(5),
        ..Limits::default()
    };
    let failure = Place::new().start(&["true"], &limits).unwrap_err();
    assert_eq!(failure.kind, StartFailureKind::LimitRefused);
}

#[test]
fn a_command_is_nicer_by_as_much_as_asked() {
    let place = Place::new();
    let argv = ["nice"].map(OsText::from);
    let launched = launch(&Launch {
        argv: &argv,
        program: None,
        workdir: place.dir.path(),
        environment: &place.environment,
        stdin: None,
        streams: Streams::Captured,
        limits: &Limits::default(),
        nice: Some(7),
    })
    .unwrap();
    let mut text = String::new();
    std::fs::File::from(launched.stdout.unwrap())
        .read_to_string(&mut text)
        .unwrap();
    wait(launched.process.pid);
    let own = rustix::process::getpriority_process(None).unwrap();
    assert_eq!(text.trim().parse::<i32>().unwrap(), (own + 7).min(19));
}
