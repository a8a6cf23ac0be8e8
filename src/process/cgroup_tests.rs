//! Finding our place in the tree by tables; killing by group on a real one, where root may make one.
#![expect(clippy::disallowed_methods, reason = "real children are the subject")]

use super::*;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::model::ids::AttemptId;
use crate::model::ids::ProcessIdentity;
use crate::process::identity;
use crate::process::sweep::sweep;

const UNIFIED: &str =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 master:1 - cgroup2 cgroup2 rw
";
const PART: &str = "55 50 0:26 /box/a1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";

#[test]
fn our_path_is_the_line_of_version_two() {
    let table = [
        ("0::/user.slice/x.scope\n", Some("/user.slice/x.scope")),
        ("9:name=systemd:/a\n4:memory:/b\n0::/\n", Some("/")),
        ("0::/with:colon\n", Some("/with:colon")),
        ("0::/../../elsewhere\n", Some("/../../elsewhere")),
        ("9:name=systemd:/a\n10::/b\n", None),
        ("0::\n", None),
        ("0::relative\n", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(own_path(text), expected.map(Path::new), "{text:?}");
    }
}

#[test]
fn the_directory_is_found_through_every_manner_of_mount() {
    let table = [
        (UNIFIED, "/a/b", Some("/sys/fs/cgroup/a/b")),
        (UNIFIED, "/", Some("/sys/fs/cgroup/")),
        (HYBRID, "/a", Some("/sys/fs/cgroup/unified/a")),
        (PART, "/box/a1/x", Some("/sys/fs/cgroup/x")),
        (PART, "/box/a10/x", None),
        (PART, "/box", None),
        (UNIFIED, "/../a", None),
        ("1 2 0:3 / /odd\\040place rw - cgroup2 c rw\n", "/a", None),
        ("1 2 0:3 / /v1 rw - cgroup c rw\n", "/a", None),
        ("broken line\n1 2 - cgroup2\n", "/a", None),
        ("", "/a", None),
    ];
    for (mounts, path, expected) in table {
        let found = directory(mounts, Path::new(path));
        assert_eq!(found, expected.map(PathBuf::from), "{path} in {mounts:?}");
    }
}

#[test]
fn only_what_is_clearly_delegated_is_ours() {
    let ours = Facts {
        path: Path::new("/user.slice/run.scope"),
        user: 1000,
        owner: 1000,
        marked: false,
        writable: true,
    };
    let root = Facts {
        user: 0,
        owner: 0,
        ..ours
    };
    let at = |path: &'static str| Facts {
        path: Path::new(path),
        marked: true,
        ..ours
    };
    let table = [
        (ours, true, "owned by our user"),
        (Facts { owner: 0, ..ours }, false, "owned by another"),
        (
            Facts {
                owner: 0,
                marked: true,
                ..ours
            },
            true,
            "marked for us",
        ),
        (
            Facts {
                writable: false,
                marked: true,
                ..ours
            },
            false,
            "read-only",
        ),
        (root, false, "root owns everything"),
        (
            Facts {
                marked: true,
                ..root
            },
            true,
            "root, and marked",
        ),
        (at("/"), false, "the root of the tree"),
        (at("/../other"), false, "outside of our namespace"),
        (at("relative"), false, "no path at all"),
    ];
    for (facts, expected, why) in table {
        assert_eq!(facts.are_of_ours(), expected, "{why}");
    }
}

#[test]
fn the_name_of_a_group_counts_only_as_a_whole_part_of_a_path() {
    let name = name(QueueId([7; 16]), Path::new("/state/slots/12-3")).unwrap();
    assert_eq!(name, format!("autoexec-{}-12-3", QueueId([7; 16])));
    for (path, expected) in [
        (format!("/a/{name}"), true),
        (format!("/a/{name}/below"), true),
        (format!("/a/{name}4"), false),
        (format!("/a/x{name}"), false),
        ("/".to_owned(), false),
    ] {
        assert_eq!(is_below(Path::new(&path), &name), expected, "{path}");
    }
}

#[test]
fn kills_for_want_of_memory_are_read_by_their_own_word() {
    let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 9\n";
    assert_eq!(memory_kills(events), Some(2));
    assert_eq!(memory_kills("oom 3\n"), None);
    assert_eq!(memory_kills("oom_kill many\n"), None);
}

#[test]
fn a_group_keeps_the_limits_that_it_has_controllers_for_and_no_others() {
    let place = tempfile::tempdir().unwrap();
    let group = Group::create(&Base::at(place.path()), "group").unwrap();
    let limits = Limits {
        memory: Some(SMALLEST_MEMORY),
        processes: Some(64),
        files: Some(100),
        cpu: None,
    };
    assert_eq!(group.hold(&limits), limits, "no controllers");
    let file = |name: &str| place.path().join("group").join(name);
    let text = |name: &str| fs::read_to_string(file(name)).unwrap();
    fs::write(file("memory.max"), "max").unwrap();
    fs::write(file("pids.max"), "max").unwrap();
    let rest = group.hold(&limits);
    assert_eq!(
        (rest.memory, rest.processes, rest.files),
        (None, None, Some(100))
    );
    // The supervisor is in the group too.
    assert_eq!(
        (text("memory.max"), text("pids.max")),
        ("67108864".into(), "65".into())
    );
    group.release();
    assert_eq!(
        (text("memory.max"), text("pids.max")),
        ("max".into(), "max".into())
    );
    let small = Limits {
        memory: Some(SMALLEST_MEMORY - 1),
        ..Limits::default()
    };
    assert_eq!(
        group.hold(&small),
        small,
        "the kernel might choose the supervisor"
    );
    assert!(Group::create(&Base::at(place.path()), "group").is_err());
}

/// A group in the real tree for one test; gone at its end.
struct Place(PathBuf);

impl Place {
    /// `None`, visibly, where no group can be made.
    fn make(test: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let place = directory(&mounts, Path::new("/"))
            .map(|root| root.join(format!("autoexec-test-{test}-{}", std::process::id())))
            .filter(|place| fs::create_dir(place).is_ok());
        if place.is_none() {
            // Not by a macro, whose words the test harness would keep back.
            let words = b"skipped: no control group can be made here\n";
            std::io::stderr().write_all(words).unwrap();
        }
        place.map(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Starts a shell script inside a group and waits until it has printed a line.
fn start(group: &Group, script: &str) -> Child {
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("read go; {script}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    group.adopt(i32::try_from(child.id()).unwrap()).unwrap();
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    child
}

/// A process that nobody else could find: no mark, another session, an unknown parent, deaf to TERM.
const HIDDEN: &str = "trap '' TERM; \
    env -i setsid /bin/sh -c \"trap '' TERM; (/bin/sleep 600 & echo up) & exit\"; exit 0";

#[test]
fn whoever_hides_is_found_in_the_group_of_the_slot_and_swept() {
    let Some(place) = Place::make("sweep") else {
        return;
    };
    let queue = QueueId([9; 16]);
    let base = Base::at(&place.0);
    let name = name(queue, Path::new("1-0")).unwrap();
    let group = Group::create(&base, &name).unwrap();
    let neighbours = Group::create(&base, "neighbour").unwrap();
    let mut child = start(&group, HIDDEN);
    let mut neighbour = start(&neighbours, "echo up; exec sleep 600");
    let start = identity::identity(i32::try_from(child.id()).unwrap())
        .unwrap()
        .start;
    child.wait().unwrap();
    let is_hidden = |entry: &Entry| entry.name.as_bytes() == b"sleep";
    while !group.others().iter().any(is_hidden) {
        std::thread::yield_now();
    }
    let hidden = group.others();
    // A supervisor that is dead, with a pid that nobody can have.
    let supervisor = ProcessIdentity {
        pid: i32::MAX,
        start,
    };
    let attempt = AttemptId::new(1);
    let without = sweep(queue, &[attempt], &[supervisor], None);
    assert!(without.found.is_empty(), "{without:?}");
    let report = sweep(queue, &[attempt], &[supervisor], Some(&name));
    assert!(report.is_clean());
    assert!(!report.found.is_empty());
    assert!(group.others().is_empty());
    assert!(
        hidden
            .iter()
            .all(|entry| !identity::is_alive(entry.process))
    );
    assert_eq!(neighbours.others().len(), 1);
    base.remove("neighbour");
    assert!(place.0.join("neighbour").exists(), "somebody is in it");
    neighbour.kill().unwrap();
    neighbour.wait().unwrap();
    base.remove(&name);
    assert!(!place.0.join(&name).exists());
}

#[test]
fn members_of_groups_below_are_members_too() {
    let Some(place) = Place::make("below") else {
        return;
    };
    let group = Group::create(&Base::at(&place.0), "slot").unwrap();
    let below = Group::create(&Base::at(&group.dir), "below").unwrap();
    let mut child = start(&below, "echo up; exec sleep 600");
    let pid = i32::try_from(child.id()).unwrap();
    let others = group.others();
    assert_eq!(
        others
            .iter()
            .map(|entry| entry.process.pid)
            .collect::<Vec<_>>(),
        [pid]
    );
    assert!(holds("slot", pid));
    assert!(!holds("slo", pid));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(group.others().is_empty());
    remove(&group.dir);
    assert!(!group.dir.exists());
}
