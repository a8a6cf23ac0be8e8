//! Breadth first through every state that can be reached, and the shortest way to a broken promise.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use crate::rules::{Broken, Next, Step, World};
use crate::state::{Doing, Life, Phase, State, Tree};
use crate::{faults, runner, supervisor};

/// What was found in a world.
pub(crate) struct Findings {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    /// The first broken promise, and how it comes to it.
    pub(crate) broken: Option<(Broken, String)>,
}

/// Multiplies and rotates: the states are small and nobody chooses them against us.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }
    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }
}

type Numbers = HashMap<State, u32, BuildHasherDefault<Mixer>>;

struct Seen {
    numbers: Numbers,
    states: Vec<State>,
    /// From where and by which step each state was first reached.
    origins: Vec<(u32, Step)>,
}

/// Looks at every reachable state, until `wanted` is found; without `wanted`, until anything is.
pub(crate) fn explore(world: &World, wanted: Option<Broken>) -> Findings {
    let is_wanted = |broken: Broken| wanted.is_none_or(|wanted| wanted == broken);
    let beginning = world.beginning();
    let start = Step {
        what: "the beginning",
        of: 0,
    };
    let mut seen = Seen {
        numbers: Numbers::default(),
        states: vec![beginning],
        origins: vec![(0, start)],
    };
    seen.numbers.insert(beginning, 0);
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut steps = 0;
    let mut number = 0;
    let mut next = Vec::new();
    while number < seen.states.len() {
        let state = seen.states[number];
        next.clear();
        successors(world, &state, &mut next);
        steps += next.len();
        let from = u32::try_from(number).unwrap();
        for Next {
            step,
            state,
            broken,
        } in next.drain(..)
        {
            if let Some(broken) = broken.filter(|broken| is_wanted(*broken)) {
                let trace = trace(&seen, from, Some((step, &state)));
                return Findings {
                    states: seen.states.len(),
                    steps,
                    broken: Some((broken, trace)),
                };
            }
            // Behind a broken promise of another kind there is nothing to learn.
            if broken.is_some() {
                continue;
            }
            let fresh = u32::try_from(seen.states.len()).unwrap();
            let to = *seen.numbers.entry(state).or_insert(fresh);
            if to == fresh {
                seen.states.push(state);
                seen.origins.push((from, step));
            }
            edges.push((to, from));
        }
        number += 1;
    }
    let stuck = first_stuck(world, &seen, edges).filter(|_| is_wanted(Broken::Stuck));
    Findings {
        states: seen.states.len(),
        steps,
        broken: stuck.map(|number| (Broken::Stuck, trace(&seen, number, None))),
    }
}

fn successors(world: &World, state: &State, next: &mut Vec<Next>) {
    runner::steps(world, state, next);
    for index in 0..state.supervisors.len() {
        supervisor::steps(world, state, index, next);
    }
    faults::steps(world, state, next);
}

/// The first state from which no settled state can be reached, found by walking backwards.
fn first_stuck(world: &World, seen: &Seen, mut edges: Vec<(u32, u32)>) -> Option<u32> {
    edges.sort_unstable();
    let mut can_settle = vec![false; seen.states.len()];
    let mut open: Vec<u32> = Vec::new();
    for (number, state) in seen.states.iter().enumerate() {
        if world.is_settled(state) {
            can_settle[number] = true;
            open.push(u32::try_from(number).unwrap());
        }
    }
    while let Some(to) = open.pop() {
        let first = edges.partition_point(|edge| edge.0 < to);
        for (_, from) in edges[first..].iter().take_while(|edge| edge.0 == to) {
            let known = &mut can_settle[*from as usize];
            if !*known {
                *known = true;
                open.push(*from);
            }
        }
    }
    let stuck = can_settle.iter().position(|can| !can)?;
    u32::try_from(stuck).ok()
}

/// The steps from the beginning, one per line, with what is true after each.
fn trace(seen: &Seen, number: u32, last: Option<(Step, &State)>) -> String {
    let mut way = Vec::new();
    let mut at = number;
    while at != 0 {
        let (from, step) = seen.origins[at as usize];
        way.push((step, &seen.states[at as usize]));
        at = from;
    }
    way.reverse();
    way.extend(last);
    let mut text = String::new();
    for (line, (step, state)) in way.into_iter().enumerate() {
        let heading = format!("{} [{}]", step.what, step.of);
        writeln!(text, "{:>3}. {heading:<58} {}", line + 1, summary(state)).unwrap();
    }
    text
}

/// A state in one line: run, epoch, tasks, supervisors.
fn summary(state: &State) -> String {
    let mut text = match state.runner.phase {
        Phase::None => "no run".to_owned(),
        Phase::NewEpoch | Phase::Reading(_) => format!("run {} recovers", state.runner.run),
        Phase::Live => format!("run {}", state.runner.run),
    };
    write!(text, ", epoch {}", state.epoch_in_file).unwrap();
    for task in state.tasks.iter().filter(|task| task.claims > 0) {
        write!(text, " | task {:?}", task.status).unwrap();
        if task.open != 0 {
            let row = if task.running { "running" } else { "claimed" };
            write!(text, " attempt {} {row}", task.open).unwrap();
        }
    }
    for (index, supervisor) in state.supervisors.iter().enumerate() {
        if supervisor.life == Life::None {
            continue;
        }
        write!(text, " | s{index} {:?}", supervisor.life).unwrap();
        if supervisor.doing != Doing::Idle {
            write!(text, " {:?} {}", supervisor.doing, supervisor.attempt).unwrap();
        }
        if supervisor.tree != Tree::Gone {
            write!(text, " tree {:?}", supervisor.tree).unwrap();
        }
    }
    text
}
