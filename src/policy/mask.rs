//! Hiding what looks like a secret in a quoted line.
//!
//! A deciding line is stored, mailed and pasted into tickets; the output itself stays in its log. What
//! is hidden is known by its shape: tokens with the prefix of their issuer, passwords in addresses,
//! `Authorization` headers, and values behind names such as `password`. What was hidden is shown as
//! `***`, so that a reader sees that something stood there.
//!
//! Not here: values that a task declares as secret, which have no shape.

use std::ops::Range;
use std::sync::OnceLock;

use regex::Captures;
use regex::Regex;
use regex::RegexBuilder;

use crate::model::category::Classification;
use crate::policy::shell_quotes::Quoting;
use crate::policy::shell_quotes::inside_quotes;
use crate::policy::shell_quotes::word_length;

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";

/// Tokens by the prefixes that their issuers document, and JSON web tokens by their form.
const TOKENS: &str = concat!(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|",
    r"glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|",
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|AIza[0-9A-Za-z_-]{30,}|npm_[A-Za-z0-9]{30,}|",
    r"pypi-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|dckr_pat_[A-Za-z0-9_-]{20,}|",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,})",
);
/// A name, what stands between, and a value: the last group is hidden.
const NAMED: &[&str] = &[
    // The password in an address, up to the last `@`; with a `/` in it where it cannot be a port.
    r"(://[^/\s:@]*:)([^/\s]+)(@)",
    r#"(://[^/\s:@\[]*:)([^/\s"'@]*[^0-9/\s"'@][^/\s"'@]*/[^\s"'@]*)(@)"#,
    // `curl -u user:password`.
    r#"(\bcurl[ \t](?:[^|;&\n]*?[ \t])?(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"'/]+:)([^\s"']+)()"#,
    // A header, whatever its scheme.
    r#"((?i:\b(?:proxy-)?authorization["']?[ \t]*[:=][ \t]*["']?(?:bearer |basic |token |digest )?))([^\s"']+)()"#,
    r#"((?i:\bx-(?:[a-z]+-)*(?:api-?key|token|auth|secret)["']?[ \t]*:[ \t]*["']?))([^\s"']+)()"#,
    r"((?i:\bbearer[ \t]+))([A-Za-z0-9._~+/=-]{12,})()",
    r#"((?i:[?&;](?:token|key|sig|signature|x-amz-signature|x-amz-security-token)=))([^\s"'&;]+)()"#,
    // `password=…`, `"api_key": "…"`.
    concat!(
        r#"((?i:(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|"#,
        r#"access[_-]?token|client[_-]?secret|private[_-]?key)["']?[ \t]?(?:=|:[ \t]?["'])[ \t]?["']?))"#,
        r#"([^\s"'&,;<>]+)()"#,
    ),
];
/// What stands before a word of the shell that is a secret.
const BEFORE_WORDS: &[&str] = &[
    // A variable, as it is set before a command: `API_TOKEN=…`.
    concat!(
        r"\b(?:[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?)|",
        r"[A-Z0-9_]+_(?:PASS|PWD|AUTH|KEY))=",
    ),
    // `--token …`; the name decides.
    r#"(?:^|[\s"'(;])--?(?P<option>[A-Za-z][A-Za-z0-9_.-]*)[ =]"#,
    // A value in quotes.
    concat!(
        r"(?i:(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|",
        r#"access[_-]?token|client[_-]?secret|private[_-]?key)["']?[ \t]?(?:=|:)[ \t]?)(?P<quoted>)"#,
    ),
];
/// Parts of names whose values are secrets.
const SECRET_PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
];
/// The same as the last of several words.
const SECRET_ENDS: &[&str] = &["pass", "pwd", "auth"];
/// Words before `key` that tell it from a key of a table.
const KEYS: &[&str] = &[
    "access",
    "account",
    "api",
    "auth",
    "deploy",
    "encryption",
    "gpg",
    "license",
    "master",
    "private",
    "service",
    "session",
    "signing",
    "ssh",
];

fn before_words() -> &'static [Regex] {
    static EXPRESSIONS: OnceLock<Vec<Regex>> = OnceLock::new();
    EXPRESSIONS.get_or_init(|| {
        let compile = |text: &&str| Regex::new(text).ok();
        BEFORE_WORDS.iter().filter_map(compile).collect()
    })
}

/// Values behind names, with the quoting of the shell; in order and apart from each other.
fn words(text: &str, before: &Regex) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut quoting = Quoting::default();
    while let Some(name) = before.captures_at(text, from) {
        let Some(whole) = name.get(0) else {
            break;
        };
        // What follows may be an option again.
        from = whole.end().saturating_sub(1).max(whole.start() + 1);
        let start = whole.end();
        let value = text.get(start..).unwrap_or_default();
        if let Some(option) = name.name("option") {
            let is_apart = whole.as_str().ends_with(' ');
            if !is_secret_option(option.as_str()) || is_apart && value.starts_with('-') {
                continue;
            }
        }
        let open = quoting.at(text, start);
        let (skip, length) = match name.name("quoted") {
            Some(_) if !value.starts_with(['"', '\'']) => continue,
            Some(_) => (1, inside_quotes(value)),
            None => (0, word_length(value, open)),
        };
        let end = start + skip + length;
        let Some(secret) = text.get(start + skip..end).filter(|one| !one.is_empty()) else {
            continue;
        };
        from = from.max(end);
        if !is_no_secret(secret.trim_matches(['"', '\''])) {
            found.push(start + skip..end);
        }
    }
    found
}

fn expressions() -> &'static [Regex] {
    static EXPRESSIONS: OnceLock<Vec<Regex>> = OnceLock::new();
    EXPRESSIONS.get_or_init(|| {
        let compile = |text: &&str| RegexBuilder::new(text).unicode(true).build().ok();
        // Every one of them compiles; a test holds that.
        [TOKENS].iter().chain(NAMED).filter_map(compile).collect()
    })
}

/// The text with everything hidden that looks like a secret.
pub fn mask(text: &str) -> String {
    let mut masked = text.to_owned();
    for before in before_words() {
        let places = words(&masked, before);
        if places.is_empty() {
            continue;
        }
        let mut shown = String::with_capacity(masked.len());
        let mut from = 0;
        for place in places {
            shown.push_str(masked.get(from..place.start).unwrap_or_default());
            shown.push_str(HIDDEN);
            from = place.end;
        }
        shown.push_str(masked.get(from..).unwrap_or_default());
        masked = shown;
    }
    for expression in expressions() {
        if !expression.is_match(&masked) {
            continue;
        }
        masked = expression
            .replace_all(&masked, |found: &Captures<'_>| {
                let part = |group: usize| found.get(group).map_or("", |part| part.as_str());
                if found.len() > 1 && is_no_secret(part(2)) {
                    return part(0).to_owned();
                }
                format!("{}{HIDDEN}{}", part(1), part(3))
            })
            .into_owned();
    }
    masked
}

/// Whether a word of a command is an option whose value, the next word, is a secret by its name.
pub fn is_option_of_secret(word: &str) -> bool {
    word.strip_prefix("--")
        .is_some_and(|name| !name.contains('=') && is_secret_option(name))
}

/// Whether the value of an option is a secret by its name, without dashes: not that of `--token-file`.
fn is_secret_option(name: &str) -> bool {
    const NOT_BEFORE: &[&str] = &["no", "max", "min", "num", "skip", "without", "ask"];
    const NOT_BEHIND: &[&str] = &[
        "file", "path", "dir", "ttl", "name", "names", "type", "url", "uri", "endpoint", "stdin",
        "fd", "env", "length", "len", "size", "limit", "count", "budget", "expiry", "expires",
        "timeout", "lifetime", "policy", "prompt", "format", "version", "command", "cmd", "age",
        "arn", "store", "helper",
    ];
    let lower = name.to_lowercase();
    let mut words = lower.split(['-', '_', '.']);
    let is_other = words.next().is_some_and(|word| NOT_BEFORE.contains(&word))
        || words
            .next_back()
            .is_some_and(|word| NOT_BEHIND.contains(&word));
    !is_other && is_secret_name(name)
}

/// A word of an argument vector, before it is quoted for anybody: behind the name of a secret nothing of
/// it is shown.
pub fn mask_argument(before: Option<&str>, word: &str) -> String {
    if before.is_some_and(is_option_of_secret) && !word.starts_with('-') {
        return HIDDEN.to_owned();
    }
    if let Some((name, value)) = word.split_once('=') {
        let is_named = match name.strip_prefix('-') {
            Some(option) => is_secret_option(option.trim_start_matches('-')),
            None => is_secret_option(name),
        };
        let is_name = |one: char| one.is_alphanumeric() || "-_.+".contains(one);
        if is_named && name.chars().all(is_name) && !is_no_secret(value) {
            return format!("{name}={HIDDEN}");
        }
    }
    if let Some((name, value)) = word.split_once(':') {
        let lower = name.to_lowercase();
        let is_header = name
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || one == '-');
        let is_named = lower.ends_with("authorization") || is_secret_option(name);
        if is_header && is_named && value.starts_with(' ') {
            let scheme = ["bearer ", "basic ", "token ", "digest "]
                .iter()
                .find_map(|one| {
                    value
                        .get(1..=one.len())
                        .filter(|at| at.eq_ignore_ascii_case(one))
                });
            return format!("{name}: {}{HIDDEN}", scheme.unwrap_or_default());
        }
    }
    let is_user = before.is_some_and(|before| ["-u", "--user", "--proxy-user"].contains(&before));
    if let (true, Some((user, password))) = (is_user, word.split_once(':')) {
        // A number is a group.
        if !password.is_empty() && !password.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("{user}:{HIDDEN}");
        }
    }
    mask(word)
}

/// Where in a text something stands that looks like a secret, in bytes; they may overlap.
pub fn places(text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<_> = before_words()
        .iter()
        .flat_map(|before| words(text, before))
        .collect();
    for expression in expressions() {
        for found in expression.captures_iter(text) {
            let secret = found.get(2).or_else(|| found.get(0));
            places.extend(
                secret
                    .filter(|secret| found.len() == 1 || !is_no_secret(secret.as_str()))
                    .map(|secret| secret.range()),
            );
        }
    }
    places
}

/// Whether what has this name (a variable, a key) is probably a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    if SECRET_PARTS.iter().any(|part| name.contains(part)) {
        return true;
    }
    let mut words = name.rsplit(|character: char| !character.is_alphanumeric());
    match (words.next(), words.next()) {
        (Some("key" | "keys"), Some(before)) => KEYS.contains(&before),
        (Some(last), Some(_)) => SECRET_ENDS.contains(&last),
        _ => false,
    }
}

/// Words that tools print where a secret could stand: `using password: YES`.
fn is_no_secret(value: &str) -> bool {
    const WORDS: &[&str] = &[
        HIDDEN,
        "yes",
        "no",
        "none",
        "null",
        "true",
        "false",
        "undefined",
        "required",
        "missing",
    ];
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Hides what looks like a secret in all that a judgement quotes.
pub fn mask_quotes(judgement: &mut Classification) {
    if let Some(line) = &mut judgement.line {
        *line = mask(line);
    }
    for value in judgement.extracted.values_mut() {
        *value = mask(value);
    }
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
