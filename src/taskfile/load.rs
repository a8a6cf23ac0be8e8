//! From files to tasks.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::model::ids::TaskName;
use crate::model::pattern::PatternSpec;
use crate::support::untrusted::Untrusted;
use crate::taskfile::Context;
use crate::taskfile::Loaded;
use crate::taskfile::ParsedTask;
use crate::taskfile::assemble::assemble;
use crate::taskfile::assemble::find;
use crate::taskfile::assemble::merge;
use crate::taskfile::diagnostic::At;
use crate::taskfile::diagnostic::Diagnostic;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::diagnostic::about_file;
use crate::taskfile::doubts::note_doubts;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Scope;
use crate::taskfile::keys::Since;
use crate::taskfile::node::Entry;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::node::entries;
use crate::taskfile::order::circles;
use crate::taskfile::origin::Place;
use crate::taskfile::patterns::patterns_of;
use crate::taskfile::reading::read;
use crate::taskfile::recovering::note_unknown_patterns;
use crate::taskfile::secrets;
use crate::taskfile::source::Source;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Section;
use crate::taskfile::walk::Setting;
use crate::taskfile::walk::not_yet;
use crate::taskfile::walk::unknown_key;
use crate::taskfile::walk::walk;

/// Where each name was first written.
type Names = HashMap<TaskName, Place>;

/// Reads task files: all their tasks, or all that is wrong with them.
pub fn load(files: &[PathBuf], context: &Context) -> Loaded {
    let mut loaded = Loaded {
        names_are_known: true,
        ..Loaded::default()
    };
    let mut names = Names::new();
    for file in files {
        match read(file, &context.base) {
            Ok(source) => {
                let of_file = load_source(&source, context.home.as_deref(), &mut names);
                loaded.tasks.extend(of_file.tasks);
                loaded.diagnostics.extend(of_file.diagnostics);
                loaded.names_are_known &= of_file.names_are_known;
            }
            Err(diagnostic) => {
                loaded.diagnostics.push(*diagnostic);
                loaded.names_are_known = false;
            }
        }
    }
    loaded.diagnostics.extend(circles(&loaded.tasks));
    loaded.complete()
}

/// The tasks of one text and everything that is wrong with it.
pub(crate) fn load_source(source: &Source, home: Option<&Path>, names: &mut Names) -> Loaded {
    let (document, broken) = DeTable::parse_recoverable(&source.text);
    let mut reader = Reader::new(Reporter::of_file(source), home);
    let mut file = FileWalk {
        reader: &mut reader,
        source,
        names,
        tasks: Vec::new(),
        patterns: Vec::new(),
        named: broken.is_empty().then(Vec::new),
        has_tasks: false,
        all_read: broken.is_empty(),
        is_toml: broken.is_empty(),
    };
    file.walk(document.into_inner());
    let (tasks, has_tasks, names_are_known) = (file.tasks, file.has_tasks, file.all_read);

    let mut diagnostics = reader.reporter.found;
    if broken.is_empty() {
        if !has_tasks {
            diagnostics.push(about_file(
                source.file.as_ref().clone(),
                "the task file holds no task".to_owned(),
                Some("a task begins with `[[task]]`".to_owned()),
            ));
        }
    } else {
        diagnostics = with_syntax(source, &broken, diagnostics);
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    diagnostics.dedup();
    Loaded {
        tasks,
        diagnostics,
        names_are_known,
        ..Loaded::default()
    }
}

/// The errors of syntax, and of the others those that they have not caused: the parser goes on
/// after an error with its best guess, which is wrong on the line of the error.
pub(crate) fn with_syntax(
    source: &Source,
    broken: &[toml::de::Error],
    others: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut reporter = Reporter::of_file(source);
    for error in broken {
        let span = error.span().unwrap_or_default();
        let (message, hint) = in_our_words(error.message(), source.slice(&span));
        reporter.error(
            &At::Text(span),
            format!("this is not TOML: {message}"),
            hint,
        );
    }
    let mut found = reporter.found;
    let lines: HashSet<Option<usize>> = found.iter().map(|diagnostic| diagnostic.line).collect();
    found.extend(
        others
            .into_iter()
            .filter(|diagnostic| !lines.contains(&diagnostic.line)),
    );
    found
}

/// The parser's words for the usual slips, in ours and with a hint.
fn in_our_words(message: &str, found: &str) -> (String, Option<String>) {
    let (ours, hint) = if ["must be quoted", "invalid boolean"]
        .iter()
        .any(|words| message.contains(words))
    {
        if found.trim().is_empty() {
            ("the value is missing", "write one behind the `=`")
        } else {
            (
                "a text must stand in quotes",
                "put quotes around it: `key = \"text\"`",
            )
        }
    } else if message.contains("duplicate key") {
        (
            "the key is written twice",
            "keep one; a new task begins with `[[task]]`",
        )
    } else if message.contains("invalid basic string") {
        (
            "the text in quotes does not end",
            "close the quotes; a text of several lines stands in `\"\"\"`",
        )
    } else {
        let message = message.replace("invalid ", "malformed ");
        return (Untrusted::from(message).for_terminal(), None);
    };
    (ours.to_owned(), Some(hint.to_owned()))
}

struct FileWalk<'w, 'a> {
    reader: &'w mut Reader<'a>,
    source: &'a Source,
    names: &'w mut Names,
    tasks: Vec<ParsedTask>,
    /// The error patterns of the file, which every task of it carries.
    patterns: Vec<PatternSpec>,
    /// Their names; none where one has been left out because of what is wrong with it.
    named: Option<Vec<String>>,
    has_tasks: bool,
    /// No task has been left out because of what is wrong with it.
    all_read: bool,
    is_toml: bool,
}

impl FileWalk<'_, '_> {
    /// The tasks are brought into our form one by one: all of them at once would take twice the
    /// memory.
    fn walk(&mut self, document: DeTable<'_>) {
        let mut defaults = Vec::new();
        let mut tasks = DeArray::new();
        for (name, value) in document {
            let at = At::Text(name.span());
            let Some(key) = Key::find(Scope::File, name.get_ref()) else {
                let scope = Scope::File;
                let _told = unknown_key(self.reader, scope, Section::Task, name.get_ref(), &at);
                // Somebody who wrote `[[tasks]]` need not be told that there is no task.
                self.has_tasks = true;
                self.all_read = false;
                continue;
            };
            if let Since::Later(what) = key.since {
                not_yet(self.reader, key, &at, what);
                self.has_tasks = true;
                continue;
            }
            let span = value.span();
            match (key.name, value.into_inner()) {
                ("defaults", DeValue::Table(table)) => {
                    defaults = walk(self.reader, Section::Defaults, entries(table)).settings;
                }
                ("task", DeValue::Array(items)) => tasks = items,
                ("pattern", value) => {
                    let node = Node::of_toml(Spanned::new(span, value));
                    let before = self.reader.reporter.found.len();
                    self.patterns = patterns_of(self.reader, &at, node);
                    let all_read = self.reader.reporter.found.len() == before;
                    let names = self.patterns.iter().map(|one| one.name.clone());
                    self.named = all_read.then(|| names.collect());
                }
                (name, other) => {
                    self.has_tasks = true;
                    let node = Node::of_toml(Spanned::new(span, other));
                    self.refuse_form(name, &at, &node);
                }
            }
        }
        for task in tasks {
            self.has_tasks = true;
            let Node { at, raw } = Node::of_toml(task);
            match raw {
                Raw::Table(entries) => self.task(&at, entries, &defaults),
                raw => {
                    let node = Node { at, raw };
                    self.refuse_form("task", &node.at, &node);
                }
            }
        }
    }

    fn refuse_form(&mut self, name: &str, at: &At, node: &Node) {
        self.all_read = false;
        let (wanted, header) = match name {
            "defaults" => ("a table", "[defaults]"),
            _ => ("a list of tables", "[[task]]"),
        };
        let found = match node.raw {
            Raw::Table(_) => "a single table".to_owned(),
            Raw::List(_) => "a list".to_owned(),
            _ => self.reader.found(node),
        };
        self.reader.reporter.error(
            at,
            format!("`{name}` must be {wanted}, found {found}"),
            Some(format!("write the header `{header}`")),
        );
    }

    fn task(&mut self, at: &At, entries: Vec<Entry>, defaults: &[Arc<Setting>]) {
        let walked = walk(self.reader, Section::Task, entries);
        for (name, example) in [
            ("name", "name = \"shop-dump\""),
            ("command", "command = [\"sort\", \"in.txt\"]"),
        ] {
            let by_steps = name == "command" && walked.has_written("step");
            if self.is_toml && !walked.has_written(name) && !by_steps {
                self.reader.reporter.error(
                    at,
                    format!("this task has no `{name}`"),
                    Some(format!("write for example `{example}`")),
                );
            }
        }
        let settings = merge(defaults, walked.settings);
        note_doubts(&mut self.reader.reporter, &settings);
        if let Some(own) = &self.named {
            note_unknown_patterns(&mut self.reader.reporter, &settings, own);
        }
        let place = find(&settings, "name").and_then(|name| self.place_of(name));
        let Some(spec) = assemble(&settings, &self.source.folder) else {
            self.all_read = false;
            return;
        };
        let mut spec = Box::new(spec);
        secrets::take_out(&mut self.reader.reporter, &settings, &mut spec, self.source);
        spec.patterns.clone_from(&self.patterns);
        self.tasks.push(ParsedTask {
            spec,
            place,
            settings,
        });
    }

    /// The place of a task's name, which must be the only one of its kind.
    fn place_of(&mut self, name: &Setting) -> Option<Place> {
        let (At::Text(span), Value::Name(text)) = (&name.at, &name.value) else {
            return None;
        };
        let place = Place::of(Some(self.source), span.start);
        if let Some(other) = self.names.get(text) {
            self.reader.reporter.error(
                &name.at,
                format!("a second task is called `{text}`"),
                Some(format!("the first one is at {other}")),
            );
        } else {
            self.names.insert(text.clone(), place.clone());
        }
        Some(place)
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
pub(crate) mod tests;

#[cfg(test)]
#[path = "slips_tests.rs"]
mod slips;

#[cfg(test)]
#[path = "junk_tests.rs"]
mod junk;
