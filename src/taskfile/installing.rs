//! `[task.dependencies]`: what may be installed for a task.
//!
//! Only what a person has pinned: a file, or names with their exact versions. Anything that a package
//! manager would take for an option, a path or an address is refused, because the list is handed to it.

use std::path::Path;

use crate::model::recovery::DependencyList;
use crate::taskfile::keys::Key;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::scalars::Refusal;
use crate::taskfile::scalars::text;
use crate::taskfile::values::Reader;

/// The most names of a list.
const MOST: usize = 100;

impl Reader<'_> {
    /// What may be installed: a file, or pinned names.
    pub(crate) fn installable(&self, key: &Key, node: &Node) -> Result<DependencyList, Refusal> {
        let is_node = key.name == "node";
        if let Raw::Text(_) = &node.raw {
            let path = self.path(node)?;
            let bytes = path.as_bytes();
            if bytes.starts_with(b"-") || bytes.windows(3).any(|three| three == b"://") {
                return Err(Refusal::wanted(
                    "the path of a file, or a list of pinned names",
                ));
            }
            let file = Path::new(path.as_os_str()).file_name().unwrap_or_default();
            if is_node && file != "package-lock.json" && file != "npm-shrinkwrap.json" {
                return Err(
                    Refusal::wanted("a lock file, or a list of pinned names").hint(
                        "write `node = \"package-lock.json\"`: only a lock file pins everything",
                    ),
                );
            }
            return Ok(DependencyList::File(path));
        }
        let (is_pinned, example): (fn(&str) -> bool, _) = if is_node {
            (is_pinned_for_node, "left-pad@1.3.0")
        } else {
            (is_pinned_for_python, "requests==2.32.3")
        };
        let names = self.each(node, |_, item| {
            let name = text(item)?;
            let name = name.as_str().unwrap_or_default();
            if is_pinned(name) {
                return Ok(name.to_owned());
            }
            Err(
                Refusal::wanted("a name with its exact version").hint(format!(
                    "write for example `{example}`: no ranges, options, paths or addresses"
                )),
            )
        })?;
        match names.len() {
            0 => Err(Refusal::wanted("a list with at least one name")),
            count if count > MOST => {
                Err(Refusal::wanted(format!("a list of at most {MOST} names")))
            }
            _ => Ok(DependencyList::Names(names)),
        }
    }
}

/// `name==version`, with extras in brackets.
fn is_pinned_for_python(text: &str) -> bool {
    let Some((name, version)) = text.split_once("==") else {
        return false;
    };
    let (name, extras) = match name.split_once('[') {
        Some((name, extras)) => match extras.strip_suffix(']') {
            Some(extras) => (name, Some(extras)),
            None => return false,
        },
        None => (name, None),
    };
    is_package(name)
        && extras.is_none_or(|extras| extras.split(',').all(is_package))
        && is_version(version)
}

/// `name@version`, with a scope before the name.
fn is_pinned_for_node(text: &str) -> bool {
    let Some((name, version)) = text.rsplit_once('@') else {
        return false;
    };
    let name_is_good = match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .is_some_and(|(scope, name)| is_package(scope) && is_package(name)),
        None => is_package(name),
    };
    let parts: Vec<&str> = version.splitn(3, '.').collect();
    name_is_good && parts.len() == 3 && is_version(version)
}

/// A name of a package: nothing that could be an option, a path or an address.
fn is_package(name: &str) -> bool {
    let inner = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let outer = |character: Option<char>| character.is_some_and(|one| one.is_ascii_alphanumeric());
    name.len() <= 100
        && name.chars().all(inner)
        && outer(name.chars().next())
        && outer(name.chars().next_back())
}

/// An exact version: one that begins with a digit and holds no wildcard.
fn is_version(version: &str) -> bool {
    let legal = |character: char| character.is_ascii_alphanumeric() || ".!+_-".contains(character);
    version.len() <= 100
        && version.starts_with(|first: char| first.is_ascii_digit())
        && version.chars().all(legal)
}
