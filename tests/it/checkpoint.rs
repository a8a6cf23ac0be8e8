//! What tasks save: the directory of a task, `autoexec checkpoint`, and exit codes 85 and 75.

use std::fs;
use std::path::PathBuf;

use crate::sandbox::Sandbox;

const AUTOEXEC: &str = env!("CARGO_BIN_EXE_autoexec");

/// Writes a task file with one task of this script and runs it; `$X` in it is the program.
fn night(sandbox: &Sandbox, keys: &str, script: &str) -> crate::sandbox::Answer {
    let text = format!(
        "[defaults.retry]\nbase = \"10ms\"\ncap = \"20ms\"\n\
         [[task]]\nname = \"one\"\n{keys}\ncommand = '''X={AUTOEXEC}; {script}'''\n"
    );
    sandbox.file("one.toml", text);
    sandbox.run(["run", "one.toml", "--no-progress"])
}

fn shown(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.json(["queue", "show", "one", "--json"])["task"].take()
}

fn checkpoints(sandbox: &Sandbox) -> Vec<PathBuf> {
    fs::read_dir(sandbox.state().join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn what_a_task_saved_is_there_in_its_next_attempt_and_gone_when_it_is_done() {
    let sandbox = Sandbox::new();
    let script = "cd $AUTOEXEC_CHECKPOINT_DIR || exit 9; pwd >> $OLDPWD/places; \
                  echo row >> rows; [ $(wc -l < rows) -ge 3 ] || exit 75; $X checkpoint get none; \
                  [ $? = 1 ]";
    let answer = night(&sandbox, "", script);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let places = sandbox.read("places");
    let places: Vec<&str> = places.lines().collect();
    assert_eq!(places.len(), 3);
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    assert!(checkpoints(&sandbox).is_empty());
}

#[test]
fn a_failed_task_keeps_what_it_saved_until_it_leaves_the_queue() {
    let sandbox = Sandbox::new();
    let answer = night(&sandbox, "retries = 0", "$X checkpoint set rows 7; exit 1");
    assert_eq!(answer.code, 1);
    assert_eq!(checkpoints(&sandbox).len(), 1);
    let value = sandbox.ok(["checkpoint", "get", "rows", "--task", "one"]);
    assert_eq!(value, "7");
    sandbox.ok(["queue", "remove", "one"]);
    sandbox.ok(["queue", "add", "--name", "other", "--", "true"]);
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(checkpoints(&sandbox), Vec::<PathBuf>::new());
}

#[test]
fn who_saves_and_asks_for_it_is_started_again_without_using_attempts_up() {
    let sandbox = Sandbox::new();
    let script = "n=$($X checkpoint get n --default 0); echo $AUTOEXEC_ATTEMPT/$AUTOEXEC_START >> starts; \
                  [ $n -ge 9 ] && exit 0; $X checkpoint set n $((n + 1)); \
                  echo connection refused >&2; exit 85";
    let answer = night(&sandbox, "retries = 1", script);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(!answer.stderr.contains("failed"), "{}", answer.stderr);
    let starts = sandbox.read("starts");
    assert_eq!(starts.lines().count(), 10);
    assert_eq!(starts.lines().last(), Some("1/10"));
    assert_eq!(shown(&sandbox)["used"], 1);
}

#[test]
fn who_asks_to_be_started_again_without_having_saved_anything_comes_to_an_end() {
    for script in [
        "exit 85",
        // The same again is nothing new.
        "$X checkpoint set n same; exit 85",
        "echo same > $AUTOEXEC_CHECKPOINT_DIR/file; touch $AUTOEXEC_CHECKPOINT_DIR/file; exit 85",
        // Nor is what it had saved before: there and back is no way.
        "[ \"$($X checkpoint get n --default 0)\" = 1 ] && v=2 || v=1; $X checkpoint set n $v; exit 85",
    ] {
        let sandbox = Sandbox::new();
        let answer = night(
            &sandbox,
            "retries = 2",
            &format!("echo x >> starts; {script}"),
        );
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        // The first time something was new, where something was saved.
        let free = usize::from(script != "exit 85") + usize::from(script.contains("v=2"));
        assert_eq!(sandbox.read("starts").lines().count(), 3 + free, "{script}");
    }
}

#[test]
fn who_asks_for_a_later_try_uses_attempts_up() {
    let sandbox = Sandbox::new();
    let answer = night(&sandbox, "retries = 3", "echo x >> starts; exit 75");
    assert_eq!(answer.code, 1);
    assert_eq!(sandbox.read("starts").lines().count(), 4);
    let last = &shown(&sandbox)["attempts_made"][3]["classification"];
    assert_eq!(last["pattern"], "try_later");
}

#[test]
fn values_are_kept_byte_for_byte_for_scripts_and_people() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(1024 * 1024).collect();
    let set = sandbox.run_with_input(&["checkpoint", "set", "blob", "-", "--task", "one"], &bytes);
    set.is(0, "", "");
    let got = sandbox.run(["checkpoint", "get", "blob", "--task", "one"]);
    assert!(got.code == 0 && got.raw_stdout == bytes);
    sandbox.ok(["checkpoint", "set", "--task", "1", "n", "-1"]);
    let list = sandbox.json(["checkpoint", "list", "--task", "one", "--json"]);
    assert_eq!(list["schema"], "autoexec.checkpoint/1");
    assert_eq!(list["values"][0]["key"], "blob");
    assert_eq!(list["values"][1]["bytes"], 2);
    let list = sandbox.ok(["checkpoint", "list", "--task", "one"]);
    assert!(list.starts_with("KEY") && list.contains("blob"), "{list}");
    sandbox
        .run(["checkpoint", "get", "other", "--task", "one"])
        .is(1, "", "");
    let with_default = [
        "checkpoint",
        "get",
        "other",
        "--task",
        "one",
        "--default",
        "d",
    ];
    sandbox.run(with_default).is(0, "d", "");
    sandbox.ok(["checkpoint", "clear", "n", "--task", "one"]);
    sandbox.ok(["checkpoint", "clear", "--task", "one"]);
    let list = sandbox.json(["checkpoint", "list", "--task", "one", "--json"]);
    assert_eq!(list["values"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_cannot_be_a_value_is_refused_in_words() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    let outside = sandbox.run(["checkpoint", "get", "n"]);
    outside.fails(2, &["not typed inside a task", "--task"]);
    let unknown = sandbox.run(["checkpoint", "get", "n", "--task", "two"]);
    unknown.fails(2, &["there is no task named `two`"]);
    for key in ["../x", ".hidden", "a b"] {
        let answer = sandbox.run(["checkpoint", "set", key, "v", "--task", "one"]);
        answer.fails(2, &["the key "]);
    }
    let long = vec![b'x'; 1024 * 1024 + 1];
    let answer = sandbox.run_with_input(&["checkpoint", "set", "k", "-", "--task", "one"], &long);
    answer.fails(2, &["longer than [SIZE]", "AUTOEXEC_CHECKPOINT_DIR"]);
}

#[test]
fn parallel_children_do_not_disturb_each_other() {
    let sandbox = Sandbox::new();
    let script = "for i in 1 2 3 4 5 6 7 8; do ($X checkpoint set k$i v$i; $X checkpoint set same w$i) & done; \
                  wait; $X checkpoint list --json > $PWD/list; $X checkpoint get same > same";
    let answer = night(&sandbox, "", script);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let list: serde_json::Value = serde_json::from_str(&sandbox.read("list")).unwrap();
    assert_eq!(list["values"].as_array().unwrap().len(), 9);
    assert!(sandbox.read("same").starts_with('w'));
}

#[test]
fn a_checkpoint_survives_the_death_of_run_and_supervisor() {
    let sandbox = Sandbox::new();
    let script = "echo $($X checkpoint get n --default none) >> seen; [ -e died ] && exit 0; : > died; \
                  $X checkpoint set n 5; sleep 0.1; kill -9 $PPID; sleep 600";
    let answer = night(&sandbox, "", script);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("seen"), "none\n5\n");
}

#[test]
fn something_in_the_place_of_the_directory_is_told() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "one",
        "--retries",
        "0",
        "--",
        "true",
    ]);
    fs::write(sandbox.state().join("checkpoints/1"), "in the way").unwrap();
    let answer = sandbox.run(["run", "--no-progress"]);
    assert_eq!(answer.code, 1);
    let class = &shown(&sandbox)["attempts_made"][0]["classification"];
    assert_eq!(class["pattern"], "checkpoint_unusable", "{class}");
}
