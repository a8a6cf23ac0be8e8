//! What it costs to judge why a command failed, in a process that has judged before and in a fresh one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result};
use autoexec::model::category::Category;
use autoexec::model::outcome::Exit;
use autoexec::model::pattern::PatternSpec;
use autoexec::policy::classify::user::{PatternSource, UserPatterns};
use autoexec::policy::classify::{CommandEnd, PatternSet, TAIL, classify_end_with};

use crate::place::Place;
use crate::roles;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, in_turns, timed, walls};

/// Judgements after the first one in each process.
const WARM: usize = 20;
/// What a flood leaves in a log.
const FLOOD: usize = 100 << 20;
/// How long 256 KiB may take.
const MOST: f64 = 0.005;
/// How long they may take where patterns and output are meant to delay.
const MOST_HOSTILE: f64 = 1.0;
/// The patterns of a user who has many.
const MANY: usize = 200;

/// The patterns of users that a judgement goes by.
const NONE: &str = "none";
const ORDINARY: &str = "ordinary";
const HOSTILE: &str = "hostile";

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let dir = place.fresh()?;
    let short = written(&dir, "short", &log_of(200))?;
    let long = written(&dir, "long", &log_of(TAIL))?;
    let hostile = written(&dir, "hostile", &noise_of(TAIL))?;
    for (what, file, patterns) in [
        ("one error", &short, NONE),
        ("256 KiB of a build", &long, NONE),
        ("the same by 200 patterns more", &long, ORDINARY),
        ("256 KiB by 200 patterns that delay", &hostile, HOSTILE),
    ] {
        judged(place, score, what, file, patterns)?;
    }
    flood(place, score, &dir, &long)
}

/// The first judgement of a process, which has to get ready, and the later ones.
fn judged(place: &Place, score: &mut Score, what: &str, file: &Path, patterns: &str) -> Result<()> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let (first, later, times) = match patterns {
        HOSTILE => (Target::Value(MOST_HOSTILE), Target::Value(MOST_HOSTILE), 1),
        ORDINARY => (Target::Known, Target::Value(MOST), WARM),
        _ => (Target::Value(MOST), Target::Value(MOST), WARM),
    };
    for _ in 0..place.pick(15, 60) {
        let mut command = place.role(roles::CLASSIFY)?;
        let output = command
            .arg(file)
            .arg(times.to_string())
            .arg(patterns)
            .stdout(Stdio::piped())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut seconds = text.lines().map(str::parse::<f64>);
        cold.push(seconds.next().context("a first judgement")??);
        warm.extend(seconds.collect::<Result<Vec<f64>, _>>()?);
    }
    for (when, ours, target) in [("first of a process", cold, first), ("later", warm, later)] {
        score.add(&Figure {
            what: format!("judging {what}, {when}"),
            unit: Unit::Seconds,
            ours,
            beside: None,
            target,
        });
    }
    Ok(())
}

/// Of a flood only the end is read.
fn flood(place: &Place, score: &mut Score, dir: &Path, end: &Path) -> Result<()> {
    let mut log = log_of(FLOOD - TAIL);
    log.extend(fs::read(end)?);
    let whole = written(dir, "flood", &log)?;
    let state = place.state()?;
    let contestants: Vec<Contestant<'_>> = vec![
        Box::new(|| timed(place, place.autoexec(&state)?.arg("classify").arg(&whole))),
        Box::new(|| timed(place, place.autoexec(&state)?.arg("classify").arg(end))),
    ];
    let costs = in_turns(place.pick(15, 60), contestants)?;
    if let [ours, tail] = costs.as_slice() {
        score.add(&Figure {
            what: "`classify` of 100 MiB".to_owned(),
            unit: Unit::Seconds,
            ours: walls(ours, 1),
            beside: Some(("of its last 256 KiB", walls(tail, 1))),
            target: Target::Ratio(1.1),
        });
    }
    Ok(())
}

/// The hidden role: judges a file as often as is said and prints what each time took.
pub(crate) fn judge(file: &str, times: &str, patterns: &str) -> Result<()> {
    let log = fs::read(file)?;
    let user = match patterns {
        ORDINARY => many(|number| {
            format!("^(?:ERROR|FATAL):? pool {number} (?:is lost|was reset).* after (?P<s>\\d+) s")
        })?,
        HOSTILE => many(|number| format!("[0-9a-z][^x]{{1,40}},{number},"))?,
        _ => UserPatterns::default(),
    };
    for _ in 0..=times.parse::<usize>()? {
        let begin = Instant::now();
        let end = CommandEnd {
            command: b"make all",
            exit: Some(Exit::Code(2)),
            stdout: b"",
            stderr: &log,
        };
        let judged = classify_end_with(&end, &user);
        let seconds = begin.elapsed().as_secs_f64();
        anyhow::ensure!(judged.pattern == "connection_refused", "{judged:?}");
        println!("{seconds}");
    }
    Ok(())
}

/// As many patterns of a user as somebody may have, none of which is met.
fn many(matches: impl Fn(usize) -> String) -> Result<UserPatterns> {
    let pattern = |number| PatternSpec {
        name: format!("pattern-{number}"),
        matches: Some(matches(number)),
        exit_codes: Vec::new(),
        tool: None,
        category: Category::Resource,
        retryable: None,
        strategies: Vec::new(),
    };
    let set = PatternSet::new((0..MANY).map(pattern).collect())?;
    Ok(UserPatterns::default().with(PatternSource::Queue, set.into()))
}

/// Letters and digits as they never stand twice, and what went wrong.
fn noise_of(size: usize) -> Vec<u8> {
    const END: &str = "connect to mirror: Connection refused\n";
    let mut random = fastrand::Rng::with_seed(4);
    let mut log = Vec::with_capacity(size);
    while log.len() + 64 + END.len() < size {
        log.extend((0..60).map(|_| random.alphanumeric() as u8));
        log.push(b'\n');
    }
    log.extend_from_slice(END.as_bytes());
    log
}

/// A build log of about `size` bytes that ends with what went wrong.
fn log_of(size: usize) -> Vec<u8> {
    const LINES: [&str; 4] = [
        "[ 42%] Building CXX object src/net/CMakeFiles/net.dir/retry_policy.cpp.o\n",
        "src/net/retry.cpp:118:7: warning: unused variable 'timeout_ms' [-Wunused-variable]\n",
        "test client::connection_timeout ... ok\n",
        "2026-11-20T02:10:11Z INFO fetched https://mirror.example.com/pool/a.tar.gz (200, 18 ms)\n",
    ];
    const END: &str = "curl: (7) Failed to connect to mirror.example.com port 443: Connection refused\n\
        make: *** [Makefile:12: fetch] Error 7\n";
    let mut log = Vec::with_capacity(size + END.len());
    for line in LINES.iter().cycle() {
        if log.len() + line.len() + END.len() > size {
            break;
        }
        log.extend_from_slice(line.as_bytes());
    }
    log.extend_from_slice(END.as_bytes());
    log
}

fn written(dir: &Path, name: &str, content: &[u8]) -> Result<PathBuf> {
    let file = dir.join(name);
    fs::write(&file, content)?;
    Ok(file)
}
