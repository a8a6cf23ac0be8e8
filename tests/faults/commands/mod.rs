//! Random sequences of commands on the queue and on a small reference of it: they never differ.
//!
//! Suite T8: `cargo test --test faults commands:: -- --nocapture`. Short: 400 sequences on the
//! library's queue, each with crashes (the queue is opened again from what is on the disk) and changes
//! that are taken back in the middle; long: 100,000. After every step all tasks, their order and what
//! was refused are compared, and in the end the queue's own check must be content. A sequence that
//! differs is made as short as it can be and told as a story. The real program is held against the same
//! reference in `program`: every command on every state, then 3 random
//! sequences in the short form, 500 in the long one.

mod compare;
mod deeds;
mod given;
mod model;
mod nouns;
mod pair;
mod program;
mod typed;

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;

use fastrand::Rng;

use crate::commands::nouns::Change;
use crate::commands::nouns::Definition;
use crate::commands::nouns::End;
use crate::commands::nouns::New;
use crate::commands::nouns::Wanted;
use crate::commands::pair::Pair;
use crate::commands::pair::prepare;
use crate::trials::Trials;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// One thing that is done; numbers mean the task or attempt at that place, counted round.
#[derive(Debug, Clone)]
enum Step {
    Add {
        tasks: Vec<New>,
        replace: bool,
    },
    /// The first that could start, or another one that somebody names.
    Claim(Option<usize>),
    ReturnClaim(usize),
    Start(usize),
    End {
        attempt: usize,
        end: End,
        used: bool,
    },
    Change(usize, Change),
    Reprioritize(usize, i64),
    Remove(usize),
    Later(i64),
    /// The process dies; another one opens the queue.
    Crash,
    /// The next step is begun and taken back.
    Undone,
}

fn new(rng: &mut Rng) -> New {
    let after = 0..rng.usize(..3).saturating_sub(1) + usize::from(rng.u8(..3) == 0);
    let wanted = [
        Wanted::Success,
        Wanted::Success,
        Wanted::Failure,
        Wanted::Always,
    ];
    New {
        definition: Definition {
            name: rng.choice(NAMES).unwrap(),
            variant: rng.u8(..3),
            priority: if rng.u8(..3) == 0 { rng.i64(-2..3) } else { 0 },
            after: after
                .map(|_| (rng.choice(NAMES).unwrap(), *rng.choice(&wanted).unwrap()))
                .collect(),
        },
        delay: (rng.u8(..5) == 0).then(|| rng.i64(0..20)),
    }
}

fn step(rng: &mut Rng) -> Step {
    let any = rng.usize(..1000);
    match rng.u8(..100) {
        0..20 => {
            // A name is written once in one call.
            let mut tasks: Vec<New> = (0..rng.usize(1..4)).map(|_| new(rng)).collect();
            tasks.sort_by_key(|task| task.definition.name);
            tasks.dedup_by_key(|task| task.definition.name);
            rng.shuffle(&mut tasks);
            Step::Add {
                tasks,
                replace: rng.bool(),
            }
        }
        20..38 => Step::Claim((rng.u8(..6) == 0).then_some(any)),
        38..42 => Step::ReturnClaim(any),
        42..52 => Step::Start(any),
        52..66 => {
            let ends = [
                End::Success,
                End::Success,
                End::Failure,
                End::Failure,
                End::Retry(5),
                End::Interrupted,
                End::Held,
                End::Cancelled,
                End::Completed,
                End::Recovery,
                End::Recovery,
            ];
            Step::End {
                attempt: any,
                end: *rng.choice(&ends).unwrap(),
                used: rng.bool(),
            }
        }
        66..84 => {
            let changes = [
                Change::Cancel,
                Change::Hold,
                Change::Release,
                Change::Requeue,
                Change::Complete,
                Change::Recovered(3),
            ];
            Step::Change(any, *rng.choice(&changes).unwrap())
        }
        84..87 => Step::Reprioritize(any, rng.i64(-3..4)),
        87..91 => Step::Remove(any),
        91..95 => Step::Later(rng.i64(1..12)),
        95..98 => Step::Crash,
        _ => Step::Undone,
    }
}

#[test]
fn no_sequence_of_commands_makes_the_queue_differ_from_its_reference() {
    let mut trials = Trials::of("T8 commands", 400, 100_000);
    let root = if Path::new("/dev/shm").is_dir() {
        "/dev/shm"
    } else {
        "/tmp"
    };
    let folder = tempfile::Builder::new()
        .prefix("autoexec-t8-")
        .tempdir_in(root)
        .unwrap();
    let template = folder.path().join("template");
    prepare(&template);
    let place = folder.path().join("queue");
    let mut steps = 0;
    for number in 0..trials.wanted {
        let length = trials.rng.usize(4..28);
        let sequence: Vec<Step> = (0..length).map(|_| step(&mut trials.rng)).collect();
        steps += sequence.len();
        let differs = |sequence: &[Step]| {
            let tried = catch_unwind(AssertUnwindSafe(|| Pair::play(&template, &place, sequence)));
            tried.unwrap_or_else(|_| Err("it panicked".to_owned()))
        };
        if let Err(first) = differs(&sequence) {
            tell_shortest(number, sequence, first, differs);
        }
    }
    trials.tell(&[
        ("sequences", &trials.wanted),
        ("steps", &steps),
        ("differences", &0),
    ]);
}

/// Ends with the story of a sequence that differs.
fn tell_shortest<S: Clone + std::fmt::Debug>(
    number: u64,
    sequence: Vec<S>,
    first: String,
    differs: impl Fn(&[S]) -> Result<(), String>,
) -> ! {
    let (story, why) = shortest(sequence, first, differs);
    let mut told = String::new();
    for step in story {
        writeln!(told, "  {step:?}").unwrap();
    }
    panic!("sequence {number} differs:\n{told}{why}");
}

/// Leaves out whatever the difference does not need.
fn shortest<S: Clone>(
    mut story: Vec<S>,
    mut why: String,
    differs: impl Fn(&[S]) -> Result<(), String>,
) -> (Vec<S>, String) {
    loop {
        let before = story.len();
        let mut at = 0;
        while at < story.len() {
            let mut shorter = story.clone();
            shorter.remove(at);
            match differs(&shorter) {
                Err(still) => (story, why) = (shorter, still),
                Ok(()) => at += 1,
            }
        }
        if story.len() == before {
            return (story, why);
        }
    }
}
