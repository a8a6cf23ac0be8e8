//! A scripted program for tests: what a task does is written on its command line, word by word.
//!
//! Words are carried out from left to right; at the end the program exits with 0. For example
//! `fake_task lock a.lock record log start sleep 200 record log end`.
//!
//! | words | does |
//! |---|---|
//! | `lock PATH` | takes PATH exclusively for the rest of its life; if another live process has it, appends a line to `PATH.overlap` |
//! | `record PATH WORD` | appends `WORD attempt pid` to PATH, synced |
//! | `fail-first N PATH CODE` | exits with CODE the first N times, counted by the lines of PATH |
//! | `sleep MILLIS`, `cpu MILLIS` | waits, idle or busy |
//! | `say TEXT`, `complain TEXT` | one line on standard output or standard error |
//! | `flood BYTES`, `flood-bare BYTES` | that much output, in lines or without any newline |
//! | `args …` | the remaining arguments as JSON, then exits |
//! | `env` | the environment as JSON |
//! | `stdin` | copies standard input to standard output |
//! | `ignore-term` | from here on SIGTERM does nothing |
//! | `close-output` | closes standard output and standard error (locks taken before are let go) |
//! | `daemon hold\|close SCRIPT` | a grandchild in a session of its own, with or without our output pipes, carries out SCRIPT (words divided by spaces) |
//! | `wait-for PATH` | until PATH is there |
//! | `stop-self`, `kill-parent`, `kill-self NUMBER` | SIGSTOP to itself, SIGKILL to its parent, any signal to itself |
//! | `exit CODE` | exits |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::exit,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a fake for tests: it dies loudly, prints, and starts programs of its own"
)]

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio, exit};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, getppid, kill_process};

fn main() {
    let mut words = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    // Whatever is opened for good lives here until the end.
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if word == "args" {
            let rest: Vec<String> = words.collect();
            println!("{}", serde_json::to_string(&rest).unwrap());
            return;
        }
        if word == "close-output" {
            close_output(words);
            return;
        }
        let mut argument = || words.next().expect("an argument of this word");
        match word.as_str() {
            "lock" => kept.extend(take_lock(&argument())),
            "record" => record(&argument(), &argument()),
            "fail-first" => fail_first(number(&argument()), &argument(), &argument()),
            "sleep" => sleep(Duration::from_millis(number(&argument()))),
            "cpu" => burn(Duration::from_millis(number(&argument()))),
            "say" => println!("{}", argument()),
            "complain" => eprintln!("{}", argument()),
            "flood" => flood(number(&argument()), b'\n'),
            "flood-bare" => flood(number(&argument()), b'x'),
            "env" => print_environment(),
            "stdin" => {
                io::copy(&mut io::stdin(), &mut io::stdout()).unwrap();
            }
            "ignore-term" => ignore_term(),
            "daemon" => daemon(&argument(), &argument()),
            "wait-for" => wait_for(&argument()),
            "stop-self" => kill_process(getpid(), Signal::STOP).unwrap(),
            "kill-parent" => kill_process(getppid().unwrap(), Signal::KILL).unwrap(),
            "kill-self" => die_by(&argument()),
            "exit" => exit(argument().parse().unwrap()),
            "session" => {
                rustix::process::setsid().unwrap();
            }
            other => panic!("unknown word `{other}`"),
        }
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap()
}

fn append(path: &str, line: &str) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    // One write, so that lines of several processes do not mix.
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    file.sync_all().unwrap();
}

fn attempt() -> String {
    let mark = std::env::var("AUTOEXEC_MARK").unwrap_or_default();
    mark.rsplit(':').next().unwrap_or_default().to_owned()
}

fn record(path: &str, word: &str) {
    append(path, &format!("{word} {} {}", attempt(), getpid()));
}

/// The kernel gives the lock back when the process dies, however it dies: so this measures whether
/// two lives overlapped without trusting anybody.
fn take_lock(path: &str) -> Option<File> {
    let file = File::create(path).unwrap();
    if file.try_lock().is_ok() {
        return Some(file);
    }
    append(
        &format!("{path}.overlap"),
        &format!("overlap {} {}", attempt(), getpid()),
    );
    None
}

fn fail_first(times: u64, path: &str, code: &str) {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    append(path, "one more");
    if (before.lines().count() as u64) < times {
        exit(code.parse().unwrap());
    }
}

fn burn(length: Duration) {
    let begin = std::time::Instant::now();
    while begin.elapsed() < length {
        std::hint::spin_loop();
    }
}

fn flood(bytes: u64, every_64th: u8) {
    let mut line = [b'x'; 64];
    if let Some(last) = line.last_mut() {
        *last = every_64th;
    }
    let block = line.repeat(1024);
    let mut left = bytes;
    let mut out = io::stdout().lock();
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        // Whoever stops reading ends the flood.
        if out.write_all(block.get(..part).unwrap()).is_err() {
            return;
        }
        left -= part as u64;
    }
}

fn print_environment() {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect();
    println!("{}", serde_json::to_string(&environment).unwrap());
}

/// A handler that nobody asks: the signal arrives and nothing follows.
fn ignore_term() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let guard = runtime.enter();
    let kind = tokio::signal::unix::SignalKind::terminate();
    std::mem::forget(tokio::signal::unix::signal(kind).unwrap());
    drop(guard);
    std::mem::forget(runtime);
}

/// Goes on as a new program without output, because a file descriptor cannot be closed safely here.
fn close_output(rest: impl Iterator<Item = String>) {
    let error = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" \"$@\" >&- 2>&-"])
        .arg(std::env::current_exe().unwrap())
        .args(rest)
        .exec();
    panic!("cannot go on without output: {error}");
}

/// A child that starts a child and ends, so that the grandchild belongs to nobody.
fn daemon(output: &str, script: &str) {
    let own = std::env::current_exe().unwrap();
    let mut between = Command::new("/bin/sh");
    between
        .args(["-c", "\"$0\" \"$@\" &"])
        .arg(own)
        .arg("session")
        .args(script.split_whitespace())
        .stdin(Stdio::null());
    if output == "close" {
        between.stdout(Stdio::null()).stderr(Stdio::null());
    }
    // A group of its own too, so that a signal to ours does not reach it on its way.
    assert!(between.process_group(0).status().unwrap().success());
}

fn wait_for(path: &str) {
    while !std::path::Path::new(path).exists() {
        sleep(Duration::from_millis(5));
    }
}

fn die_by(signal: &str) {
    let number: i32 = signal.parse().unwrap();
    let shell = format!("kill -{number} {}", Pid::as_raw(Some(getpid())));
    Command::new("/bin/sh")
        .args(["-c", &shell])
        .status()
        .unwrap();
    sleep(Duration::from_secs(5));
}
