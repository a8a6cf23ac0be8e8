//! What the model remembers: the database, the epoch file, the slot files, the pipes, the processes.
//!
//! Everything is a small copyable value, so that a state can be hashed and compared. Fields named
//! *ghost* are not part of the protocol: they are what an all-seeing observer notes to judge it.

/// Supervisors that a state has room for: two slots, and those of earlier runs that still matter.
pub(crate) const SUPERVISORS: usize = 4;
/// Tasks that a state has room for; a configuration may use fewer.
pub(crate) const TASKS: usize = 2;
/// Attempts that a slot file has room for.
pub(crate) const GROUPS: usize = 2;
/// Messages that a pipe has room for.
const PIPE: usize = 3;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Success,
    Failure,
    Stopped,
}

/// The status of a task in the database. A cancelled task is put into the queue again at once,
/// which is the most dangerous thing that a person can do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Absent,
    Queued,
    Succeeded,
    /// Nobody knows whether it finished, and its rule is to ask.
    Held,
}

/// Ghost: what really happened to the last start of a task and is not yet in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Debt {
    Nothing,
    Started,
    /// Its outcome was written into a slot file.
    Written(End),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) status: Status,
    /// The open attempt; 0 = none.
    pub(crate) open: u8,
    /// The open attempt's row says `running`, not only `claimed`.
    pub(crate) running: bool,
    /// The stored wish to stop the open attempt.
    pub(crate) intent: bool,
    /// Claims so far; the configuration bounds them.
    pub(crate) claims: u8,
    /// The runner's memory: the supervisor that has the open attempt, plus one; 0 = not handed out.
    pub(crate) handed: u8,
    /// The runner's memory: the supervisor was told to stop it.
    pub(crate) told: bool,
    /// Ghost.
    pub(crate) debt: Debt,
}

/// A page of a slot file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Page {
    Blank,
    /// In the page cache: survives every process, but not a loss of power.
    Written,
    Synced,
}

impl Page {
    pub(crate) fn is_there(self) -> bool {
        self != Self::Blank
    }
}

/// What the third page of an attempt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Last {
    NotStarted,
    Ended(End),
}

/// The pages of one attempt in a slot file. They become free together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    /// 0 = free.
    pub(crate) attempt: u8,
    pub(crate) starting: Page,
    pub(crate) running: Page,
    pub(crate) last: Page,
    pub(crate) said: Last,
}

pub(crate) const FREE: Group = Group {
    attempt: 0,
    starting: Page::Blank,
    running: Page::Blank,
    last: Page::Blank,
    said: Last::NotStarted,
};

/// What runner and supervisor say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Message {
    Assign { attempt: u8, task: u8 },
    Stop(u8),
    Acknowledge(u8),
    Started(u8),
    NotStarted(u8),
    Ended(u8, End),
}

/// One direction of a pair of pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pipe([Option<Message>; PIPE]);

impl Pipe {
    pub(crate) const EMPTY: Self = Self([None; PIPE]);

    pub(crate) fn first(&self) -> Option<Message> {
        self.0[0]
    }

    pub(crate) fn has_room(&self) -> bool {
        self.0[PIPE - 1].is_none()
    }

    pub(crate) fn put(&mut self, message: Message) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(message);
        }
    }

    pub(crate) fn take(&mut self) -> Option<Message> {
        let first = self.0[0];
        self.0.rotate_left(1);
        self.0[PIPE - 1] = None;
        first
    }

    pub(crate) fn holds_an_end(&self) -> bool {
        self.0.iter().any(|m| matches!(m, Some(Message::Ended(..))))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    /// No such supervisor, or its file is gone.
    None,
    /// Spawned, but it does not hold its lock yet.
    Unborn,
    Alive,
    /// Only its file is left, and perhaps its tree.
    Dead,
}

/// Where a supervisor stands in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    Idle,
    /// It has read an assignment.
    Got,
    /// Only without the order of the fence: it has read the epoch before it wrote anything.
    Looked,
    /// `starting` stands in its file.
    Starting,
    /// It has read the epoch again, and it is its own.
    Cleared,
    /// The child is between fork and exec.
    Forked,
    Running,
    /// The command ended; processes of it may be left.
    Ended(End),
}

/// The processes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tree {
    Gone,
    /// Between fork and exec: no marker yet, but it holds the supervisor's lock.
    Forking,
    Live,
    /// The command ended, something of it lives on.
    LeftOver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Supervisor {
    pub(crate) life: Life,
    /// The run that spawned it; its pipes lead there.
    pub(crate) run: u8,
    /// The epoch it was given in its arguments.
    pub(crate) epoch: u8,
    /// Its file was written before the reboot.
    pub(crate) earlier_boot: bool,
    pub(crate) doing: Doing,
    pub(crate) attempt: u8,
    pub(crate) task: u8,
    pub(crate) tree: Tree,
    /// The task that the tree belongs to.
    pub(crate) tree_of: u8,
    /// Somebody sent it the signal to stop its attempt.
    pub(crate) signalled: bool,
    pub(crate) inbox: Pipe,
    pub(crate) outbox: Pipe,
    /// The runner's memory: an outcome that is committed and not yet acknowledged.
    pub(crate) to_acknowledge: u8,
    pub(crate) groups: [Group; GROUPS],
}

pub(crate) const NOBODY: Supervisor = Supervisor {
    life: Life::None,
    run: 0,
    epoch: 0,
    earlier_boot: false,
    doing: Doing::Idle,
    attempt: 0,
    task: 0,
    tree: Tree::Gone,
    tree_of: 0,
    signalled: false,
    inbox: Pipe::EMPTY,
    outbox: Pipe::EMPTY,
    to_acknowledge: 0,
    groups: [FREE; GROUPS],
};

impl Supervisor {
    pub(crate) fn group_of(&mut self, attempt: u8) -> Option<&mut Group> {
        self.groups.iter_mut().find(|g| g.attempt == attempt)
    }

    /// fsync of the slot file.
    pub(crate) fn sync(&mut self) {
        for group in &mut self.groups {
            for page in [&mut group.starting, &mut group.running, &mut group.last] {
                if *page == Page::Written {
                    *page = Page::Synced;
                }
            }
        }
    }

    /// The process is gone; its file stays, and so does its tree.
    pub(crate) fn die(&mut self) {
        let (tree, tree_of, groups) = (self.tree, self.tree_of, self.groups);
        let earlier_boot = self.earlier_boot;
        *self = NOBODY;
        if tree != Tree::Gone || groups.iter().any(|group| group.attempt != 0) {
            self.life = Life::Dead;
            (self.tree, self.tree_of, self.groups) = (tree, tree_of, groups);
            self.earlier_boot = earlier_boot;
        }
    }
}

/// What recovery has found out about the open attempt of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Evidence {
    None,
    NotStarted,
    Ended(End),
    /// `starting` or `running`, and the lock of this supervisor is held.
    Held(u8),
    /// `starting` or `running`, and the lock of this supervisor was free.
    Orphaned(u8),
    /// `starting` or `running` from before the reboot.
    Rebooted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Nobody holds the run lock.
    None,
    /// It has a new epoch from the database and has not yet written it.
    NewEpoch,
    /// It reads the slot files, this one next.
    Reading(u8),
    /// Recovery is committed.
    Live,
}

/// Whoever holds the run lock: a run, or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Runner {
    pub(crate) phase: Phase,
    pub(crate) run: u8,
    pub(crate) epoch: u8,
    /// A command that changes this task (plus one), not a run.
    pub(crate) command: u8,
    /// The window has ended.
    pub(crate) closing: bool,
    pub(crate) evidence: [Evidence; TASKS],
}

pub(crate) const NO_RUNNER: Runner = Runner {
    phase: Phase::None,
    run: 0,
    epoch: 0,
    command: 0,
    closing: false,
    evidence: [Evidence::None; TASKS],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) tasks: [Task; TASKS],
    pub(crate) supervisors: [Supervisor; SUPERVISORS],
    pub(crate) runner: Runner,
    pub(crate) runs: u8,
    pub(crate) epoch_in_database: u8,
    pub(crate) epoch_in_file: u8,
    pub(crate) next_attempt: u8,
    /// What may still go wrong.
    pub(crate) crashes: u8,
    pub(crate) kills: u8,
    pub(crate) reboots: u8,
    pub(crate) cancels: u8,
    pub(crate) windows: u8,
}

impl State {
    pub(crate) fn live_trees(&self, task: u8) -> usize {
        let of_task = |s: &&Supervisor| s.tree != Tree::Gone && s.tree_of == task;
        self.supervisors.iter().filter(of_task).count()
    }

    /// The file of a dead supervisor is removed when nobody can ask for it any more.
    pub(crate) fn remove_files(&mut self) {
        let open = self.tasks.map(|task| task.open);
        for supervisor in &mut self.supervisors {
            let is_asked_for = |g: &Group| g.attempt != 0 && open.contains(&g.attempt);
            if supervisor.life == Life::Dead
                && supervisor.tree == Tree::Gone
                && !supervisor.groups.iter().any(is_asked_for)
            {
                *supervisor = NOBODY;
            }
        }
    }

    /// Whether the runner at the other end of the supervisor's pipes lives.
    pub(crate) fn is_connected(&self, index: usize) -> bool {
        self.runner.phase == Phase::Live && self.supervisors[index].run == self.runner.run
    }
}
