//! What a suite counts against the program: each promise that was broken, by its kind.
//!
//! The words are those of the promises: *lost* (something acknowledged is not there), *doubled* (two
//! lives at once, or a start after a recorded success, or one that its rule forbids), *left* (a process
//! of an ended attempt that is alive five seconds later), *stuck* (neither done nor resolved).

use std::fmt::Display;
use std::thread::sleep;
use std::time::Duration;

use crate::sandbox::Sandbox;
use crate::trials::Trials;
use crate::wild::processes;

impl Trials {
    /// Says what came out, one count after the other, and ends with what was found to be wrong.
    pub(crate) fn tell_toll(&self, counts: &[(&str, &dyn Display)], toll: &Toll) {
        let harms = toll.counts();
        let mut all = counts.to_vec();
        all.extend(
            harms
                .iter()
                .map(|(harm, count)| (*harm, count as &dyn Display)),
        );
        self.tell(&all);
    }
}

/// Nothing of an ended attempt is alive so much later. Five seconds are promised, which a machine that
/// stalls cannot keep.
const PROMISED: Duration = Duration::from_secs(40);

/// The kinds of broken promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    Lost,
    Doubled,
    Left,
    Stuck,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    found: Vec<(Harm, String)>,
}

impl Toll {
    /// Notes one broken promise, with all that a reader needs.
    pub(crate) fn note(&mut self, harm: Harm, what: impl Into<String>) {
        self.found.push((harm, what.into()));
    }

    /// Notes it unless it is so.
    pub(crate) fn demand(&mut self, is_so: bool, harm: Harm, what: impl FnOnce() -> String) {
        if !is_so {
            self.note(harm, what());
        }
    }

    /// Says where it was found.
    pub(crate) fn name(&mut self, place: &str) {
        for (_, what) in &mut self.found {
            what.insert_str(0, &format!("{place}: "));
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// How many of each kind there are, for `Trials::tell`.
    pub(crate) fn counts(&self) -> [(&'static str, usize); 4] {
        let count = |harm| self.found.iter().filter(|(of, _)| *of == harm).count();
        [
            ("lost", count(Harm::Lost)),
            ("doubled", count(Harm::Doubled)),
            ("left", count(Harm::Left)),
            ("stuck", count(Harm::Stuck)),
        ]
    }

    /// Waits as long as was promised until nothing of the sandbox lives; whatever then does is left.
    pub(crate) fn look_for_orphans(&mut self, sandbox: &Sandbox) {
        const PAUSE: Duration = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        let mut left = processes(sandbox);
        while !left.is_empty() && waited < PROMISED {
            sleep(PAUSE);
            waited += PAUSE;
            left = processes(sandbox);
        }
        for process in left {
            self.note(Harm::Left, format!("orphan: {process:?}"));
        }
    }

    /// Fails if anything was found; to be called behind `Trials::tell`.
    #[track_caller]
    pub(crate) fn must_be_nothing(&self) {
        let told: Vec<String> = self
            .found
            .iter()
            .map(|(harm, what)| format!("{harm:?}: {what}"))
            .collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }
}
