//! When queued tasks would run: a night played through in advance.
//!
//! Pure: what each task usually takes, whom it waits for and how many slots there are go in; start and
//! end of each come out. The order is that of [`crate::policy::pick`]: whoever could start first comes
//! first, then the higher priority, then who was added first. It is a forecast, not a promise: retries
//! and recoveries are not in it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::support::clock::Timestamp;

/// A task that is to be played through. Others are named by their place in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Higher runs first.
    pub priority: i64,
    /// Not before this instant.
    pub due: Option<Timestamp>,
    /// Tasks of the list that must end first.
    pub after: Vec<usize>,
    /// How long it takes.
    pub takes: Duration,
    /// Since when it runs already.
    pub running_since: Option<Timestamp>,
    /// It cannot start at all: it is held, or waits for a task that is not in the list.
    pub stuck: bool,
}

/// When a task would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slotted {
    /// The slot, from 0.
    pub slot: usize,
    /// When it would start.
    pub start: Timestamp,
    /// When it would end.
    pub end: Timestamp,
}

/// Plays a night through. Gives for each task when it would run; `None` for one that never starts:
/// it is stuck, waits for one that is, would start at or after `until`, or is left out by `starts`.
///
/// `starts` is asked once for each task whose turn has come, by its place and the instant. What it
/// leaves out makes room for what stands behind it.
pub fn play(
    tasks: &[Planned],
    slots: usize,
    begin: Timestamp,
    until: Option<Timestamp>,
    mut starts: impl FnMut(usize, Timestamp) -> bool,
) -> Vec<Option<Slotted>> {
    let mut night = Night::new(tasks, slots.max(1), begin, until);
    night.play(&mut starts);
    night.slotted
}

struct Night<'a> {
    tasks: &'a [Planned],
    until: Option<Timestamp>,
    now: Timestamp,
    slotted: Vec<Option<Slotted>>,
    /// How many tasks each still waits for.
    unmet: Vec<usize>,
    /// Who waits for each.
    waiting: Vec<Vec<usize>>,
    free: BinaryHeap<Reverse<usize>>,
    /// Ends that are to come: when, which task.
    ends: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Tasks whose time has not come.
    later: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Tasks that could start, the best first.
    ready: BinaryHeap<(i64, Reverse<Option<Timestamp>>, Reverse<usize>)>,
}

impl<'a> Night<'a> {
    fn new(tasks: &'a [Planned], slots: usize, begin: Timestamp, until: Option<Timestamp>) -> Self {
        let mut waiting = vec![Vec::new(); tasks.len()];
        for (number, task) in tasks.iter().enumerate() {
            for upstream in &task.after {
                if let Some(list) = waiting.get_mut(*upstream) {
                    list.push(number);
                }
            }
        }
        Self {
            tasks,
            until,
            now: begin,
            slotted: vec![None; tasks.len()],
            unmet: tasks.iter().map(|task| task.after.len()).collect(),
            waiting,
            free: (0..slots).map(Reverse).collect(),
            ends: BinaryHeap::new(),
            later: BinaryHeap::new(),
            ready: BinaryHeap::new(),
        }
    }

    fn play(&mut self, starts: &mut dyn FnMut(usize, Timestamp) -> bool) {
        for number in 0..self.tasks.len() {
            self.admit(number);
        }
        loop {
            self.start_ready(starts);
            // On to the next instant at which something changes.
            let next = [
                self.ends.peek().map(|Reverse((at, _))| *at),
                self.later.peek().map(|Reverse((at, _))| *at),
            ];
            let Some(next) = next.into_iter().flatten().min() else {
                return;
            };
            self.now = self.now.max(next);
            while let Some(Reverse((at, number))) = self.ends.peek().copied()
                && at <= self.now
            {
                self.ends.pop();
                self.finish(number);
            }
            while let Some(Reverse((at, number))) = self.later.peek().copied()
                && at <= self.now
            {
                self.later.pop();
                self.make_ready(number);
            }
        }
    }

    /// Puts a task that waits for no other where it belongs.
    fn admit(&mut self, number: usize) {
        let Some(task) = self.tasks.get(number) else {
            return;
        };
        if let Some(since) = task.running_since {
            // What runs has its slot already; more of them than slots take one of their own.
            let slot = self.free.pop().map_or(usize::MAX, |Reverse(slot)| slot);
            let end = since.plus(task.takes).max(self.now);
            self.place(number, slot, since, end);
            return;
        }
        if task.stuck || self.unmet.get(number) != Some(&0) {
            return;
        }
        match task.due {
            Some(due) if due > self.now => self.later.push(Reverse((due, number))),
            _ => self.make_ready(number),
        }
    }

    fn make_ready(&mut self, number: usize) {
        if let Some(task) = self.tasks.get(number) {
            self.ready
                .push((task.priority, Reverse(task.due), Reverse(number)));
        }
    }

    fn start_ready(&mut self, starts: &mut dyn FnMut(usize, Timestamp) -> bool) {
        if self.until.is_some_and(|until| self.now >= until) {
            self.ready.clear();
            return;
        }
        while let Some(Reverse(slot)) = self.free.peek().copied()
            && let Some((_, _, Reverse(number))) = self.ready.pop()
        {
            if !starts(number, self.now) {
                continue;
            }
            self.free.pop();
            let takes = self
                .tasks
                .get(number)
                .map_or(Duration::ZERO, |task| task.takes);
            self.place(number, slot, self.now, self.now.plus(takes));
        }
    }

    fn place(&mut self, number: usize, slot: usize, start: Timestamp, end: Timestamp) {
        if let Some(place) = self.slotted.get_mut(number) {
            *place = Some(Slotted { slot, start, end });
        }
        self.ends.push(Reverse((end, number)));
    }

    fn finish(&mut self, number: usize) {
        if let Some(Some(slotted)) = self.slotted.get(number)
            && slotted.slot != usize::MAX
        {
            self.free.push(Reverse(slotted.slot));
        }
        let waiting = self.waiting.get_mut(number).map(std::mem::take);
        for next in waiting.unwrap_or_default() {
            if let Some(unmet) = self.unmet.get_mut(next) {
                *unmet = unmet.saturating_sub(1);
                if *unmet == 0 {
                    self.admit(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN: Timestamp = Timestamp::from_millis(0);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(60_000 * minutes)
    }

    fn task(minutes: u64) -> Planned {
        Planned {
            priority: 0,
            due: None,
            after: Vec::new(),
            takes: Duration::from_mins(minutes),
            running_since: None,
            stuck: false,
        }
    }

    /// Slot, start and end in minutes.
    fn played(
        tasks: &[Planned],
        slots: usize,
        until: Option<i64>,
    ) -> Vec<Option<(usize, i64, i64)>> {
        play(tasks, slots, BEGIN, until.map(at), |_, _| true)
            .into_iter()
            .map(|slotted| {
                slotted.map(|one| {
                    let minutes = |instant: Timestamp| instant.as_millis() / 60_000;
                    (one.slot, minutes(one.start), minutes(one.end))
                })
            })
            .collect()
    }

    #[test]
    fn slots_are_filled_in_the_order_of_the_queue() {
        let mut urgent = task(5);
        urgent.priority = 3;
        let tasks = [task(10), task(20), urgent, task(1)];
        assert_eq!(
            played(&tasks, 2, None),
            [
                Some((1, 0, 10)),
                Some((0, 5, 25)),
                Some((0, 0, 5)),
                Some((1, 10, 11)),
            ]
        );
    }

    #[test]
    fn a_task_starts_behind_those_it_waits_for_and_not_before_its_time() {
        let mut second = task(10);
        second.after = vec![0];
        let mut third = task(1);
        third.after = vec![0, 1];
        let mut late = task(1);
        late.due = Some(at(90));
        assert_eq!(
            played(&[task(10), second, third, late], 4, None),
            [
                Some((0, 0, 10)),
                Some((0, 10, 20)),
                Some((0, 20, 21)),
                Some((0, 90, 91)),
            ]
        );
    }

    #[test]
    fn what_is_stuck_or_comes_after_the_end_never_starts_nor_what_waits_for_it() {
        let mut stuck = task(1);
        stuck.stuck = true;
        let mut behind = task(1);
        behind.after = vec![0];
        let tasks = [stuck, behind, task(30), task(30), task(30)];
        assert_eq!(
            played(&tasks, 1, Some(60)),
            [None, None, Some((0, 0, 30)), Some((0, 30, 60)), None]
        );
    }

    #[test]
    fn what_is_left_out_when_its_turn_comes_makes_room_and_keeps_back_what_waits_for_it() {
        let mut behind = task(1);
        behind.after = vec![1];
        let tasks = [task(10), task(20), task(5), behind];
        let mut asked = Vec::new();
        let night = play(&tasks, 1, BEGIN, None, |number, start| {
            asked.push((number, start));
            number != 1
        });
        let starts: Vec<_> = night.iter().map(|one| one.map(|one| one.start)).collect();
        assert_eq!(starts, [Some(at(0)), None, Some(at(10)), None]);
        assert_eq!(asked, [(0, at(0)), (1, at(10)), (2, at(10))]);
    }

    #[test]
    fn what_runs_already_keeps_its_slot() {
        let mut running = task(60);
        running.running_since = Some(at(-50));
        assert_eq!(
            played(&[running, task(5)], 1, None),
            [Some((0, -50, 10)), Some((0, 10, 15))]
        );
    }

    proptest! {
        #[test]
        fn no_slot_is_used_twice_at_once_and_everything_that_can_run_does(
            rows in proptest::collection::vec((0_i64..3, 0_u64..50, proptest::option::of(0_i64..100), proptest::option::of(0_usize..20)), 1..40),
            slots in 1_usize..5,
        ) {
            let tasks: Vec<Planned> = rows.iter().enumerate().map(|(number, (priority, minutes, due, upstream))| Planned {
                priority: *priority,
                due: due.map(at),
                // Only earlier ones, so that there is no circle.
                after: upstream.filter(|upstream| *upstream < number).into_iter().collect(),
                ..task(*minutes)
            }).collect();
            let night = play(&tasks, slots, BEGIN, None, |_, _| true);
            for (number, one) in night.iter().enumerate() {
                let one = one.expect("everything can run");
                prop_assert!(one.slot < slots);
                for upstream in &tasks[number].after {
                    prop_assert!(night[*upstream].unwrap().end <= one.start);
                }
                for other in night.iter().skip(number + 1).flatten() {
                    let apart = other.end <= one.start || one.end <= other.start;
                    prop_assert!(apart || other.slot != one.slot);
                }
            }
        }
    }
}
