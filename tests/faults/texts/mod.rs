//! Hostile text, through every command that shows what somebody else wrote.
//!
//! Suite T10: `cargo test --test faults texts:: -- --nocapture`. Each text is an argument, a variable, a
//! tag, a name of a folder, a line of output and the message of a result file of a task; then
//! every command that tells of tasks is asked, in every form. What is for eyes holds no control
//! character and no mark of direction, and says the text in its visible form; what is structured is
//! read back and holds the text as it was; HTML and Markdown hold no element of it. The same over the
//! port of `serve` (pages, REST, figures for a collector) and in the mail as a server receives it. What a
//! browser makes of pages is in `tests/it/{html,live}.rs`.

#[cfg(feature = "notify")]
pub(crate) mod letters;
#[cfg(feature = "web")]
mod serve;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStringExt as _;

use autoexec::support::untrusted::Untrusted;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;

use crate::sandbox::Answer;
use crate::sandbox::Sandbox;
use crate::trials::Trials;

/// Elements are called `evil`, so that they are known wherever they come out.
const TEXTS: &[&str] = &[
    "../../../etc/passwd",
    "a/b\\c:d",
    "line\nerror: all is lost\n  hint: `rm -rf ~`",
    "cr\rgone",
    "tab\tend",
    "\u{1b}[2J\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}P1$r\u{1b}\\\u{1b}_x\u{1b}\\",
    "\u{9b}2J\u{9d}0;x\u{9c}\u{85}",
    "back\u{8}\u{8}space\u{7f}\u{0b}\u{0c}\u{0e}",
    "</pre></title><evil onload=evil()>'\"&amp;</evil>",
    "<!--<evil>]]><![CDATA[",
    "&#60;evil&#62;",
    "<svg/onload=evil()>\"><evil a='",
    "[evil](https://evil.invalid) ![evil](x) <https://evil.invalid>",
    "```\n# evil\n```\n| a | b |\n|---|---|\n* * *",
    "@everyone #1 https://evil.invalid www.evil.invalid",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\u{202e}live\u{2066}isolated\u{2069}\u{202c}",
    "zero\u{200b}width\u{200d}\u{feff}\u{2060}",
    "sep\u{2028}line\u{2029}para",
    "\u{e0041}tag\u{e007f}",
    "Z\u{351}\u{352}\u{353}a",
    "\"},{\"evil\":true,\"x\":\"",
    "\\u0000\\ud800\\",
    "'''\n[[task]]\nname = \"evil\"\n'''",
    "\"\"\"\n[defaults]\n",
    "{{ 7*7 }}{% evil %}{# x #}",
    "${HOME} $(evil) `evil`; evil",
    "%s%n%00%0a",
    "--evil",
    "-",
    "~",
    "*",
];

/// The name of a service.
const SERVICE: &str = "\"} 1 # EOF \\n \\ evil=\u{202e}<evil>:1";

/// What tells of the whole queue.
const LOOKS: &[&[&str]] = &[
    &["queue", "list", "--all"],
    &["queue", "show", "broken"],
    &["why", "broken"],
    &["report", "--peek"],
    &["plan"],
    &["alerts"],
    &["health"],
    &["patterns", "list"],
    &["breakers", "list"],
    &["rescue", "--dry-run"],
    &["db", "check"],
    &[],
];

/// Bytes that are no text.
const BROKEN: &[u8] = b"\xff\xfe\x80\xc3(\xed\xa0\x80\xf0\x9f";

fn name(number: usize) -> String {
    format!("t-{number}")
}

/// What is for eyes holds nothing that a terminal obeys and nothing that hides.
#[track_caller]
fn is_fit_for_eyes(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        assert_eq!(Untrusted::from(line).for_terminal(), line, "{what}");
    }
}

fn is_fit(what: &str, answer: &Answer) {
    assert!(
        matches!(answer.code, 0..=4),
        "{what}: {}{}",
        answer.code,
        answer.stderr
    );
    is_fit_for_eyes(what, &answer.raw_stdout);
    is_fit_for_eyes(what, answer.stderr.as_bytes());
}

/// A queue of tasks that print, are given and say hostile text, after a run.
fn night(sandbox: &Sandbox) {
    let script = "printf '%s\\n' \"$NOTE\"; printf 'error: permission denied: %s\\n' \"$NOTE\" >&2; \
                  if [ -n \"$SAID\" ]; then printf '%s' \"$SAID\" > \"$AUTOEXEC_RESULT_FILE\"; fi; exit 77";
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut file = format!("[defaults]\nretries = 0\nservice = [{}]\n", quoted(SERVICE));
    for (number, text) in TEXTS.iter().enumerate() {
        let command = ["/bin/sh", "-c", script, "sh", text]
            .map(&quoted)
            .join(", ");
        let said = serde_json::json!({ "message": text }).to_string();
        let said = quoted(if number % 2 == 0 { &said } else { "" });
        let (name, text) = (name(number), quoted(text));
        writeln!(
            file,
            "[[task]]\nname = \"{name}\"\ncommand = [{command}]\nenv = {{ NOTE = {text}, SAID = {said} }}"
        )
        .unwrap();
    }
    // A failure by which the service is known to those who collect figures.
    file.push_str(
        "[[task]]\nname = \"refused\"\ncommand = \"echo 'connect: Connection refused' >&2; exit 1\"\n",
    );
    // The name of the file is hostile, too.
    let path = sandbox.file("\u{1b}[2Jta<evil>sks\u{202e}.toml", file);
    let answer = sandbox.run([OsString::from("queue"), "add".into(), path.into()]);
    is_fit("queue add", &answer);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let broken = OsString::from_vec(BROKEN.to_vec());
    let words = [
        "queue",
        "add",
        "--name",
        "broken",
        "--retries",
        "0",
        "--",
        "/bin/sh",
        "-c",
    ];
    let words = words.map(OsString::from).into_iter();
    let script = "printf '%s\\n' \"$1\" >&2; exit 77";
    let added = sandbox.run(words.chain([script.into(), "sh".into(), broken]));
    assert_eq!(added.code, 0, "{}", added.stderr);
    is_fit("queue add of broken bytes", &added);
    let run = sandbox.run(["run", "-j", "4"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    is_fit("run", &run);
}

#[test]
fn hostile_text_is_shown_and_never_obeyed_by_any_command() {
    let trials = Trials::of("T10 texts", 1, 1);
    let sandbox = Sandbox::new();
    #[cfg(feature = "notify")]
    let server = letters::subscribe(&sandbox);
    night(&sandbox);
    let mut outputs = 0;
    let mut ask = |words: &[&str]| {
        let answer = sandbox.run(words);
        is_fit(&words.join(" "), &answer);
        outputs += 1;
        answer
    };
    let mut read = 0;
    for (number, text) in TEXTS.iter().enumerate() {
        let name = name(number);
        let why = ask(&["why", &name]);
        let shown = ask(&["queue", "show", &name, "--json"]).json();
        let task = &shown["task"];
        let command = task.to_string();
        let written = serde_json::to_string(text).unwrap();
        assert!(command.contains(&written), "{text:?} in {command}");
        read += 1;
        // Of the line that decided, the beginning is told in its visible form.
        let first = text.split(['\n', '\r']).next().unwrap_or_default();
        let plain = first
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == ' ');
        let told = String::from_utf8_lossy(&why.raw_stdout).into_owned();
        assert!(!plain || told.contains(first), "{first:?} in {told}");
    }
    for number in (0..TEXTS.len()).step_by(5) {
        ask(&["queue", "show", &name(number)]);
    }
    for words in LOOKS {
        ask(words);
    }
    for words in [
        &["queue", "list", "--all", "--json"][..],
        &["report", "--format", "json", "--peek"],
        &["alerts", "--json"],
        &["health", "--json"],
        &["queue", "show", "broken", "--json"],
    ] {
        let answer = sandbox.run(words);
        answer.json();
        read += 1;
    }
    outputs += what_is_typed_is_told_back(&sandbox);
    let html = sandbox.run(["report", "--format", "html", "--peek"]);
    let html = String::from_utf8_lossy(&html.raw_stdout);
    assert!(html.contains("evil"));
    stands_in_no_element("report in HTML", &html);
    let markdown = sandbox.run(["report", "--format", "markdown", "--peek"]);
    makes_no_markup(&String::from_utf8_lossy(&markdown.raw_stdout));
    #[cfg(feature = "web")]
    let answers = serve::visit(&sandbox);
    #[cfg(not(feature = "web"))]
    let answers = 0;
    #[cfg(feature = "notify")]
    let letters = letters::look(&server);
    #[cfg(not(feature = "notify"))]
    let letters = 0;
    trials.tell(&[
        ("texts", &(TEXTS.len() + 1)),
        ("outputs for eyes", &(outputs + 2)),
        ("read back", &read),
        ("answers over a port", &answers),
        ("letters", &letters),
        ("control characters, foreign elements", &0),
    ]);
}

/// What is typed is told back in words that command nothing; how many answers there were.
fn what_is_typed_is_told_back(sandbox: &Sandbox) -> usize {
    let mut outputs = 0;
    for text in TEXTS {
        for words in [
            &["why", text][..],
            &["queue", "retry", text],
            &["breakers", "reset", text],
        ] {
            let refused = sandbox.run(words.iter().copied().chain(["--json"]));
            assert!(matches!(refused.code, 0..=4), "{words:?}: {}", refused.code);
            is_fit_for_eyes(&words.join(" "), refused.stderr.as_bytes());
            outputs += 1;
        }
    }
    outputs
}

/// No tag of the page has a name or an attribute that came from outside.
fn stands_in_no_element(what: &str, page: &str) {
    is_fit_for_eyes(what, page.as_bytes());
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        // Between quotes of an attribute anything may stand that does not end it.
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains("evil"), "{what}: <{tag}>");
        assert!(!outside.contains("onload"), "{what}: <{tag}>");
    }
}

/// A reader of Markdown finds no HTML, no link and no picture.
fn makes_no_markup(page: &str) {
    is_fit_for_eyes("report in Markdown", page.as_bytes());
    for event in Parser::new_ext(page, Options::all()) {
        let is_foreign = matches!(
            event,
            Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Table(_))
        );
        assert!(!is_foreign, "{event:?}");
    }
}
