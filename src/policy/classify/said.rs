//! What a task says of its own failure in its result file beats every guess.

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::outcome::Said;

/// The pattern of a failure whose category the task itself named.
pub const SAID_PATTERN: &str = "said_by_task";
/// Under this name the wait that the task asked for stands among what was extracted.
pub const SAID_WAIT: &str = "said_retry_after_s";

/// The judgement with the task's own words laid over it.
pub(super) fn over(said: &Said, mut judgement: Classification) -> Classification {
    if let Some(category) = said.category {
        judgement = Classification {
            category,
            pattern: SAID_PATTERN.to_owned(),
            retryable: usually(category),
            confidence: 1.0,
            told: false,
            ..judgement
        };
    }
    if let Some(retryable) = said.retryable {
        judgement.retryable = retryable;
    }
    if let Some(wait) = said.retry_after {
        let seconds = wait.as_secs_f64().to_string();
        judgement.extracted.insert(SAID_WAIT.to_owned(), seconds);
    }
    if let Some(message) = &said.message {
        judgement.line = Some(message.clone());
    }
    judgement
}

/// Whether failures of a category usually go away by themselves.
const fn usually(category: Category) -> Retryable {
    match category {
        Category::Network
        | Category::Timeout
        | Category::RateLimit
        | Category::ServerError
        | Category::Browser
        | Category::Killed
        | Category::Unknown => Retryable::Yes,
        Category::Dependency | Category::Resource | Category::Corruption | Category::Auth => {
            Retryable::AfterFix
        }
        Category::NotFound | Category::Validation | Category::Logic => Retryable::No,
    }
}
