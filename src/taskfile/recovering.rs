//! What a task declares about recoveries: `[[task.recover]]`, `allow`, `temp`, `ensure`, `endpoints` and
//! `service`. What may be installed is `taskfile::installing`.
//!
//! A recovery acts within these lists and nowhere else, so everything that would widen them beyond what
//! somebody reads in the file is refused here: paths that lead upwards and patterns that mean everything.
//! What a recovery then does is `policy::recovery` and the supervisor.

use std::path::{Component, Path};
use std::sync::Arc;

use crate::model::category::Category;
use crate::model::recovery::RecoverSpec;
use crate::model::recovery::RecoverWhen;
use crate::policy::classify::catalogue;
use crate::policy::classify::catalogue::KnownBy;
use crate::policy::strategy;
use crate::support::bytes::OsText;
use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;
use crate::support::wildcard::Wildcard;
use crate::taskfile::assemble::command_of;
use crate::taskfile::checks::expression;
use crate::taskfile::diagnostic::At;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::keys::Scope;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::scalars::Refusal;
use crate::taskfile::scalars::text;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// The most recoveries of a task, patterns of `temp` and addresses of a variable.
const MOST: usize = 100;
/// The most columns of a written name that a message repeats.
const SHOWN: usize = 40;

impl Reader<'_> {
    /// A name, or a list of names.
    pub(crate) fn services(&self, node: &Node) -> Result<Vec<String>, Refusal> {
        let alone;
        let node = match &node.raw {
            Raw::Text(_) => {
                alone = Node {
                    at: node.at.clone(),
                    raw: Raw::List(vec![node.clone()]),
                };
                &alone
            }
            _ => node,
        };
        let names = self.labels(node)?;
        if names.is_empty() {
            return Err(Refusal::wanted("a list with at least one name"));
        }
        Ok(names)
    }

    /// Names of guarded strategies.
    pub(crate) fn guarded(&self, node: &Node) -> Result<Vec<String>, Refusal> {
        let names = self.labels(node)?;
        for (index, name) in names.iter().enumerate() {
            if let Err(hint) = check_guarded(name) {
                let item = match &node.raw {
                    Raw::List(items) => items.get(index),
                    _ => None,
                };
                return Err(Refusal {
                    wanted: Some("a list of guarded strategies".to_owned()),
                    hint: Some(hint),
                    at: item.map(|item| (item.at.clone(), self.found(item))),
                });
            }
        }
        Ok(names)
    }

    /// The failures that a recovery is for. Whether a pattern of that name exists is known when the
    /// whole file is.
    pub(crate) fn recover_when(&self, node: &Node) -> Result<RecoverWhen, Refusal> {
        match &node.raw {
            Raw::Text(written) => {
                let name = written.as_str().unwrap_or("\u{fffd}");
                if let Some(category) = Category::parse(name) {
                    return Ok(RecoverWhen::Category(category));
                }
                if name.is_empty() {
                    return Err(Refusal::default());
                }
                let named = catalogue::named(name).map(|named| named.known_by);
                let name = match named {
                    Some(KnownBy::Alias(ours)) => ours,
                    Some(KnownBy::Output | KnownBy::Fact) | None => name,
                };
                Ok(RecoverWhen::Pattern(name.to_owned()))
            }
            Raw::Table(entries) => match entries.as_slice() {
                [only] if only.key == "matches" => expression(&only.node)
                    .map(RecoverWhen::Matches)
                    .map_err(|refusal| Refusal {
                        wanted: refusal
                            .wanted
                            .or_else(|| Some("a regular expression".to_owned())),
                        at: Some((only.node.at.clone(), self.found(&only.node))),
                        ..refusal
                    }),
                _ => {
                    Err(Refusal::default().hint("write `when = { matches = \"token.*expired\" }`"))
                }
            },
            _ => Err(Refusal::default()),
        }
    }

    /// Addresses that are taken in turn.
    pub(crate) fn addresses(&self, node: &Node) -> Result<Vec<OsText>, Refusal> {
        let addresses = self.each(node, |_, item| text(item))?;
        match addresses.len() {
            0 => Err(Refusal::wanted("a list with at least one address")),
            count if count > MOST => Err(Refusal::wanted(format!(
                "a list of at most {MOST} addresses"
            ))),
            _ => Ok(addresses),
        }
    }

    /// Patterns of files that may be deleted.
    pub(crate) fn wildcards(&self, node: &Node) -> Result<Vec<String>, Refusal> {
        let patterns = self.each(node, |_, item| {
            let written = text(item)?;
            let pattern = written.as_str().unwrap_or("\u{fffd}");
            let home = pattern.starts_with('~');
            match Wildcard::parse(pattern) {
                Ok(_) if home => Err(Refusal::wanted("a pattern of files below `workdir`")
                    .hint("`~` means nothing here; patterns are relative to `workdir`")),
                Ok(_) => Ok(pattern.to_owned()),
                Err(why) => Err(Refusal::wanted("a pattern of files below `workdir`")
                    .hint(format!("{why}; write for example `cache/*.tmp`"))),
            }
        })?;
        if patterns.len() > MOST {
            return Err(Refusal::wanted(format!(
                "a list of at most {MOST} patterns"
            )));
        }
        Ok(patterns)
    }

    /// Folders that may be created.
    pub(crate) fn folders(&self, node: &Node) -> Result<Vec<OsText>, Refusal> {
        let folders = self.each(node, |reader, item| {
            let path = reader.path(item)?;
            let upwards = Path::new(path.as_os_str())
                .components()
                .any(|part| part == Component::ParentDir);
            if upwards {
                return Err(Refusal::wanted("a path without `..`")
                    .hint("write where it leads, as a path that begins with `/`"));
            }
            Ok(path)
        })?;
        if folders.len() > MOST {
            return Err(Refusal::wanted(format!("a list of at most {MOST} folders")));
        }
        Ok(folders)
    }
}

/// Whether a strategy needs the word of somebody, and has none of its own.
///
/// # Errors
/// What to write instead.
pub fn check_guarded(name: &str) -> Result<(), String> {
    if strategy::GUARDED.contains(&name) {
        return Ok(());
    }
    if strategy::NOT_BUILT.contains(&name) {
        return Err(format!("`{name}` is not part of this version yet"));
    }
    if strategy::ALL.contains(&name) {
        return Err(format!(
            "`{name}` needs nobody's word; leave it out, or turn it off with `recover_mode`"
        ));
    }
    Err(match closest(name, strategy::GUARDED.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "the guarded strategies are {}",
            strategy::GUARDED.join(", ")
        ),
    })
}

/// Notes a key that every recovery must have and this one has not.
pub(crate) fn note_missing(reader: &mut Reader<'_>, at: &At, is_there: impl Fn(&str) -> bool) {
    for (name, example) in [
        ("when", "when = \"auth\""),
        ("command", "command = [\"./refresh-token.sh\"]"),
    ] {
        if !is_there(name) {
            reader.reporter.error(
                at,
                format!("this recovery has no `{name}`"),
                Some(format!("write for example `{example}`")),
            );
        }
    }
}

/// Notes that there are no recoveries in the list, or too many.
pub(crate) fn note_number(reader: &mut Reader<'_>, at: &At, number: usize) {
    if number == 0 || number > MOST {
        reader.reporter.error(
            at,
            format!("`recover` must hold 1 to {MOST} tables, found {number}"),
            Some("a recovery begins with `[[task.recover]]`".to_owned()),
        );
    }
}

/// Notes recoveries for patterns that neither the file nor autoexec knows. `own` are the names of the
/// file's patterns.
pub(crate) fn note_unknown_patterns(
    reporter: &mut Reporter<'_>,
    settings: &[Arc<Setting>],
    own: &[String],
) {
    for setting in settings {
        let Value::When(RecoverWhen::Pattern(name)) = &setting.value else {
            continue;
        };
        if own.contains(name) || catalogue::named(name).is_some() {
            continue;
        }
        let categories = Category::ALL.iter().map(|category| category.as_str());
        let names = catalogue::catalogue().iter().map(|named| named.name);
        let known = own
            .iter()
            .map(String::as_str)
            .chain(categories)
            .chain(names);
        let hint = match closest(name, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`autoexec patterns list` shows them; `{ matches = \"…\" }` looks at the output itself"
                .to_owned(),
        };
        let shown = Untrusted::from(name.as_str()).for_terminal_within(SHOWN);
        reporter.error(
            &setting.at,
            format!("`recover.when` must be a category, a pattern of this file or a built-in one, found `{shown}`"),
            Some(hint),
        );
    }
}

/// Notes what is doubtful about a task's recoveries.
pub(crate) fn note_doubts(reporter: &mut Reporter<'_>, settings: &[Arc<Setting>]) {
    for setting in settings {
        let Value::Addresses(addresses) = &setting.value else {
            continue;
        };
        let name = Untrusted::from(setting.part.as_str()).for_terminal_within(SHOWN);
        if addresses.len() == 1 {
            reporter.warning(
                &setting.at,
                format!(
                    "`endpoints.{name}` has one address, so that there is nothing to rotate to"
                ),
                Some("name a second one, or write it as `env`".to_owned()),
            );
        }
        let in_env = settings
            .iter()
            .any(|other| other.key.name == "env" && other.part == setting.part);
        if in_env {
            reporter.warning(
                &setting.at,
                format!("`{name}` stands in `env` and in `endpoints`; the addresses count"),
                Some("keep one of them".to_owned()),
            );
        }
    }
}

/// The recoveries that the settings make, in their order; one without `when` or `command` is left
/// out, which was told.
pub(crate) fn assemble(settings: &[Arc<Setting>], shell: &[OsText]) -> Vec<RecoverSpec> {
    let of_all = || {
        settings
            .iter()
            .filter(|one| one.key.scope == Scope::Recover)
    };
    let last = of_all().map(|setting| setting.step).max().unwrap_or(0);
    (1..=last)
        .filter_map(|number| {
            let value = |name: &str| {
                of_all()
                    .find(|one| one.step == number && one.key.name == name)
                    .map(|one| &one.value)
            };
            let Some(Value::When(when)) = value("when") else {
                return None;
            };
            let mut spec = RecoverSpec {
                when: when.clone(),
                command: command_of(value("command")?, shell)?,
                timeout: RecoverSpec::DEFAULT_TIMEOUT,
                max_uses: RecoverSpec::DEFAULT_MAX_USES,
            };
            if let Some(Value::Span(span)) = value("timeout") {
                spec.timeout = *span;
            }
            if let Some(Value::Whole(uses)) = value("max_uses") {
                spec.max_uses = u32::try_from(*uses).unwrap_or(u32::MAX);
            }
            Some(spec)
        })
        .collect()
}

#[cfg(test)]
#[path = "recovering_tests.rs"]
mod tests;
