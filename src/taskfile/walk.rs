//! The walk through a table with the table of keys: unknown, unfinished, misplaced and misspelt
//! keys, and the values of all others.
//!
//! What the values mean together is `taskfile::assemble`.

use std::sync::Arc;

use crate::model::category::Category;
use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;
use crate::taskfile::diagnostic::At;
use crate::taskfile::foreign;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind;
use crate::taskfile::keys::Scope;
use crate::taskfile::keys::Since;
use crate::taskfile::node::Entry;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::origin::Origin;
use crate::taskfile::origin::Place;
use crate::taskfile::recovering;
use crate::taskfile::scalars::is_variable;
use crate::taskfile::steps;
use crate::taskfile::table::KEYS;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;

/// The most columns of a key that a message repeats.
const KEY_WIDTH: usize = 40;

/// A value that holds for a task.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) key: &'static Key,
    /// The variable or the category, for keys that have a value for each.
    pub(crate) part: String,
    /// Which step or recovery of the task it is about, from 1; 0 for the task itself.
    pub(crate) step: usize,
    pub(crate) value: Value,
    pub(crate) at: At,
    pub(crate) origin: Origin,
}

impl Setting {
    /// Whether a second one would say the same thing again.
    ///
    /// `retries` and `retry.max_attempts` are two ways to write one value.
    pub(crate) fn is_about_the_same_as(&self, other: &Self) -> bool {
        let main = |setting: &Self| match (setting.key.scope, setting.key.name) {
            (Scope::Task, "retries") => (Scope::Retry, "max_attempts"),
            other => other,
        };
        main(self) == main(other) && self.part == other.part && self.step == other.step
    }
}

/// Which table is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Task,
    Defaults,
    CommandLine,
}

/// What a table said.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) settings: Vec<Arc<Setting>>,
    /// The keys that were written, whether their values were good or not.
    pub(crate) written: Vec<&'static Key>,
    /// The keys that misspelt ones were taken for.
    pub(crate) meant: Vec<&'static str>,
}

impl Walked {
    /// Whether a task's own key was written, perhaps misspelt.
    pub(crate) fn has_written(&self, name: &str) -> bool {
        self.written
            .iter()
            .any(|key| key.scope == Scope::Task && key.name == name)
            || self.meant.contains(&name)
    }
}

/// Walks the table of a task, the defaults, or the options of the command line.
pub(crate) fn walk(reader: &mut Reader<'_>, section: Section, entries: Vec<Entry>) -> Walked {
    let mut walk = Walk {
        reader,
        section,
        step: 0,
        walked: Walked::default(),
    };
    steps::refuse_command_beside(walk.reader, &entries);
    walk.table(Scope::Task, "", entries);
    walk.refuse_both_spellings();
    steps::note_doubles(walk.reader, &walk.walked.settings);
    walk.walked
}

struct Walk<'w, 'a> {
    reader: &'w mut Reader<'a>,
    section: Section,
    /// The step or recovery whose table is walked, from 1; 0 outside of them.
    step: usize,
    walked: Walked,
}

impl Walk<'_, '_> {
    fn table(&mut self, scope: Scope, part: &str, entries: Vec<Entry>) {
        for Entry { key, at, node } in entries {
            let Some(known) = Key::find(scope, &key) else {
                let meant = unknown_key(self.reader, scope, self.section, &key, &at);
                if matches!(scope, Scope::Task | Scope::Step | Scope::Recover) {
                    self.walked.meant.extend(meant);
                }
                continue;
            };
            if self.section == Section::Defaults && known.is_of_one_task() {
                self.reader.reporter.error(
                    &at,
                    format!("`{key}` cannot stand in `[defaults]`"),
                    Some(format!("write `{key}` into each `[[task]]`")),
                );
                continue;
            }
            if let Since::Later(what) = known.since {
                not_yet(self.reader, known, &at, what);
                continue;
            }
            self.walked.written.push(known);
            self.entry(known, part, node);
        }
    }

    fn entry(&mut self, key: &'static Key, part: &str, node: Node) {
        match (key.kind, node.raw) {
            (Kind::Table(inner), Raw::Table(entries)) => self.table(inner, "", entries),
            (Kind::PerCategory(inner), Raw::Table(entries)) => self.categories(key, inner, entries),
            (Kind::Tables(inner), Raw::List(items)) => {
                self.tables(key, inner, &node.at, items);
            }
            (Kind::Variables | Kind::Addresses, Raw::Table(entries)) => {
                self.variables(key, entries);
            }
            (Kind::Variables | Kind::Addresses, raw) => {
                let node = Node { at: node.at, raw };
                self.refuse_form(key, &node);
            }
            (_, raw) => {
                let node = Node { at: node.at, raw };
                self.setting(key, part, &node);
            }
        }
    }

    fn setting(&mut self, key: &'static Key, part: &str, node: &Node) {
        if let Some(value) = self.reader.read(key, part, node) {
            let origin = self.origin(&node.at);
            self.walked.settings.push(Arc::new(Setting {
                key,
                part: part.to_owned(),
                step: self.step,
                value,
                at: node.at.clone(),
                origin,
            }));
        }
    }

    /// A value that is no table where one is wanted.
    fn refuse_form(&mut self, key: &'static Key, node: &Node) {
        let found = self.reader.found(node);
        self.reader.reporter.error(
            &node.at,
            format!(
                "`{}` must be {}, found {found}",
                key.path(""),
                key.kind.wanted()
            ),
            Some(format!("write `{} = {}`", key.name, key.example)),
        );
    }

    fn origin(&self, at: &At) -> Origin {
        match at {
            At::Text(span) => {
                let place = Place::of(self.reader.reporter.source(), span.start);
                match self.section {
                    Section::Defaults => Origin::Defaults(place),
                    Section::Task | Section::CommandLine => Origin::Task(place),
                }
            }
            At::Flag(flag) => Origin::Flag(flag),
            At::Arguments | At::Line(_) => Origin::CommandLine,
        }
    }

    fn variables(&mut self, key: &'static Key, entries: Vec<Entry>) {
        for entry in entries {
            if is_variable(&entry.key) {
                self.setting(key, &entry.key, &entry.node);
            } else {
                self.reader.reporter.error(
                    &entry.at,
                    format!("{} cannot be the name of a variable", quoted(&entry.key)),
                    Some("a name holds at least one character and no `=`".to_owned()),
                );
            }
        }
    }

    fn categories(&mut self, key: &'static Key, inner: Scope, entries: Vec<Entry>) {
        for Entry {
            key: name,
            at,
            node,
        } in entries
        {
            if Category::parse(&name).is_none() {
                let known = Category::ALL.iter().map(|category| category.as_str());
                let hint = match closest(&name, known.clone()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!(
                        "the categories are {}",
                        known.collect::<Vec<_>>().join(", ")
                    ),
                };
                let message = format!("{} is not a category of failures", quoted(&name));
                self.reader.reporter.error(&at, message, Some(hint));
                continue;
            }
            match node.raw {
                Raw::Table(entries) => self.table(inner, &name, entries),
                raw => {
                    let node = Node { at: node.at, raw };
                    let found = self.reader.found(&node);
                    self.reader.reporter.error(
                        &node.at,
                        format!("`{}.{name}` must be a table, found {found}", key.path("")),
                        Some(format!("write `{name} = {{ max_attempts = 8 }}`")),
                    );
                }
            }
        }
    }

    /// Steps and recoveries: tables that are told apart by their number.
    fn tables(&mut self, key: &'static Key, inner: Scope, at: &At, items: Vec<Node>) {
        match inner {
            Scope::Step => steps::note_number(self.reader, at, items.len()),
            _ => recovering::note_number(self.reader, at, items.len()),
        }
        for (index, Node { at, raw }) in items.into_iter().enumerate() {
            let Raw::Table(entries) = raw else {
                self.refuse_form(key, &Node { at, raw });
                continue;
            };
            self.step = index + 1;
            let (written, meant) = (self.walked.written.len(), self.walked.meant.len());
            self.table(inner, "", entries);
            let named = self.walked.written.iter().skip(written).map(|key| key.name);
            let guessed = self.walked.meant.iter().skip(meant).copied();
            let there: Vec<&str> = named.chain(guessed).collect();
            let is_there = |name: &str| there.contains(&name);
            match inner {
                Scope::Step => steps::note_missing(self.reader, &at, is_there),
                _ => recovering::note_missing(self.reader, &at, is_there),
            }
        }
        self.step = 0;
    }

    /// `retries` and `retry.max_attempts` in one table: nobody can know which one is meant.
    fn refuse_both_spellings(&mut self) {
        let named = |name| {
            self.walked
                .settings
                .iter()
                .find(move |setting| setting.key.name == name && setting.part.is_empty())
        };
        if let (Some(retries), Some(attempts)) = (named("retries"), named("max_attempts")) {
            let Value::Whole(number) = &retries.value else {
                return;
            };
            let hint = format!(
                "`retries = {number}` is the same as `max_attempts = {}`; keep one",
                number + 1
            );
            self.reader.reporter.error(
                &attempts.at,
                "`retries` and `retry.max_attempts` are both written".to_owned(),
                Some(hint),
            );
        }
    }
}

/// A key that nobody knows; the best guess at what was meant is told and returned.
pub(crate) fn unknown_key(
    reader: &mut Reader<'_>,
    scope: Scope,
    section: Section,
    key: &str,
    at: &At,
) -> Option<&'static str> {
    let planned = |known: &&Key| known.name == key && matches!(known.since, Since::Later(_));
    if let Some(known) = KEYS.iter().find(planned)
        && !KEYS
            .iter()
            .any(|other| other.name == key && other.since == Since::Now)
        && let Since::Later(what) = known.since
    {
        not_yet(reader, known, at, what);
        return None;
    }
    let in_scope = KEYS
        .iter()
        .filter(|known| known.scope == scope && known.since == Since::Now)
        .filter(|known| section != Section::Defaults || !known.is_of_one_task())
        .map(|known| known.name);
    let foreign = foreign::word(scope, key);
    let elsewhere = KEYS
        .iter()
        .find(|known| known.name == key && known.since == Since::Now);
    let sequel = foreign::sequel(scope, key);
    let meant = match (foreign, elsewhere) {
        (Some(word), _) => Some(word),
        (None, Some(_)) => None,
        (None, None) if sequel.is_some() => None,
        (None, None) => closest(key, in_scope),
    };
    let hint = match (meant, elsewhere) {
        _ if sequel.is_some() => sequel.unwrap_or_default(),
        (Some(word), _) => format!("did you mean `{word}`?"),
        (None, Some(known)) if scope == Scope::Task && known.scope != Scope::File => {
            format!("write `{} = …`", known.path("<category>"))
        }
        (None, Some(known)) => format!("it belongs to `{}`", known.scope.header()),
        (None, None) => "docs/task-files.md lists all keys".to_owned(),
    };
    let table = match (scope, section) {
        (Scope::File, _) => "at the top of the file".to_owned(),
        (Scope::Task, Section::Defaults) => "in `[defaults]`".to_owned(),
        _ => format!("in `{}`", scope.header()),
    };
    let message = format!("there is no key {} {table}", quoted(key));
    reader.reporter.error(at, message, Some(hint));
    meant
}

/// A key that later work brings.
pub(crate) fn not_yet(reader: &mut Reader<'_>, key: &Key, at: &At, what: &str) {
    let name = match at {
        At::Flag(flag) => (*flag).to_owned(),
        At::Text(_) | At::Arguments | At::Line(_) => key.path(""),
    };
    reader.reporter.error(
        at,
        format!("`{name}` is not supported yet"),
        Some(format!("it comes with {what}; leave it out until then")),
    );
}

fn quoted(key: &str) -> String {
    format!("`{}`", Untrusted::from(key).for_terminal_within(KEY_WIDTH))
}
