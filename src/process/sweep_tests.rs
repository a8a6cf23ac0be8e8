//! Sweeping real processes: those that are meant, all of them, and no others.
#![expect(clippy::disallowed_methods, reason = "real children are the subject")]

use super::*;
use std::io::BufRead as _;
use std::io::BufReader;
use std::os::unix::process::CommandExt as _;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

/// A queue of its own per test, so that tests do not sweep each other's processes.
fn queue(number: u8) -> QueueId {
    let own = std::process::id().to_le_bytes();
    let mut id = [number; 16];
    id[..4].copy_from_slice(&own);
    QueueId(id)
}

const A: AttemptId = AttemptId::new(11);
const B: AttemptId = AttemptId::new(12);

/// Starts a shell script with a mark and waits until it has printed a line.
fn start(script: &str, mark: Option<String>) -> (Child, String) {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    command.stderr(Stdio::null());
    command.process_group(0);
    if let Some(mark) = mark {
        command.env(MARK_VARIABLE, mark);
    }
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

fn of(child: &Child) -> ProcessIdentity {
    identity::identity(i32::try_from(child.id()).unwrap()).unwrap()
}

#[test]
fn a_whole_tree_goes_and_its_neighbour_stays() {
    let queue = queue(1);
    // Ignores TERM, has a child in a session of its own, and a grandchild.
    let script = "trap '' TERM; setsid sh -c 'sleep 600 & echo up; wait' & wait";
    let (mut ours, _) = start(script, Some(mark(queue, A)));
    let (mut other, _) = start("echo up; exec sleep 600", Some(mark(queue, B)));
    let neighbour = of(&other);
    let report = sweep(queue, &[A], &[], None);
    assert!(report.is_clean());
    assert!(report.found.len() >= 3, "{report:?}");
    assert!(identity::is_alive(neighbour));
    assert_eq!(sweep(queue, &[A], &[], None), SweepReport::default());
    ours.wait().unwrap();
    sweep(queue, &[B], &[], None);
    assert!(!identity::is_alive(neighbour));
    other.wait().unwrap();
}

/// A consumer that took the death of its producer for the end of the data would keep half of them.
#[test]
fn nobody_goes_on_because_another_one_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, went_on) = (folder.path().join("pipe"), folder.path().join("went-on"));
    // Many stand between the producer, which is found first, and its consumer.
    let script = format!(
        "mkfifo {pipe}; sleep 600 >{pipe} & \
         i=0; while [ $i -lt 60 ]; do sleep 600 >&- & i=$((i+1)); done; \
         {{ echo up; exec >&-; read line; echo it is whole >{went_on}; }} <{pipe} & wait",
        pipe = pipe.display(),
        went_on = went_on.display()
    );
    let queue = queue(4);
    let (mut child, _) = start(&script, Some(mark(queue, A)));
    assert!(sweep(queue, &[A], &[], None).is_clean());
    child.wait().unwrap();
    assert!(!went_on.exists());
}

#[test]
fn a_session_is_swept_though_its_processes_cleared_their_environment() {
    let script = "exec setsid sh -c 'env -i /bin/sleep 600 & echo $$; exec 1>&-; wait'";
    let (mut child, leader) = start(script, None);
    let session = identity::identity(leader.parse().unwrap()).unwrap();
    let report = sweep(queue(2), &[], &[session], None);
    assert!(report.is_clean());
    assert!(report.found.len() >= 2, "{report:?}");
    child.wait().unwrap();
}

#[test]
fn a_session_number_that_was_given_to_another_is_left_alone() {
    let script = "exec setsid sh -c 'echo $$; exec sleep 600'";
    let (mut child, leader) = start(script, None);
    let now = identity::identity(leader.parse().unwrap()).unwrap();
    for stale in [now.start - 1, now.start + 1] {
        let session = ProcessIdentity {
            start: stale,
            ..now
        };
        assert_eq!(
            sweep(queue(3), &[], &[session], None),
            SweepReport::default()
        );
    }
    assert!(identity::is_alive(now));
    assert_eq!(sweep(queue(3), &[], &[now], None).found.len(), 1);
    child.wait().unwrap();
}

#[test]
fn a_mark_counts_only_whole_and_in_its_own_variable() {
    let marks = [mark(QueueId([1; 16]), AttemptId::new(1))];
    let whole = marks[0].clone();
    let yes = [
        format!("PATH=/bin\0{MARK_VARIABLE}={whole}\0"),
        format!("{MARK_VARIABLE}=outer:1,{whole}\0"),
        format!("{MARK_VARIABLE}={whole},inner:1"),
    ];
    let no = [
        format!("{MARK_VARIABLE}={whole}1\0"),
        format!("X{MARK_VARIABLE}={whole}\0"),
        format!("OTHER={MARK_VARIABLE}={whole}\0"),
        format!("{MARK_VARIABLE}X={whole}\0"),
        String::new(),
    ];
    for environment in yes {
        assert!(carries(environment.as_bytes(), &marks), "{environment:?}");
    }
    for environment in no {
        assert!(!carries(environment.as_bytes(), &marks), "{environment:?}");
    }
}

#[test]
fn a_tree_that_keeps_growing_is_cut_down() {
    let queue = queue(4);
    let script = "echo up; while :; do (setsid sh -c 'sleep 600 & sleep 600' &); done";
    let (mut child, _) = start(script, Some(mark(queue, A)));
    let report = sweep(queue, &[A], &[], None);
    assert!(report.is_clean());
    assert_eq!(sweep(queue, &[A], &[], None), SweepReport::default());
    child.wait().unwrap();
}

#[test]
fn what_many_attempts_left_goes_in_one_sweep_and_is_told_apart_before() {
    let queue = queue(7);
    let remains = |attempt| Remains {
        attempt,
        supervisor: None,
        group: None,
    };
    let (mut first, _) = start("echo up; exec sleep 600", Some(mark(queue, A)));
    assert!(is_left(queue, &remains(A), false));
    assert!(!is_left(queue, &remains(B), false));
    let (mut second, _) = start("echo up; exec sleep 600", Some(mark(queue, B)));
    let report = sweep_all(queue, &[remains(A), remains(B)]);
    assert!(report.is_clean());
    assert_eq!(report.found.len(), 2, "{report:?}");
    for child in [&mut first, &mut second] {
        child.wait().unwrap();
    }
}
