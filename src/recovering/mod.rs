//! Floor 8: the face of the library: Rust code run with the retries, recoveries and breakers that
//! tasks get.
//!
//! ```
//! use std::time::Duration;
//! use autoexec::recovering::{Hook, Policy, recovering};
//! use autoexec::model::category::Category;
//!
//! # async fn refresh_token() -> Result<(), std::io::Error> { Ok(()) }
//! # async fn fetch(_page: u32) -> Result<String, std::io::Error> { Ok("orders".to_owned()) }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let policy = Policy::new()
//!     .service("shop.example.com:443")
//!     .attempt_timeout(Duration::from_secs(30))
//!     .total_timeout(Duration::from_secs(600))
//!     .recover(Hook::on(Category::Auth, |_failure| async {
//!         refresh_token().await?;
//!         Ok(())
//!     }));
//!
//! // Clones of a policy, and calls by reference, share its circuit breakers.
//! let orders = recovering(&policy)
//!     .run(|attempt| async move {
//!         if let Some(last) = &attempt.last {
//!             eprintln!("attempt {} after {}", attempt.number, last.pattern);
//!         }
//!         fetch(1).await
//!     })
//!     .await
//!     .expect("the shop answers in the end");
//! assert_eq!((orders.value.as_str(), orders.attempts), ("orders", 1));
//! # });
//! ```
//!
//! # What happens
//!
//! An error is judged by its text and by those of its causes, as the output of a command is
//! (`policy::classify`); [`Failure`] is how code says it better. Then the policies of tasks decide: what
//! a retry cannot help against ends the call at once, a peer that is declared is waited for
//! ([`Policy::waits_for`], [`Policy::probe`]), a wait that was asked for is kept, hooks run
//! ([`Policy::recover`]), and a service that fails again and again is left alone by all calls
//! ([`Policy::service`]). Nothing that stands in an error is ever connected to or opened.
//!
//! # Cancelling
//!
//! All of it happens inside the future that [`Recovering::run`] returns: dropping it ends the attempt,
//! the hook or the wait in its middle. It needs a runtime of tokio with time, and with input and output
//! where something is waited for. Only a look that blocks (a declared command, a file system, the queue of
//! a state directory) may go on for its own bounded time, on a thread for that.

mod course;
mod ending;
mod failure;
mod healing;
mod hook;
mod judging;
mod keeper;
mod pass;
mod policy;

pub use crate::model::category::Category;
pub use crate::model::category::Classification;
pub use crate::model::category::Retryable;
pub use crate::model::pattern::PatternSpec;
pub use crate::model::recovery::RecoverMode;
pub use crate::model::recovery::RecoveryState;
pub use crate::model::remedy::Await;
pub use crate::model::retry::Backoff;
pub use crate::model::retry::CategoryRetry;
pub use crate::model::retry::RetrySpec;
pub use crate::policy::breaker::BreakerSettings;
pub use ending::Attempt;
pub use ending::End;
pub use ending::GaveUp;
pub use ending::Recovered;
pub use ending::Tried;
pub use failure::Failure;
pub use failure::Judged;
pub use hook::Hook;
pub use hook::HookError;
pub use policy::Policy;
pub use policy::WhenOpen;

use tokio::time::Instant;

use crate::recovering::course::Course;

/// Rust code that is about to be run with a policy. See [the module](mod@crate::recovering) for an example.
pub fn recovering(policy: impl Into<Policy>) -> Recovering {
    Recovering {
        policy: policy.into(),
    }
}

/// Rust code that is about to be run; made by [`recovering`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens before it is run"]
pub struct Recovering {
    policy: Policy,
}

impl Recovering {
    /// Runs the code until it succeeds, or nothing that may be done can help.
    ///
    /// # Errors
    /// The last error, with what was made of it and what was tried.
    pub async fn run<T, E, Way, F, Fut>(self, work: F) -> Result<Recovered<T>, GaveUp<E>>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Judged<Way>,
    {
        self.run_judged(|error: &E| error.failure(), work).await
    }

    /// The same for any kind of error: `judge` says what is known of it.
    ///
    /// # Errors
    /// As [`Recovering::run`].
    pub async fn run_judged<T, E, J, F, Fut>(
        self,
        mut judge: J,
        mut work: F,
    ) -> Result<Recovered<T>, GaveUp<E>>
    where
        J: FnMut(&E) -> Failure,
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let mut course = Course::begin(self.policy);
        let mut last = None;
        loop {
            let pass = match course.enter().await {
                Ok(pass) => pass,
                Err(stop) => return Err(course.gave_up(last, stop)),
            };
            let limit = course.time();
            let began = Instant::now();
            let running = work(course.attempt());
            let ended = match limit {
                Some(limit) => tokio::time::timeout(limit, running).await.ok(),
                None => Some(running.await),
            };
            let failure = match ended {
                Some(Ok(value)) => {
                    course.succeed(pass).await;
                    course.teach().await;
                    return Ok(course.recovered(value));
                }
                Some(Err(error)) => {
                    let failure = judge(&error);
                    last = Some(error);
                    Some(failure)
                }
                None => None,
            };
            let limits = (limit, began.elapsed());
            if let Err(stop) = course.fail(failure, limits, pass).await {
                course.teach().await;
                return Err(course.gave_up(last, stop));
            }
        }
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
