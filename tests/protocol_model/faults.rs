//! What may go wrong at any moment: crashes, kills, a loss of power.

use crate::rules::{Next, Step, World};
use crate::runner::forget;
use crate::state::{Debt, FREE, Life, NO_RUNNER, Page, Phase, State, Tree};

/// Adds every fault that the bounds still allow.
pub(crate) fn steps(world: &World, state: &State, next: &mut Vec<Next>) {
    let mut say = |what: &'static str, of: usize, after: State| {
        let step = Step { what, of };
        next.push(Next {
            step,
            state: after,
            broken: None,
        });
    };
    if state.crashes > 0 && state.runner.phase != Phase::None {
        let mut after = *state;
        after.crashes -= 1;
        let run = state.runner.run;
        after.runner = NO_RUNNER;
        forget(&mut after, run);
        say("THE RUNNER IS KILLED", 0, after);
    }
    for (index, supervisor) in state.supervisors.iter().enumerate() {
        if state.kills > 0 && matches!(supervisor.life, Life::Alive | Life::Unborn) {
            let mut after = *state;
            after.kills -= 1;
            after.supervisors[index].die();
            say("SUPERVISOR IS KILLED", index, after);
        }
    }
    if state.reboots > 0 {
        for after in after_power_loss(world, state) {
            say("THE POWER FAILS", 0, after);
        }
    }
}

/// Every process is gone, and of each page that was not synced either the old or the new content
/// is there. (A torn page has no valid checksum: the same as a blank one.)
fn after_power_loss(world: &World, state: &State) -> Vec<State> {
    let mut after = *state;
    after.reboots -= 1;
    let run = state.runner.run;
    after.runner = NO_RUNNER;
    forget(&mut after, run);
    for supervisor in &mut after.supervisors {
        supervisor.tree = Tree::Gone;
        supervisor.die();
        supervisor.earlier_boot = true;
    }
    let mut images = vec![after];
    for (index, supervisor) in after.supervisors.iter().enumerate() {
        for (group, pages) in supervisor.groups.iter().enumerate() {
            for (page, content) in [pages.starting, pages.running, pages.last]
                .into_iter()
                .enumerate()
            {
                if content == Page::Written {
                    images = images
                        .iter()
                        .flat_map(|image| {
                            [Page::Blank, Page::Synced].map(|outcome| {
                                let mut image = *image;
                                let group = &mut image.supervisors[index].groups[group];
                                *[&mut group.starting, &mut group.running, &mut group.last][page] =
                                    outcome;
                                image
                            })
                        })
                        .collect();
                }
            }
        }
    }
    for image in &mut images {
        settle_image(world, image);
    }
    images
}

fn settle_image(world: &World, image: &mut State) {
    for supervisor in &mut image.supervisors {
        for group in &mut supervisor.groups {
            let pages = [group.starting, group.running, group.last];
            if !pages.iter().any(|page| page.is_there()) {
                *group = FREE;
            }
        }
        supervisor.die();
        supervisor.earlier_boot = supervisor.life != Life::None;
    }
    for task in &mut image.tasks {
        let outcome_is_there = image
            .supervisors
            .iter()
            .flat_map(|supervisor| supervisor.groups)
            .any(|group| group.attempt == task.open && task.open != 0 && group.last.is_there());
        if outcome_is_there || task.debt == Debt::Nothing {
            continue;
        }
        // Nobody can know any more how it ended; a task that may be repeated may also be repeated
        // without a word, because its `starting` page was never synced.
        task.debt = if world.bounds.ask {
            Debt::Started
        } else {
            Debt::Nothing
        };
    }
}
