//! Hostile text over `autoexec serve`: its pages, its REST answers and its figures.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::server::Server;
use crate::texts::TEXTS;
use crate::texts::is_fit_for_eyes;
use crate::texts::stands_in_no_element;

const PAGES: &[&str] = &["/", "/live", "/report/1"];
const ANSWERS: &[&str] = &[
    "/api/queue?status=all",
    "/api/report",
    "/api/health/alerts",
    "/api/health/detailed",
    "/api/health/circuit-breakers",
];

/// Visits everything; how many answers there were.
pub(crate) fn visit(sandbox: &Sandbox) -> usize {
    let server = Server::of(sandbox);
    let ask = |path: &str| {
        let (status, head, body) = server.visit("GET", path, &[("Host", &server.address)]);
        assert_eq!(status, 200, "{path}: {body}");
        is_fit_for_eyes(path, head.replace('\r', "").as_bytes());
        (head, body)
    };
    for path in PAGES {
        let (head, body) = ask(path);
        assert!(head.contains("text/html"), "{path}: {head}");
        assert!(
            !path.starts_with("/report") || body.contains("evil"),
            "{path}"
        );
        stands_in_no_element(path, &body);
    }
    for path in ANSWERS {
        is_json(path, &ask(path).1);
    }
    for number in 1..=TEXTS.len() + 2 {
        let path = format!("/api/tasks/{number}");
        let task = is_json(&path, &ask(&path).1);
        let name = task["task"]["name"].as_str().unwrap();
        if let Some(place) = name.strip_prefix("t-") {
            let text = TEXTS[place.parse::<usize>().unwrap()];
            let written = serde_json::to_string(text).unwrap();
            let command = task["task"].to_string();
            assert!(command.contains(&written), "{text:?} in {command}");
        }
        let path = format!("/api/tasks/{number}/logs");
        let (head, body) = ask(&path);
        // What a browser shows as text and nothing else.
        assert!(
            head.contains("content-type: text/plain; charset=utf-8"),
            "{head}"
        );
        is_fit_for_eyes(&path, body.replace('\t', " ").as_bytes());
    }
    // What is asked for is told back in an answer that is one.
    for text in TEXTS {
        let mut asked = String::new();
        for byte in text.bytes() {
            write!(asked, "%{byte:02x}").unwrap();
        }
        for path in [
            format!("/api/tasks/{asked}"),
            format!("/api/queue?status={asked}"),
        ] {
            let (status, _, body) = server.visit("GET", &path, &[("Host", &server.address)]);
            assert!(matches!(status, 400 | 404), "{path}: {status} {body}");
            is_json(&path, &body);
        }
    }
    let (head, figures) = ask("/metrics");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    are_figures(&figures);
    PAGES.len() + ANSWERS.len() + 2 * (TEXTS.len() + 2) + 2 * TEXTS.len() + 1
}

/// JSON that a terminal may be shown as it is.
fn is_json(path: &str, body: &str) -> Value {
    is_fit_for_eyes(path, body.as_bytes());
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
}

/// The exposition of `OpenMetrics`, line by line.
fn are_figures(text: &str) {
    is_fit_for_eyes("/metrics", text.as_bytes());
    let body = text.strip_suffix("# EOF\n").unwrap();
    let (mut families, mut series) = (BTreeSet::new(), BTreeSet::new());
    let mut family = String::new();
    for line in body.lines() {
        if let Some(about) = line.strip_prefix("# ") {
            let (kind, rest) = about.split_once(' ').unwrap();
            let name = rest.split(' ').next().unwrap();
            assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
            if kind == "HELP" {
                // All of a family stands in one place.
                assert!(families.insert(name.to_owned()), "{line}");
                name.clone_into(&mut family);
            }
            assert_eq!(name, family, "{line}");
            continue;
        }
        let (name, labels, value) = sample(line);
        assert!(name.starts_with(&family), "{line} in {family}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(series.insert((name, labels)), "twice: {line}");
    }
    assert!(series.len() > 10, "{text}");
    // Somebody declared a service whose name is hostile.
    let is_told =
        |(_, labels): &(String, Vec<String>)| labels.iter().any(|one| one.contains("evil"));
    assert!(series.iter().any(is_told), "{text}");
}

/// Name, labels and value of a line.
fn sample(line: &str) -> (String, Vec<String>, &str) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = line.find(|c| !is_word(c)).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"").unwrap();
            assert!(label.trim_start_matches(',').chars().all(is_word), "{line}");
            let mut value = String::new();
            let mut characters = behind.char_indices();
            loop {
                match characters
                    .next()
                    .unwrap_or_else(|| panic!("no end: {line}"))
                    .1
                {
                    '"' => break,
                    '\\' => {
                        let escaped = characters.next().unwrap().1;
                        assert!(['\\', '"', 'n'].contains(&escaped), "{line}");
                        value.push(escaped);
                    }
                    plain => value.push(plain),
                }
            }
            rest = characters.as_str();
            labels.push(format!("{label}={value}"));
        }
        rest = &rest[1..];
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').unwrap())
}
