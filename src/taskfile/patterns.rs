//! `[[pattern]]`: error patterns, in a task file, in the configuration and in a file to import.
//!
//! All three are read here, so that a pattern means the same wherever it is written. What an expression
//! may be is [`crate::policy::classify::expression`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use toml::de::DeTable;

use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::pattern::MAX_PATTERNS;
use crate::model::pattern::PatternSpec;
use crate::policy::classify::PatternSet;
use crate::policy::classify::catalogue;
use crate::policy::classify::catalogue::KnownBy;
use crate::policy::classify::expression;
use crate::policy::strategy;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;
use crate::taskfile::diagnostic::At;
use crate::taskfile::diagnostic::Diagnostic;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Scope;
use crate::taskfile::load::with_syntax;
use crate::taskfile::node::Entry;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::source::Source;
use crate::taskfile::values::Reader;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Section;
use crate::taskfile::walk::unknown_key;

/// The most columns of a written name that a message repeats.
const SHOWN: usize = 40;
/// The most characters of a program's name.
const LONGEST_TOOL: usize = 64;

/// What else may stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Whatever somebody else reads.
    PassOver,
    /// Nothing but `[[learned]]`, which somebody else reads.
    Refuse,
}

/// Reads the patterns of a text, or all that is wrong with them.
pub fn read_patterns(
    file: &OsText,
    text: &str,
    others: Others,
) -> Result<Vec<PatternSpec>, Vec<Diagnostic>> {
    let source = Source::new(Arc::new(file.clone()), PathBuf::new(), text.to_owned());
    let (document, broken) = DeTable::parse_recoverable(&source.text);
    let mut reader = Reader::new(Reporter::of_file(&source), None);
    let mut patterns = Vec::new();
    for entry in crate::taskfile::node::entries(document.into_inner()) {
        if entry.key == "pattern" {
            patterns = patterns_of(&mut reader, &entry.at, entry.node);
        } else if others == Others::Refuse && entry.key != "learned" {
            reader.reporter.error(
                &entry.at,
                format!(
                    "a file of patterns holds nothing but `[[pattern]]`, found {}",
                    quoted(&entry.key)
                ),
                Some(
                    "tasks are added with `autoexec queue add`, settings belong into `config.toml`"
                        .to_owned(),
                ),
            );
        }
    }
    let mut found = reader.reporter.found;
    if !broken.is_empty() {
        found = with_syntax(&source, &broken, found);
    }
    found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    if found.is_empty() {
        Ok(patterns)
    } else {
        Err(found)
    }
}

/// Says what is wrong with a pattern that was typed, key by key.
///
/// # Errors
/// All that is wrong, each with its hint.
pub fn check_pattern(pattern: &PatternSpec) -> Result<(), Vec<(String, Option<String>)>> {
    let at = At::Arguments;
    let mut reporter = Reporter::of_command_line(None);
    check_whole(&mut reporter, &at, pattern);
    if let Some(matches) = &pattern.matches
        && let Err(problem) = expression::compile(matches)
    {
        reporter.error(
            &at,
            format!(
                "`--matches`: {}",
                Untrusted::from(problem.to_string()).for_terminal()
            ),
            Some(problem.hint().to_owned()),
        );
    }
    check_tool(&mut reporter, &at, pattern.tool.as_deref());
    check_strategies(&mut reporter, &at, &pattern.strategies);
    if reporter.found.is_empty() {
        return Ok(());
    }
    let told = reporter.found.into_iter();
    Err(told.map(|one| (one.message, one.hint)).collect())
}

/// The patterns of a list of tables.
pub(crate) fn patterns_of(reader: &mut Reader<'_>, at: &At, node: Node) -> Vec<PatternSpec> {
    let Raw::List(items) = node.raw else {
        reader.reporter.error(
            at,
            "`pattern` must be a list of tables".to_owned(),
            Some("write the header `[[pattern]]`".to_owned()),
        );
        return Vec::new();
    };
    let mut patterns: Vec<PatternSpec> = Vec::new();
    let mut first: BTreeMap<String, At> = BTreeMap::new();
    for (number, Node { at, raw }) in items.into_iter().enumerate() {
        if number == MAX_PATTERNS {
            reader.reporter.error(
                &at,
                format!("there are more than {MAX_PATTERNS} patterns"),
                Some("one expression may hold several words: `one|two`".to_owned()),
            );
            break;
        }
        let Raw::Table(entries) = raw else {
            let message = "a pattern is a table".to_owned();
            let hint = Some("write the header `[[pattern]]`".to_owned());
            reader.reporter.error(&at, message, hint);
            continue;
        };
        let Some(pattern) = pattern(reader, &at, entries) else {
            continue;
        };
        if first.contains_key(&pattern.name) {
            reader.reporter.error(
                &at,
                format!("a second pattern is called `{}`", pattern.name),
                Some("one expression may hold several words: `one|two`".to_owned()),
            );
        }
        first.insert(pattern.name.clone(), at);
        patterns.push(pattern);
    }
    if let Err(problem) = PatternSet::new(patterns.clone()) {
        let hint = Some(problem.hint().to_owned());
        reader
            .reporter
            .error(at, format!("the expressions: {problem}"), hint);
    }
    patterns
}

/// One pattern; `None` if it lacks what every pattern must have.
fn pattern(reader: &mut Reader<'_>, at: &At, entries: Vec<Entry>) -> Option<PatternSpec> {
    let (mut name, mut category) = (None, None);
    let mut pattern = PatternSpec {
        name: String::new(),
        matches: None,
        exit_codes: Vec::new(),
        tool: None,
        category: Category::Unknown,
        retryable: None,
        strategies: Vec::new(),
    };
    let mut written = Vec::new();
    for Entry { key, at, node } in entries {
        let Some(known) = Key::find(Scope::Pattern, &key) else {
            let meant = unknown_key(reader, Scope::Pattern, Section::Task, &key, &at);
            written.extend(meant);
            continue;
        };
        written.push(known.name);
        if known.name == "matches" {
            pattern.matches = matches(reader, &node);
            continue;
        }
        match (known.name, reader.read(known, "", &node)) {
            ("name", Some(Value::Name(given))) => name = Some(given.to_string()),
            ("category", Some(Value::Choice(word))) => category = Category::parse(word),
            ("retryable", Some(Value::Choice(word))) => pattern.retryable = Retryable::parse(word),
            ("exit_codes", Some(Value::Codes(codes))) => pattern.exit_codes = codes,
            ("tool", Some(Value::Text(tool))) => {
                let tool = tool.as_str().unwrap_or("\u{fffd}").to_owned();
                check_tool(&mut reader.reporter, &node.at, Some(&tool));
                pattern.tool = Some(tool);
            }
            ("strategies", Some(Value::Labels(names))) => {
                check_strategies(&mut reader.reporter, &node.at, &names);
                pattern.strategies = names;
            }
            _ => {}
        }
    }
    for (key, example) in [("name", "gpu_lost"), ("category", "resource")] {
        if !written.contains(&key) {
            reader.reporter.error(
                at,
                format!("this pattern has no `{key}`"),
                Some(format!("write for example `{key} = \"{example}\"`")),
            );
        }
    }
    pattern.name = name?;
    pattern.category = category?;
    // A value that was refused was there all the same.
    if written.contains(&"matches") || written.contains(&"exit_codes") {
        check_name(&mut reader.reporter, at, &pattern.name);
    } else {
        check_whole(&mut reader.reporter, at, &pattern);
    }
    Some(pattern)
}

fn matches(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let Raw::Text(text) = &node.raw else {
        let found = reader.found(node);
        reader.reporter.error(
            &node.at,
            format!("`pattern.matches` must be a regular expression, found {found}"),
            Some(
                "write `matches = 'GPU \\d+ lost'`: in single quotes a backslash stands for itself"
                    .to_owned(),
            ),
        );
        return None;
    };
    let text = text.as_str().unwrap_or("\u{fffd}");
    if let Err(problem) = expression::compile(text) {
        reader.reporter.error(
            &node.at,
            format!(
                "`pattern.matches` cannot be used: {}",
                Untrusted::from(problem.to_string()).for_terminal()
            ),
            Some(problem.hint().to_owned()),
        );
        return None;
    }
    Some(text.to_owned())
}

/// What must hold for a pattern as a whole.
fn check_whole(reporter: &mut Reporter<'_>, at: &At, pattern: &PatternSpec) {
    check_name(reporter, at, &pattern.name);
    if pattern.matches.is_none() && pattern.exit_codes.is_empty() {
        reporter.error(
            at,
            format!("the pattern {} matches nothing", quoted(&pattern.name)),
            Some(match at {
                At::Arguments | At::Flag(_) | At::Line(_) => {
                    "give it words of the output with `--matches`, or an `--exit-code`".to_owned()
                }
                At::Text(_) => {
                    "write `matches = '…'` for a line of the output, or `exit_codes = [3]`"
                        .to_owned()
                }
            }),
        );
    }
}

/// A name that a fact goes by decides what the engine does, so it cannot be given another meaning.
fn check_name(reporter: &mut Reporter<'_>, at: &At, name: &str) {
    let is_of_a_fact = catalogue::named(name).is_some_and(|named| named.known_by == KnownBy::Fact);
    if is_of_a_fact {
        reporter.error(
            at,
            format!(
                "{} is the name of something that autoexec sees itself",
                quoted(name)
            ),
            Some("choose another name".to_owned()),
        );
    }
}

fn check_tool(reporter: &mut Reporter<'_>, at: &At, tool: Option<&str>) {
    let Some(tool) = tool else {
        return;
    };
    let is_name = |character: char| {
        !character.is_whitespace() && !character.is_control() && !"/;|&<>=".contains(character)
    };
    if tool.is_empty() || tool.chars().count() > LONGEST_TOOL || !tool.chars().all(is_name) {
        reporter.error(
            at,
            format!(
                "`tool` must be the name of a program, found {}",
                quoted(tool)
            ),
            Some("the name alone, without folder and arguments: `pg_dump`".to_owned()),
        );
    }
}

fn check_strategies(reporter: &mut Reporter<'_>, at: &At, names: &[String]) {
    for name in names {
        if let Err(hint) = strategy::known(name) {
            let message = format!("there is no strategy {}", quoted(name));
            reporter.error(at, message, Some(hint));
        }
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", Untrusted::from(name).for_terminal_within(SHOWN))
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
