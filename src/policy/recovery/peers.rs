//! The hosts and ports that a task's definition names: all that is ever probed for it.
//!
//! Where no port stands beside a host, one that the definition names elsewhere, or the usual one of the
//! scheme, the variable or the program, completes it. Output selects one of these and supplies nothing.

use std::collections::BTreeMap;

use crate::model::checks::Requirement;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::ports;
use crate::support::bytes::OsText;

/// Bytes of one text that are searched for addresses.
const SEARCHED: usize = 64 * 1024;
/// The most peers of one task that are kept.
const MOST: usize = 200;
/// Options behind which a host stands.
const HOST_OPTIONS: &[&str] = &["-h", "--host", "--hostname", "--server", "-H", "--endpoint"];
/// Options behind which a port stands.
const PORT_OPTIONS: &[&str] = &["-p", "-P", "--port"];
/// Endings of names that are files rather than hosts.
const FILES: &[&str] = &[
    "sh", "py", "js", "mjs", "cjs", "ts", "rb", "pl", "rs", "go", "c", "h", "cc", "cpp", "java",
    "jar", "php", "lua", "r", "sql", "csv", "tsv", "json", "yaml", "yml", "toml", "ini", "cfg",
    "conf", "env", "txt", "md", "html", "xml", "log", "lock", "tmp", "bak", "out", "dump", "db",
    "sqlite", "zip", "gz", "tgz", "xz", "bz2", "zst", "tar", "pdf", "png", "jpg", "pem", "key",
    "crt", "service", "timer", "sock", "pid", "exe", "bin", "so", "whl", "parquet", "ipynb",
];

/// A host that is named, and its port where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// It is what a `service` names.
    pub(super) of_service: bool,
}

/// The peers that a definition names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Peers {
    named: Vec<Peer>,
    /// Ports that stand alone.
    ports: Vec<u16>,
    /// The usual ports of the programs that run.
    usual: Vec<u16>,
}

impl Peers {
    /// All that a task names; `env` holds what its attempts get besides the definition.
    pub(super) fn of(spec: &TaskSpec, env: &BTreeMap<String, OsText>, tool: &str) -> Self {
        let mut found = Self::default();
        for service in &spec.service {
            found.service(service);
        }
        for requirement in &spec.requires {
            if let Requirement::Tcp { host, port } = requirement {
                found.add(host, Some(*port), false);
            }
        }
        for address in spec.endpoints.values().flatten() {
            found.text(address);
        }
        let mut variables = spec.env.clone();
        for step in &spec.steps {
            variables.extend(step.env.clone());
        }
        variables.extend(env.clone());
        found.variables(&variables);
        let commands = spec.steps.iter().map(|step| &step.command);
        for command in commands.chain(&spec.fallback_command) {
            found.command(command);
        }
        found.usual.extend(ports::of_tool(tool));
        found
    }

    fn service(&mut self, name: &str) {
        match address(name) {
            Some((host, port)) => self.add(&host, port, true),
            None if is_host(name) => self.add(name, None, true),
            None => {}
        }
    }

    fn command(&mut self, command: &Command) {
        for word in command.argv() {
            self.text(&word);
        }
        let words: Vec<String> = match command {
            Command::Direct(argv) => argv
                .iter()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect(),
            Command::Shell { script, .. } => words_of(script).map(str::to_owned).collect(),
        };
        for word in &words {
            let name = word.rsplit('/').next().unwrap_or_default();
            self.usual.extend(ports::of_tool(name));
        }
        for pair in words.windows(2) {
            let [option, value] = pair else { continue };
            self.option(option, value);
        }
        for (option, value) in words.iter().filter_map(|word| word.split_once('=')) {
            self.option(option, value);
        }
    }

    fn option(&mut self, option: &str, value: &str) {
        if HOST_OPTIONS.contains(&option) && is_host(value) {
            self.add(value, None, false);
        }
        if PORT_OPTIONS.contains(&option) {
            self.ports.extend(port(value));
        }
    }

    /// Pairs such as `DB_HOST` and `DB_PORT`, and addresses in values.
    fn variables(&mut self, variables: &BTreeMap<String, OsText>) {
        for (name, value) in variables {
            self.text(value);
            let Some(value) = value.as_str() else {
                continue;
            };
            if let Some(start) = ["HOSTNAME", "HOST", "SERVER", "ADDR"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                && is_host(value)
            {
                let beside = variables
                    .get(&format!("{start}PORT"))
                    .and_then(|text| port(text.as_str()?));
                self.add(value, beside.or_else(|| ports::of_variable(name)), false);
            }
            if name.ends_with("PORT") {
                self.ports.extend(port(value));
            }
        }
    }

    /// Addresses and names of hosts anywhere in a text.
    fn text(&mut self, text: &OsText) {
        for word in words_of(text) {
            if let Some((host, port)) = address(word) {
                self.add(&host, port, false);
            }
        }
    }

    fn add(&mut self, host: &str, port: Option<u16>, of_service: bool) {
        let host = host.trim_end_matches('.').to_owned();
        let peer = Peer {
            host,
            port,
            of_service,
        };
        let is_it = |known: &&mut Peer| known.host == peer.host && known.port == peer.port;
        if let Some(known) = self.named.iter_mut().find(is_it) {
            known.of_service |= of_service;
        } else if self.named.len() < MOST {
            self.named.push(peer);
        }
    }

    /// Every declared host with every port that it may have, the surest first.
    pub(super) fn complete(&self) -> Vec<(&Peer, u16)> {
        let mut complete: Vec<(&Peer, u16)> = Vec::new();
        for peer in &self.named {
            let known = self
                .named
                .iter()
                .filter(|other| same_host(&other.host, &peer.host))
                .filter_map(|other| other.port);
            let mut ports: Vec<u16> = peer.port.into_iter().chain(known).collect();
            if ports.is_empty() {
                ports.extend(&self.ports);
            }
            if ports.is_empty() {
                ports.extend(&self.usual);
            }
            for port in ports {
                let is_new = !complete
                    .iter()
                    .any(|(other, known)| same_host(&other.host, &peer.host) && *known == port);
                if is_new {
                    complete.push((peer, port));
                }
            }
        }
        complete
    }

    /// Every declared host.
    pub(super) fn hosts(&self) -> Vec<&Peer> {
        let mut hosts: Vec<&Peer> = Vec::new();
        for peer in &self.named {
            if !hosts.iter().any(|other| same_host(&other.host, &peer.host)) {
                hosts.push(peer);
            }
        }
        hosts
    }
}

/// The host that a failure is about, as far as it is to be compared with declared ones.
///
/// Where a message gives an address that nobody declared, and the same line names one declared host, that
/// host is meant: nothing is resolved here.
pub(super) fn host_meant<'c>(case: &'c Case<'_>, peers: &'c Peers) -> Option<&'c str> {
    let found = case.found("host")?;
    let is_declared = || peers.named.iter().any(|peer| same_host(&peer.host, found));
    if found.parse::<std::net::IpAddr>().is_err() || is_declared() {
        return Some(found);
    }
    let line = case.failure.line.as_deref().unwrap_or_default();
    let words: Vec<&str> = line
        .split(|one: char| !(one.is_ascii_alphanumeric() || ".-_".contains(one)))
        .collect();
    let is_named = |peer: &Peer| words.iter().any(|word| same_host(word, &peer.host));
    let mut named = peers.hosts().into_iter().filter(|peer| is_named(peer));
    match (named.next(), named.next()) {
        (Some(only), None) => Some(&only.host),
        _ => Some(found),
    }
}

/// Whether two names mean one host as far as can be told without looking.
pub(super) fn same_host(one: &str, other: &str) -> bool {
    const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
    let plain = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    let (one, other) = (plain(one), plain(other));
    one == other || (HERE.contains(&one.as_str()) && HERE.contains(&other.as_str()))
}

/// The words of a text, taken apart where no address goes on.
fn words_of(text: &OsText) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..bytes.len().min(SEARCHED)).unwrap_or_default();
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| {
        let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
        std::str::from_utf8(whole).unwrap_or_default()
    });
    text.split(|one: char| one.is_whitespace() || "\"'`=,;()<>|&{}".contains(one))
        .filter(|word| !word.is_empty())
}

/// The host and the port of a word that is an address, `user@host:port` or a host with a dot.
pub(super) fn address(word: &str) -> Option<(String, Option<u16>)> {
    if let Some((scheme, rest)) = word.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = host_and_port(without_user(authority))?;
        return Some((host, port.or_else(|| ports::of_scheme(scheme))));
    }
    let (has_user, rest) = match word.split_once('@') {
        Some((user, rest)) if !user.is_empty() => (true, rest),
        _ => (false, word),
    };
    if let Some((host, Some(port))) = host_and_port(rest)
        && may_stand_alone(&host, port)
    {
        return Some((host, Some(port)));
    }
    // `user@host:folder` and `user@host`.
    let host = rest.split(':').next().unwrap_or_default();
    let is_named = (has_user || !word.contains(':') || rest.contains(":/"))
        && !word.contains("://")
        && has_dot_of_a_host(host);
    (is_named && is_host(host) && !host.contains('/')).then(|| (host.to_owned(), None))
}

/// Whether `host:port` without a scheme is one, and no time, no owner and no tag of an image.
fn may_stand_alone(host: &str, port: u16) -> bool {
    const LEAST_WITHOUT_A_DOT: u16 = 20;
    host.contains('.')
        || host.contains(':')
        || host == "localhost"
        || (host.starts_with(|one: char| one.is_ascii_alphabetic()) && port >= LEAST_WITHOUT_A_DOT)
}

fn without_user(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or_default()
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']')?;
        let is_address = host.contains(':')
            && host
                .chars()
                .all(|one| one.is_ascii_hexdigit() || ":.".contains(one));
        let port = behind.strip_prefix(':').and_then(port);
        return is_address.then(|| (host.to_owned(), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, digits)) => (host, Some(port(digits)?)),
        None => (text, None),
    };
    is_host(host).then(|| (host.to_owned(), port))
}

fn port(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.chars().all(|one| one.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

/// Whether a word can be the name or the address of a host.
fn is_host(word: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == '-' || one == '_')
    };
    word.len() <= 253
        && word.trim_end_matches('.').split('.').all(label)
        && word.chars().any(|one| one.is_ascii_alphanumeric())
}

/// Whether a bare word with a dot is a host rather than a file or a number.
fn has_dot_of_a_host(word: &str) -> bool {
    let Some((_, ending)) = word.trim_end_matches('.').rsplit_once('.') else {
        return false;
    };
    let is_address = word.parse::<std::net::Ipv4Addr>().is_ok();
    let is_name = ending.len() >= 2 && ending.chars().all(|one| one.is_ascii_alphabetic());
    is_address || (is_name && !FILES.contains(&ending.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
#[path = "peers_tests.rs"]
mod tests;
