//! Named places at which a test lets the program die, to see what is left, and whatever else a test
//! wishes of a debug build by a variable ([`wish`]).
//!
//! A place is marked `// CRASH:` with what is true there, followed by `crash::point("name")`. It does
//! nothing unless the program was built with debug assertions and `__AUTOEXEC_CRASH_AT` names it:
//! `__AUTOEXEC_CRASH_AT=before_commit` dies at the first passage, `before_commit:3` at the third.
//! `before_commit:3:/a/path` dies only while that path is not there, and makes it: of a family of
//! processes that inherit the wish, one dies.
//!
//! Another test wants processes that are late: `__AUTOEXEC_SLOW_AT=before_assign:30` waits for up to
//! 30 ms at each passage of that place, `*:30` at every place.

use std::fs::File;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

struct Target {
    name: String,
    passage: u32,
    /// Made by the one that dies.
    once: Option<PathBuf>,
}

struct Delay {
    name: String,
    longest: u64,
}

static TARGET: OnceLock<Option<Target>> = OnceLock::new();
static DELAY: OnceLock<Option<Delay>> = OnceLock::new();
static PASSAGES: AtomicU32 = AtomicU32::new(0);

/// Dies here by `SIGKILL`, or is late from here on, if a test asked for it.
pub fn point(name: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    if let Some(delay) = DELAY.get_or_init(read_delay)
        && (delay.name == "*" || delay.name == name)
    {
        std::thread::sleep(Duration::from_millis(fastrand::u64(..=delay.longest)));
    }
    if let Some(target) = TARGET.get_or_init(read_target)
        && target.name == name
        && PASSAGES.fetch_add(1, Ordering::Relaxed) + 1 == target.passage
        && target
            .once
            .as_ref()
            .is_none_or(|path| File::create_new(path).is_ok())
    {
        let own = rustix::process::getpid();
        let _unreachable = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
}

fn read_delay() -> Option<Delay> {
    let wish = wish("__AUTOEXEC_SLOW_AT")?;
    let (name, longest) = wish.split_once(':')?;
    Some(Delay {
        name: name.to_owned(),
        longest: longest.parse().ok()?,
    })
}

/// What a test wishes by a variable; nothing in a build without debug assertions.
#[expect(
    clippy::disallowed_methods,
    reason = "only a debug build reads it, and only here"
)]
pub fn wish(variable: &str) -> Option<String> {
    if !cfg!(debug_assertions) {
        return None;
    }
    std::env::var(variable).ok()
}

/// How long one waits for another process that is usually quick: so many times as long if a test wishes
/// that by `__AUTOEXEC_PATIENCE`, because the machine of a test may stall.
#[must_use]
pub fn patience(usual: Duration) -> Duration {
    static TIMES: OnceLock<Option<u32>> = OnceLock::new();
    let times = TIMES.get_or_init(|| wish("__AUTOEXEC_PATIENCE")?.parse().ok());
    usual.saturating_mul(times.unwrap_or(1))
}

fn read_target() -> Option<Target> {
    let wish = wish("__AUTOEXEC_CRASH_AT")?;
    let mut parts = wish.splitn(3, ':');
    Some(Target {
        name: parts.next()?.to_owned(),
        passage: parts.next().map_or(Ok(1), str::parse).ok()?,
        once: parts.next().map(PathBuf::from),
    })
}
