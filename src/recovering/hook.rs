//! Recoveries that the code itself brings: what `[[task.recover]]` is for a task.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::recovery::RecoverSpec;
use crate::model::recovery::RecoverWhen;
use crate::model::spec::Command;
use crate::policy::expression;

/// What goes wrong in a hook.
pub type HookError = Box<dyn Error + Send + Sync>;

type Running = Pin<Box<dyn Future<Output = Result<(), HookError>> + Send>>;
type Run = dyn Fn(Classification) -> Running + Send + Sync;

/// Something that the code does about a failure before its next attempt, such as fetching a new token.
///
/// It runs at most once between two attempts, once in all unless [`Hook::max_uses`] says otherwise,
/// and never again for the same failure if that came back after it. It comes before everything that
/// is built in, and makes a failure of `auth`, which is never tried again otherwise, worth an attempt.
#[derive(Clone)]
pub struct Hook {
    when: RecoverWhen,
    timeout: Duration,
    max_uses: u32,
    run: Arc<Run>,
}

impl Hook {
    fn new<F, Fut>(when: RecoverWhen, run: F) -> Self
    where
        F: Fn(Classification) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        Self {
            when,
            timeout: RecoverSpec::DEFAULT_TIMEOUT,
            max_uses: RecoverSpec::DEFAULT_MAX_USES,
            run: Arc::new(move |failure| Box::pin(run(failure))),
        }
    }

    /// For all failures of a category.
    pub fn on<F, Fut>(category: Category, run: F) -> Self
    where
        F: Fn(Classification) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        Self::new(RecoverWhen::Category(category), run)
    }

    /// For failures of a named pattern, such as `token_expired`; `autoexec patterns list` names them.
    pub fn on_pattern<F, Fut>(name: impl Into<String>, run: F) -> Self
    where
        F: Fn(Classification) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        Self::new(RecoverWhen::Pattern(name.into()), run)
    }

    /// For failures whose text matches an expression.
    ///
    /// # Errors
    /// What is wrong with the expression, in a few words that can follow "it".
    pub fn on_match<F, Fut>(expression: &str, run: F) -> Result<Self, String>
    where
        F: Fn(Classification) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        expression::compile(expression)?;
        Ok(Self::new(RecoverWhen::Matches(expression.to_owned()), run))
    }

    /// How often it may run for one call; once where nothing is said.
    #[must_use]
    pub const fn max_uses(mut self, uses: u32) -> Self {
        self.max_uses = uses;
        self
    }

    /// The most time that it may take; five minutes where nothing is said.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn run(&self, failure: Classification) -> Running {
        (self.run)(failure)
    }

    /// As the policies know it. The place stands for what runs.
    pub(super) fn spec(&self, place: usize) -> RecoverSpec {
        RecoverSpec {
            when: self.when.clone(),
            command: Self::command(place),
            timeout: self.timeout,
            max_uses: self.max_uses,
        }
    }

    /// What stands for the hook in this place; nothing ever starts it.
    pub(super) fn command(place: usize) -> Command {
        Command::Direct(vec![format!("hook {}", place + 1).into()])
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("when", &self.when)
            .field("timeout", &self.timeout)
            .field("max_uses", &self.max_uses)
            .finish_non_exhaustive()
    }
}
