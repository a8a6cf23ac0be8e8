//! A letter as a mail.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::notify::error::SendError;
use crate::notify::letter::Letter;
use crate::notify::mail::{Mail, Relay};

/// The message, with a text and a page.
///
/// Its id is the letter's: whoever gets it twice can tell.
pub(crate) fn compose(mail: &Mail, letter: &Letter, host: &str) -> Result<Message, SendError> {
    let wrong = |what: &str| SendError::target(format!("{what} is no address"));
    let from = from(mail, host).ok_or_else(|| wrong("`from`"))?;
    let mut message = Message::builder()
        .from(from)
        .subject(letter.title())
        .date(date(letter))
        .message_id(Some(format!("<{}@autoexec>", letter.id)))
        // Other programs must not answer it, such as those that tell of a holiday.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Autoexec-Occasion", letter.occasion.as_str()));
    for to in &mail.to {
        message = message.to(mailbox(to, mail, host).ok_or_else(|| wrong("an entry of `to`"))?);
    }
    let page = letter.html.clone().unwrap_or_else(|| page(letter));
    message
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), page))
        .map_err(|_| SendError::message("no mail can be made of it"))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A year in the date of a mail has four digits, whatever the clock says.
const LAST_DATE: u64 = 253_402_300_799_000;

fn date(letter: &Letter) -> SystemTime {
    let since = u64::try_from(letter.at.as_millis()).unwrap_or_default();
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(since.min(LAST_DATE)))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn from(mail: &Mail, host: &str) -> Option<Mailbox> {
    if let Some(from) = &mail.from {
        return mailbox(from, mail, host);
    }
    let login = match &mail.relay {
        Relay::Smtp(server) => server.login.as_ref().map(|(user, _)| user),
        Relay::Sendmail(_) => None,
    };
    let own = || format!("autoexec <autoexec@{host}>").parse().ok();
    login
        .filter(|user| user.contains('@'))
        .and_then(|user| user.parse().ok())
        .or_else(own)
        .or_else(|| "autoexec <autoexec@localhost>".parse().ok())
}

/// An address; of this machine where it names none and the machine itself delivers.
fn mailbox(text: &str, mail: &Mail, host: &str) -> Option<Mailbox> {
    if text.contains('@') || matches!(mail.relay, Relay::Smtp(_)) {
        return text.parse().ok();
    }
    let here: Result<Mailbox, _> = format!("{text}@{host}").parse();
    here.or_else(|_| format!("{text}@localhost").parse()).ok()
}

/// The text as a page, for a letter that brings none.
fn page(letter: &Letter) -> String {
    let escape = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;").replace('"', "&quot;")
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>{}</title></head>\n<body><pre style=\"white-space: pre-wrap; \
         font-family: ui-monospace, monospace\">{}</pre></body></html>\n",
        escape(&letter.title()),
        escape(&letter.text),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notice::Occasion;
    use crate::notify::letter::tests::letter;
    use crate::notify::mail::{SENDMAIL, Smtp};
    use crate::notify::secret::{Secret, SecretSource};

    fn mail(to: &[&str], smtp: Option<&str>) -> Mail {
        Mail {
            to: to.iter().map(|one| (*one).to_owned()).collect(),
            from: None,
            relay: match smtp {
                None => Relay::Sendmail(SENDMAIL.to_owned()),
                Some(server) => Relay::Smtp(Smtp::parse(server).unwrap()),
            },
        }
    }

    fn text(mail: &Mail, letter: &Letter) -> String {
        String::from_utf8(compose(mail, letter, "host").unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_date_that_no_mail_can_hold_is_the_last_one_that_it_can() {
        let mut letter = letter(Occasion::Report);
        for (at, year) in [(i64::MAX, " 9999 "), (i64::MIN, " 1970 ")] {
            letter.at = crate::support::clock::Timestamp::from_millis(at);
            let text = text(&mail(&["me@example.com"], None), &letter);
            let date = text.lines().find(|line| line.starts_with("Date: "));
            assert!(date.unwrap().contains(year), "{text}");
        }
    }

    #[test]
    fn a_mail_has_what_mails_have() {
        let mail = mail(
            &["Me <me@example.com>", "you@example.com"],
            Some("smtp://localhost"),
        );
        let text = text(&mail, &letter(Occasion::Report));
        for line in [
            "From: autoexec <autoexec@host>\r\n",
            "To: Me <me@example.com>, you@example.com\r\n",
            "Subject: autoexec on host: all 3 tasks are done\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "Message-ID: <0b51e7a0-6a4c-4b5e-9b0b-6e5f0e3d5a11@autoexec>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn nothing_in_a_message_becomes_a_header() {
        let mail = mail(&["me@example.com"], Some("smtp://localhost"));
        let mut hostile = letter(Occasion::TaskFailed);
        hostile.subject = "failed\r\nBcc: everybody@example.com\r\n\r\n<b>".to_owned();
        hostile.text = "x\r\n.\r\nMAIL FROM:<a@b>\r\n<script>alert(1)</script>".to_owned();
        let text = text(&mail, &hostile);
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.contains("\r\nBcc:"), "{headers}");
        assert!(
            headers.contains("Subject: failed  Bcc: everybody@example.com"),
            "{headers}"
        );
        assert!(body.contains("&lt;script&gt;"), "{body}");
        let page = body.split("text/html").nth(1).unwrap();
        assert!(!page.contains("<script>"), "{page}");
    }

    #[test]
    fn a_mail_is_from_whoever_logs_in() {
        let mut mail = mail(&["me@example.com"], Some("smtps://mail.example.com"));
        if let Relay::Smtp(server) = &mut mail.relay {
            let password = SecretSource::Written(Secret::new("hunter2"));
            server.login = Some(("night@example.com".to_owned(), password));
        }
        let told = text(&mail, &letter(Occasion::Report));
        assert!(told.contains("From: night@example.com\r\n"), "{told}");
        mail.from = Some("Night <n@example.org>".to_owned());
        let told = text(&mail, &letter(Occasion::Report));
        assert!(told.contains("From: Night <n@example.org>\r\n"), "{told}");
    }

    #[test]
    fn a_user_of_this_machine_needs_no_domain() {
        let told = text(&mail(&["root"], None), &letter(Occasion::Report));
        assert!(told.contains("To: root@host\r\n"), "{told}");
        let mail = mail(&["root"], Some("smtp://localhost"));
        assert!(compose(&mail, &letter(Occasion::Report), "host").is_err());
    }
}
