//! Facts about attempts, made at random.

use std::time::Duration;

use autoexec::model::category::Category;
use autoexec::model::category::Retryable;
use autoexec::model::ids::AttemptId;
use autoexec::model::ids::BootId;
use autoexec::model::ids::ProcessIdentity;
use autoexec::model::ids::QueueId;
use autoexec::model::message::NotStartedReason;
use autoexec::model::outcome::Account;
use autoexec::model::outcome::Containment;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Exit;
use autoexec::model::outcome::LossCause;
use autoexec::model::outcome::Outcome;
use autoexec::model::outcome::OutputPlace;
use autoexec::model::outcome::Said;
use autoexec::model::outcome::StartFailure;
use autoexec::model::outcome::StartFailureKind;
use autoexec::model::outcome::StopReason;
use autoexec::model::outcome::Usage;
use autoexec::model::signal::Signal;
use autoexec::model::slot::SlotEntry;
use autoexec::model::slot::SlotRecord;
use autoexec::support::bytes::OsText;
use autoexec::support::clock::Timestamp;
use fastrand::Rng;

/// The queue of all samples.
pub(crate) const QUEUE: QueueId = QueueId([7; 16]);

/// An outcome that holds something else each time.
pub(crate) fn outcome(rng: &mut Rng) -> Outcome {
    let exit = match rng.u8(..2) {
        0 => Exit::Code(rng.i32(..)),
        _ => Exit::Signal {
            signal: Signal::new(rng.i32(1..65)),
            core: rng.bool(),
        },
    };
    let limit = Duration::from_millis(rng.u64(..) >> 12);
    let killed = rng.bool();
    let ended = match rng.u8(..6) {
        0 => Ended::TimedOut {
            limit,
            exit,
            killed,
        },
        1 => Ended::WentSilent {
            limit,
            exit,
            killed,
        },
        2 => Ended::Stopped {
            reason: StopReason::Cancelled,
            exit,
            killed,
        },
        3 => Ended::CouldNotStart(StartFailure {
            kind: StartFailureKind::NulByte,
            errno: rng.i32(..),
            path: OsText::new(hostile(rng)),
        }),
        4 => Ended::Lost(LossCause::SupervisorDied),
        _ => Ended::ByItself(exit),
    };
    let has_said = rng.bool();
    Outcome {
        ended,
        started_at: rng.bool().then(|| Timestamp::from_millis(rng.i64(..))),
        ended_at: Timestamp::from_millis(rng.i64(..)),
        duration: Duration::from_millis(rng.u64(..) >> 12),
        usage: Usage {
            max_rss_bytes: rng.u64(..),
            ..Usage::default()
        },
        output: OutputPlace {
            file: rng.bool().then(|| hostile(rng)),
            offset: rng.u64(..),
            length: rng.u64(..),
            ..OutputPlace::default()
        },
        leftovers: Vec::new(),
        leftover_count: rng.u32(..),
        containment: Containment::Subreaper,
        out_of_memory: rng.bool(),
        notes: (0..rng.usize(..3)).map(|_| hostile(rng)).collect(),
        account: Account {
            said: has_said.then(|| Said {
                message: Some(hostile(rng)),
                category: Some(Category::RateLimit),
                retryable: Some(Retryable::AfterFix),
                retry_after: Some(Duration::from_millis(rng.u64(..) >> 20)),
            }),
            ..Account::default()
        },
    }
}

/// A few characters, many of them with a meaning somewhere.
pub(crate) fn hostile(rng: &mut Rng) -> String {
    const CHARACTERS: &[char] = &[
        'a',
        ' ',
        '\n',
        '\0',
        '\u{1b}',
        '[',
        ']',
        '<',
        '>',
        '&',
        '"',
        '\'',
        '\\',
        '/',
        '.',
        '`',
        '|',
        '{',
        '}',
        '%',
        '=',
        '+',
        '@',
        '\u{9b}',
        '\u{202e}',
        '\u{200b}',
        '\u{feff}',
        'é',
        '\u{10ffff}',
    ];
    (0..rng.usize(..40))
        .map(|_| *rng.choice(CHARACTERS).unwrap())
        .collect()
}

fn entry(rng: &mut Rng) -> SlotEntry {
    let someone = |rng: &mut Rng| ProcessIdentity {
        pid: rng.i32(1..),
        start: rng.u64(..),
    };
    match rng.u8(..4) {
        0 => SlotEntry::Starting {
            supervisor: someone(rng),
        },
        1 => SlotEntry::NotStarted(NotStartedReason::Fenced),
        2 => SlotEntry::Running {
            supervisor: someone(rng),
            process: someone(rng),
            at: Timestamp::from_millis(rng.i64(..)),
            steps_done: rng.u32(..),
        },
        _ => SlotEntry::Ended(Box::new(outcome(rng))),
    }
}

/// A record of anything.
pub(crate) fn record(rng: &mut Rng) -> SlotRecord {
    SlotRecord {
        sequence: rng.u64(..),
        queue: QUEUE,
        boot: BootId([rng.u8(..); 16]),
        attempt: AttemptId::new(rng.i64(..)),
        entry: entry(rng),
    }
}
