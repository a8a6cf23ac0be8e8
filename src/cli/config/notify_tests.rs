//! Tests of `[[notify]]`.

#![cfg(feature = "notify")]

use super::*;
use crate::cli::config;
use crate::support::paint::Paint;
use std::path::Path;

fn targets(content: &str) -> Vec<Target> {
    config::read(Path::new("c"), content).unwrap().notify
}

fn refused(content: &str) -> String {
    config::read(Path::new("c"), content)
        .unwrap_err()
        .as_text(Paint::PLAIN)
}

fn refused_webhook(keys: &str) -> String {
    refused(&format!(
        "[[notify]]\non = [\"critical\"]\nwebhook = {{ {keys} }}\n"
    ))
}

fn refused_mail(keys: &str) -> String {
    refused(&format!(
        "[[notify]]\non = [\"critical\"]\nemail = {{ {keys} }}\n"
    ))
}

#[test]
fn the_targets_of_the_manual_are_read() {
    let found = targets(
        "[[notify]]\non = [\"report\", \"critical\"]\n\
         email = { to = \"me@example.com\", smtp = \"smtps://mail.example.com\", user = \"me\", \
         password_file = \"~/.smtp\" }\n\
         [[notify]]\non = [\"run_started\", \"run_finished\"]\n\
         webhook = { url_env = \"HEALTHCHECK_URL\", format = \"healthchecks\" }\n\
         [[notify]]\non = [\"critical\"]\ncommand = [\"/usr/local/bin/page-me\"]\n",
    );
    let names: Vec<String> = found.iter().map(Target::name).collect();
    assert_eq!(
        names,
        [
            "mail #1 (me@example.com)",
            "webhook #2 (healthchecks, $HEALTHCHECK_URL)",
            "command #3 (page-me)"
        ]
    );
    assert_eq!(found[0].occasions, [Occasion::Report, Occasion::Critical]);
    let Way::Mail(Mail {
        relay: Relay::Smtp(server),
        ..
    }) = &found[0].way
    else {
        panic!("{found:?}")
    };
    let password = SecretSource::File("~/.smtp".into());
    assert_eq!(server.login, Some(("me".to_owned(), password)));
}

#[test]
fn several_get_a_mail_and_the_machine_itself_may_send_it() {
    let found = targets(
        "[[notify]]\non = [\"report\"]\nemail = { to = [\"root\", \"Me <me@example.com>\"] }\n",
    );
    let Way::Mail(mail) = &found[0].way else {
        panic!("{found:?}")
    };
    assert_eq!(mail.to, ["root", "Me <me@example.com>"]);
    assert_eq!(mail.relay, Relay::Sendmail(SENDMAIL.to_owned()));
}

#[test]
fn a_secret_that_is_wrong_is_not_repeated() {
    let told = [
        refused_webhook("url = \"http://example.com/hunter2\""),
        refused_webhook("url = \"hunter2\""),
        refused_webhook("url = \"https://example.com/hunter2\", url_env = \"X\""),
        refused_webhook("url_env = \"X\", url_file = \"y\", url_command = [\"hunter2\"]"),
        refused_mail("to = \"me@example.com\", smtp = \"smtps://me:hunter2@example.com\""),
        refused_mail(
            "to = \"me@example.com\", smtp = \"smtps://example.com\", password = \"hunter2\"",
        ),
    ];
    for told in told {
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("line 3, column"), "{told}");
    }
}

#[test]
fn what_is_missing_or_too_much_is_told() {
    for (told, piece) in [
        (
            refused("[[notify]]\ncommand = [\"x\"]\n"),
            "`on` is missing",
        ),
        (
            refused("[[notify]]\non = []\ncommand = [\"x\"]\n"),
            "`on` names nothing",
        ),
        (
            refused("[[notify]]\non = [\"reports\"]\ncommand = [\"x\"]\n"),
            "`on` must be `\"report\"`, `\"critical\"`, `\"task_failed\"`, `\"run_started\"` or \
             `\"run_finished\"`, found `\"reports\"`",
        ),
        (
            refused("[[notify]]\non = [\"report\"]\n"),
            "one of `email`, `webhook` and `command`",
        ),
        (
            refused(
                "[[notify]]\non = [\"report\"]\ncommand = [\"x\"]\nwebhook = { url_env = \"X\" }\n",
            ),
            "one of `email`, `webhook` and `command`",
        ),
        (
            refused("[[notify]]\non = [\"report\"]\ncommand = []\n"),
            "names no program",
        ),
        (refused_webhook("format = \"json\""), "`url` is missing"),
        (
            refused_webhook("url_env = \"X\", format = \"teams\""),
            "`\"healthchecks\"`",
        ),
        (refused_webhook("url_env = \"$X\""), "name of a variable"),
        (
            refused_webhook("url_credential = \"../x\""),
            "name of a credential",
        ),
        (
            refused_webhook("url_env = \"X\", allow_privat = true"),
            "did you mean `allow_private`?",
        ),
        (
            refused_mail("smtp = \"smtps://example.com\""),
            "`to` is missing",
        ),
        (
            refused_mail("to = \"me\", smtp = \"smtps://example.com\""),
            "`me@example.com`",
        ),
        (refused_mail("to = \"-oQ/tmp\""), "must be an address"),
        (
            refused_mail("to = \"a@b\\r\\nBcc: c@d\""),
            "must be an address",
        ),
        (
            refused_mail("to = \"root\", user = \"me\", password_env = \"X\""),
            "needs `smtp`",
        ),
        (
            refused_mail("to = \"a@b.c\", smtp = \"smtps://b.c\", user = \"me\""),
            "`user` needs `password_file`",
        ),
        (
            refused_mail("to = \"a@b.c\", smtp = \"smtps://b.c\", tls = \"none\""),
            "`tls` is for `smtp://`",
        ),
    ] {
        assert!(told.contains(piece), "{piece}\n{told}");
    }
}

#[test]
fn encryption_is_left_out_only_where_that_is_said_or_nobody_listens() {
    for (keys, expected) in [
        ("smtp = \"smtps://example.com\"", Security::Tls),
        ("smtp = \"smtp://example.com\"", Security::StartTls),
        (
            "smtp = \"smtp://example.com\", tls = \"none\"",
            Security::Plain,
        ),
        ("smtp = \"smtp://localhost:25\"", Security::Plain),
        (
            "smtp = \"smtp://localhost:25\", tls = \"starttls\"",
            Security::StartTls,
        ),
    ] {
        let content =
            format!("[[notify]]\non = [\"report\"]\nemail = {{ to = \"a@b.c\", {keys} }}\n");
        let found = targets(&content);
        let Way::Mail(Mail {
            relay: Relay::Smtp(server),
            ..
        }) = &found[0].way
        else {
            panic!("{found:?}")
        };
        assert_eq!(server.security, expected, "{keys}");
    }
}
