//! Dies at every named `CRASH:` point, runs again, and compares the story with an undisturbed run.
//!
//! A point where the runner dies must leave no trace in the story at all: what ran goes on, what was
//! claimed starts later. Where a supervisor dies, an attempt may have to be made again; then the
//! story may hold the attempt that was cut short, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::sandbox::{Sandbox, wait_until};
use crate::wild::{fake_task, is_whole, processes, story};

/// The most passages of one point at which a run is let die; later ones are like earlier ones.
const PASSAGES: u32 = 6;

/// What a death may leave in the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// Nothing.
    None,
    /// An attempt that was cut short.
    CutShort,
}

type Story = BTreeMap<String, Vec<String>>;

/// Dies at the passages of a point, one after the other, until a run passes it less often.
fn dies_at(point: &str, trace: Trace) {
    let undisturbed = {
        let sandbox = queue();
        let answer = sandbox.run(["run", "--no-progress"]);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        story(&sandbox)
    };
    assert_eq!(
        undisturbed.get("plain").unwrap(),
        &["added", "started", "succeeded"]
    );
    let mut died = 0;
    for passage in 1..=PASSAGES {
        let sandbox = queue();
        let dead = sandbox.work().join("dead");
        let wish = format!("{point}:{passage}:{}", dead.display());
        let mut run = sandbox.command();
        run.args(["run", "--no-progress"]);
        let answer = sandbox.finish(run.env("__AUTOEXEC_CRASH_AT", wish));
        if !dead.exists() {
            break;
        }
        died += 1;
        let told = format!("{point}:{passage}\n{}", answer.stderr);
        // A run outlives its supervisors; then it has done everything itself.
        assert!(matches!(answer.code, 0 | 137), "{} {told}", answer.code);
        let again = sandbox.run(["run", "--no-progress"]);
        assert_eq!(again.code, 0, "{told}\n{}", again.stderr);
        let (seen, wanted) = match trace {
            Trace::None => (story(&sandbox), undisturbed.clone()),
            // A task that fails at first may have done so in the attempt that was cut short, where
            // nobody saw it.
            Trace::CutShort => (
                without("retry_scheduled", without("interrupted", story(&sandbox))),
                without("retry_scheduled", undisturbed.clone()),
            ),
        };
        assert_eq!(seen, wanted, "{told}\n{}", again.stderr);
        for task in undisturbed.keys() {
            let overlap = sandbox.work().join(format!("{task}.lock.overlap"));
            assert!(!overlap.exists(), "{told}");
        }
        assert!(is_whole(&sandbox), "{told}");
        if point == "supervisor_after_step_is_noted" {
            let ran = sandbox.read("steps");
            assert_eq!(ran.matches("one").count(), 1, "{told}\n{ran}");
        }
        wait_until("nothing is left", || processes(&sandbox).is_empty());
    }
    assert!(died > 0, "no run passes `{point}`");
}

/// Removes each start that ended in `end`, together with it.
fn without(end: &str, story: Story) -> Story {
    let shorten = |events: Vec<String>| {
        let mut kept: Vec<String> = Vec::new();
        for event in events {
            if event == end {
                assert_eq!(kept.pop().as_deref(), Some("started"));
            } else {
                kept.push(event);
            }
        }
        kept
    };
    story
        .into_iter()
        .map(|(task, events)| (task, shorten(events)))
        .collect()
}

/// Three tasks: a short one, one that fails at first, and one that is still running when others end.
fn queue() -> Sandbox {
    let sandbox = Sandbox::new();
    let program = fake_task();
    let program = program.to_str().unwrap();
    sandbox.file(
        "night.toml",
        format!(
            r#"
[defaults.retry]
base = "10ms"
cap = "20ms"

[[task]]
name = "plain"
command = ["{program}", "lock", "plain.lock"]

[[task]]
name = "second"
command = ["{program}", "lock", "second.lock", "fail-first", "1", "n", "75"]

[[task]]
name = "longer"
command = ["{program}", "lock", "longer.lock", "sleep", "200"]

[[task]]
name = "stepwise"
step = [
  {{ name = "one", command = ["{program}", "lock", "stepwise.lock", "record", "steps", "one"] }},
  {{ name = "two", command = ["{program}", "lock", "stepwise.lock", "record", "steps", "two"] }},
]
"#
        ),
    );
    sandbox.ok(["queue", "add", "night.toml"]);
    sandbox
}

macro_rules! points {
    ($($point:ident: $trace:ident,)*) => {
        const TRIED: &[&str] = &[$(stringify!($point)),*];
        $(
            #[test]
            fn $point() {
                dies_at(stringify!($point), Trace::$trace);
            }
        )*
    };
}

points! {
    before_commit: None,
    after_commit: None,
    after_epoch_row: None,
    after_epoch_file: None,
    recovery_after_sweep: None,
    before_assign: None,
    after_assign: None,
    after_beat_commit: None,
    before_acknowledge: None,
    before_run_end: None,
    supervisor_before_lock: None,
    supervisor_before_starting: None,
    supervisor_after_starting: CutShort,
    supervisor_after_spawn: CutShort,
    supervisor_before_step_is_noted: CutShort,
    supervisor_after_step_is_noted: CutShort,
    supervisor_before_outcome: CutShort,
    supervisor_after_outcome: None,
}

#[test]
fn every_named_point_is_tried() {
    let mut named = BTreeSet::new();
    collect_points(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut named,
    );
    let tried: BTreeSet<String> = TRIED.iter().map(|point| (*point).to_owned()).collect();
    // Passed by a command and not by a run; the test below is about it.
    assert!(named.remove("before_checkpoint_aside"));
    // Passed where a recovery is carried out; `tests/supervisor` dies there.
    for point in [
        "remedy_builds_environment",
        "remedy_before_mark",
        "supervisor_after_checkpoint_aside",
    ] {
        assert!(named.remove(point), "{point}");
    }
    // Passed only while a recovery waits: `recovery::dying_before_anybody_watches_loses_no_wait`.
    assert!(named.remove("before_watch"));
    assert_eq!(named, tried);
}

#[test]
fn before_checkpoint_aside() {
    let sandbox = Sandbox::new();
    let script = "autoexec_checkpoint=$AUTOEXEC_CHECKPOINT_DIR/kept; \
                  test -e $autoexec_checkpoint && exit 0; echo x > $autoexec_checkpoint; exit 3";
    let mut add = vec!["queue", "add", "--name", "one", "--retries", "0", "--"];
    add.extend(["sh", "-c", script]);
    sandbox.ok(add);
    assert_eq!(sandbox.run(["run"]).code, 1);
    let mut retry = sandbox.command();
    retry.args(["queue", "retry", "one", "--from-scratch"]);
    let answer = sandbox.finish(retry.env("__AUTOEXEC_CRASH_AT", "before_checkpoint_aside"));
    assert_eq!(answer.code, 137, "{}", answer.stderr);
    // Whatever was made durable before: typed again, it begins anew.
    sandbox.run(["queue", "retry", "one", "--from-scratch"]);
    sandbox.ok(["db", "check"]);
    assert_eq!(sandbox.run(["run"]).code, 1, "it found nothing of before");
}

/// The names in `crash::point("…")` below a folder.
fn collect_points(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_points(&path, named);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            if let Some((_, rest)) = line.split_once("crash::point(\"") {
                named.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
}
