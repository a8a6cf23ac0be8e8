//! Making an outcome fit into a page of the slot file.
//!
//! An outcome that cannot be recorded would be lost with the runner, so whatever is long in it gives
//! way before that: first remarks, then the path of a failed start, then what it hung on, then what
//! remedies said, then names of left-over processes.

use crate::model::ids::AttemptId;
use crate::model::ids::BootId;
use crate::model::ids::QueueId;
use crate::model::outcome::Ended;
use crate::model::outcome::MAX_LEFTOVERS;
use crate::model::outcome::MAX_NOTES;
use crate::model::outcome::Outcome;
use crate::model::slot::SlotEntry;
use crate::model::slot::SlotRecord;
use crate::supervisor::requires::within;
use crate::support::bytes::OsText;

/// The most bytes of a path that are always kept.
const SHORT_PATH: usize = 256;
/// The most bytes of what a remedy said that are kept longest.
const SHORT_DETAIL: usize = 60;

/// Shortens an outcome until its record fits.
pub(super) fn fit(mut outcome: Outcome) -> Outcome {
    outcome.notes.truncate(MAX_NOTES);
    outcome.leftovers.truncate(MAX_LEFTOVERS);
    if is_short(&outcome) || fits(&outcome) {
        return outcome;
    }
    // Nothing rests on it.
    outcome.account.found = None;
    if fits(&outcome) {
        return outcome;
    }
    outcome.notes.clear();
    if !fits(&outcome) {
        shorten_path(&mut outcome);
    }
    if !fits(&outcome)
        && let Some(said) = &mut outcome.account.said
    {
        // All of it is recorded from its file.
        said.message = None;
    }
    while !fits(&outcome) && outcome.account.hang.pop().is_some() {}
    if !fits(&outcome) {
        for remedy in &mut outcome.account.remedies {
            remedy.detail = within(&remedy.detail, SHORT_DETAIL);
        }
    }
    if !fits(&outcome) {
        // How they ended is what counts.
        for remedy in &mut outcome.account.remedies {
            remedy.detail.clear();
        }
    }
    while !fits(&outcome) && outcome.leftovers.pop().is_some() {}
    outcome
}

fn shorten_path(outcome: &mut Outcome) {
    if let Ended::CouldNotStart(failure) = &mut outcome.ended {
        let bytes = failure.path.as_bytes();
        let short = bytes.get(..SHORT_PATH).unwrap_or(bytes).to_vec();
        failure.path = OsText::new(short);
    }
}

/// Whether nothing in it has a length of its own, as in nearly every outcome: that need not be tried.
fn is_short(outcome: &Outcome) -> bool {
    outcome.notes.is_empty()
        && outcome.leftovers.is_empty()
        && outcome.account.is_empty()
        && !matches!(outcome.ended, Ended::CouldNotStart(_))
}

fn fits(outcome: &Outcome) -> bool {
    // The ids have a fixed length, so any will do.
    let record = SlotRecord {
        sequence: 0,
        queue: QueueId([0; 16]),
        boot: BootId([0; 16]),
        attempt: AttemptId::new(0),
        entry: SlotEntry::Ended(Box::new(outcome.clone())),
    };
    record.encode().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::ProcessIdentity;
    use crate::model::outcome::Containment;
    use crate::model::outcome::Leftover;
    use crate::model::outcome::LeftoverFate;
    use crate::model::outcome::OutputPlace;
    use crate::model::outcome::StartFailure;
    use crate::model::outcome::StartFailureKind;
    use crate::model::outcome::Usage;
    use crate::support::clock::Timestamp;
    use std::time::Duration;

    fn outcome(path: &[u8]) -> Outcome {
        Outcome {
            ended: Ended::CouldNotStart(StartFailure {
                kind: StartFailureKind::ProgramMissing,
                errno: 2,
                path: OsText::new(path),
            }),
            started_at: None,
            ended_at: Timestamp::from_millis(0),
            duration: Duration::ZERO,
            usage: Usage::default(),
            output: OutputPlace::default(),
            leftovers: Vec::new(),
            leftover_count: 0,
            containment: Containment::Subreaper,
            out_of_memory: false,
            notes: Vec::new(),
            account: crate::model::outcome::Account::default(),
        }
    }

    #[test]
    fn an_ordinary_outcome_is_left_as_it_is() {
        let plain = outcome(b"/bin/true");
        assert_eq!(fit(plain.clone()), plain);
    }

    #[test]
    fn whatever_is_long_gives_way_and_the_end_itself_stays() {
        let mut long = outcome(&[0xff; 4096]);
        long.notes = vec!["x".repeat(1000); 9];
        long.leftovers = vec![
            Leftover {
                process: ProcessIdentity {
                    pid: i32::MAX,
                    start: u64::MAX,
                },
                name: OsText::new([0xff; 15]),
                fate: LeftoverFate::Killed,
            };
            9
        ];
        let short = fit(long);
        assert!(fits(&short));
        assert_eq!(short.leftovers.len(), MAX_LEFTOVERS);
        let Ended::CouldNotStart(failure) = short.ended else {
            panic!("another end");
        };
        assert_eq!(failure.path.as_bytes().len(), SHORT_PATH);
    }
}
