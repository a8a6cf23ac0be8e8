//! What holds for code that is run: how often it is tried, what is done about its failures, and which
//! services it talks to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::checks::Requirement;
use crate::model::ids::TaskName;
use crate::model::layout::StateDir;
use crate::model::pattern::PatternSpec;
use crate::model::recovery::RecoverMode;
use crate::model::remedy::Await;
use crate::model::retry::RetrySpec;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;
use crate::policy::breaker::BreakerConfig;
use crate::policy::breaker::BreakerSettings;
use crate::policy::classify::PatternSet;
use crate::policy::classify::expression;
use crate::policy::classify::expression::ExpressionProblem;
use crate::policy::classify::user::PatternSource;
use crate::policy::classify::user::UserPatterns;
use crate::recovering::hook::Hook;
use crate::recovering::keeper::Keeper;

/// What a call does while a service that it needs does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenOpen {
    /// It waits for its turn, using no attempt up.
    #[default]
    Wait,
    /// It gives up at once.
    GiveUp,
}

/// What holds for code that is run. Clones share their breakers.
///
/// Without a word it is what holds for a task without a word: five attempts (two where nobody can tell
/// what is wrong), pauses of 2 s that double up to a minute, and no attempt more for what a retry
/// cannot help against.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) spec: TaskSpec,
    pub(super) hooks: Vec<Hook>,
    pub(super) probes: BTreeMap<String, Await>,
    pub(super) breakers: Arc<BreakerConfig>,
    pub(super) user: UserPatterns,
    pub(super) when_open: WhenOpen,
    /// Somewhere on a file system that may run full.
    pub(super) place: Option<PathBuf>,
    pub(super) keeper: Arc<Keeper>,
}

impl Default for Policy {
    fn default() -> Self {
        let command = Command::Direct(vec!["call".into()]);
        Self {
            spec: TaskSpec::of_command(TaskName::of_a_call(), command, "/".into()),
            hooks: Vec::new(),
            probes: BTreeMap::new(),
            breakers: Arc::default(),
            user: UserPatterns::default(),
            when_open: WhenOpen::default(),
            place: None,
            keeper: Arc::new(Keeper::in_memory()),
        }
    }
}

impl From<&Self> for Policy {
    fn from(policy: &Self) -> Self {
        policy.clone()
    }
}

impl Policy {
    /// The policy of a task about which nothing is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// All of when and how often to try again, attempts and pauses by category included.
    #[must_use]
    pub fn retry(mut self, retry: RetrySpec) -> Self {
        self.spec.retry = retry;
        self
    }

    /// Attempts in all; 1 means none after the first. It does not make failures worth another attempt
    /// that a retry cannot help against: `retry` with an entry in `on` does.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.spec.retry.max_attempts = Some(attempts);
        self
    }

    /// The first pause, and the longest one.
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.spec.retry.base = first;
        self.spec.retry.cap = longest;
        self
    }

    /// The most time that an attempt may take; the next one after such an end has twice as much, at most
    /// four times.
    #[must_use]
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.spec.timeout = Some(timeout);
        self
    }

    /// The most time that all of it may take, pauses included.
    #[must_use]
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.spec.total_timeout = Some(timeout);
        self
    }

    /// A service that the code talks to, such as `db.internal:5432`: it has a circuit breaker. May be
    /// said several times.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.spec.service.push(name.into());
        self
    }

    /// When breakers open and close.
    #[must_use]
    pub fn breaker(mut self, settings: BreakerSettings) -> Self {
        Arc::make_mut(&mut self.breakers).default = settings;
        self
    }

    /// What a call does while a service does not answer.
    #[must_use]
    pub const fn when_open(mut self, what: WhenOpen) -> Self {
        self.when_open = what;
        self
    }

    /// A host and port that the code connects to: where a connection fails, the next attempt waits until
    /// somebody answers there. Nothing that is not declared is ever connected to.
    #[must_use]
    pub fn waits_for(mut self, host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        self.spec.requires.push(Requirement::Tcp { host, port });
        self
    }

    /// How to find out whether a service is back.
    #[must_use]
    pub fn probe(mut self, service: impl Into<String>, probe: Await) -> Self {
        let service = service.into();
        if !self.spec.service.contains(&service) {
            self.spec.service.push(service.clone());
        }
        self.probes.insert(service, probe);
        self
    }

    /// Addresses of which each does, the preferred one first; [`Attempt::value`] is the one that holds.
    ///
    /// [`Attempt::value`]: crate::recovering::Attempt::value
    #[must_use]
    pub fn endpoints<A: AsRef<str>>(
        mut self,
        name: impl Into<String>,
        addresses: impl IntoIterator<Item = A>,
    ) -> Self {
        let addresses = addresses.into_iter();
        let addresses = addresses.map(|one| one.as_ref().into()).collect();
        self.spec.endpoints.insert(name.into(), addresses);
        self
    }

    /// A value to use where what was given is refused; [`Attempt::value`] has it from then on.
    ///
    /// [`Attempt::value`]: crate::recovering::Attempt::value
    #[must_use]
    pub fn fallback(mut self, name: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.spec
            .fallbacks
            .insert(name.into(), value.as_ref().into());
        self
    }

    /// Where the code writes: when that file system is full, the next attempt waits for space.
    #[must_use]
    pub fn writes_below(mut self, place: impl Into<PathBuf>) -> Self {
        let place = place.into();
        self.spec.workdir = place.as_path().into();
        self.place = Some(place);
        self
    }

    /// What the code itself does about a failure, tried before everything else, in the order in which it
    /// is said.
    #[must_use]
    pub fn recover(mut self, hook: Hook) -> Self {
        self.spec.recover.push(hook.spec(self.hooks.len()));
        self.hooks.push(hook);
        self
    }

    /// How far recoveries may go: `off` leaves plain retries, `suggest` says what would have been done.
    #[must_use]
    pub const fn mode(mut self, mode: RecoverMode) -> Self {
        self.spec.recover_mode = Some(mode);
        self
    }

    /// Error patterns of your own; they come before the built-in ones.
    ///
    /// # Errors
    /// When an expression cannot be used, or all of them together are too large.
    pub fn patterns(mut self, patterns: Vec<PatternSpec>) -> Result<Self, ExpressionProblem> {
        for written in patterns.iter().filter_map(|one| one.matches.as_ref()) {
            expression::compile(written)?;
        }
        let set = Arc::new(PatternSet::new(patterns)?);
        self.user = UserPatterns::default().with(PatternSource::TaskFile, set);
        Ok(self)
    }

    /// The state directory of a queue: breakers are those of its tasks, what was learned there is
    /// heeded, and what helped here is learned there. Nothing is made or read before the first attempt.
    #[must_use]
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let absolute = std::path::absolute(&path).unwrap_or(path);
        self.keeper = Arc::new(Keeper::in_queue(StateDir::at(absolute)));
        self
    }
}
