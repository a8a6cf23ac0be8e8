//! What each pattern's name means for another attempt, in one sentence for a person.
//!
//! Names are the vocabulary of judgements: several patterns of the output, exit codes and signals share
//! one. Why a *line* has the meaning that it has stands beside the pattern of that line.

use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::policy::classify::families;

/// A built-in pattern of the output, as a table or a person's answer shows it.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// The name that a judgement carries.
    pub name: &'static str,
    /// What a line of it means, before the rest of the output is weighed.
    pub category: Category,
    /// Whether another attempt can help, before the rest of the output is weighed.
    pub retryable: Retryable,
    /// Why such a line means that.
    pub because: &'static str,
    /// Lines that it judges.
    pub examples: &'static [&'static str],
}

/// The built-in patterns of the output, family by family.
pub fn built_in() -> impl Iterator<Item = BuiltIn> {
    families::all().map(|pattern| BuiltIn {
        name: pattern.name,
        category: pattern.category,
        retryable: pattern.retryable,
        because: pattern.reason,
        examples: pattern.examples,
    })
}

/// Why a failure of this pattern can, or cannot, be helped by another attempt; `None` for a pattern that
/// is not built in.
pub fn reason_of(pattern: &str) -> Option<&'static str> {
    REASONS
        .binary_search_by_key(&pattern, |(name, _)| name)
        .ok()
        .and_then(|at| REASONS.get(at))
        .map(|(_, reason)| *reason)
}

/// Names in order, each with its reason.
#[rustfmt::skip]
const REASONS: &[(&str, &str)] = &[
    ("action_failed", "the element was not ready at that moment; a moment later it may be"),
    ("arguments_too_long", "the system takes no command line of this length, now or later"),
    ("arithmetic", "the program divided by zero or overflowed, and will do so again"),
    ("assertion", "the program found its own expectation broken, and will find it so again"),
    ("bad_credentials", "the credentials are refused until somebody, or a refresh, replaces them"),
    ("bad_object", "objects of the repository are damaged; what cannot be fetched again needs a person"),
    ("bad_path", "the path cannot be right as it is written"),
    ("bad_response", "the peer answered nonsense, as one does that is just starting or overloaded"),
    ("bad_system_call", "the program does what it may not do here"),
    ("browser_crashed", "the browser died; a new one starts from a clean state"),
    ("bus_error", "the program touched memory that is not there"),
    ("busy", "somebody else holds it; once it is free, or another is chosen, the same works"),
    ("cancelled", "somebody called the task off"),
    ("cannot_create", "the output cannot be made where it was asked for"),
    ("cannot_start", "the system refuses to start the command"),
    ("card_declined", "the bank refuses; only a person can change that"),
    ("checkpoint_unusable", "the folder of its checkpoint cannot be used at the moment"),
    ("checksum_mismatch", "what arrived is not what was announced; fetched again it may be"),
    ("clock_skew", "the clocks differ by more than the service allows; set right, the same works"),
    ("cloud", "a service answered with an error of its own name"),
    ("cloudflare_1015", "the site counts requests and has enough of ours for a while"),
    ("compile_error", "the source is wrong, and compiling it again changes nothing"),
    ("config_error", "the configuration is wrong until somebody corrects it"),
    ("conflict", "two changes are in each other's way; a person has to choose"),
    ("connect_failed", "the connection did not come about; ways to a peer come back"),
    ("connect_timeout", "the peer did not take the call in time; it may the next time"),
    ("connection_closed", "the conversation broke off; a new one can be complete"),
    ("connection_refused", "nobody listens there at the moment; services come back"),
    ("connection_reset", "the peer broke off; a new connection can hold"),
    ("constraint_violation", "the data breaks a rule of the schema, and will break it again"),
    ("corrupt_data", "the data is damaged; had again, it can be whole"),
    ("database_object", "the database has no such thing until somebody makes it"),
    ("disk_full", "there is no room left; once something is cleared away, the same works"),
    ("dns_failure", "the name was not resolved; a resolver that is down says the same of every name"),
    ("element_not_found", "the page does not show it yet; a fresh page or a longer wait may"),
    ("env_file", "the file of variables cannot be used as it is"),
    ("exception", "the program threw what nobody caught; the same input will do it again"),
    ("expired_token", "the token ran out; a fresh one opens the same door"),
    ("externally_managed", "the system's packages are not for projects; an environment of its own is"),
    ("generic", "nothing that was printed says why"),
    ("glibc_version", "the program was built for a newer system than this one"),
    ("host_busy", "this host had nothing to spare for the start; in a moment it will"),
    ("host_key", "the host is not the one on record; whether that is right only a person knows"),
    ("host_unreachable", "no way leads to the host at the moment; routes come back"),
    ("http", "an answer of HTTP that is no success"),
    ("http_400", "the request itself is wrong, and stays so"),
    ("http_401", "the service does not know who asks; fresh credentials tell it"),
    ("http_403", "the service knows who asks and forbids it; somebody has to grant the right"),
    ("http_403_rate_limit", "the service forbids it for being asked too often; that passes"),
    ("http_404", "what was asked for is not there"),
    ("http_408", "the server waited in vain for the request; the next one may arrive in time"),
    ("http_409", "the request conflicts with the state of things; a retry alone changes neither"),
    ("http_410", "what was asked for is gone for good"),
    ("http_422", "the service understood the request and refuses its content"),
    ("http_429", "the service is asked too often; after a wait it answers again"),
    ("http_500", "the service failed inside; most such failures pass"),
    ("http_501", "the service cannot do what was asked, now or later"),
    ("http_502", "the gateway got no sound answer from behind; the next may be sound"),
    ("http_503", "the service cannot answer at the moment, and says so"),
    ("http_504", "the gateway waited in vain for its service; the next answer may come in time"),
    ("http_52x", "the site's front did not reach its origin; origins come back"),
    ("http_5xx", "the fault is the server's, and most such faults pass"),
    ("illegal_instruction", "the processor does not know an instruction of the program"),
    ("insufficient_capacity", "nothing of that size is free; others will let go of theirs"),
    ("internal_error", "the program calls it a fault of its own"),
    ("io_error", "the device could not read or write; a retry would only wear it"),
    ("launch_failed", "the browser does not start with these options on this machine"),
    ("leftover_processes", "it left processes behind, which its task forbids"),
    ("limit_exceeded", "a limit of the process is used up; with a larger one the same works"),
    ("limit_refused", "the system does not grant the limit that the task asks for"),
    ("lint_failure", "the findings stay until somebody corrects the source"),
    ("lock_wait_timeout", "somebody held the lock longer than we waited; it will be let go"),
    ("login_required", "nobody is logged in; after a login the same works"),
    ("maintenance", "the service is being worked on and will be back"),
    ("malformed_database", "the database is damaged; only a backup or a repair helps"),
    ("malformed_input", "the input does not parse, and will not parse the next time"),
    ("merge_conflict", "both sides changed the same lines; a person has to choose"),
    ("missing_command", "the command is not installed; installed, the same works"),
    ("missing_header", "a header is not installed; installed, the same compiles"),
    ("missing_interpreter", "the script's interpreter is not installed; installed, the same works"),
    ("missing_module", "a module is not installed; installed, the same works"),
    ("missing_package", "a package is not installed; installed, the same works"),
    ("missing_path", "what was named is not there; a folder for output can be made, an input cannot"),
    ("missing_shared_library", "a shared library is not installed; installed, the same starts"),
    ("network_blocked", "something on this machine forbids the connection; a person has to allow it"),
    ("network_unreachable", "this machine has no network at the moment; it comes back"),
    ("no_tests", "there was nothing to test"),
    ("not_a_repository", "the directory is no working copy, and will be none the next time"),
    ("not_ready", "the server is about to start or to stop; soon it is one or the other"),
    ("nul_byte", "no argument or variable can hold a NUL byte"),
    ("operation_timeout", "the time given for the work is used up; with more the same may end well"),
    ("out_of_memory", "memory ran out; with more of it, or alone, the same may end well"),
    ("overloaded", "the service has too much to do; later it has less"),
    ("own_idle_timeout", "it was silent and idle for as long as its own `idle_timeout` allows; a fresh start may not be"),
    ("own_timeout", "the task used up its own time limit; a longer one may be enough"),
    ("package", "the index has no package of that name"),
    ("package_version", "the index has no such version of the package"),
    ("page_load", "the page did not load; sites and ways to them come back"),
    ("path_exists", "something is there already; whether it may go only a person knows"),
    ("permission", "a right to the file is missing; once it is given, the same works"),
    ("permission_denied", "the account lacks a right at the service; somebody has to grant it"),
    ("protocol", "the peer broke the rules of the conversation; the next may be sound"),
    ("proxy", "the proxy did not connect; proxies recover"),
    ("proxy_auth", "the proxy wants credentials; with them the same works"),
    ("publickey_denied", "the server knows none of the keys; with the right one the same works"),
    ("pull_limit", "the registry counts downloads; after a wait it gives again"),
    ("quota_exceeded", "a quota of the account is used up; whether it refills depends on its kind"),
    ("read_only", "the file system is mounted for reading only; mounted otherwise, the same works"),
    ("read_timeout", "the answer did not come in time; the next one may"),
    ("reboot", "the machine was restarted under it, which says nothing of the task"),
    ("redirect_loop", "the site sends in circles, and will do so again"),
    ("rejected", "the other side has changes of its own; a person has to bring both together"),
    ("remote_ref", "the repository has no such branch, tag or commit"),
    ("repository", "there is no such repository, or none that this account may see"),
    ("requirement_missing", "something that it requires is not there; once it is, the same works"),
    ("requirement_unreachable", "what it requires does not answer at the moment; services come back"),
    ("run_stopped", "the run was ended, which says nothing of the task"),
    ("runner_gone", "the program that ran it went away, which says nothing of the task"),
    ("schema_error", "the document does not fit its schema, and will not the next time"),
    ("secondary_limit", "the service counts bursts as well; after a pause it answers again"),
    ("security_challenge", "the site wants to see a person, and no retry makes one of us"),
    ("segfault", "the program touched memory that is not its own, and will do so again"),
    ("server_memory", "the server is at its memory limit; with more, or less in it, the same works"),
    ("sighup", "its terminal or session went away, which says nothing of the task"),
    ("sigint", "a person stopped it, and will have had a reason"),
    ("sigkill", "somebody killed it, which says nothing of the task"),
    ("signal", "a signal from outside ended it, which says nothing of the task"),
    ("sigpipe", "the reader of its output went away, which says nothing of the task"),
    ("sigquit", "somebody told it to quit, which says nothing of the task"),
    ("sigterm", "somebody told it to end, which says nothing of the task"),
    ("silent", "it ended without a word"),
    ("start_again", "it wrote a checkpoint and asks to be started again"),
    ("success_check_failed", "it ended well by its code, but a check of its result says otherwise"),
    ("supervisor_died", "its supervisor died, which says nothing of the task"),
    ("system_error", "the system refused something; most such refusals pass"),
    ("test_failure", "a test failed, and the same code will fail it again"),
    ("throttled", "the service slows us down; after a pause it answers again"),
    ("tls_certificate", "the certificate is not right; switching the check off would mend nothing"),
    ("tls_client_cert", "the server wants a certificate of ours; a person has to provide one"),
    ("tls_handshake", "the handshake broke off; the next may go through"),
    ("tls_protocol", "both sides have no version or method in common"),
    ("too_early", "the server does not risk a repeated request yet; a little later it does"),
    ("too_many_connections", "the server is full; others will leave"),
    ("too_many_files", "no descriptor is left; with a higher limit the same works"),
    ("too_many_processes", "no process or thread is left; later, or with fewer at once, the same works"),
    ("trap", "the program stopped itself at a trap"),
    ("truncated_archive", "the archive is damaged or no archive; had again, it can be whole"),
    ("truncated_media", "the media file is damaged, and no retry mends it"),
    ("try_later", "it asks to be tried again later"),
    ("unavailable", "the service is not available at the moment"),
    ("usage", "the command is wrong as it is written, and stays so"),
    ("version_conflict", "the versions that are asked for cannot stand side by side"),
    ("window_ended", "the hours in which it may run are over; it goes on in the next"),
    ("wrong_format", "the file is no program for this machine"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_order_and_once() {
        assert!(REASONS.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn every_reason_is_one_short_line() {
        let reasons = REASONS.iter().map(|(name, reason)| (*name, *reason));
        let lines = built_in().map(|pattern| (pattern.name, pattern.because));
        for (name, reason) in reasons.chain(lines) {
            assert!(
                (20..=110).contains(&reason.len()) && !reason.ends_with('.'),
                "{name}: {reason}"
            );
        }
    }

    #[test]
    fn every_built_in_name_has_a_reason() {
        for pattern in built_in() {
            assert!(reason_of(pattern.name).is_some(), "{}", pattern.name);
        }
        assert_eq!(reason_of("of_my_own"), None);
    }
}
