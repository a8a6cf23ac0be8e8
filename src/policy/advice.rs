//! What a failure means and what helps, in words for a person: one place for the report and `why`.
//!
//! Two clauses for each pattern, and for each category where a pattern has none of its own (a user's
//! pattern, for one). They are plain: lower case, no full stop, no value from outside, so that whoever
//! shows them chooses the sentence around them. The short name of a cause is `model::cause_words`.

use crate::model::category::Category;
use crate::model::category::Category as C;

/// What a failure means, and what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What it means: `the host answers, but nothing listens on that port`.
    pub means: &'static str,
    /// What helps: `start the service there, or check host and port`.
    pub helps: &'static str,
}

/// What a failure of this category and pattern means, and what helps.
pub fn advice(category: Category, pattern: &str) -> Advice {
    let known = PATTERNS
        .iter()
        .find(|(known, name, _, _)| *known == category && *name == pattern);
    known.map_or_else(
        || of_category(category),
        |(_, _, means, helps)| Advice { means, helps },
    )
}

/// What is true of every failure of a category.
const fn of_category(category: Category) -> Advice {
    let (means, helps) = match category {
        C::Network => (
            "the way to another machine is broken",
            "check that the network and the peer are up, then retry",
        ),
        C::Timeout => (
            "something took longer than it may",
            "check what it waited for; allow more time if that is normal",
        ),
        C::RateLimit => (
            "the other side wants fewer requests",
            "retry later, or with fewer tasks at once",
        ),
        C::ServerError => (
            "the other side is broken or overloaded",
            "retry when it is well again",
        ),
        C::Auth => (
            "a credential or a right is missing",
            "renew the credential or ask for the right, then retry",
        ),
        C::NotFound => (
            "the other side does not have what was asked for",
            "check the name and the address",
        ),
        C::Validation => (
            "input, options or configuration are wrong",
            "correct them; a retry alone changes nothing",
        ),
        C::Resource => (
            "this machine lacks something: a path, space, memory or a permission",
            "provide it, then retry",
        ),
        C::Dependency => (
            "something that it needs is not installed",
            "install it or correct the PATH; if misspelt, correct the task and add it again",
        ),
        C::Browser => (
            "driving a browser went wrong",
            "look at the page by hand; it may have changed",
        ),
        C::Logic => (
            "the program itself is at fault",
            "mend the program; a retry alone changes nothing",
        ),
        C::Corruption => (
            "data is damaged or incomplete",
            "fetch or restore the data, then retry",
        ),
        C::Killed => (
            "somebody or something outside ended it",
            "find out who did; otherwise just retry",
        ),
        C::Unknown => (
            "nothing tells why it failed",
            "read its output, and run the command by hand",
        ),
    };
    Advice { means, helps }
}

/// Category, pattern, what it means, what helps.
type Entry = (Category, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const PATTERNS: &[Entry] = &[
    (C::Network, "connection_refused", "the host answers, but nothing listens on that port", "start the service there, or check host and port"),
    (C::Network, "connection_reset", "the peer broke the connection off", "retry; if it stays, look at the peer's log and at proxies between"),
    (C::Network, "connection_closed", "the peer hung up in the middle", "retry; if it stays, look at the peer's log and at proxies between"),
    (C::Network, "connect_failed", "no connection came about", "check host, port and network, then retry"),
    (C::Network, "dns_failure", "a host name has no address", "check the name; if it is right, DNS or the network was down"),
    (C::Network, "host_unreachable", "there is no way to the host", "check that the host is up, and VPN and routes"),
    (C::Network, "network_unreachable", "this machine had no network", "check the link, VPN and routes, then retry"),
    (C::Network, "network_blocked", "a firewall or proxy does not let it through", "have the address allowed, or go another way"),
    (C::Network, "proxy", "the proxy failed or cannot be reached", "check the proxy and the variables that name it"),
    (C::Network, "redirect_loop", "the peer redirects in a circle", "check the address; a login or a cookie may be missing"),
    (C::Network, "bad_response", "the answer of the peer is no answer of this protocol", "check address and port, and proxies between"),
    (C::Network, "requirement_unreachable", "a host and port that it requires did not answer", "start the service, or check host and port"),
    (C::Network, "tls_certificate", "the peer's certificate is not trusted", "renew or install the certificate, and check this machine's clock"),
    (C::Network, "tls_client_cert", "the peer wants another certificate of ours", "renew the client certificate or name the right one"),
    (C::Network, "tls_handshake", "no encrypted connection came about", "check port and protocol, then retry"),
    (C::Network, "tls_protocol", "the two sides speak different versions of TLS", "check port and protocol, and update the older side"),

    (C::Timeout, "own_timeout", "it reached its own `timeout`", "raise `timeout` if it was still working, or find out what it hung on"),
    (C::Timeout, "own_idle_timeout", "it was silent and idle for its `idle_timeout`", "find out what it hung on; raise `idle_timeout` if that is normal"),
    (C::Timeout, "deadline_passed", "its `deadline` came before it was done", "add it again with a later `deadline`, or start it earlier"),
    (C::Timeout, "total_timeout", "its `total_timeout` was over before it was done", "raise `total_timeout`, or find out what took so long"),
    (C::Timeout, "connect_timeout", "the peer did not answer", "check that host and network are up, and firewalls"),
    (C::Timeout, "read_timeout", "the peer took too long to answer", "retry; if it stays, allow more time or look at the peer"),
    (C::Timeout, "http_408", "the peer gave up waiting for the request", "retry; if it stays, check the upload and the network"),
    (C::Timeout, "lock_wait_timeout", "somebody else held a lock for too long", "end what holds the lock, then retry"),
    (C::Timeout, "operation_timeout", "the program's own time limit was reached", "allow more time, or make the work smaller"),

    (C::RateLimit, "quota_exceeded", "a quota is used up", "wait until it starts anew, or have it raised"),
    (C::RateLimit, "pull_limit", "the registry's limit of downloads is used up", "log in to the registry or use a mirror, then retry"),

    (C::ServerError, "http_501", "the server does not know how to do this", "check address and method; a retry alone changes nothing"),
    (C::ServerError, "http_502", "a proxy got no sound answer from the server behind it", "retry when that server is well again"),
    (C::ServerError, "http_504", "a proxy got no answer in time from the server behind it", "retry when that server is well again"),
    (C::ServerError, "maintenance", "the other side is being maintained", "retry when the maintenance is over"),
    (C::ServerError, "not_ready", "the service is still starting", "retry when it is up"),
    (C::ServerError, "server_memory", "the server ran out of memory", "make the request smaller, or give the server more"),
    (C::ServerError, "too_many_connections", "the server takes no more connections", "retry with fewer tasks at once, or raise its limit"),
    (C::ServerError, "protocol", "the peer broke the protocol", "retry; if it stays, check address and versions"),

    (C::Auth, "bad_credentials", "user, password or key are wrong", "correct the credential, then retry"),
    (C::Auth, "expired_token", "a token or session has expired", "log in again, then retry"),
    (C::Auth, "login_required", "nobody is logged in", "log in as the user that runs the task, then retry"),
    (C::Auth, "http_401", "the server does not know who asks", "check that the credential reaches the task and is valid"),
    (C::Auth, "http_403", "the server knows who asks and refuses", "ask for the right, or use another account"),
    (C::Auth, "permission_denied", "the account lacks a right", "have the right granted, then retry"),
    (C::Auth, "publickey_denied", "the host accepts none of our keys", "install the key there, and check that the agent or key file reaches the task"),
    (C::Auth, "host_key", "the host's key is unknown or has changed", "compare the key, then record it in `known_hosts`"),
    (C::Auth, "clock_skew", "this machine's clock is wrong for the server", "set the clock, then retry"),
    (C::Auth, "proxy_auth", "the proxy wants a login", "give the proxy's credential to the task"),

    (C::NotFound, "http_404", "the server has nothing at this address", "check the address"),
    (C::NotFound, "http_410", "what was at this address is gone for good", "find where it went"),
    (C::NotFound, "package", "no package has this name there", "check the name and the index that is asked"),
    (C::NotFound, "package_version", "the package has no such version", "ask for a version that exists"),
    (C::NotFound, "remote_ref", "the remote has no such branch, tag or revision", "check its name"),
    (C::NotFound, "repository", "there is no such repository, or not for this account", "check address and rights"),
    (C::NotFound, "database_object", "the database has no such table, column or database", "check the name, and whether migrations ran"),

    (C::Validation, "usage", "the command was used wrongly", "correct its options and arguments"),
    (C::Validation, "malformed_input", "the input cannot be read", "correct or replace the input"),
    (C::Validation, "config_error", "a configuration is wrong", "correct the configuration"),
    (C::Validation, "schema_error", "the data has another shape than expected", "correct the data or the schema"),
    (C::Validation, "constraint_violation", "the database refused data that breaks a rule", "correct the data, or remove what is there twice"),
    (C::Validation, "conflict", "what is there contradicts what is wanted", "resolve the conflict by hand"),
    (C::Validation, "http_409", "the server has something that contradicts the request", "look at what is there already"),
    (C::Validation, "http_400", "the server could not read the request", "correct the request"),
    (C::Validation, "http_422", "the server refused the data of the request", "correct the data"),
    (C::Validation, "card_declined", "a payment was refused", "look into the payment by hand"),
    (C::Validation, "bad_path", "a path is not of the right kind", "correct the path"),
    (C::Validation, "wrong_format", "the program is not for this machine", "install the right build, or add its `#!` line"),
    (C::Validation, "arguments_too_long", "arguments and environment are too long", "hand them over in a file"),
    (C::Validation, "nul_byte", "an argument or variable holds a NUL byte", "correct the definition"),
    (C::Validation, "env_file", "its `env_file` cannot be used", "correct the file or its path"),
    (C::Validation, "limit_refused", "a limit could not be set here", "correct `limits`, or see `autoexec queue show`"),
    (C::Validation, "requirement_missing", "a variable that it requires is not set", "set the variable, then retry"),
    (C::Validation, "success_check_failed", "it ended well, but its result is not there or not right", "look at the unmet check, then at its output"),

    (C::Resource, "disk_full", "a disk is full", "free some space, then retry"),
    (C::Resource, "out_of_memory", "memory ran out", "run fewer tasks at once, or give it more memory"),
    (C::Resource, "missing_path", "a file or folder is not there", "create it, or correct the path"),
    (C::Resource, "path_exists", "something is there already that it wants to create", "move it away, or have the task overwrite it"),
    (C::Resource, "permission", "a file may not be read, written or executed", "correct its owner or mode, then retry"),
    (C::Resource, "read_only", "the file system is read-only", "check the mount, and the disk for errors"),
    (C::Resource, "busy", "somebody else is using it: a lock, a port or a file", "end the other user, then retry"),
    (C::Resource, "cannot_create", "an output file cannot be created", "check the folder and its rights"),
    (C::Resource, "cannot_start", "the system could not start it", "see `autoexec queue show`"),
    (C::Resource, "checkpoint_unusable", "the folder of its checkpoint cannot be used", "check the state directory and its disk"),
    (C::Resource, "host_busy", "this machine had no processes, memory or descriptors to spare", "run fewer tasks at once"),
    (C::Resource, "insufficient_capacity", "the provider has no such machine free", "retry later, or ask for another kind or place"),
    (C::Resource, "io_error", "reading or writing a disk failed", "check the disk and the kernel's log"),
    (C::Resource, "limit_exceeded", "a limit of this account or process is reached", "raise the limit, or make the work smaller"),
    (C::Resource, "not_a_repository", "it did not run inside a repository", "correct `workdir`"),
    (C::Resource, "requirement_missing", "a file that it requires is not there", "create it, or correct the path"),
    (C::Resource, "system_error", "the operating system failed it", "look at the kernel's log"),
    (C::Resource, "too_many_files", "too many files are open", "raise `limits.files`, or find what does not close them"),
    (C::Resource, "too_many_processes", "too many processes run", "run fewer tasks at once, or raise the limit"),

    (C::Dependency, "missing_command", "a command is not installed, or not on the PATH of the task", "install it or correct the PATH; if misspelt, correct the task and add it again"),
    (C::Dependency, "missing_interpreter", "the interpreter in its first line is not installed", "install it, or correct the `#!` line"),
    (C::Dependency, "missing_module", "a module of its language is not installed", "install it where the task runs, or activate the right environment"),
    (C::Dependency, "missing_package", "a package is not installed", "install it, then retry"),
    (C::Dependency, "missing_header", "a header for compiling is not installed", "install the development package"),
    (C::Dependency, "missing_shared_library", "a shared library is not installed", "install the library, or correct the search path"),
    (C::Dependency, "glibc_version", "the program is built for a newer system", "install a build for this system"),
    (C::Dependency, "version_conflict", "two dependencies want different versions", "settle the versions by hand"),
    (C::Dependency, "externally_managed", "the system's own environment takes no packages", "use an environment of the task's own"),
    (C::Dependency, "requirement_missing", "a tool that it requires is not there, or too old", "install it, then retry"),

    (C::Browser, "security_challenge", "the site wants to see a person", "solve the challenge by hand; do not retry in a row"),
    (C::Browser, "browser_crashed", "the browser crashed", "retry; if it stays, give it more memory"),
    (C::Browser, "launch_failed", "the browser did not start", "install the browser and what it needs"),
    (C::Browser, "page_load", "the page did not load", "check the address and the site, then retry"),
    (C::Browser, "element_not_found", "the page has no such element", "look at the page by hand; it may have changed"),

    (C::Logic, "test_failure", "a test failed", "look at the test; a retry alone changes nothing"),
    (C::Logic, "compile_error", "it does not compile", "mend the source"),
    (C::Logic, "lint_failure", "a check of the source found something", "mend the source, or allow the finding"),
    (C::Logic, "segfault", "it touched memory that is not its own", "update or mend the program"),
    (C::Logic, "leftover_processes", "it left processes behind, and its definition forbids that", "have it wait for its children, or set `leftovers`"),

    (C::Corruption, "checksum_mismatch", "a file differs from its checksum", "fetch it again; if it stays, its source is wrong"),
    (C::Corruption, "truncated_archive", "an archive is cut off or damaged", "fetch it again, and check the space on the disk"),
    (C::Corruption, "truncated_media", "a media file is cut off or damaged", "fetch it again"),
    (C::Corruption, "malformed_database", "a database is damaged", "restore it from a backup; keep the damaged one"),
    (C::Corruption, "bad_object", "a repository is damaged", "clone it anew, and keep the old one until that worked"),

    (C::Killed, "sigint", "somebody stopped it by hand", "retry if it was not meant"),
    (C::Killed, "sigkill", "it was killed from outside; often the kernel, as memory was short", "look at the kernel's log; run fewer tasks at once"),
    (C::Killed, "sigterm", "somebody told it to end", "find out who did; otherwise just retry"),
    (C::Killed, "sighup", "its terminal or session went away", "retry; have it ignore the hang-up if it happens often"),
    (C::Killed, "sigpipe", "the reader of its output went away", "look at the last command of the pipe"),
    (C::Killed, "reboot", "the machine was restarted while it ran", "check what it left half done, then retry"),
    (C::Killed, "supervisor_died", "its supervisor was killed while it ran", "check what it left half done, then retry"),
    (C::Killed, "run_stopped", "we stopped it as the run was stopped", "start a run: it goes on"),
    (C::Killed, "window_ended", "we stopped it at the end of the window", "it goes on in the next window; lengthen the window if it never gets done"),
    (C::Killed, "runner_gone", "we stopped it as its run died", "start a run: it goes on"),
    (C::Killed, "cancelled", "we stopped it as it was called off", "retry it if that was not meant"),
    (C::Killed, "put_aside", "we stopped it as it was put aside", "release it: it starts again"),
    (C::Killed, "completed", "we stopped it as it was declared done", "retry it if that was not meant"),

    (C::Unknown, "silent", "it failed without a word", "run the command by hand, with its own option for more output"),
    (C::Unknown, "try_later", "it asked to be tried later, and no attempt is left for that", "find out what it waits for, then retry"),
    (C::Unknown, "start_again", "it asked to be started again, without a new checkpoint", "look at its checkpoint and its output"),
    (C::Unknown, "no_tests", "no test was run", "check the selection of tests"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_category_has_words_and_every_pattern_stands_once() {
        let mut seen = BTreeSet::new();
        for (category, name, _, _) in PATTERNS {
            assert!(seen.insert((*category, *name)), "{category} {name} twice");
        }
        for category in Category::ALL {
            assert_eq!(advice(category, "no_such_pattern"), of_category(category));
        }
        let refused = advice(Category::Network, "connection_refused");
        assert!(refused.means.contains("nothing listens"), "{refused:?}");
    }

    #[test]
    fn the_words_are_clauses_that_fit_beside_others() {
        let entries = PATTERNS
            .iter()
            .map(|(_, name, means, helps)| (*name, *means, *helps));
        let general = Category::ALL.map(|category| {
            let Advice { means, helps } = of_category(category);
            (category.as_str(), means, helps)
        });
        for (name, means, helps) in entries.chain(general) {
            for clause in [means, helps] {
                assert!(
                    !clause.ends_with('.') && clause.trim() == clause,
                    "{name}: {clause}"
                );
                assert!(
                    !clause.starts_with(char::is_uppercase) || clause.starts_with("DNS"),
                    "{name}: {clause}"
                );
                assert!(clause.len() <= 84, "{name}: {clause}");
            }
        }
    }
}
