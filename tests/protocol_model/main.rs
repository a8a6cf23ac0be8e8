//! A model of the attempt protocol: every interleaving of runner, supervisors and faults in a small
//! world, looked at state by state.
//!
//! What it stands for is section "the attempt" of the design: the claim, the fence, the slot files,
//! recovery, adoption, the sweep. Each atomic step there is a transition here. A world has one or
//! two tasks, two slots, and a bounded number of crashes of the runner, kills of supervisors, losses
//! of power, cancellations (each followed by putting the task back into the queue) and ends of the
//! window. It shows that
//!
//! 1. no task ever has two live trees,
//! 2. no recorded success is run again, no outcome that stands in a slot file is passed over, and
//!    nothing is started again as if it had never been started,
//! 3. from every state a settled one can be reached: nothing is stuck,
//!
//! and that each rule of the protocol is needed: a world without it has a shortest trace to a
//! broken promise. `AUTOEXEC_MODEL=long` looks at larger worlds; `--nocapture` prints the traces.
//!
//! Not modelled: torn database writes (the database is trusted), steps and checkpoints, left-over
//! processes that a task allows, control groups, and time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a model that is wrong about itself has nothing better to do than to die, and it tells"
)]

mod explore;
mod faults;
mod journal;
mod rules;
mod runner;
mod state;
mod supervisor;

use explore::explore;
use rules::{Bounds, Broken, Rule, World};

/// One task, two slots, nothing goes wrong.
const CALM: Bounds = Bounds {
    tasks: 1,
    ask: false,
    claims: 2,
    groups: 2,
    crashes: 0,
    kills: 0,
    reboots: 0,
    cancels: 0,
    windows: 0,
};

/// Looks for a broken promise of this kind in a world without this rule, and returns the trace.
fn trace_without(rule: Rule, promise: Broken, bounds: Bounds) -> String {
    let world = World {
        bounds,
        without: Some(rule),
    };
    let found = explore(&world, Some(promise));
    let Some((broken, trace)) = found.broken else {
        panic!(
            "{rule:?} is not needed: {} states hold without it",
            found.states
        );
    };
    println!(
        "without {rule:?}: {broken:?} after {} states\n{trace}",
        found.states
    );
    trace
}

#[test]
fn every_promise_holds_in_every_world() {
    for bounds in worlds() {
        let world = World {
            bounds,
            without: None,
        };
        let found = explore(&world, None);
        if let Some((broken, trace)) = found.broken {
            panic!("{broken:?} in {bounds:?}\n{trace}");
        }
        println!("{} states, {} steps: {bounds:?}", found.states, found.steps);
    }
}

/// Worlds small enough for every day; with `AUTOEXEC_MODEL=long` also the large ones.
fn worlds() -> Vec<Bounds> {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
    let is_long = std::env::var("AUTOEXEC_MODEL").is_ok_and(|form| form == "long");
    let mut worlds = small_worlds();
    if is_long {
        worlds.extend(large_worlds());
    }
    worlds
}

fn small_worlds() -> Vec<Bounds> {
    let two = Bounds {
        tasks: 2,
        claims: 1,
        groups: 1,
        ..CALM
    };
    vec![
        Bounds {
            crashes: 1,
            kills: 1,
            cancels: 1,
            ..CALM
        },
        Bounds {
            crashes: 1,
            reboots: 1,
            ..CALM
        },
        Bounds {
            crashes: 1,
            reboots: 1,
            ask: true,
            ..CALM
        },
        Bounds {
            kills: 1,
            windows: 1,
            ..CALM
        },
        Bounds {
            crashes: 1,
            windows: 1,
            ..CALM
        },
        Bounds { crashes: 2, ..CALM },
        two,
        Bounds { crashes: 1, ..two },
        Bounds { kills: 1, ..two },
        Bounds { cancels: 1, ..two },
    ]
}

/// Up to eleven million states each.
fn large_worlds() -> [Bounds; 4] {
    let all = Bounds {
        crashes: 2,
        kills: 1,
        reboots: 1,
        cancels: 1,
        ..CALM
    };
    [
        all,
        Bounds { ask: true, ..all },
        Bounds {
            crashes: 1,
            cancels: 0,
            windows: 1,
            ..all
        },
        Bounds {
            tasks: 2,
            claims: 1,
            groups: 1,
            crashes: 1,
            kills: 0,
            ..all
        },
    ]
}

#[test]
fn a_claim_that_was_handed_out_is_not_taken_back() {
    trace_without(
        Rule::HandedOutClaimsStay,
        Broken::TwoLiveTrees,
        Bounds { cancels: 1, ..CALM },
    );
}

#[test]
fn a_command_on_the_free_lock_recovers() {
    trace_without(
        Rule::CommandsRecover,
        Broken::TwoLiveTrees,
        Bounds {
            crashes: 1,
            cancels: 1,
            ..CALM
        },
    );
}

#[test]
fn a_command_on_the_free_lock_raises_the_epoch() {
    trace_without(
        Rule::CommandsRaiseTheEpoch,
        Broken::TwoLiveTrees,
        Bounds {
            crashes: 1,
            cancels: 1,
            ..CALM
        },
    );
}

#[test]
fn a_supervisor_does_not_read_its_own_epoch_from_the_file() {
    trace_without(
        Rule::OwnEpochIsGiven,
        Broken::TwoLiveTrees,
        Bounds { crashes: 1, ..CALM },
    );
}

#[test]
fn the_tree_is_gone_before_the_outcome_is_written() {
    trace_without(Rule::TreeGoesFirst, Broken::TwoLiveTrees, CALM);
}

#[test]
fn a_synced_starting_page_is_not_overwritten() {
    trace_without(
        Rule::StartingStays,
        Broken::SilentlyStartedAgain,
        Bounds {
            ask: true,
            reboots: 1,
            ..CALM
        },
    );
}

#[test]
fn attempt_ids_are_not_used_again() {
    // Two live trees are reached too, but only with a third claim and twice as many states.
    trace_without(
        Rule::IdsAreNew,
        Broken::OutcomeLost,
        Bounds { crashes: 2, ..CALM },
    );
}

#[test]
fn the_record_is_written_before_the_epoch_is_read() {
    trace_without(
        Rule::RecordThenLook,
        Broken::TwoLiveTrees,
        Bounds { crashes: 1, ..CALM },
    );
}

#[test]
fn the_epoch_is_raised_before_the_records_are_read() {
    trace_without(
        Rule::RaiseThenRead,
        Broken::TwoLiveTrees,
        Bounds { crashes: 1, ..CALM },
    );
}

#[test]
fn pages_are_not_free_before_the_acknowledgement() {
    trace_without(
        Rule::PagesWaitForAcknowledgement,
        Broken::OutcomeLost,
        Bounds { crashes: 1, ..CALM },
    );
}

#[test]
fn a_dead_supervisor_is_judged_under_its_lock() {
    trace_without(
        Rule::LockBeforeJudging,
        Broken::TwoLiveTrees,
        Bounds { kills: 1, ..CALM },
    );
}
