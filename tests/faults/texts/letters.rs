//! Hostile text in a mail, as a server of mail receives it.

use crate::mail_server::MailServer;
use crate::mail_server::Manner;
use crate::sandbox::Sandbox;
use crate::texts::is_fit_for_eyes;
use crate::texts::stands_in_no_element;

/// Has the report and every failure sent to the server.
pub(crate) fn subscribe(sandbox: &Sandbox) -> MailServer {
    let server = MailServer::open(&[Manner::Takes]);
    let content = format!(
        "[[notify]]\non = [\"report\", \"task_failed\"]\nemail = {{ to = \"me@example.com\", \
         smtp = \"smtp://127.0.0.1:{}\" }}\n",
        server.port
    );
    sandbox.configure(content);
    server
}

/// Looks at every letter that came; how many that were.
pub(crate) fn look(server: &MailServer) -> usize {
    let visits = server.visits();
    assert!(visits.iter().any(|visit| visit.contains("evil")));
    for visit in &visits {
        let (_, letter) = visit.split_once("\nDATA\n").unwrap();
        look_at(letter);
    }
    visits.len()
}

/// Looks at a letter as it was sent, its lines without their carriage returns.
pub(crate) fn look_at(letter: &str) {
    let (head, body) = letter.split_once("\n\n").unwrap();
    is_fit_for_eyes("the head of a letter", head.as_bytes());
    let mut names = Vec::new();
    for line in head.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let (name, _) = line.split_once(": ").unwrap();
        names.push(name);
    }
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Auto-Submitted",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Subject",
            "To",
            "X-Autoexec-Occasion",
        ]
    );
    let (_, boundary) = head.split_once("boundary=\"").unwrap();
    let boundary = format!("--{}", boundary.split('"').next().unwrap());
    let parts: Vec<&str> = body.split(&boundary).collect();
    let [_, text, page, end] = parts.as_slice() else {
        panic!("{} parts: {body}", parts.len())
    };
    assert!(end.starts_with("--"), "{end}");
    let text = decoded(text, "text/plain");
    is_fit_for_eyes("a letter's text", text.as_bytes());
    stands_in_no_element("a letter's page", &decoded(page, "text/html"));
}

/// A part as it was before it was made fit for the way.
fn decoded(part: &str, kind: &str) -> String {
    let (head, body) = part.trim_start().split_once("\n\n").unwrap();
    assert!(head.contains(kind), "{head}");
    let body = body.replace("\n..", "\n.");
    if head.contains("quoted-printable") {
        return quoted_printable(&body);
    }
    if head.contains("base64") {
        return base64(&body);
    }
    assert!(head.contains("7bit") || head.contains("8bit"), "{head}");
    body
}

fn quoted_printable(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        rest = if let Some(next_line) = behind.strip_prefix('\n') {
            next_line
        } else {
            bytes.push(u8::from_str_radix(&behind[..2], 16).unwrap());
            &behind[2..]
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap()
}

fn base64(text: &str) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text
        .bytes()
        .filter_map(|byte| DIGITS.find(char::from(byte)));
    let digits: Vec<usize> = digits.collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let group = (0..4).fold(0, |sum, place| sum << 6 | four.get(place).unwrap_or(&0));
        let three = u32::try_from(group).unwrap().to_be_bytes();
        bytes.extend_from_slice(&three[1..four.len()]);
    }
    String::from_utf8(bytes).unwrap()
}
