//! Things of this machine that run short or are taken, and what heals that.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::healing::{assert_recoveries, free, has, heals};
use crate::sandbox::{Sandbox, wait_until};
use crate::skipped;
use crate::window::{HOUR, at};

#[test]
fn a_full_file_system_is_cleared_of_what_temp_declares_and_of_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "fill"
workdir = "small"
temp = ["cache/*.tmp"]
command = "mkdir -p kept; cp -n ../kept kept/file; test -e seen || { touch seen; mkdir cache; head -c 900000 /dev/zero > cache/a.tmp; }; head -c 300000 /dev/zero > out || { rm out; exit 1; }"
retry = { base = "10ms" }
"#,
    );
    sandbox.file("kept", "kept");
    std::fs::create_dir(sandbox.work().join("small")).unwrap();
    // A file system of one mebibyte that only this process and its children see.
    let mount = "mount -t tmpfs -o size=1m none small";
    let can = ["-m", "-rm"].into_iter().find(|how| {
        let mut tried = Command::new("unshare");
        tried
            .args([how, "sh", "-c", mount])
            .current_dir(sandbox.work());
        let quiet = tried.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    });
    let Some(how) = can else {
        skipped::say(
            "a full file system is cleared",
            "no file system can be mounted here",
        );
        return;
    };
    let program = env!("CARGO_BIN_EXE_autoexec");
    let script = format!(
        "{mount} && {program} run night.toml --no-progress; code=$?; ls -A small/cache small/kept; exit $code"
    );
    let usual = sandbox.command();
    let mut run = Command::new("unshare");
    run.args([how, "sh", "-c", &script])
        .current_dir(sandbox.work())
        .env_clear();
    run.envs(
        usual
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let answer = sandbox.finish(&mut run);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_recoveries(&sandbox, "fill", &[("clean_temp", "helped")]);
    assert!(
        answer.stdout.contains("small/kept:\nfile"),
        "{}",
        answer.stdout
    );
    assert!(!answer.stdout.contains("a.tmp"), "{}", answer.stdout);
}

#[test]
fn a_lock_that_somebody_holds_is_waited_for() {
    if !has("a lock that somebody holds", &["flock"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.file("held.lock", "");
    let held = std::fs::File::open(sandbox.work().join("held.lock")).unwrap();
    held.lock().unwrap();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "locked"
command = ["flock", "--verbose", "-n", "held.lock", "true"]
retry = { base = "10ms" }
"#,
    );
    let run = sandbox.start(&["run", "night.toml", "--no-progress"]);
    crate::sandbox::wait_until("the task is being recovered", || {
        let all = sandbox.json(["queue", "list", "--json"]);
        all["tasks"][0]["status"] == "recovering"
    });
    held.unlock().unwrap();
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let told = "locked: recovering: wait_for_lock (held.lock)";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert_recoveries(&sandbox, "locked", &[("wait_for_lock", "helped")]);
}

#[test]
fn a_database_that_somebody_has_locked_is_tried_again() {
    if !has("a database that somebody has locked", &["sqlite3"]) {
        return;
    }
    let sandbox = Sandbox::new();
    // The clock stands, and so does the task, until it was seen to wait.
    let begin = at("2026-11-21T23:00:00Z");
    sandbox.set_clock(begin);
    let holder = rusqlite::Connection::open(sandbox.work().join("held.db")).unwrap();
    holder
        .execute_batch("create table t (a); begin exclusive")
        .unwrap();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "insert"
command = ["sqlite3", "held.db", "insert into t values (1)"]
retry = { base = "1s", jitter = 0 }
"#,
    );
    let run = sandbox.start(&["run", "night.toml", "--no-progress"]);
    crate::sandbox::wait_until("the first attempt has failed", || {
        let all = sandbox.json(["queue", "list", "--json"]);
        let one = &all["tasks"][0];
        one["attempts"] == 1 && one["status"] == "queued"
    });
    holder.execute_batch("rollback").unwrap();
    sandbox.set_clock(begin + HOUR);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_recoveries(&sandbox, "insert", &[("wait_and_retry", "helped")]);
}

#[test]
fn a_port_that_is_taken_is_exchanged_for_a_free_one_where_a_variable_holds_it() {
    if !has("a port that is taken", &["python3"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let taken: TcpListener = free();
    let port = taken.local_addr().unwrap().port();
    // The step's own variable is the declared one, and what a recovery sets wins over it.
    let tasks = format!(
        r#"
[[task]]
name = "serve"
retry = {{ base = "10ms" }}
[[task.step]]
name = "listen"
env = {{ PORT = "{port}" }}
command = ["python3", "-c", "import os, socket; port = int(os.environ['PORT']); s = socket.socket()\ntry: s.bind(('127.0.0.1', port))\nexcept OSError as e: raise SystemExit(f'{{e}}: 127.0.0.1:{{port}}')\nopen('port', 'w').write(str(port))"]
"#
    );
    heals(&sandbox, &tasks);
    assert_recoveries(&sandbox, "serve", &[("use_free_port", "helped")]);
    assert_ne!(sandbox.read("port"), port.to_string());
}

#[test]
fn too_little_memory_is_doubled_up_to_four_times_the_declared_one() {
    if !has("too little memory", &["python3"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let task = |name: &str, megabytes: u32| {
        format!(
            "[[task]]\nname = \"{name}\"\ncommand = [\"python3\", \"-c\", \"b = bytearray({megabytes} << 20)\"]\n\
             limits = {{ memory = \"128MiB\" }}\nretry = {{ base = \"10ms\" }}\n"
        )
    };
    let answer = crate::healing::runs(&sandbox, &(task("enough", 160) + &task("never", 900)));
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_recoveries(&sandbox, "enough", &[("raise_memory", "helped")]);
    assert_recoveries(
        &sandbox,
        "never",
        &[("raise_memory", "in_vain"), ("raise_memory", "in_vain")],
    );
}

#[test]
fn too_few_open_files_are_raised() {
    if !has("too few open files", &["python3"]) {
        return;
    }
    let sandbox = Sandbox::new();
    heals(
        &sandbox,
        r#"
[[task]]
name = "open"
command = ["python3", "-c", "f = [open('/dev/null') for _ in range(90)]"]
limits = { files = 40 }
retry = { base = "10ms" }
"#,
    );
    assert_recoveries(&sandbox, "open", &[("raise_open_files", "helped")]);
}

#[test]
fn who_is_too_slow_gets_twice_the_time_and_once_more_twice() {
    let sandbox = Sandbox::new();
    // The first limit is long enough that the last, four times as long, is kept by a machine without time.
    heals(
        &sandbox,
        r#"
[[task]]
name = "slow"
command = "test $AUTOEXEC_START -gt 2 || exec sleep 600"
timeout = "3s"
grace = "50ms"
retry = { base = "10ms" }
"#,
    );
    assert_recoveries(
        &sandbox,
        "slow",
        &[
            ("retry_with_longer_timeout", "in_vain"),
            ("retry_with_longer_timeout", "helped"),
        ],
    );
    assert_eq!(crate::healing::Story::of(&sandbox, "slow").attempts, 3);
}

#[test]
fn two_that_fail_only_together_run_alone() {
    let sandbox = Sandbox::new();
    // The first two attempts of each wait for those of the other; a third one must be by itself.
    let task = |name: &str| {
        format!(
            "[[task]]\nname = \"{name}\"\nretry = {{ base = \"10ms\", jitter = 0 }}\n\
             command = \"touch {name}.$AUTOEXEC_START; if [ $AUTOEXEC_START -le 2 ]; \
             then until [ -e one.$AUTOEXEC_START ] && [ -e two.$AUTOEXEC_START ]; do sleep 0.02; done; \
             else touch {name}.runs; sleep 0.3; n=$(ls *.runs | wc -l); sleep 0.3; rm {name}.runs; \
             test $n = 1 && exit; fi; echo 'the tool has stumbled' >&2; exit 1\"\n"
        )
    };
    let answer = heals(&sandbox, &(task("one") + &task("two")));
    let alone = |name: &str| crate::healing::Story::of(&sandbox, name).helped("run_alone");
    assert!(alone("one") && alone("two"), "{}", answer.stderr);
}

#[test]
fn who_is_held_back_by_a_task_that_is_to_run_alone_is_told_its_name() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        r#"
[[task]]
name = "beside"
command = "touch up; until [ -e release ]; do sleep 0.05; done"

[[task]]
name = "lone"
command = "until [ -e up ]; do sleep 0.05; done; echo x >> starts; test $(wc -l < starts) -gt 2"
retry = { base = "10ms", jitter = 0 }
"#,
    );
    sandbox.ok(["queue", "add", "night.toml"]);
    let run = sandbox.start(&["run", "--parallel", "2", "--no-progress"]);
    let task = |name: &str| sandbox.json(["queue", "show", name, "--json"])["task"].clone();
    // It failed twice beside another one, and what it waits for is that one's end.
    wait_until("the task is to run alone", || {
        let lone = task("lone");
        lone["used"] == 2 && lone["why"] == "claimed"
    });
    sandbox.ok(["queue", "add", "--name", "other", "--", "true"]);
    wait_until("the other one is seen by the run", || {
        task("other")["why"] == "claimed" || task("other")["why"] == "no_slot"
    });
    let why = sandbox.ok(["why", "other"]);
    assert!(why.contains("`lone` (2) is to run alone"), "{why}");
    assert!(why.contains("autoexec why 2 "), "{why}");
    let list = sandbox.ok(["queue", "list"]);
    let words = "waits for task 2, which is to run alone";
    assert!(list.contains(words), "{list}");
    sandbox.file("release", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
}
