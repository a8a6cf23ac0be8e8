//! The table of categories: for which failures the same command, unchanged, is worth another attempt.

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::policy::classify::SUCCESS_CHECK_FAILED_PATTERN;

/// Whether the same command, unchanged and later, can succeed; the error says why not.
///
/// This is the table of categories. What needs a fix first is not tried again in vain, except where
/// time brings the fix: space and memory come back when other work ends.
pub fn plain_retry_can_help(failure: &Classification) -> Result<(), &'static str> {
    use Category as C;
    let never = |reason| Err(reason);
    match failure.category {
        C::Unknown => Ok(()),
        C::Validation if failure.pattern == SUCCESS_CHECK_FAILED_PATTERN => Ok(()),
        C::Auth => never("a credential or a right is missing; trying again could lock the account"),
        C::NotFound => never("what it asks for does not exist"),
        C::Validation => never("its input, usage or configuration has to change first"),
        C::Logic => never("the program itself is wrong; a retry proves nothing"),
        C::Dependency => never("something that it needs is not installed"),
        C::Network | C::Timeout | C::RateLimit | C::ServerError | C::Killed | C::Browser => {
            if failure.retryable == Retryable::No {
                never("waiting does not help here; somebody has to change something")
            } else {
                Ok(())
            }
        }
        C::Resource => match failure.retryable {
            Retryable::Yes => Ok(()),
            Retryable::AfterFix
                if ["disk_full", "out_of_memory", "too_many_processes"]
                    .contains(&failure.pattern.as_str()) =>
            {
                Ok(())
            }
            Retryable::AfterFix | Retryable::No => {
                never("something on this machine has to change first")
            }
        },
        C::Corruption => match failure.retryable {
            Retryable::Yes => Ok(()),
            Retryable::AfterFix | Retryable::No => {
                never("its data is damaged and has to be fetched or restored first")
            }
        },
    }
}
