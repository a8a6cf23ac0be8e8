//! Watching one command: its output, its time, its end, and what it leaves behind.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::model::ids::ProcessIdentity;
use crate::model::message::Force;
use crate::model::outcome::Exit;
use crate::model::signal::Signal;
use crate::model::spec::Leftovers as LeftoverRule;
use crate::process::Stream;
use crate::process::spawn::Launched;
use crate::supervisor::aside::Part;
use crate::supervisor::attempt::Attempt;
use crate::supervisor::ladder::Act;
use crate::supervisor::ladder::Cause;
use crate::supervisor::ladder::Ladder;
use crate::supervisor::orders::Order;
use crate::supervisor::quiet::keep_last_words;
use crate::supervisor::tree;
use crate::supervisor::tree::Collected;
use crate::support::clock::Clock;
use crate::support::clock::monotonic;
use crate::support::crash;

/// How long inherited pipes may stay open after the command's end.
const PIPE_PATIENCE: Duration = Duration::from_secs(2);
/// How long processes without our pipes may take to end after the command's end.
const SETTLE: Duration = Duration::from_millis(200);
/// Between two looks for something that sends no notice of its end.
const TICK: Duration = Duration::from_millis(10);
/// Between two looks for dead orphans while the command runs.
const REAP_EVERY: Duration = Duration::from_secs(10);
/// Looks for rests of output: two full large pipes in pieces of a page.
const DRAIN_LOOKS: usize = 2 * LARGE_PIPE / 4096;
/// Between two looks at the wall clock, where a task is given up by it.
const WALL_EVERY: Duration = Duration::from_secs(2);
/// The most that is listened to of what looks at requirements.
const MOST_SAID: usize = 256 * 1024;
/// What a busy pipe is enlarged to.
const LARGE_PIPE: usize = 1024 * 1024;

/// A command that was started and its pipes.
struct Step {
    leader: ProcessIdentity,
    exit_notice: Option<OwnedFd>,
    stdout: Pipe,
    stderr: Pipe,
    collected: Collected,
}

struct Pipe {
    stream: Stream,
    file: Option<File>,
    is_large: bool,
}

impl Attempt<'_> {
    /// Watches a command until it and all that it left are gone.
    pub(super) fn step(&mut self, launched: Launched, is_last: bool) -> Exit {
        let pipe = |stream, fd: Option<OwnedFd>| Pipe {
            stream,
            file: fd.map(File::from),
            is_large: false,
        };
        let mut step = Step {
            leader: launched.process,
            exit_notice: launched.exit,
            stdout: pipe(Stream::Stdout, launched.stdout),
            stderr: pipe(Stream::Stderr, launched.stderr),
            collected: Collected::default(),
        };
        let exit = self.watch(&mut step);
        self.ended_after = monotonic().saturating_sub(self.zero);
        self.settle(&mut step);
        if !step.collected.nothing_left || !tree::is_empty(self.service.group.as_ref()) {
            self.clear_up(&mut step, exit, is_last);
        }
        self.drain(&mut step);
        self.show_the_rest();
        let usage = step.collected.usage;
        self.usage.max_rss_bytes = self.usage.max_rss_bytes.max(usage.max_rss_bytes);
        self.usage.cpu_user += usage.cpu_user;
        self.usage.cpu_system += usage.cpu_system;
        exit
    }

    /// Waits for the command itself: output, timers, orders.
    fn watch(&mut self, step: &mut Step) -> Exit {
        let mut killed_at = None;
        let mut reaped_at = monotonic();
        self.sign_of_life(reaped_at);
        loop {
            let now = monotonic();
            if let Some(at) = killed_at {
                // Until the command is gone: a process that was just born escapes a single round.
                let _killed = tree::kill_all(self.service.group.as_ref());
                if now.saturating_sub(at) > tree::KILL_PATIENCE {
                    // It is stuck in the kernel. What else it left is looked for like that of any other.
                    return Exit::Signal {
                        signal: Signal::KILL,
                        core: false,
                    };
                }
            }
            let wakes = [
                self.deadline.filter(|_| self.ladder == Ladder::Untouched),
                self.ladder.next_at(),
                self.next_look_at_silence(),
                killed_at.map(|_| now + TICK),
                step.exit_notice.is_none().then_some(now + TICK),
                Some(now + REAP_EVERY),
                self.assignment.ends_at.map(|_| now + WALL_EVERY),
                self.heard.look_at(),
            ];
            let wake = wakes.into_iter().flatten().min();
            let patience = wake.map(|at| at.saturating_sub(now));
            let fds = [
                step.stdout.fd(),
                step.stderr.fd(),
                step.exit_notice.as_ref().map(AsFd::as_fd),
            ];
            let ready = self.service.listen(patience, &fds);
            let is_ready = |index: usize| ready.get(index).copied().unwrap_or(false);
            for (index, pipe) in [&mut step.stdout, &mut step.stderr].into_iter().enumerate() {
                if is_ready(index) {
                    self.capture(pipe);
                }
            }
            let now = monotonic();
            if is_ready(2)
                || step.exit_notice.is_none()
                || killed_at.is_some()
                || now.saturating_sub(reaped_at) >= REAP_EVERY
            {
                reaped_at = now;
                step.collected.reap(step.leader.pid);
                if let Some(exit) = step.collected.exit {
                    return exit;
                }
            }
            self.hear(now);
            if self.climb(step.leader, now) == Some(Act::Kill) {
                killed_at = Some(now);
            }
        }
    }

    /// Hears orders and timers, and acts on the command if they demand it.
    fn climb(&mut self, leader: ProcessIdentity, now: Duration) -> Option<Act> {
        let grace = self.assignment.spec.grace;
        let order = self.service.take_orders(Some(self.assignment.attempt));
        let signal = order
            .and_then(|order| order.signal)
            // Whoever named a signal knows which one the command obeys.
            .filter(|_| self.assignment.spec.stop_signal == Signal::TERM)
            .unwrap_or(self.assignment.spec.stop_signal);
        let silent = self.silent_too_long(now);
        let act = match (order, self.deadline, self.limit) {
            (Some(Order { reason, force, .. }), _, _) => {
                self.ladder.order(Cause::Ordered(reason), force, grace, now)
            }
            (None, Some(deadline), Some(limit)) if now >= deadline => {
                self.ladder
                    .order(Cause::TimeUp(limit), Force::Gentle, grace, now)
            }
            _ => match (self.over_by_the_wall_clock(), silent) {
                (Some(limit), _) => {
                    self.ladder
                        .order(Cause::TimeUp(limit), Force::Gentle, grace, now)
                }
                (None, Some(limit)) => {
                    self.ladder
                        .order(Cause::Silent(limit), Force::Gentle, grace, now)
                }
                (None, None) => None,
            },
        };
        let act = self.ladder.due(now).or(act);
        match act {
            Some(Act::Ask) => tree::signal_group(leader, signal),
            Some(Act::Kill) => {
                tree::signal_group(leader, Signal::KILL);
                let _killed = tree::kill_all(self.service.group.as_ref());
            }
            None => {}
        }
        act
    }

    /// The time that the attempt had by the wall clock, if that is over. The clock by which limits
    /// are kept stands still while the machine sleeps.
    fn over_by_the_wall_clock(&self) -> Option<Duration> {
        let end = self.assignment.ends_at?;
        let is_over = self.ladder == Ladder::Untouched && Clock::System.now() >= end;
        is_over.then(|| {
            let had = self.started_at.map(|start| end.since(start));
            had.unwrap_or_default().max(Duration::from_millis(1))
        })
    }

    /// The command is gone: gives what it started a moment to end and to let go of the pipes.
    fn settle(&mut self, step: &mut Step) {
        let begin = monotonic();
        while !step.collected.nothing_left {
            step.collected.reap(step.leader.pid);
            let spent = monotonic().saturating_sub(begin);
            let is_open = step.stdout.file.is_some() || step.stderr.file.is_some();
            // Whether pipes that are not ours are still held is for their reader to see.
            let patience = if is_open || self.service.is_alone() {
                pipe_patience()
            } else {
                SETTLE
            };
            let was_stopped = matches!(self.ladder, Ladder::Killed { .. });
            if step.collected.nothing_left || was_stopped || spent >= patience {
                return;
            }
            let fds = [step.stdout.fd(), step.stderr.fd()];
            let ready = self.service.listen(Some(TICK), &fds);
            for (pipe, is_ready) in [&mut step.stdout, &mut step.stderr].into_iter().zip(ready) {
                if is_ready {
                    self.capture(pipe);
                }
            }
            if let Some(order) = self.service.take_orders(Some(self.assignment.attempt))
                && order.force == Force::Kill
            {
                return;
            }
        }
    }

    /// Something outlived the command: kills it, or lets it go on where the task allows that.
    fn clear_up(&mut self, step: &mut Step, exit: Exit, is_last: bool) {
        let rule = self.assignment.spec.leftovers;
        let group = self.service.group.as_ref();
        let ended_well = match self.part {
            Part::Task => self.is_success(exit),
            Part::Check => exit == Exit::Code(0),
            // What they leave running serves nobody.
            Part::Look(_) | Part::Remedy | Part::Errand(_) => false,
        };
        let is_good = self.ladder == Ladder::Untouched && ended_well;
        match rule {
            // Whether the attempt succeeded is not known yet.
            LeftoverRule::Allow if is_good && self.part == Part::Check => {}
            LeftoverRule::Allow if is_good && is_last && self.success.is_some() => {}
            // What one step left may serve the next.
            LeftoverRule::Allow if is_good && !is_last => self.steps.leave_running(),
            LeftoverRule::Allow if is_good => self.leftovers.extend(tree::name_all(group)),
            LeftoverRule::Allow | LeftoverRule::Kill | LeftoverRule::Fail => {
                let left =
                    tree::kill_until_nothing_is_left(step.leader.pid, &mut step.collected, group);
                self.leftovers.extend(left);
            }
        }
    }

    /// Takes what is still in the pipes, without waiting, and closes them.
    fn drain(&mut self, step: &mut Step) {
        // Bounded, because a process that may go on may also go on writing.
        for _ in 0..DRAIN_LOOKS {
            let fds = [step.stdout.fd(), step.stderr.fd()];
            if fds.iter().all(Option::is_none) {
                return;
            }
            let ready = self.service.listen(Some(Duration::ZERO), &fds);
            if !ready.contains(&true) {
                return;
            }
            for (pipe, is_ready) in [&mut step.stdout, &mut step.stderr].into_iter().zip(ready) {
                if is_ready {
                    self.capture(pipe);
                }
            }
        }
    }

    /// The outputs of a command are over: what was held back because a secret could have begun with it.
    fn show_the_rest(&mut self) {
        let after = monotonic().saturating_sub(self.zero);
        for (stream, rest) in self.hiding.finish() {
            if let (Part::Task, Some(success)) = (&self.part, &mut self.success) {
                success.hear(stream, &rest);
            }
            let stream = match self.part {
                Part::Remedy | Part::Errand(_) => Stream::Remedy,
                Part::Task | Part::Check | Part::Look(_) => stream,
            };
            self.service.log.append(stream, after, &rest);
        }
    }

    /// Reads once from a pipe that is ready.
    fn capture(&mut self, pipe: &mut Pipe) {
        let Some(file) = &mut pipe.file else { return };
        match file.read(&mut self.service.buffer) {
            Ok(0) => pipe.file = None,
            Ok(count) => {
                let bytes = self.service.buffer.get(..count).unwrap_or_default();
                let stream = match (&mut self.part, pipe.stream) {
                    (Part::Look(said) | Part::Errand(said), Stream::Stdout) => {
                        if said.len() < MOST_SAID {
                            said.extend_from_slice(bytes);
                        }
                        return;
                    }
                    (Part::Look(_), _) => return,
                    (Part::Remedy | Part::Errand(_), _) => Stream::Remedy,
                    (Part::Task | Part::Check, stream) => stream,
                };
                // From here on nobody sees what is secret.
                let bytes = self.hiding.push(pipe.stream, bytes);
                if let (Part::Task, Some(success)) = (&self.part, &mut self.success) {
                    success.hear(pipe.stream, &bytes);
                }
                let now = monotonic();
                let after = now.saturating_sub(self.zero);
                self.service.log.append(stream, after, &bytes);
                if self.assignment.spec.idle_timeout.is_some() {
                    keep_last_words(&mut self.last_words, &bytes);
                }
                self.sign_of_life(now);
                if !pipe.is_large && self.service.log.is_large() {
                    pipe.is_large = true;
                    // Only faster; where it is not allowed the pipe stays as it is.
                    let _best_effort = rustix::pipe::fcntl_setpipe_size(&*file, LARGE_PIPE);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => pipe.file = None,
        }
    }
}

/// How long inherited pipes may stay open; a debug build lets a test make that longer.
fn pipe_patience() -> Duration {
    crash::wish("__AUTOEXEC_PIPE_PATIENCE_MS")
        .and_then(|millis| millis.parse().ok())
        .map_or(PIPE_PATIENCE, Duration::from_millis)
}

impl Pipe {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }
}
