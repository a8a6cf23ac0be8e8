//! Which host and port a failure is about, and how long a peer wants us to wait.

use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::policy::classify::book::compile;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::spans;
use crate::policy::classify::spans::Wait;
use crate::policy::classify::text;

/// How many lines from the end are searched for a wait; headers stand above the error.
const SEARCHED: usize = 200;

/// The ways in which messages name a host and its port, the most exact first; each with what a line of
/// it holds in any case.
#[rustfmt::skip]
const PLACES: &[(&[&str], &str)] = &[
    (&["connect"], r"(?:connect|connection|connecting) to (?P<host>[a-z0-9][\w.-]*):(?P<port>\d{2,5})\b"),
    (&["host='"], r"host='(?P<host>[^']+)', port=(?P<port>\d+)"),
    (&["server at"], r#"server at "(?P<host>[^"]+)"(?: \([^)]*\))?, port (?P<port>\d+)"#),
    (&["port"], r"(?:connect to|connecting to|connection to|to host|reach|connect)(?: host| server)? (?P<host>[a-z0-9][\w.-]*)(?: \([^)]*\))? \(?port:? ?(?P<port>\d+)"),
    (&["resolv", "lookup", "no such host", "enotfound", "eai_again", "translate host", "unknown", "hostname:"], r"(?:could not resolve host(?:name)?:|enotfound|eai_again|no such host|lookup|resolve host address|failed to resolve|translate host name|unknown host|unknownhostexception:|resolve hostname|hostname:|unknown (?:mysql )?server host) \(?['\x22]?(?:could not resolve host: )?(?P<host>[a-z0-9][\w.-]*\.[\w.-]*\w)"),
    (&["://"], r"https?://(?:[^/@\s]*@)?(?P<host>[a-z0-9][\w.-]*)(?::(?P<port>\d+))?"),
    (&["connect", "econn", "etimedout", "ehostunreach", "dial ", "tcp:", "inet", "to host"], r"(?:connect to host|to host|connect to|connecting to|connect to address|econnrefused|econnreset|etimedout|ehostunreach|dial (?:tcp|udp)|tcp:|inet6?[: ]) ?\[?(?P<host>[a-z0-9][\w.-]*)\]?(?:[: ](?:port )?(?P<port>\d+))?"),
    (&[")|"], r"\((?P<host>[a-z0-9][\w.-]*)\)\|[\d.:a-f]+\|:(?P<port>\d+)"),
    (&["port "], r#"for "(?P<host>[^"]+)" port (?P<port>\d+)"#),
    (&["('"], r"\('(?P<host>[\w.:-]+)', (?P<port>\d+)\)"),
    (&[":"], r"\b(?P<host>(?:[a-z0-9][\w-]*\.)+[\w-]+):(?P<port>\d{2,5})\b"),
    (&["address", "listen", "bind", "port", "eaddrinuse"], r"(?:address already in use|eaddrinuse|\blisten|\bbind|\bport)\D{0,60}?(?P<port>\d{2,5})\b"),
];

const URL: &str =
    r"\b[a-z][a-z0-9+.-]{1,10}://(?:[^/@\s]*@)?(?P<host>[a-z0-9][\w.-]*)(?::(?P<port>\d+))?";

/// The expression of a way, if a line holds what it cannot do without; compiled when first needed.
fn place(number: usize, line: &[u8]) -> Option<&'static Regex> {
    static CELLS: OnceLock<Vec<OnceLock<Option<Regex>>>> = OnceLock::new();
    let (marks, expression) = PLACES.get(number)?;
    let lower = line.to_ascii_lowercase();
    if !marks.iter().any(|mark| text::holds(&lower, mark)) {
        return None;
    }
    CELLS
        .get_or_init(|| PLACES.iter().map(|_| OnceLock::new()).collect())
        .get(number)?
        .get_or_init(|| compile(expression))
        .as_ref()
}

fn url() -> Option<&'static Regex> {
    static CELL: OnceLock<Option<Regex>> = OnceLock::new();
    CELL.get_or_init(|| compile(URL)).as_ref()
}

/// Adds host and port as the deciding line or else the command names them.
pub(super) fn name_peer(draft: &mut Draft, evidence: &Evidence<'_>) {
    let line = evidence.lines.line(draft.line_number);
    for number in 0..PLACES.len() {
        if let Some(expression) = place(number, line) {
            take(draft, expression, line);
        }
        if draft.value("host").is_some() && draft.value("port").is_some() {
            break;
        }
    }
    if draft.value("host").is_none() {
        name_peer_nearby(draft, evidence);
    }
    let command = &evidence.command;
    for word in command.words().filter(|word| word.contains("://")) {
        if let Some(expression) = url() {
            take(draft, expression, word.as_bytes());
        }
    }
    if let Some((host, port)) = command
        .option(&["-connect", "--connect"])
        .and_then(|peer| peer.rsplit_once(':'))
    {
        draft.extract("host", host);
        draft.extract("port", port);
    }
    if let Some(host) = command.option(&["-h", "--host", "--hostname", "--server", "-H"])
        && !host.starts_with('-')
    {
        draft.extract("host", host);
    }
    if let Some(port) = command.option(&["-p", "-P", "--port"])
        && port.parse::<u16>().is_ok()
    {
        draft.extract("port", port);
    }
}

/// How many lines around the deciding one may name the peer of the same failure.
const AROUND: usize = 12;

/// A chain of causes names the peer at one of its ends only.
fn name_peer_nearby(draft: &mut Draft, evidence: &Evidence<'_>) {
    let first = draft.line_number.saturating_sub(AROUND);
    let mut near: Vec<usize> = (first..evidence.lines.len().min(first + 2 * AROUND)).collect();
    near.sort_by_key(|number| number.abs_diff(draft.line_number));
    for number in near {
        let line = evidence.lines.line(number);
        let of_a_way = ["onnect", "refused", "resolve", "imed out", "imeout"]
            .iter()
            .any(|word| text::holds(line, word));
        if !of_a_way {
            continue;
        }
        for expression in (0..EXACT).filter_map(|number| place(number, line)) {
            take(draft, expression, line);
        }
        if draft.value("host").is_some() {
            return;
        }
    }
}

/// How many of the ways to name a peer are exact enough for a line that did not decide.
const EXACT: usize = 3;

/// Takes host and port where they are still missing; a port only together with its own host.
fn take(draft: &mut Draft, expression: &Regex, text: &[u8]) {
    let Some(captures) = expression.captures(text) else {
        return;
    };
    let value = |name: &str| {
        captures
            .name(name)
            .map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
    };
    let port = value("port");
    let is_name = |host: &String| {
        let ending = host.rsplit('.').next().unwrap_or_default();
        let source = [
            "c", "cc", "cpp", "h", "go", "py", "js", "mjs", "ts", "java", "rs", "rb", "php", "pl",
            "sh", "lua",
        ];
        (host.contains('.') || host == "localhost" || port.is_some()) && !source.contains(&ending)
    };
    if let Some(host) = value("host") {
        if !is_name(&host) {
            return;
        }
        draft.extract("host", host.trim_end_matches(['.', ',', ';']));
    }
    if let Some(port) = &port {
        draft.extract("port", port);
    }
}

/// Adds how long a peer wants us to wait.
pub(super) fn name_wait(draft: &mut Draft, evidence: &Evidence<'_>) {
    if !evidence.mentions(&[
        "retry",
        "try again",
        "wait",
        "sleep",
        "reset",
        "back off",
        "backing off",
        "available",
    ]) {
        return;
    }
    let last = evidence.lines.len();
    let found = (last.saturating_sub(SEARCHED)..last)
        .rev()
        .find_map(|number| spans::wait(evidence.lines.line(number)));
    match found {
        Some(Wait::Seconds(seconds)) => draft.extract("retry_after_s", &seconds),
        Some(Wait::At(date)) => draft.extract("retry_after_at", &date),
        None => {}
    }
}
