//! What is sent to which kind of receiver.
//!
//! Pure: from a letter to a request. What came from outside is escaped for the receiver here: nothing
//! in a message may mention everybody, become a link or end a block.

use serde_json::{Value, json};

use crate::model::notice::Occasion;
use crate::notify::letter::{Letter, Urgency, cut};
use crate::support::visible_json;

/// The kinds of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Any program: `autoexec.notification/1`.
    Json,
    /// A channel of Slack, or of what takes the same.
    Slack,
    /// A channel of Discord.
    Discord,
    /// A topic of ntfy.
    Ntfy,
    /// A check of healthchecks: start, success and failure.
    Healthchecks,
}

impl Format {
    /// All of them by their words.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("json", Self::Json),
        ("slack", Self::Slack),
        ("discord", Self::Discord),
        ("ntfy", Self::Ntfy),
        ("healthchecks", Self::Healthchecks),
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Ntfy => "ntfy",
            Self::Healthchecks => "healthchecks",
        }
    }
}

/// A request, but for the address that the target keeps to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// What is put behind the path of the address.
    pub(crate) path: &'static str,
    /// What is added to its query.
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Characters that Slack takes in one message without cutting it.
const MOST_SLACK: usize = 3_000;
/// Discord refuses longer ones (it counts characters, so bytes are on the safe side).
const MOST_DISCORD: usize = 1_900;
/// ntfy makes a file of longer ones.
const MOST_NTFY: usize = 4_000;
/// What healthchecks keeps of a body by default.
const MOST_HEALTHCHECKS: usize = 10_000;

/// The request for a letter.
pub(crate) fn request(format: Format, letter: &Letter) -> Request {
    match format {
        Format::Json => with_json(letter, &whole(letter)),
        Format::Slack => with_json(letter, &slack(letter)),
        Format::Discord => with_json(letter, &discord(letter)),
        Format::Ntfy => ntfy(letter),
        Format::Healthchecks => healthchecks(letter),
    }
}

fn with_json(letter: &Letter, body: &Value) -> Request {
    Request {
        path: "",
        query: None,
        headers: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Idempotency-Key", letter.id.clone()),
        ],
        body: visible_json::to_string(body).unwrap_or_default(),
    }
}

fn whole(letter: &Letter) -> Value {
    json!({
        "schema": "autoexec.notification/1",
        "id": letter.id,
        "occasion": letter.occasion,
        "at": letter.at.to_rfc3339(),
        "ok": letter.urgency == Urgency::Routine,
        "subject": letter.title(),
        "text": letter.text,
        "run": letter.run,
        "run_uuid": letter.run_uuid,
        "details": letter.details,
    })
}

fn slack(letter: &Letter) -> Value {
    let escape = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        text.replace('>', "&gt;")
    };
    // Neither ends the bold words nor begins a block of its own.
    let title = escape(&letter.title()).replace('*', "∗");
    let title = title.replace('`', "'");
    let block = escape(&cut(&unfenced(&letter.text), MOST_SLACK));
    json!({ "text": format!("*{title}*\n```\n{block}\n```"), "unfurl_links": false })
}

fn discord(letter: &Letter) -> Value {
    let title: String = letter
        .title()
        .chars()
        .flat_map(|character| {
            let is_markup = "\\`*_~|<>@#[]()".contains(character);
            is_markup.then_some('\\').into_iter().chain([character])
        })
        .collect();
    let room = MOST_DISCORD.saturating_sub(title.len());
    let block = cut(&unfenced(&letter.text), room);
    json!({
        "content": format!("**{title}**\n```\n{block}\n```"),
        "allowed_mentions": { "parse": [] },
    })
}

/// A text that does not end the block of code that it stands in.
fn unfenced(text: &str) -> String {
    text.replace("```", "'''").trim_end().to_owned()
}

fn ntfy(letter: &Letter) -> Request {
    let (priority, tag) = match (letter.urgency, letter.occasion) {
        (Urgency::Critical, _) => ("5", "rotating_light"),
        (Urgency::NeedsPerson, _) => ("4", "warning"),
        (Urgency::Routine, Occasion::RunStarted) => ("2", "arrow_forward"),
        (Urgency::Routine, _) => ("3", "white_check_mark"),
    };
    Request {
        path: "",
        query: None,
        headers: vec![
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Title", header_text(&letter.title())),
            ("Priority", priority.to_owned()),
            ("Tags", tag.to_owned()),
            ("Idempotency-Key", letter.id.clone()),
        ],
        body: cut(&letter.text, MOST_NTFY),
    }
}

/// A text for a header, which holds only ASCII: others are encoded as in a mail.
fn header_text(text: &str) -> String {
    if text
        .chars()
        .all(|character| character.is_ascii_graphic() || character == ' ')
    {
        return text.to_owned();
    }
    format!("=?utf-8?B?{}?=", base64(text.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = usize::try_from(group >> (18 - 6 * place) & 0x3f).unwrap_or_default();
            encoded.push(if place > chunk.len() {
                '='
            } else {
                DIGITS.get(digit).copied().map_or('=', char::from)
            });
        }
    }
    encoded
}

fn healthchecks(letter: &Letter) -> Request {
    let path = match (letter.occasion, letter.urgency) {
        (Occasion::RunStarted, _) => "/start",
        (Occasion::RunFinished | Occasion::Report, Urgency::Routine) => "",
        (Occasion::RunFinished | Occasion::Report, _) | (_, Urgency::Critical) => "/fail",
        // Neither an end nor a beginning: it is written into the log of the check.
        (Occasion::TaskFailed | Occasion::Critical, _) => "/log",
    };
    Request {
        path,
        query: letter.run_uuid.as_ref().map(|run| format!("rid={run}")),
        headers: vec![
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Idempotency-Key", letter.id.clone()),
        ],
        body: cut(
            &format!("{}\n\n{}", letter.title(), letter.text),
            MOST_HEALTHCHECKS,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::letter::tests::letter;

    fn body(format: Format, letter: &Letter) -> Value {
        serde_json::from_str(&request(format, letter).body).unwrap()
    }

    fn hostile() -> Letter {
        let mut letter = letter(Occasion::TaskFailed);
        letter.urgency = Urgency::NeedsPerson;
        letter.subject = "@everyone <!channel> *bold* [a](http://evil) ```".to_owned();
        letter.text = format!("```\n<!channel> @here & \"quoted\"\n{}", "é".repeat(9_000));
        letter
    }

    #[test]
    fn a_program_gets_all_of_it() {
        let body = body(Format::Json, &letter(Occasion::Report));
        assert_eq!(body["schema"], "autoexec.notification/1");
        assert_eq!(body["occasion"], "report");
        assert_eq!(body["ok"], true);
        assert_eq!(body["details"]["run"], 7);
        assert_eq!(body["id"], "0b51e7a0-6a4c-4b5e-9b0b-6e5f0e3d5a11");
    }

    #[test]
    fn a_text_for_slack_mentions_nobody_and_stays_in_its_block() {
        let text = body(Format::Slack, &hostile())["text"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(!text.contains("<!channel>"), "{text}");
        assert_eq!(text.matches("```").count(), 2);
        assert!(text.len() < 4_000);
    }

    #[test]
    fn a_text_for_discord_mentions_nobody_and_fits() {
        let body = body(Format::Discord, &hostile());
        let text = body["content"].as_str().unwrap();
        assert_eq!(body["allowed_mentions"]["parse"], json!([]));
        assert_eq!(text.matches("```").count(), 2);
        assert!(text.chars().count() <= 2_000);
        assert!(text.starts_with("**\\@everyone \\<!channel\\>"), "{text}");
    }

    #[test]
    fn headers_for_ntfy_hold_only_what_headers_may_hold() {
        let mut letter = hostile();
        letter.subject = "caf\u{e9}\r\nX-Evil: 1".to_owned();
        let request = request(Format::Ntfy, &letter);
        for (_, value) in &request.headers {
            assert!(
                value.chars().all(|c| c.is_ascii_graphic() || c == ' '),
                "{value}"
            );
        }
        let title = &request.headers[1].1;
        assert_eq!(title, "=?utf-8?B?Y2Fmw6kgIFgtRXZpbDogMQ==?=");
        assert!(request.body.len() <= MOST_NTFY);
        assert_eq!(request.headers[2].1, "4");
    }

    #[test]
    fn base64_is_as_everybody_writes_it() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn healthchecks_hears_of_a_run_by_one_id() {
        let table = [
            (Occasion::RunStarted, Urgency::Routine, "/start"),
            (Occasion::RunFinished, Urgency::Routine, ""),
            (Occasion::RunFinished, Urgency::NeedsPerson, "/fail"),
            (Occasion::Report, Urgency::NeedsPerson, "/fail"),
            (Occasion::Report, Urgency::Routine, ""),
            (Occasion::TaskFailed, Urgency::NeedsPerson, "/log"),
            (Occasion::Critical, Urgency::Critical, "/fail"),
        ];
        for (occasion, urgency, path) in table {
            let letter = Letter {
                urgency,
                ..letter(occasion)
            };
            let request = request(Format::Healthchecks, &letter);
            assert_eq!(request.path, path, "{occasion}");
            let rid = request.query.unwrap();
            assert_eq!(rid, "rid=3f0c1d5e-1111-8222-9333-444455556666");
        }
    }
}
