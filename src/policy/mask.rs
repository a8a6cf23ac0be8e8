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
    // The password in an address.
    r"(://[^/\s:@]*:)([^/\s@]+)(@)",
    // A header, whatever its scheme.
    r#"((?i:\b(?:proxy-)?authorization["']?[ \t]*[:=][ \t]*["']?(?:bearer |basic |token |digest )?))([^\s"']+)()"#,
    r"((?i:\bbearer[ \t]+))([A-Za-z0-9._~+/=-]{12,})()",
    // `password=…`, `"api_key": "…"`, `--token …`.
    concat!(
        r#"((?i:(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|"#,
        r#"access[_-]?token|client[_-]?secret|private[_-]?key)["']?[ \t]?(?:=|:[ \t]?["'])[ \t]?["']?))"#,
        r#"([^\s"'&,;<>]+)()"#,
    ),
    r#"((?i:[?&;](?:token|key|sig|signature|x-amz-signature|x-amz-security-token)=))([^\s"'&;]+)()"#,
    r"((?i:\s--?(?:password|passwd|token|secret|api-key)[ =]))(\S+)()",
    // A variable, as it is set before a command: `API_TOKEN=…`.
    concat!(
        r#"(\b(?:[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?)|"#,
        r#"[A-Z0-9_]+_(?:PASS|PWD|AUTH|KEY))=)("[^"\n]*"|'[^'\n]*'|[^\s"']+)()"#,
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
        .is_some_and(|name| !name.contains('=') && is_secret_name(name))
}

/// Where in a text something stands that looks like a secret, in bytes; they may overlap.
pub fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_expression_is_one() {
        assert_eq!(expressions().len(), 1 + NAMED.len());
    }

    #[test]
    fn what_looks_like_a_secret_is_hidden_and_the_rest_stays() {
        let table = [
            (
                "fatal: unable to access 'https://me:hunter2@git.example/x.git/': 403",
                "fatal: unable to access 'https://me:***@git.example/x.git/': 403",
            ),
            (
                "curl: (22) header 'Authorization: Bearer abc.def-ghi_jkl' refused",
                "curl: (22) header 'Authorization: Bearer ***' refused",
            ),
            ("password=hunter2 host=db", "password=*** host=db"),
            (
                r#"{"api_key": "k-1234", "a": 1}"#,
                r#"{"api_key": "***", "a": 1}"#,
            ),
            (
                "GET https://h/x?token=abcdef&b=1 failed: 401",
                "GET https://h/x?token=***&b=1 failed: 401",
            ),
            (
                "bad credentials ghp_0123456789abcdefghij0123456789",
                "bad credentials ***",
            ),
            (
                "AKIAABCDEFGHIJKLMNOP is not authorized",
                "*** is not authorized",
            ),
            (
                "deploy --password hunter2 --to x",
                "deploy --password *** --to x",
            ),
            (
                "env API_TOKEN=hunter2 DB_PASS='x 1' PWD=/tmp ./run",
                "env API_TOKEN=*** DB_PASS=*** PWD=/tmp ./run",
            ),
        ];
        for (line, expected) in table {
            assert_eq!(mask(line), expected);
            assert_eq!(mask(&mask(line)), expected, "again");
        }
    }

    #[test]
    fn places_are_those_that_are_hidden() {
        let text = "password=hunter2 using password: YES ghp_0123456789abcdefghij0123456789";
        let found: Vec<&str> = places(text).into_iter().map(|at| &text[at]).collect();
        assert_eq!(found, ["ghp_0123456789abcdefghij0123456789", "hunter2"]);
    }

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for name in [
            "API_TOKEN",
            "PGPASSWORD",
            "db.password",
            "MYSQL_PWD",
            "AWS_SECRET_ACCESS_KEY",
            "ssh-key",
            "apiKey",
            "oauth_token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PWD", "OLDPWD", "KEY", "last_key", "PATH", "author", "offset",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_name_without_a_value_takes_none_from_the_next_line() {
        for name in ["password=", "Authorization:", "bearer"] {
            let text = format!("{name}\n\"api_key\": \"k-1234\"");
            assert_eq!(mask(&text), format!("{name}\n\"api_key\": \"***\""));
        }
    }

    #[test]
    fn what_only_speaks_of_secrets_is_left_as_it_is() {
        for line in [
            "ERROR 1045 (28000): Access denied for user 'me'@'h' (using password: YES)",
            "SyntaxError: Unexpected token: punc (})",
            "fatal: could not read Password for 'https://git.example': terminal prompts disabled",
            "password authentication failed for user \"me\"",
            "error: secret \"db\" not found",
            "connect ECONNREFUSED 127.0.0.1:5432",
            "Error: token=undefined",
        ] {
            assert_eq!(mask(line), line);
        }
    }

    proptest! {
        #[test]
        fn a_password_never_comes_through_whatever_stands_around_it(
            before in "[a-z ]{0,20}", after in "[a-z /]{0,20}", word in "[A-Z0-9]{8,30}",
        ) {
            for form in ["password=", "https://u:", "Authorization: Bearer ", "&token="] {
                let behind = if form.ends_with("u:") { "@h/" } else { " " };
                let line = format!("{before} {form}{word}{behind}{after}");
                prop_assert!(!mask(&line).contains(&word), "{}", line);
            }
        }
    }
}
