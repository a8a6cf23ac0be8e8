//! Exit codes that mean something by convention, whoever returns them.
//!
//! They are the last witness: what a command printed is more exact. Codes 1 to 63 mean something
//! else in every program and are not judged here.

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::signal::Signal;
use crate::policy::classify::judged;
use crate::policy::classify::signals;

/// "Try me again later", from `sysexits.h`; a task may say so of itself.
pub const TRY_LATER: i32 = 75;
/// "I wrote a checkpoint, start me again."
pub const START_AGAIN: i32 = 85;
/// The pattern of exit code 75.
pub const TRY_LATER_PATTERN: &str = "try_later";
/// The pattern of exit code 85.
pub const START_AGAIN_PATTERN: &str = "start_again";

/// Code, category, pattern, retryable, and what it says in words.
type Convention = (i32, Category, &'static str, Retryable, &'static str);

#[rustfmt::skip]
const CONVENTIONS: &[Convention] = {
    use Category as C;
    use Retryable as R;
    &[
        (64, C::Validation, "usage", R::No, "the command was used wrongly"),
        (65, C::Validation, "malformed_input", R::No, "the input is malformed"),
        (66, C::Resource, "missing_path", R::No, "an input cannot be opened"),
        (67, C::Auth, "bad_credentials", R::No, "the user is not known"),
        (68, C::Network, "dns_failure", R::Yes, "the host is not known"),
        (69, C::ServerError, "unavailable", R::Yes, "a service is not available"),
        (70, C::Logic, "internal_error", R::No, "an internal software error"),
        (71, C::Resource, "system_error", R::Yes, "an error of the operating system"),
        (72, C::Resource, "missing_path", R::No, "a system file is missing"),
        (73, C::Resource, "cannot_create", R::No, "an output file cannot be created"),
        (74, C::Resource, "io_error", R::No, "an input or output error"),
        (TRY_LATER, C::Unknown, TRY_LATER_PATTERN, R::Yes, "it asks to be tried again later"),
        (76, C::ServerError, "protocol", R::Yes, "the peer broke the protocol"),
        (77, C::Resource, "permission", R::No, "a permission is missing"),
        (78, C::Validation, "config_error", R::No, "the configuration is wrong"),
        (START_AGAIN, C::Unknown, START_AGAIN_PATTERN, R::Yes, "it asks to be started again"),
        (126, C::Resource, "permission", R::AfterFix, "the command cannot be executed"),
        (127, C::Dependency, "missing_command", R::AfterFix, "the command was not found"),
    ]
};

/// What exit code 85 means, whatever was printed: nobody returns it by accident.
pub(super) fn start_again(checkpoint_changed: bool) -> Classification {
    judged(
        Category::Unknown,
        START_AGAIN_PATTERN,
        Retryable::Yes,
        0.9,
        if checkpoint_changed {
            "exit code 85: it asks to be started again"
        } else {
            "exit code 85 without a new checkpoint, so this attempt counts"
        },
    )
}

/// What an exit code means by convention; `None` where there is no convention.
pub fn judge(code: i32) -> Option<Classification> {
    // A shell that saw its child die of a signal says 128 and the signal's number.
    if (129..=192).contains(&code) {
        let signal = Signal::new(code - 128);
        return Some(signals::judge(signal, signals::Seen::ByTheShell));
    }
    let (_, category, pattern, retryable, words) =
        CONVENTIONS.iter().find(|(known, ..)| *known == code)?;
    Some(judged(
        *category,
        pattern,
        *retryable,
        0.6,
        format!("exit code {code}: {words}"),
    ))
}
