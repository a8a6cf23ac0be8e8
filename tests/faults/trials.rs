//! How often a suite tries, with which seed, and what came out: the words that all suites share.
//!
//! `AUTOEXEC_SEED` replays the choices of a suite (not the machine's timing), `AUTOEXEC_TRIALS` says
//! how often, `AUTOEXEC_FAULTS=long` takes the number for a long night instead of that for every day.

use std::env;
use std::fmt::Display;
use std::io::Write as _;

use fastrand::Rng;

/// The trials of one suite.
pub(crate) struct Trials {
    suite: &'static str,
    pub(crate) seed: u64,
    /// So many are wanted.
    pub(crate) wanted: u64,
    /// Whoever chooses takes it from here.
    pub(crate) rng: Rng,
}

impl Trials {
    /// Trials of a suite, `T1 kills` for instance: so many every day, so many in the long form.
    pub(crate) fn of(suite: &'static str, short: u64, long: u64) -> Self {
        let seed = setting("AUTOEXEC_SEED").unwrap_or_else(|| fastrand::u64(..));
        let usual = if is_long() { long } else { short };
        let wanted = setting("AUTOEXEC_TRIALS").unwrap_or(usual);
        let trials = Self {
            suite,
            seed,
            wanted,
            rng: Rng::with_seed(seed),
        };
        // Seen when a test fails, and with `--nocapture`.
        println!("{suite}: replay with AUTOEXEC_SEED={seed} AUTOEXEC_TRIALS={wanted}");
        trials
    }

    /// Of so many there are, how many of the first are passed over, and every how many-th is taken, so that
    /// as many as are wanted are spread over all of them.
    pub(crate) fn stride(&mut self, there: usize) -> (usize, usize) {
        let wanted = usize::try_from(self.wanted).unwrap_or(usize::MAX).max(1);
        let every = there.div_ceil(wanted).max(1);
        (self.rng.usize(..every), every)
    }

    /// Says what came out, one count after the other; seen whether or not output is captured.
    pub(crate) fn tell(&self, counts: &[(&str, &dyn Display)]) {
        let counts: Vec<String> = counts
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        aloud(&format!(
            "FAULTS {}: seed {}: {}",
            self.suite,
            self.seed,
            counts.join(", ")
        ));
    }
}

/// Whether the long form was asked for.
pub(crate) fn is_long() -> bool {
    env::var("AUTOEXEC_FAULTS").is_ok_and(|form| form == "long")
}

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

pub(crate) fn aloud(line: &str) {
    // Not by `eprintln`, which is shown for failed tests only.
    std::io::stderr()
        .write_all(format!("\n{line}\n").as_bytes())
        .unwrap();
}
