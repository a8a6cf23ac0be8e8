//! Named places at which a test lets the program die, to see what is left.
//!
//! A place is marked `// CRASH:` with what is true there, followed by `crash::point("name")`. It does
//! nothing unless the program was built with debug assertions and `__AUTOEXEC_CRASH_AT` names it:
//! `__AUTOEXEC_CRASH_AT=before_commit` dies at the first passage, `before_commit:3` at the third.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

struct Target {
    name: String,
    passage: u32,
}

static TARGET: OnceLock<Option<Target>> = OnceLock::new();
static PASSAGES: AtomicU32 = AtomicU32::new(0);

/// Dies here by `SIGKILL` if a test asked for it.
pub fn point(name: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    if let Some(target) = TARGET.get_or_init(read_target)
        && target.name == name
        && PASSAGES.fetch_add(1, Ordering::Relaxed) + 1 == target.passage
    {
        let own = rustix::process::getpid();
        let _unreachable = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "only a debug build reads it, and only here"
)]
fn read_target() -> Option<Target> {
    let wish = std::env::var("__AUTOEXEC_CRASH_AT").ok()?;
    let (name, passage) = match wish.split_once(':') {
        Some((name, passage)) => (name, passage.parse().ok()?),
        None => (wish.as_str(), 1),
    };
    Some(Target {
        name: name.to_owned(),
        passage,
    })
}
