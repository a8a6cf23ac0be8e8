//! Mail of the real program to a real server on loopback that misbehaves.

use crate::mail_server::MailServer;
use crate::mail_server::Manner;
use crate::sandbox::Sandbox;

/// A sandbox that mails every report to the server, with a login.
fn mailing(server: &MailServer) -> Sandbox {
    let sandbox = Sandbox::new();
    let content = format!(
        "[[notify]]\non = [\"report\"]\nemail = {{ to = \"me@example.com\", \
         smtp = \"smtp://127.0.0.1:{}\", user = \"me\", password_command = [\"echo\", \"hunter2\"] }}\n",
        server.port
    );
    sandbox.configure(content);
    sandbox
}

fn fail(sandbox: &Sandbox) {
    let words = ["queue", "add", "--retries", "0", "--name", "bad", "--"];
    let script = "echo 'Subject: <b>forged</b>'; exit 1";
    sandbox.ok(words.iter().chain(&["sh", "-c", script]));
}

fn header<'a>(letter: &'a str, name: &str) -> &'a str {
    let line = letter.lines().find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("{name} in {letter}"))
}

#[test]
fn a_report_arrives_with_its_verdict_in_the_subject_and_both_parts() {
    let server = MailServer::open(&[Manner::Takes]);
    let sandbox = mailing(&server);
    fail(&sandbox);
    assert_eq!(sandbox.run(["run"]).code, 1);
    let visits = server.visits();
    let [letter] = visits.as_slice() else {
        panic!("{visits:?}")
    };
    assert!(letter.contains("AUTH "), "{letter}");
    assert!(header(letter, "RCPT").contains("<me@example.com>"));
    let subject = header(letter, "Subject: ");
    assert!(subject.contains("1 needs you"), "{subject}");
    for part in ["multipart/alternative", "text/plain", "text/html"] {
        assert!(letter.contains(part), "{part} in {letter}");
    }
    assert_eq!(letter.matches("\nSubject: ").count(), 1, "{letter}");
    assert!(!letter.contains("<b>forged</b>"), "{letter}");
    let told = sandbox.json(["report", "--run", "last", "--json"]);
    assert_eq!(told["notifications"][0]["state"], "delivered");
}

#[test]
fn a_letter_that_may_have_come_is_sent_again_under_the_same_id() {
    let server = MailServer::open(&[Manner::HangsUp, Manner::Takes]);
    let sandbox = mailing(&server);
    fail(&sandbox);
    assert_eq!(sandbox.run(["run"]).code, 1);
    let visits = server.visits();
    let [first, second] = visits.as_slice() else {
        panic!("{visits:?}")
    };
    let id = |letter| header(letter, "Message-ID: ");
    assert_eq!(id(first), id(second));
    let told = sandbox.json(["report", "--run", "last", "--json"]);
    assert_eq!(told["notifications"][0]["state"], "delivered");
    assert_eq!(told["notifications"][0]["tries"], 2);
}

#[test]
fn a_server_with_grey_lists_gets_the_letter_later() {
    let server = MailServer::open(&[Manner::NotNow, Manner::Takes]);
    let sandbox = mailing(&server);
    sandbox.ok(["queue", "add", "--name", "good", "--", "true"]);
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(server.visits()[1].contains("\nSubject: "));
}

#[test]
fn a_server_that_refuses_or_says_nothing_is_told_and_stops_no_task() {
    for (manner, words) in [
        (Manner::Never, "550"),
        (Manner::Silent, "does not answer in time"),
    ] {
        let server = MailServer::open(&[manner]);
        let sandbox = mailing(&server);
        sandbox.ok(["queue", "add", "--name", "good", "--", "true"]);
        let answer = sandbox.run(["run"]);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        assert!(
            answer.stderr.contains("could not tell"),
            "{}",
            answer.stderr
        );
        let told = sandbox.json(["report", "--run", "last", "--json"]);
        assert_eq!(told["tasks"][0]["verdict"], "ok");
        let error = told["notifications"][0]["error"].to_string();
        // The run does not wait for as long as a server may take that says nothing.
        assert!(
            error.contains(words) || manner == Manner::Silent && error == "null",
            "{manner:?}: {told}"
        );
        assert!(!answer.stderr.contains("hunter2") && !told.to_string().contains("hunter2"));
    }
}
