//! What is hidden, and what is not.

use super::*;
use proptest::prelude::*;

#[test]
fn every_expression_is_one() {
    assert_eq!(expressions().len(), 1 + NAMED.len());
    assert_eq!(before_words().len(), BEFORE_WORDS.len());
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

#[test]
fn a_value_in_quotes_is_hidden_up_to_its_closing_quote() {
    for (line, expected) in [
        ("export TOKEN='abc def ghi'; run", "export TOKEN=***; run"),
        ("DB_PASSWORD=\"p\\\"q r\" run", "DB_PASSWORD=*** run"),
        ("TOKEN=abc' def ghi' run", "TOKEN=*** run"),
        ("mysql --password 'hun ter2' db", "mysql --password *** db"),
        ("mysql --password='hun ter2' db", "mysql --password=*** db"),
        ("mysql --password='a\"b c' db", "mysql --password=*** db"),
        ("sh -c 'TOKEN=abc' 'x y'", "sh -c 'TOKEN=***' 'x y'"),
        (
            "sh -c \"mysql --password 'hun ter2'\" x",
            "sh -c \"mysql --password ***\" x",
        ),
        (
            "sh -c \"TOKEN=\\\"abc def\\\" run\"",
            "sh -c \"TOKEN=*** run\"",
        ),
        (
            "{\"password\": \"a b\", \"c\": 1}",
            "{\"password\": \"***\", \"c\": 1}",
        ),
        ("psql postgres://u:p@ss@h/x", "psql postgres://u:***@h/x"),
        ("psql postgres://u:hun/ter2@h", "psql postgres://u:***@h"),
        ("curl -u me:hunter2 h", "curl -u me:*** h"),
        ("curl -H 'X-Api-Key: hunter2'", "curl -H 'X-Api-Key: ***'"),
    ] {
        assert_eq!(mask(line), expected, "{line}");
        assert_eq!(mask(&mask(line)), expected, "again");
    }
}

#[test]
fn what_only_has_a_name_like_a_secret_is_shown() {
    for line in [
        "x --token-file /a --password-file /b",
        "x --max-tokens 5 --token-ttl 5m --no-password go",
        "x --secret-name db --password --verbose go",
        "npm --registry http://h:8080/@scope/x",
        "docker run -u 1000:1000 x",
    ] {
        assert_eq!(mask(line), line);
        let words: Vec<&str> = line.split(' ').collect();
        for pair in words.windows(2) {
            assert_eq!(mask_argument(Some(pair[0]), pair[1]), pair[1], "{line}");
        }
    }
}

#[test]
fn nothing_of_a_word_is_shown_behind_the_name_of_a_secret() {
    for (before, word, expected) in [
        ("x", "--password=a;b", "--password=***"),
        ("x", "--db-password=hun ter2", "--db-password=***"),
        ("x", "--password=a\"b c", "--password=***"),
        ("x", "TOKEN=a&b", "TOKEN=***"),
        ("--password", "hun ter2", "***"),
        ("-H", "X-Api-Key: a b", "X-Api-Key: ***"),
        (
            "-H",
            "Authorization: Bearer a b",
            "Authorization: Bearer ***",
        ),
        ("-H", "Authorization: Own a", "Authorization: ***"),
        ("-u", "me:hun ter2", "me:***"),
        (
            "-c",
            "export TOKEN='abc def ghi'; run",
            "export TOKEN=***; run",
        ),
    ] {
        assert_eq!(mask_argument(Some(before), word), expected, "{word}");
    }
}

#[test]
fn many_names_in_one_line_are_no_trouble() {
    for part in [
        "TOKEN=",
        "--token ",
        "password=\"",
        "--password='x ",
        "://a:b",
    ] {
        let _done = mask(&part.repeat(20_000));
    }
}
