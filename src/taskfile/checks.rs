//! Reads what a task requires and what counts as its success.
//!
//! Single values and all other lists are `taskfile::values` and `taskfile::scalars`.

use std::sync::Arc;

use crate::model::checks::Requirement;
use crate::policy::expression;
use crate::policy::version::is_version;
use crate::process::requires::MAX_REQUIREMENTS;
use crate::support::bytes::OsText;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::keys::Scope;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::scalars::Refusal;
use crate::taskfile::scalars::is_variable;
use crate::taskfile::scalars::text;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// The most files that a success check looks at.
const MOST_FILES: usize = 256;
/// What a requirement can be.
const FORMS: &str = "write a tool (`pg_dump`, `python3 >= 3.11`), a path with a slash (`./in.csv`), `env:NAME` or `tcp:HOST:PORT`";

impl Reader<'_> {
    /// A list of paths.
    pub(crate) fn paths(&self, node: &Node) -> Result<Vec<OsText>, Refusal> {
        let paths: Vec<OsText> = self.each(node, Self::path)?;
        match paths.len() {
            0 => Err(Refusal::wanted("a list with at least one path")),
            count if count > MOST_FILES => Err(Refusal::wanted(format!(
                "a list of at most {MOST_FILES} paths"
            ))),
            _ => Ok(paths),
        }
    }

    /// A list of requirements.
    pub(crate) fn requirements(&self, node: &Node) -> Result<Vec<Requirement>, Refusal> {
        let all = self.each(node, Self::requirement)?;
        if all.len() > MAX_REQUIREMENTS {
            return Err(Refusal::wanted(format!(
                "a list of at most {MAX_REQUIREMENTS} requirements"
            )));
        }
        let mut distinct: Vec<Requirement> = Vec::new();
        for requirement in all {
            if !distinct.contains(&requirement) {
                distinct.push(requirement);
            }
        }
        Ok(distinct)
    }

    /// Every item of a list; a wrong one is pointed at by itself.
    pub(crate) fn each<T>(
        &self,
        node: &Node,
        read: impl Fn(&Self, &Node) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let Raw::List(items) = &node.raw else {
            return Err(match &node.raw {
                Raw::Text(_) => Refusal::default().hint(format!(
                    "put it into brackets: `[{}]`",
                    self.found(node).trim_matches('`')
                )),
                _ => Refusal::default(),
            });
        };
        items
            .iter()
            .map(|item| {
                read(self, item).map_err(|refusal| Refusal {
                    at: refusal
                        .at
                        .or_else(|| Some((item.at.clone(), self.found(item)))),
                    ..refusal
                })
            })
            .collect()
    }

    fn requirement(&self, node: &Node) -> Result<Requirement, Refusal> {
        let written = text(node)?;
        let wanted = || Refusal::wanted("a requirement").hint(FORMS);
        if written.as_bytes().starts_with(b"~") {
            return self.path(node).map(Requirement::File);
        }
        let Some(whole) = written.as_str() else {
            // Only a path can be something else than text.
            return if written.as_bytes().contains(&b'/') {
                Ok(Requirement::File(written))
            } else {
                Err(wanted())
            };
        };
        let whole = whole.trim();
        if whole.is_empty() || whole.chars().any(char::is_control) {
            return Err(wanted());
        }
        match whole.split_once(':') {
            Some(("env", name)) if is_variable(name) => {
                return Ok(Requirement::Env(name.to_owned()));
            }
            Some(("tcp", place)) => return tcp(place).ok_or_else(wanted),
            Some(("skill", _)) => {
                return Err(Refusal::wanted("something that can be looked at yet")
                    .hint("`skill:` is not supported yet; leave it out until then"));
            }
            Some((kind, _)) if !kind.contains(['/', '.', '>']) => return Err(wanted()),
            _ => {}
        }
        tool_or_file(whole).unwrap_or_else(|| Err(wanted()))
    }
}

fn tcp(place: &str) -> Option<Requirement> {
    let (host, port) = host_and_port(place)?;
    Some(Requirement::Tcp { host, port })
}

/// Reads `HOST:PORT`; an address with colons stands in brackets.
pub fn host_and_port(place: &str) -> Option<(String, u16)> {
    let (host, port) = place.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let legal = |character: char| character.is_alphanumeric() || "-._:%".contains(character);
    (!host.is_empty() && host.chars().all(legal)).then(|| (host.to_owned(), port))
}

/// `None` for what is neither.
fn tool_or_file(whole: &str) -> Option<Result<Requirement, Refusal>> {
    let operator = whole.find(['<', '>', '=', '~', '!', '^']);
    let (name, rest) = whole.split_at(operator.unwrap_or(whole.len()));
    let name = name.trim();
    if rest.is_empty() && whole.contains('/') {
        return Some(Ok(Requirement::File(OsText::from(whole))));
    }
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    if rest.is_empty() {
        return Some(Ok(Requirement::Tool {
            name: name.to_owned(),
            version: None,
        }));
    }
    let version = rest.strip_prefix(">=").map(str::trim);
    Some(match version.filter(|version| is_version(version)) {
        Some(version) => Ok(Requirement::Tool {
            name: name.to_owned(),
            version: Some(version.to_owned()),
        }),
        None => Err(
            Refusal::wanted("a tool with its least version").hint(format!(
                "write for example `{name} >= 3.11`: numbers and dots"
            )),
        ),
    })
}

/// A regular expression.
pub(crate) fn expression(node: &Node) -> Result<String, Refusal> {
    if !matches!(node.raw, Raw::Text(_)) {
        return Err(Refusal::default());
    }
    let written = text(node)?;
    let Some(text) = written.as_str() else {
        return Err(Refusal::default().hint("write it in UTF-8"));
    };
    match expression::compile(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => {
            Err(Refusal::wanted("a regular expression that works").hint(format!("it {why}")))
        }
    }
}

/// Notes what is doubtful about success checks.
pub(crate) fn note_doubts(reporter: &mut Reporter<'_>, settings: &[Arc<Setting>]) {
    for setting in settings {
        match (setting.key.scope, setting.key.name, &setting.value) {
            (Scope::Success, "files", Value::Paths(paths)) => {
                let pattern = paths.iter().find(|path| path.as_bytes().contains(&b'*'));
                if let Some(path) = pattern {
                    let path = path.untrusted().for_terminal_within(40);
                    reporter.warning(
                        &setting.at,
                        format!("`{path}` is the name of one file: a `*` stands for itself"),
                        Some("name each file, or look with `success.command`".to_owned()),
                    );
                }
            }
            (Scope::Success, name, Value::Expression(text))
                if text.contains('\n') || text.contains("\\n") =>
            {
                reporter.warning(
                    &setting.at,
                    format!("`success.{name}` is held against one line at a time, which holds no line break"),
                    Some("match what stands on one line, or look with `success.command`".to_owned()),
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
