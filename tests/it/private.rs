//! Nobody else gets at what is ours: modes of files, links, core dumps.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::skipped;

/// Somebody who is not root.
const NOBODY: u32 = 65534;

/// Everything below a folder, itself included.
fn all(folder: &Path, found: &mut Vec<PathBuf>) {
    found.push(folder.to_owned());
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            all(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// What others may read, write or enter.
fn open_to_others(sandbox: &Sandbox) -> Vec<String> {
    let mut found = Vec::new();
    all(&sandbox.state(), &mut found);
    assert!(found.len() > 10, "{found:?}");
    let mode = |path: &PathBuf| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
    // What a task left in its checkpoint is as the task made it, behind a door that is closed.
    let kept = sandbox.state().join("checkpoints");
    found
        .iter()
        .filter(|path| {
            path.parent()
                .is_none_or(|above| above.parent() != Some(&kept))
        })
        .filter(|path| mode(path) & 0o077 != 0)
        .map(|path| format!("{:o} {}", mode(path), path.display()))
        .collect()
}

#[test]
fn state_is_for_its_owner_alone_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let sandbox = Sandbox::new();
        sandbox.file(
            "night.toml",
            "[[task]]\nname = \"talks\"\ncommand = \"head -c 200000 /dev/zero; echo x >$AUTOEXEC_CHECKPOINT_DIR/kept; \
             echo '{}' >$AUTOEXEC_RESULT_FILE\"\n\
             [[task]]\nname = \"fails\"\ncommand = [\"false\"]\nretries = 0\n",
        );
        let program = env!("CARGO_BIN_EXE_autoexec");
        let script = format!(
            "umask {umask}; {program} run night.toml --report; {program} db backup copy.db; \
             {program} report --format html -o night.html; {program} db check; umask"
        );
        let answer = sandbox.finish(sandbox.wrapped("sh").args(["-c", &script]));
        assert!(
            answer.stdout.contains(&format!("0{umask}")),
            "{}",
            answer.stdout
        );
        assert_eq!(
            open_to_others(&sandbox),
            Vec::<String>::new(),
            "umask {umask}"
        );
        let copy = fs::metadata(sandbox.work().join("copy.db")).unwrap();
        assert_eq!(copy.mode() & 0o077, 0, "a copy of the queue is the queue");
    }
}

#[test]
fn a_state_directory_that_others_may_read_holds_nothing_that_they_may() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.state()).unwrap();
    fs::set_permissions(sandbox.state(), fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!(
        "umask 000; {} run --dry-run; exec {0} queue add -- true",
        env!("CARGO_BIN_EXE_autoexec")
    );
    let answer = sandbox.finish(sandbox.wrapped("sh").args(["-c", &script]));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let mut open = open_to_others(&sandbox);
    open.retain(|line| !line.ends_with("/state"));
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn a_state_directory_that_its_owner_replaced_by_a_link_is_the_one_that_it_leads_to() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "before", "--", "true"]);
    let moved = sandbox.work().join("bigger-disk");
    fs::rename(sandbox.state(), &moved).unwrap();
    symlink(&moved, sandbox.state()).unwrap();
    sandbox.ok(["queue", "add", "--name", "after", "--", "true"]);
    assert_eq!(sandbox.run(["run"]).code, 0);
    for dir in [&moved, &sandbox.state()] {
        let list = sandbox.json([
            "queue",
            "list",
            "--all",
            "--json",
            "--state-dir",
            dir.to_str().unwrap(),
        ]);
        let tasks = list["tasks"].as_array().unwrap();
        assert_eq!(tasks.len(), 2, "{list}");
        assert!(
            tasks.iter().all(|task| task["status"] == "succeeded"),
            "{list}"
        );
    }
}

#[test]
fn a_state_directory_that_is_a_link_of_somebody_else_is_refused() {
    let sandbox = Sandbox::new();
    let place = sandbox.work().join("elsewhere");
    fs::create_dir(&place).unwrap();
    symlink(&place, sandbox.state()).unwrap();
    if let Err(error) = std::os::unix::fs::lchown(sandbox.state(), Some(NOBODY), Some(NOBODY)) {
        return skipped::say(
            "a state directory that is a link of somebody else",
            &format!("no other user: {error}"),
        );
    }
    let answer = sandbox.run(["queue", "add", "--", "true"]);
    answer.fails(3, &["symbolic link of another user"]);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn links_in_the_place_of_ours_are_not_followed() {
    let elsewhere = |sandbox: &Sandbox| {
        let place = sandbox.work().join("elsewhere");
        fs::create_dir_all(&place).unwrap();
        place
    };
    // The directory itself where the link leads nowhere, and each part of it.
    let sandbox = Sandbox::new();
    symlink(sandbox.work().join("unmounted"), sandbox.state()).unwrap();
    sandbox
        .run(["queue", "add", "--", "true"])
        .fails(3, &["symbolic link"]);
    assert!(!sandbox.work().join("unmounted").exists());
    for part in [
        "slots",
        "logs",
        "checkpoints",
        "said",
        "reports",
        "backups",
        "evidence",
    ] {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.state()).unwrap();
        fs::set_permissions(sandbox.state(), fs::Permissions::from_mode(0o700)).unwrap();
        symlink(elsewhere(&sandbox), sandbox.state().join(part)).unwrap();
        let answer = sandbox.run(["run", "--dry-run"]);
        let answer = if answer.code == 0 {
            sandbox.run(["queue", "add", "--", "true"])
        } else {
            answer
        };
        answer.fails(3, &["symbolic link"]);
        assert_eq!(
            fs::read_dir(elsewhere(&sandbox)).unwrap().count(),
            0,
            "{part}"
        );
    }
    // Files: whoever planted the link must not choose what is written or read.
    for name in [
        "queue.db",
        "run.lock",
        "run.wake",
        "alerts.jsonl",
        "ballast",
        "slots/epoch",
    ] {
        let sandbox = Sandbox::new();
        sandbox.ok(["queue", "add", "--", "sh", "-c", "echo printed; exit 3"]);
        let victim = sandbox.file("victim", "precious");
        let path = sandbox.state().join(name);
        let _not_there_yet = fs::remove_file(&path);
        symlink(&victim, &path).unwrap();
        let answer = sandbox.run(["run"]);
        assert!(
            answer.code != 101 && answer.code != 70,
            "{name}: {}",
            answer.stderr
        );
        assert_eq!(
            sandbox.read("victim"),
            "precious",
            "{name}: {}",
            answer.stderr
        );
    }
}

/// A file that would be waited for, for ever.
#[test]
fn a_pipe_that_nobody_writes_to_keeps_no_command() {
    let sandbox = Sandbox::new();
    let pipe = sandbox.work().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    for arguments in [
        ["check", "pipe"],
        ["queue add", "pipe"],
        ["queue add --lines", "pipe"],
        ["patterns import", "pipe"],
        ["classify", "pipe"],
        ["classify --batch", "pipe"],
        ["--config pipe queue", "list"],
    ] {
        let words: Vec<&str> = arguments
            .iter()
            .flat_map(|words| words.split(' '))
            .collect();
        // Whatever it makes of an empty file: the watchdog of the sandbox kills what waits.
        let answer = sandbox.run(&words);
        assert!(
            answer.code < 128,
            "{words:?}: {}{}",
            answer.code,
            answer.stderr
        );
    }
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "piped",
        "--env-file",
        "pipe",
        "--",
        "true",
    ]);
    assert_eq!(sandbox.run(["run"]).code, 0);
}

/// Lets everything in a sandbox come to its end, however the test ends.
struct Ended<'a>(&'a Sandbox, u32);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let _the_task_ends = fs::write(self.0.work().join("go"), "x");
        let group = i32::try_from(self.1)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let kill =
            |group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _gone_already = group.map(kill);
    }
}

/// As another user, because what belongs to root says nothing to root: the files in `/proc` of a process
/// that cannot be dumped belong to root, those of any other to its user.
#[test]
fn processes_of_ours_cannot_be_dumped_and_commands_keep_their_limits() {
    let sandbox = Sandbox::new();
    let root = sandbox.work().parent().unwrap().to_owned();
    let program = root.join("autoexec");
    fs::copy(env!("CARGO_BIN_EXE_autoexec"), &program).unwrap();
    let user = if rustix::process::geteuid().is_root() {
        for path in [root, sandbox.work(), sandbox.home(), program.clone()] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        NOBODY
    } else {
        rustix::process::geteuid().as_raw()
    };
    let task = "ulimit -S -c >limit; echo $$ >task; while [ ! -e go ]; do sleep 0.02; done";
    let script = format!(
        "ulimit -S -c 0; ulimit -S -c 7 2>/dev/null; sh -c \"ulimit -S -c\" >wanted; {0} queue add --shell -- '{task}'; \
         {0} run & {0} serve --listen 127.0.0.1:0 >served & {0} exec -- sleep 60 & wait %1",
        program.display()
    );
    let mut shell = sandbox.wrapped("bash");
    shell.args(["-c", &script]).uid(user).process_group(0);
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = match shell.spawn() {
        Ok(shell) => shell,
        Err(error) => {
            let test = "private::processes_of_ours_cannot_be_dumped_and_commands_keep_their_limits";
            return skipped::say(test, &format!("no other user: {error}"));
        }
    };
    let _in_any_case = Ended(&sandbox, shell.id());
    wait_for_file(&sandbox.work().join("task"));
    wait_for_file(&sandbox.work().join("served"));
    let ours =
        |pid: &String| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    let owner = |pid: &str| fs::metadata(format!("/proc/{pid}/environ")).map(|file| file.uid());
    let all = || -> Vec<String> {
        let names = fs::read_dir("/proc").unwrap().flatten();
        names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(ours)
            .collect()
    };
    // The run, its supervisor, the server, `exec` and its supervisor.
    wait_until("all of them run", || all().len() >= 5);
    wait_until("none of them can be dumped", || {
        all()
            .iter()
            .all(|pid| owner(pid).is_ok_and(|owner| owner == 0))
    });
    assert_eq!(
        owner(sandbox.read("task").trim()).unwrap(),
        user,
        "a command is as it would be without us"
    );
    assert_eq!(sandbox.read("limit"), sandbox.read("wanted"));
    sandbox.file("go", "x");
    shell.wait().unwrap();
    for pid in all() {
        crate::wild::kill(pid.parse().unwrap());
    }
}
