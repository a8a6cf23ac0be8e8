//! What tests of recoveries share: services that really break, tools that may be missing, and what is
//! told of the recoveries of a task.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sandbox::{Answer, Sandbox};
use crate::skipped;

/// All guarded strategies.
pub(crate) const GUARDED: &str = "[recover]\nallow = [\"install_dependency\", \"make_executable\", \"remove_stale_lock\", \"fetch_again\"]\n";

/// Runs the tasks of a file; all of them must succeed.
#[track_caller]
pub(crate) fn heals(sandbox: &Sandbox, tasks: &str) -> Answer {
    let answer = runs(sandbox, tasks);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer
}

/// Runs the tasks of a file.
#[track_caller]
pub(crate) fn runs(sandbox: &Sandbox, tasks: &str) -> Answer {
    sandbox.file("night.toml", tasks);
    sandbox.run(["run", "night.toml", "--no-progress"])
}

/// What is known of a task.
pub(crate) struct Story {
    pub(crate) status: String,
    pub(crate) attempts: u64,
    /// Strategies with their states, in their order.
    pub(crate) recoveries: Vec<(String, String)>,
    /// What was told of each.
    pub(crate) details: Vec<String>,
}

impl Story {
    pub(crate) fn of(sandbox: &Sandbox, task: &str) -> Self {
        let task = sandbox.json(["queue", "show", task, "--json"])["task"].clone();
        let all = task["recoveries"].as_array().cloned().unwrap_or_default();
        let word =
            |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
        Self {
            status: word(&task, "status"),
            attempts: task["attempts"].as_u64().unwrap(),
            recoveries: all
                .iter()
                .map(|one| (word(one, "strategy"), word(one, "state")))
                .collect(),
            details: all.iter().map(ToString::to_string).collect(),
        }
    }

    pub(crate) fn helped(&self, strategy: &str) -> bool {
        let is_it = |(name, state): &(String, String)| name == strategy && state == "helped";
        self.recoveries.iter().any(is_it)
    }
}

/// Whether the recoveries of a task are these, with these states.
#[track_caller]
pub(crate) fn assert_recoveries(sandbox: &Sandbox, task: &str, wanted: &[(&str, &str)]) {
    let story = Story::of(sandbox, task);
    let told: Vec<(&str, &str)> = story
        .recoveries
        .iter()
        .map(|(strategy, state)| (strategy.as_str(), state.as_str()))
        .collect();
    assert_eq!(told, wanted, "{:?}", story.details);
}

/// Whether all of these programs are there; else a word about the test that is left out.
pub(crate) fn has(test: &str, tools: &[&str]) -> bool {
    let missing: Vec<&str> = tools
        .iter()
        .copied()
        .filter(|tool| !is_there(tool))
        .collect();
    if missing.is_empty() {
        return true;
    }
    skipped::say(test, &format!("{} is not installed", missing.join(", ")));
    false
}

fn is_there(tool: &str) -> bool {
    std::process::Command::new("sh")
        .args(["-c", &format!("command -v {tool} >/dev/null")])
        .status()
        .is_ok_and(|status| status.success())
}

/// A server that breaks as its paths say: `/ok`; `/CODE/TIMES/NAME` answers CODE so many times and then
/// 200, `?SECONDS` behind it as `Retry-After`; `/cut/TIMES/NAME` hangs up; `/secret/fresh` is let in.
#[derive(Clone)]
pub(crate) struct Web {
    asked: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Web {
    pub(crate) fn new() -> Self {
        Self {
            asked: Arc::new(Mutex::new(Vec::new())),
        }
    }

    /// Serves on a port until the test is over.
    pub(crate) fn serve(&self, listener: TcpListener) -> u16 {
        let port = listener.local_addr().unwrap().port();
        let web = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                web.answer(stream);
            }
        });
        port
    }

    /// Every path that was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(path, _)| path.clone()).collect()
    }

    /// The time between the first two questions.
    pub(crate) fn between(&self) -> Duration {
        let asked = self.asked.lock().unwrap();
        asked[1].1.duration_since(asked[0].1)
    }

    fn answer(&self, mut stream: TcpStream) {
        let _unlimited = stream.set_read_timeout(Some(Duration::from_mins(2)));
        let mut request = Vec::new();
        let mut part = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut part) {
                Ok(0) | Err(_) => return,
                Ok(count) => request.extend_from_slice(&part[..count]),
            }
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let target = request.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let before = {
            let mut asked = self.asked.lock().unwrap();
            let before = asked.iter().filter(|(one, _)| one == path).count();
            asked.push((path.to_owned(), Instant::now()));
            before
        };
        let mut parts = path.trim_matches('/').split('/');
        let (kind, second) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let breaks = second.parse().is_ok_and(|times: usize| before < times);
        let status = match kind {
            "secret" if second != "fresh" => "401",
            "cut" if breaks => {
                let _gone = stream.shutdown(Shutdown::Both);
                return;
            }
            "ok" | "secret" | "cut" => "200",
            code if breaks => code,
            _ => "200",
        };
        let wait = if query.is_empty() || status == "200" {
            String::new()
        } else {
            format!("Retry-After: {query}\r\n")
        };
        let answer = format!(
            "HTTP/1.1 {status} Status\r\n{wait}Content-Length: 3\r\nConnection: close\r\n\r\nok\n"
        );
        let _gone = stream.write_all(answer.as_bytes());
    }
}

/// A port that is free now.
pub(crate) fn free() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Lets the clock of a sandbox run faster than the machine's, until it is dropped.
pub(crate) struct Fast {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fast {
    /// So many times as fast.
    pub(crate) fn begin(sandbox: Arc<Sandbox>, speed: u32) -> Self {
        sandbox.set_clock("+0");
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let pause = Duration::from_millis(50);
            let mut ahead = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                sandbox.set_clock(format!("+{}", ahead.as_millis()));
                std::thread::sleep(pause);
                ahead += pause * (speed - 1);
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Fast {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _over = thread.join();
        }
    }
}

/// A text with `{NAME}`s filled in.
pub(crate) fn filled(text: &str, values: &BTreeMap<&str, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}
