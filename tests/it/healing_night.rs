//! A night of real failures, half of which can be healed: what is expected of each task stands beside it,
//! in `tests/fixtures/nights`, and was written before the first run.
//!
//! Suite T21: `cargo test --test it healing_night:: -- --nocapture`. The short form takes every third
//! task, beginning with one of the first; the long one (`AUTOEXEC_FAULTS=long`) all of them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::healing::{Fast, GUARDED, Story, Web, filled, free, has};
use crate::port::closed_port;
use crate::sandbox::Sandbox;
use crate::skipped;
use crate::trials::Trials;

const HEALABLE: &str = include_str!("../fixtures/nights/healable.toml");
const HOPELESS: &str = include_str!("../fixtures/nights/hopeless.toml");
/// Of what can be healed at least so many per cent are, and of the rest fewer than so many are retried.
const HEALED: f64 = 90.0;
const RETRIED: f64 = 2.0;
/// The longest median from a failure to the success that follows, in seconds.
const MEDIAN: f64 = 600.0;
/// So many times as fast as the machine's clock goes that of the night.
const SPEED: u32 = 20;

/// One task of a file and the word that stands beside it.
struct Expected {
    name: String,
    tag: String,
    text: String,
}

/// The tasks of a file.
fn tasks(file: &str) -> Vec<Expected> {
    let word = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let all = file.split("\n[[task]]\n").skip(1);
    all.map(|text| Expected {
        name: word(text, "name = "),
        tag: word(text, "tags = "),
        text: format!("\n[[task]]\n{text}"),
    })
    .collect()
}

/// What is broken outside of the tasks.
struct Broken {
    holders: Vec<Child>,
    _taken: TcpListener,
}

impl Drop for Broken {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            let _gone = holder.kill();
            let _reaped = holder.wait();
        }
    }
}

/// Breaks what the tasks use, and mends after a while what comes back by itself.
fn broken(sandbox: &Sandbox) -> (Broken, BTreeMap<&'static str, String>) {
    let (web, taken, late) = (Web::new(), free(), closed_port());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
    let outside = sandbox.home().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let values = BTreeMap::from([
        ("WEB", web.serve(free()).to_string()),
        ("LATE", late.to_string()),
        ("DEAD", closed_port().to_string()),
        ("TAKEN", port(&taken)),
        ("OUTSIDE", outside.to_str().unwrap().to_owned()),
    ]);
    sandbox.file("plain.sh", "#!/bin/sh\nexit 0\n");
    crate::healing_install::python_package(sandbox, "night_module");
    let hold = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(sandbox.work());
        command.stdout(Stdio::null()).stdin(Stdio::null());
        command.spawn().unwrap()
    };
    let script = "import sqlite3, sys, time\nd = sqlite3.connect('held.db', isolation_level=None)\n\
                  d.execute('create table t (a)')\nd.execute('begin exclusive')\n\
                  open('held.ready', 'w').write('x')\ntime.sleep(5)\nd.execute('rollback')";
    let holders = vec![
        hold("flock", &["held.lock", "sleep", "5"]),
        hold("python3", &["-c", script]),
    ];
    crate::sandbox::wait_for_file(&sandbox.work().join("held.ready"));
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(5));
        web.serve(TcpListener::bind(("127.0.0.1", late)).unwrap());
    });
    let broken = Broken {
        holders,
        _taken: taken,
    };
    (broken, values)
}

/// Runs a night, and holds against what was expected what was told of it afterwards.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one night, from its breaking to its figures"
)]
fn a_night_heals_what_can_be_healed_and_leaves_the_rest_alone() {
    let test = "healing_night";
    let tools = [
        "bash",
        "curl",
        "python3",
        "sqlite3",
        "flock",
        "gzip",
        "sha256sum",
    ];
    if !has(test, &tools) {
        return;
    }
    if !crate::healing_install::python_can_install() {
        skipped::say(test, "python3 cannot make environments (venv)");
        return;
    }
    let sandbox = Arc::new(Sandbox::new());
    sandbox.configure(GUARDED);
    let (_broken, values) = broken(&sandbox);
    let mut trials = Trials::of("T21 broken nights", 23, u64::MAX);
    let (mut healable, mut hopeless) = (tasks(HEALABLE), tasks(HOPELESS));
    let (first, every) = trials.stride(healable.len() + hopeless.len());
    for tasks in [&mut healable, &mut hopeless] {
        *tasks = tasks.drain(..).skip(first).step_by(every).collect();
    }
    let all: String = healable
        .iter()
        .chain(&hopeless)
        .map(|task| task.text.as_str())
        .collect();
    sandbox.file("night.toml", filled(&all, &values));
    let fast = Fast::begin(Arc::clone(&sandbox), SPEED);
    let run = sandbox
        .command()
        .args(["run", "night.toml", "--no-progress", "-j6"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answer = run.wait_with_output().unwrap();
    drop(fast);
    let log = String::from_utf8_lossy(&answer.stderr).into_owned();
    let report = sandbox.json(["report", "--json"]);
    let printed = sandbox.ok(["report"]);
    let told = |name: &str| {
        let tasks = report["tasks"].as_array().unwrap();
        tasks
            .iter()
            .find(|task| task["name"] == name)
            .unwrap()
            .clone()
    };

    let mut odd = Vec::new();
    let (mut healed, mut otherwise, mut broke) = (0_u32, 0_u32, 0_u32);
    for task in &healable {
        let story = Story::of(&sandbox, &task.name);
        if story.attempts < 2 && story.status == "succeeded" {
            // What was to break had passed when it began.
            continue;
        }
        broke += 1;
        healed += u32::from(story.status == "succeeded");
        if story.status != "succeeded" || !story.helped(&task.tag) {
            otherwise += u32::from(story.status == "succeeded");
            odd.push(format!(
                "{}: not by {}: {:?}",
                task.name, task.tag, story.recoveries
            ));
        }
        let of_report = told(&task.name)["recoveries"].as_array().unwrap().len();
        assert_eq!(of_report, story.recoveries.len(), "{}", task.name);
    }
    // The ten first are named.
    let told_in_text = healable.iter().filter(|task| printed.contains(&task.name));
    assert!(
        printed.contains("Healed itself (") && told_in_text.count() >= 8.min(healable.len()),
        "{printed}"
    );
    let mut retried = 0_u32;
    for task in &hopeless {
        let story = Story::of(&sandbox, &task.name);
        assert_eq!(story.status, "failed", "{}\n{log}", task.name);
        let judged = told(&task.name);
        if judged["category"] != task.tag.as_str() {
            odd.push(format!(
                "{}: judged as {}, not {}",
                task.name, judged["category"], task.tag
            ));
        }
        if story.attempts > 1 {
            retried += 1;
            odd.push(format!("{}: {} attempts", task.name, story.attempts));
        }
    }
    let told_in_text = hopeless.iter().filter(|task| printed.contains(&task.name));
    assert!(told_in_text.count() >= 8.min(hopeless.len()), "{printed}");
    let share = |part: u32, whole: usize| {
        f64::from(part) * 100.0 / f64::from(u32::try_from(whole).unwrap())
    };
    let healed_share = share(healed, usize::try_from(broke).unwrap());
    let retried_share = share(retried, hopeless.len());
    let recovery = &report["totals"]["recovery"];
    let median = recovery["median_seconds"].as_f64().unwrap();
    let figures = format!(
        "{test}: healed {healed} of {broke} ({healed_share:.1} %), retried {retried} of {} without hope \
         ({retried_share:.1} %), median {median:.0} s, recoveries {recovery}\n{}\n",
        hopeless.len(),
        odd.join("\n"),
    );
    trials.tell(&[
        ("broken tasks that can be healed", &broke),
        ("healed", &healed),
        ("of them in another way", &otherwise),
        ("without hope", &hopeless.len()),
        ("retried", &retried),
        ("median in s", &median),
    ]);
    assert!(healed_share >= HEALED, "{figures}{log}");
    assert!(retried_share < RETRIED, "{figures}{log}");
    assert!(median < MEDIAN, "{figures}{log}");
    // How long a machine takes decides what comes back by itself before a remedy is tried.
    let odd_of_healed = usize::try_from(otherwise).unwrap();
    assert_eq!(odd.len(), odd_of_healed, "{figures}{log}");
    assert!(otherwise * 10 <= broke.max(20), "{figures}{log}");
    sandbox.ok(["db", "check"]);
}
