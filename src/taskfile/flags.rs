//! From the command line to tasks: `queue add … -- CMD ARG…`, `--shell` and `--lines`.
//!
//! An option stands for a key of the table and is checked by the same walk as a file; only the
//! messages name the option instead of a line.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::support::bytes::OsText;
use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;
use crate::taskfile::Context;
use crate::taskfile::Loaded;
use crate::taskfile::ParsedTask;
use crate::taskfile::assemble::assemble;
use crate::taskfile::assemble::find;
use crate::taskfile::diagnostic::At;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::doubts::note_doubts;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind;
use crate::taskfile::keys::Scope;
use crate::taskfile::names::Namer;
use crate::taskfile::node::Entry;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::order::circles;
use crate::taskfile::origin::Origin;
use crate::taskfile::program_name::of_program;
use crate::taskfile::program_name::of_script;
use crate::taskfile::reading::read_list;
use crate::taskfile::table::KEYS;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Section;
use crate::taskfile::walk::Setting;
use crate::taskfile::walk::walk;

/// An option and its value, such as `--timeout` and `2h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The option with its dashes, as the table of keys has it.
    pub name: String,
    /// The value, any bytes.
    pub value: OsString,
}

impl Flag {
    /// An option and its value.
    pub fn new(name: impl Into<String>, value: impl Into<OsString>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// What stands behind the options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// An argument vector that is executed as it is.
    Direct(Vec<OsString>),
    /// Words that are joined by blanks and handed to the shell.
    Shell(Vec<OsString>),
}

/// The task that a command line describes. Without `--name` it gets a name for which `taken`, asked
/// about the unfinished tasks of the queue, says no.
pub fn from_flags(
    flags: &[Flag],
    command: CommandLine,
    context: &Context,
    taken: impl Fn(&str) -> bool,
) -> Loaded {
    let mut reader = Reader::new(Reporter::of_command_line(None), context.home.as_deref());
    let mut settings = settings_of(&mut reader, flags);
    let raw = match command {
        CommandLine::Direct(argv) => Raw::List(argv.into_iter().map(argument).collect()),
        CommandLine::Shell(words) => Raw::Text(OsText::from(words.join(" ".as_ref()))),
    };
    let node = Node {
        at: At::Arguments,
        raw,
    };
    let waited_for = names_waited_for(&settings);
    let mut namer = Namer::new(|name: &str| taken(name) || waited_for.contains(name));
    let mut tasks = Vec::new();
    if let Some(setting) = read_command(&mut reader, &node) {
        settings.push(Arc::new(setting));
        note_doubts(&mut reader.reporter, &settings);
        tasks.extend(finish(&mut reader, settings, &mut namer, context, &node.at));
    }
    let mut diagnostics = reader.reporter.found;
    diagnostics.extend(circles(&tasks));
    Loaded {
        tasks,
        diagnostics,
        ..Loaded::default()
    }
    .complete()
}

/// One task for each line of a file, as [`from_lines`] makes them. The file is trusted like a task
/// file, because it says what runs as well.
pub fn load_lines(
    file: &Path,
    flags: &[Flag],
    context: &Context,
    taken: impl Fn(&str) -> bool,
) -> Loaded {
    match read_list(file, &context.base) {
        Ok(text) => from_lines(&text, &OsText::from(file), flags, context, taken),
        Err(diagnostic) => Loaded {
            tasks: Vec::new(),
            diagnostics: vec![*diagnostic],
            ..Loaded::default()
        },
    }
}

/// One task for each line of `text`, run by the shell; blank lines and lines that begin with `#` are
/// passed over. The options hold for every one of them. `file` is what the text is called.
pub fn from_lines(
    text: &[u8],
    file: &OsText,
    flags: &[Flag],
    context: &Context,
    taken: impl Fn(&str) -> bool,
) -> Loaded {
    let reporter = Reporter::of_command_line(Some(file.clone()));
    let mut reader = Reader::new(reporter, context.home.as_deref());
    let shared = settings_of(&mut reader, flags);
    if let Some(name) = find(&shared, "name") {
        reader.reporter.error(
            &name.at,
            "`--name` cannot name more than one task".to_owned(),
            Some("leave it out; the tasks are named after their programs".to_owned()),
        );
    }
    let waited_for = names_waited_for(&shared);
    let mut namer = Namer::new(|name: &str| taken(name) || waited_for.contains(name));
    let mut tasks = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if matches!(line.trim_ascii_start(), [] | [b'#', ..]) {
            continue;
        }
        let node = Node {
            at: At::Line(index + 1),
            raw: Raw::Text(OsText::new(line)),
        };
        let Some(setting) = read_command(&mut reader, &node) else {
            continue;
        };
        let mut settings = shared.clone();
        settings.push(Arc::new(setting));
        tasks.extend(finish(&mut reader, settings, &mut namer, context, &node.at));
    }
    let mut diagnostics = reader.reporter.found;
    diagnostics.extend(circles(&tasks));
    Loaded {
        tasks,
        diagnostics,
        ..Loaded::default()
    }
    .complete()
}

/// A task without a name is not called like one that it waits for.
fn names_waited_for(settings: &[Arc<Setting>]) -> HashSet<String> {
    match find(settings, "after").map(|setting| &setting.value) {
        Some(Value::After(after)) => after.iter().map(|one| one.task.to_string()).collect(),
        _ => HashSet::new(),
    }
}

fn argument(value: OsString) -> Node {
    Node {
        at: At::Arguments,
        raw: Raw::Text(OsText::from(value)),
    }
}

fn read_command(reader: &mut Reader<'_>, node: &Node) -> Option<Setting> {
    let key = Key::find(Scope::Task, "command")?;
    let value = reader.read(key, "", node)?;
    Some(given(key, value, &node.at))
}

fn given(key: &'static Key, value: Value, at: &At) -> Setting {
    Setting {
        key,
        part: String::new(),
        step: 0,
        value,
        at: at.clone(),
        origin: Origin::CommandLine,
    }
}

/// Names the task if nobody did, and makes its definition.
fn finish<T: Fn(&str) -> bool>(
    reader: &mut Reader<'_>,
    mut settings: Vec<Arc<Setting>>,
    namer: &mut Namer<T>,
    context: &Context,
    at: &At,
) -> Option<ParsedTask> {
    if find(&settings, "name").is_none() {
        let (program, command) = match &find(&settings, "command")?.value {
            Value::Argv(argv) => {
                let bytes: Vec<&[u8]> = argv.iter().map(OsText::as_bytes).collect();
                (of_program(argv.first()?), bytes.join(&0))
            }
            Value::Script(script) => (of_script(script), script.as_bytes().to_vec()),
            _ => return None,
        };
        let Some(name) = namer.name(&program, &command) else {
            reader.reporter.error(
                at,
                "no free name was found for the task".to_owned(),
                Some("name it yourself with `--name`".to_owned()),
            );
            return None;
        };
        let key = Key::find(Scope::Task, "name")?;
        settings.push(Arc::new(given(key, Value::Name(name), at)));
    }
    Some(ParsedTask {
        spec: Box::new(assemble(&settings, &context.base)?),
        place: None,
        settings,
    })
}

/// What the options say; what is wrong with them was noted.
fn settings_of(reader: &mut Reader<'_>, flags: &[Flag]) -> Vec<Arc<Setting>> {
    let mut entries: Vec<Entry> = Vec::new();
    for flag in flags {
        let Some(key) = Key::of_flag(&flag.name) else {
            unknown_flag(reader, &flag.name);
            continue;
        };
        let Some(name) = key.flag else {
            continue;
        };
        let value = OsText::from(flag.value.clone());
        match key.kind {
            Kind::Labels
            | Kind::After
            | Kind::Requirements
            | Kind::Services
            | Kind::Guarded
            | Kind::Wildcards => {
                let node = Node::of_flag(name, value);
                match list_of(&mut entries, key.name) {
                    Some(list) => list.push(node),
                    None => entries.push(entry(key, name, Raw::List(vec![node]))),
                }
            }
            Kind::Variables => {
                let Some(variable) = variable(reader, name, &value) else {
                    continue;
                };
                match table_of(&mut entries, key.name) {
                    Some(table) => {
                        table.retain(|other| other.key != variable.key);
                        table.push(variable);
                    }
                    None => entries.push(entry(key, name, Raw::Table(vec![variable]))),
                }
            }
            _ => {
                // Of an option that was given twice the last one counts, as in most programs.
                entries.retain(|other| other.key != key.name);
                entries.push(entry(key, name, Raw::Text(value)));
            }
        }
    }
    walk(reader, Section::CommandLine, entries).settings
}

fn entry(key: &Key, flag: &'static str, raw: Raw) -> Entry {
    let at = At::Flag(flag);
    Entry {
        key: key.name.to_owned(),
        at: at.clone(),
        node: Node { at, raw },
    }
}

fn list_of<'e>(entries: &'e mut [Entry], name: &str) -> Option<&'e mut Vec<Node>> {
    let entry = entries.iter_mut().find(|entry| entry.key == name)?;
    match &mut entry.node.raw {
        Raw::List(list) => Some(list),
        _ => None,
    }
}

fn table_of<'e>(entries: &'e mut [Entry], name: &str) -> Option<&'e mut Vec<Entry>> {
    let entry = entries.iter_mut().find(|entry| entry.key == name)?;
    match &mut entry.node.raw {
        Raw::Table(table) => Some(table),
        _ => None,
    }
}

/// `NAME=value` cut in two.
fn variable(reader: &mut Reader<'_>, flag: &'static str, value: &OsText) -> Option<Entry> {
    let mut parts = value.as_bytes().splitn(2, |byte| *byte == b'=');
    let name = parts.next().and_then(|name| std::str::from_utf8(name).ok());
    let (Some(name), Some(text)) = (name.filter(|name| !name.is_empty()), parts.next()) else {
        // What was given instead may be the value of a secret.
        let found = match name {
            Some("") => "no name before the `=`",
            Some(_) => "no `=`",
            None => "a name that is no text",
        };
        reader.reporter.error(
            &At::Flag(flag),
            format!("`{flag}` must be a name and a value, found {found}"),
            Some(format!("for example `{flag} PGHOST=db.internal`")),
        );
        return None;
    };
    Some(Entry {
        key: name.to_owned(),
        at: At::Flag(flag),
        node: Node::of_flag(flag, OsText::new(text)),
    })
}

fn unknown_flag(reader: &mut Reader<'_>, flag: &str) {
    let known = KEYS.iter().filter_map(|key| key.flag);
    let hint = closest(flag, known).map(|meant| format!("did you mean `{meant}`?"));
    let shown = Untrusted::from(flag).for_terminal_within(40);
    let message = format!("there is no option `{shown}` for a task");
    reader.reporter.error(&At::Arguments, message, hint);
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
