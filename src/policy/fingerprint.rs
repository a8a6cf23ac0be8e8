//! What makes two failures one cause: the deciding line without what differs from task to task.
//!
//! Removed are paths, file names, numbers, times, ids and hex digits, and values in quotes. Kept are
//! the words, and what a cause is about: the host in a failure that a peer has a part in, the missing
//! thing in a failure of a dependency. A fingerprint is a short hash of category, pattern and what is
//! left, so that it is stable over nights and says nothing about the line.
//!
//! Not here: counting (`report::causes`).

use sha2::Digest;
use sha2::Sha256;

use crate::model::category::Category;
use crate::model::category::Category as C;
use crate::policy::line_words::Word;
use crate::policy::line_words::next_word;
use crate::support::bytes::to_hex;

/// Bytes of the deciding line that count.
const COMPARED: usize = 400;
/// From so many characters on, a word of letters and digits is an id, not a name.
const LONG_ID: usize = 16;
/// From so many characters on, a word of hex digits with a number in it is an id.
const HEX_ID: usize = 6;
/// Endings of file names; a word such as `db.internal` is a host.
const FILES: &[&str] = &[
    "bak", "bin", "bz2", "c", "cc", "conf", "cpp", "cs", "css", "csv", "db", "gif", "go", "gz",
    "h", "hpp", "html", "ini", "ipynb", "java", "jpg", "js", "json", "kt", "lock", "log", "lua",
    "md", "mkv", "mov", "mp3", "mp4", "old", "out", "parquet", "pdf", "php", "pid", "pl", "png",
    "py", "rb", "rs", "sh", "sock", "sql", "sqlite", "sqlite3", "svg", "swift", "tar", "tgz",
    "tmp", "toml", "ts", "tsv", "tsx", "txt", "wav", "xls", "xlsx", "xml", "xz", "yaml", "yml",
    "zip", "zst",
];
/// Names of days and months: beside a number they are a part of a time.
const CALENDAR: &[&str] = &[
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec", "am", "pm", "utc", "gmt",
];
/// Words behind which a host stands.
const BEFORE_HOSTS: &[&str] = &[
    "host",
    "hostname",
    "host=",
    "to",
    "resolve",
    "server",
    "lookup",
    "at",
    "from",
    "getaddrinfo",
    "enotfound",
    "name",
    "resolving",
    "connecting",
];
/// Units behind a number; how much it was differs too.
const UNITS: &[&str] = &[
    "b",
    "kb",
    "mb",
    "gb",
    "tb",
    "kib",
    "mib",
    "gib",
    "tib",
    "bytes",
    "ms",
    "millisecond",
    "milliseconds",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "min",
    "mins",
    "minute",
    "minutes",
    "h",
    "hour",
    "hours",
    "day",
    "days",
];

/// A short hash that failures of one cause have in common.
pub fn fingerprint(category: Category, pattern: &str, line: Option<&[u8]>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(category.as_str());
    hasher.update([0]);
    hasher.update(pattern);
    hasher.update([0]);
    hasher.update(skeleton(category, line.unwrap_or_default()));
    let digest = hasher.finalize();
    to_hex(digest.first_chunk::<8>().map_or(&[][..], |head| &head[..]))
}

/// Whether failures of this pattern with one fingerprint share a cause. Otherwise they only ended
/// alike: nothing tells why, or each reached a limit of its own.
pub fn names_a_cause(category: Category, pattern: &str) -> bool {
    !matches!(
        (category, pattern),
        (
            C::Unknown,
            "silent" | "generic" | "try_later" | "start_again"
        ) | (C::Timeout, "own_timeout" | "own_idle_timeout")
    )
}

/// The line without what differs from task to task, as words with single spaces.
pub fn skeleton(category: Category, line: &[u8]) -> String {
    let line = line.get(..line.len().min(COMPARED)).unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    let kept = Kept::of(category);
    let mut words = Words::default();
    let mut hosts: Vec<String> = Vec::new();
    let mut rest = text.as_ref();
    while !rest.is_empty() {
        let (word, behind) = next_word(rest);
        rest = behind;
        if let Some(host) = host_in(&word, words.last())
            && !hosts.contains(&host)
        {
            hosts.push(host);
        }
        match word {
            Word::Quoted(value) => words.push(&quoted(value, kept)),
            Word::Plain(word) => words.push(&plain(word, kept)),
        }
    }
    match hosts.as_slice() {
        // Two programs say in different words that one peer is away.
        [host] if is_of_a_peer(category) => format!("host {host}"),
        _ => words.finish(),
    }
}

/// Whether the peer alone is the cause, whatever was asked of it.
const fn is_of_a_peer(category: Category) -> bool {
    matches!(
        category,
        C::Network | C::Timeout | C::RateLimit | C::ServerError
    )
}

/// The host that a word names beyond doubt: in an address, in quotes, or behind a word for it.
fn host_in(word: &Word<'_>, before: Option<&str>) -> Option<String> {
    const AROUND: &str = "()[]{}<>,;:.!?=";
    let (text, is_named) = match word {
        Word::Quoted(value) => (*value, true),
        Word::Plain(word) => (
            word.trim_matches(|one| AROUND.contains(one)),
            before.is_some_and(|before| BEFORE_HOSTS.contains(&before)),
        ),
    };
    let address = text.split_once("://");
    let is_named = is_named || address.is_some();
    let host = address.map_or(text, |(_, rest)| host_of(rest));
    let is_lower = !host.contains(|one: char| one.is_ascii_uppercase());
    (is_named && is_lower && is_host(host)).then(|| without_numbers(without_port(host)))
}

/// The host of an address, behind its scheme.
fn host_of(address: &str) -> &str {
    let authority = address.split(['/', '?', '#', '\'', '"']).next();
    let authority = authority.unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// What of a line is a part of the cause besides its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Nothing.
    Words,
    /// The host that a peer has.
    Hosts,
    /// The name of what is missing.
    Names,
}

impl Kept {
    const fn of(category: Category) -> Self {
        match category {
            C::Network
            | C::Timeout
            | C::RateLimit
            | C::ServerError
            | C::Auth
            | C::NotFound
            | C::Browser => Self::Hosts,
            C::Dependency => Self::Names,
            C::Validation | C::Resource | C::Logic | C::Corruption | C::Killed | C::Unknown => {
                Self::Words
            }
        }
    }
}

/// What is left of a value in quotes.
fn quoted(value: &str, kept: Kept) -> String {
    let is_one_word = !value.is_empty() && !value.contains(char::is_whitespace);
    match kept {
        Kept::Hosts if is_host(value) || value.contains("://") => plain(value, kept),
        Kept::Names if is_one_word && !is_absolute(value) => without_numbers(value),
        Kept::Hosts | Kept::Names | Kept::Words => "\"\"".to_owned(),
    }
}

/// What is left of a word.
fn plain(word: &str, kept: Kept) -> String {
    const AROUND: &str = "()[]{}<>,;:.!?=";
    let core = word.trim_matches(|character| AROUND.contains(character));
    if core.is_empty() {
        return String::new();
    }
    if let Some((scheme, rest)) = core.split_once("://") {
        let host = without_port(host_of(rest));
        return format!("{}://{}", without_numbers(scheme), without_numbers(host));
    }
    // `key=value`: the key is a word, the value is a word of its own.
    if let Some((key, value)) = core.split_once('=')
        && !key.is_empty()
    {
        return format!("{}= {}", plain(key, kept), plain(value, kept));
    }
    // A header in a folder is the name of what is missing.
    if is_absolute(core) || (core.contains(['/', '\\']) && kept != Kept::Names) {
        return "/".to_owned();
    }
    let (name, place) = without_place(core);
    if kept != Kept::Names && is_file(name) {
        return "/".to_owned();
    }
    if is_id(core) {
        return "#".to_owned();
    }
    let shown = without_numbers(if place { name } else { core });
    if shown.chars().any(char::is_alphabetic) {
        shown
    } else {
        // `#:#`, `#.#.#.#`, `#%`: a number, an address, a time.
        "#".to_owned()
    }
}

fn is_absolute(word: &str) -> bool {
    let mut characters = word.chars();
    let drive = characters.next().is_some_and(char::is_alphabetic)
        && characters.next() == Some(':')
        && matches!(characters.next(), Some('\\' | '/'));
    drive || word.starts_with(['/', '~']) || word.starts_with("./") || word.starts_with("../")
}

/// A name with a dot, in letters, digits and hyphens, that does not end like a file.
fn is_host(word: &str) -> bool {
    let host = without_port(word);
    let label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '-')
    };
    let ending = host.rsplit('.').next().unwrap_or_default();
    host.contains('.')
        && host.split('.').all(label)
        && ending
            .chars()
            .all(|character| character.is_ascii_alphabetic())
        && !is_file(host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|one| one.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The word before `:12` or `:12:3`, and whether there was such a place in a file.
fn without_place(word: &str) -> (&str, bool) {
    let name = word.trim_end_matches(|one: char| one.is_ascii_digit() || one == ':');
    let has = name.len() < word.len()
        && word
            .get(name.len()..)
            .is_some_and(|end| end.starts_with(':'));
    if has { (name, true) } else { (word, false) }
}

fn is_file(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(name, ending)| {
        let ending = ending.to_ascii_lowercase();
        !name.is_empty() && !ending.is_empty() && FILES.contains(&ending.as_str())
    })
}

/// Whether a word is an id: hex digits, a UUID, or long with numbers in it.
fn is_id(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if digits == 0 {
        return false;
    }
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = |one: char| one.is_ascii_hexdigit() || one == '-' || one == ':';
    if word.starts_with("0x") || (hex.chars().count() >= HEX_ID && hex.chars().all(is_hex)) {
        return true;
    }
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    let plain = |one: char| one.is_ascii_alphanumeric() || "-_+/=".contains(one);
    // A name with a few numbers at its end, such as `worker-17`, keeps its letters.
    let groups = word
        .split(|one: char| !one.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .count();
    word.chars().count() >= LONG_ID && word.chars().all(plain) && letters > 0 && groups >= 2
}

/// The word in lower case with `#` for each number; a unit behind a number goes with it.
fn without_numbers(word: &str) -> String {
    let starts_with_number = word
        .trim_start_matches(['+', '-'])
        .starts_with(|one: char| one.is_ascii_digit());
    let letters = word.chars().filter(|one| one.is_alphabetic()).count();
    // `30s`, `1.5MiB`, `2026-11-21T21:12:42Z`.
    if starts_with_number && letters <= 3 {
        return "#".to_owned();
    }
    let mut shown = String::with_capacity(word.len());
    let mut in_number = false;
    for character in word.chars() {
        let digit = character.is_ascii_digit();
        if digit && !in_number {
            shown.push('#');
        } else if !digit {
            shown.extend(character.to_lowercase());
        }
        in_number = digit;
    }
    shown
}

/// The words that are left, put together.
#[derive(Debug, Default)]
struct Words(Vec<String>);

impl Words {
    fn push(&mut self, words: &str) {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let last = self.last();
            if last == Some("#") && UNITS.contains(&word) {
                continue;
            }
            // A row of numbers, or of values, is one: how many there are differs too.
            if matches!(word, "#" | "/" | "\"\"") && last == Some(word) {
                continue;
            }
            self.0.push(word.to_owned());
        }
    }

    fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    fn finish(self) -> String {
        let is_calendar = |word: &str| CALENDAR.contains(&word);
        let mut shown: Vec<&str> = Vec::with_capacity(self.0.len());
        for (at, word) in self.0.iter().enumerate() {
            let near = |other: Option<usize>| {
                other
                    .and_then(|other| self.0.get(other))
                    .is_some_and(|other| other == "#" || is_calendar(other))
            };
            let in_time = is_calendar(word) && (near(at.checked_sub(1)) || near(Some(at + 1)));
            let word = if in_time { "#" } else { word };
            if word != "#" || shown.last() != Some(&"#") {
                shown.push(word);
            }
        }
        shown.join(" ")
    }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
