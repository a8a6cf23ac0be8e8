//! Reads a written value by the kind of its key.
//!
//! Every refusal has the same shape, `… must be …, found …`, whether the value stood in a file or
//! on the command line. Rules that concern several keys are `taskfile::assemble`.

use std::path::Path;
use std::time::Duration;

use crate::model::checks::Requirement;
use crate::model::dependency::After;
use crate::model::ids::TaskName;
use crate::model::recovery::DependencyList;
use crate::model::recovery::RecoverWhen;
use crate::model::signal::Signal;
use crate::model::spec::EnvInherit;
use crate::model::timing::TimeWish;
use crate::policy::mask::HIDDEN;
use crate::policy::mask::mask;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;
use crate::taskfile::advising::example;
use crate::taskfile::advising::subject;
use crate::taskfile::checks::expression;
use crate::taskfile::diagnostic::At;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::order;
use crate::taskfile::quantities;
use crate::taskfile::scalars::Refusal;
use crate::taskfile::scalars::choice;
use crate::taskfile::scalars::is_variable;
use crate::taskfile::scalars::name;
use crate::taskfile::scalars::number;
use crate::taskfile::scalars::signal;
use crate::taskfile::scalars::span;
use crate::taskfile::scalars::text;
use crate::taskfile::scalars::whole;

/// The most columns of a value that a message repeats.
const FOUND_WIDTH: usize = 40;
/// The most characters of a label.
const LONGEST_LABEL: usize = 64;

/// A value that fits its key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Name(TaskName),
    Script(OsText),
    Argv(Vec<OsText>),
    Path(OsText),
    Text(OsText),
    Inherit(EnvInherit),
    Labels(Vec<String>),
    Whole(i64),
    Number(f64),
    Span(Duration),
    Size(u64),
    Signal(Signal),
    Choice(&'static str),
    Codes(Vec<i32>),
    After(Vec<After>),
    Moment(TimeWish),
    Paths(Vec<OsText>),
    Expression(String),
    Requirements(Vec<Requirement>),
    When(RecoverWhen),
    Addresses(Vec<OsText>),
    Installable(DependencyList),
}

/// Reads values and notes what is wrong with them.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) reporter: Reporter<'a>,
    home: Option<&'a Path>,
}

impl<'a> Reader<'a> {
    /// A reader that expands `~` to `home`.
    pub(crate) fn new(reporter: Reporter<'a>, home: Option<&'a Path>) -> Self {
        Self { reporter, home }
    }

    /// The value, if it fits the key; otherwise what is wrong was noted.
    pub(crate) fn read(&mut self, key: &'static Key, part: &str, node: &Node) -> Option<Value> {
        match self.value(key, node) {
            Ok(value) => Some(value),
            Err(refusal) => {
                if !self.refuse_items(key, part, node) {
                    self.refuse(key, part, node, refusal);
                }
                None
            }
        }
    }

    /// Tells what is wrong with each item of a list by itself; `false` if nothing is.
    fn refuse_items(&mut self, key: &'static Key, part: &str, node: &Node) -> bool {
        let (
            Kind::Requirements
            | Kind::After
            | Kind::Paths
            | Kind::Guarded
            | Kind::Wildcards
            | Kind::Folders
            | Kind::Installable,
            Raw::List(items),
        ) = (key.kind, &node.raw)
        else {
            return false;
        };
        let mut told = false;
        for item in items {
            let alone = Node {
                at: node.at.clone(),
                raw: Raw::List(vec![item.clone()]),
            };
            if let Err(refusal) = self.value(key, &alone) {
                self.refuse(key, part, &alone, refusal);
                told = true;
            }
        }
        told
    }

    fn refuse(&mut self, key: &Key, part: &str, node: &Node, refusal: Refusal) {
        let wanted = refusal.wanted.unwrap_or_else(|| key.kind.wanted());
        let (at, found) = refusal
            .at
            .unwrap_or_else(|| (node.at.clone(), self.found(node)));
        let subject = subject(key, part, &node.at);
        let hint = refusal.hint.or_else(|| example(key, part, node));
        let message = format!("{subject} must be {wanted}, found {found}");
        self.reporter.error(&at, message, hint);
    }

    /// A written value as a message repeats it.
    pub(crate) fn found(&self, node: &Node) -> String {
        let text = match (&node.at, &node.raw, self.reporter.source()) {
            (At::Text(span), _, Some(source)) => {
                Untrusted::from(source.shown(span)).for_terminal_within(FOUND_WIDTH)
            }
            (At::Flag("--env" | "--secret"), Raw::Text(_), _) => HIDDEN.to_owned(),
            (_, Raw::Text(text), _) => mask(&text.untrusted().for_terminal_within(FOUND_WIDTH)),
            (_, Raw::List(items), _) if items.is_empty() => String::new(),
            _ => return "something else".to_owned(),
        };
        if text.is_empty() {
            return "nothing".to_owned();
        }
        format!("`{text}`")
    }

    fn value(&mut self, key: &Key, node: &Node) -> Result<Value, Refusal> {
        match key.kind {
            Kind::Name => name(node).map(Value::Name),
            Kind::Command => self.command(node),
            Kind::Shell => self.shell(node).map(Value::Argv),
            Kind::Path => self.path(node).map(Value::Path),
            Kind::Variables | Kind::Word => text(node).map(Value::Text),
            Kind::Inherit => self.inherit(node).map(Value::Inherit),
            Kind::Labels => self.labels(node).map(Value::Labels),
            Kind::Whole(low, high) => whole(node, low, high).map(Value::Whole),
            Kind::Number(low, high) => number(node, low, high).map(Value::Number),
            Kind::Span(least) => span(key, node, least).map(Value::Span),
            Kind::Size(least) => self.size(key, node, least).map(Value::Size),
            Kind::Stop => signal(node).map(Value::Signal),
            Kind::Choice(words) => choice(node, words).map(Value::Choice),
            Kind::Paths => self.paths(node).map(Value::Paths),
            Kind::Expression => expression(node).map(Value::Expression),
            Kind::Requirements => self.requirements(node).map(Value::Requirements),
            Kind::ExitCodes => self.exit_codes(node).map(Value::Codes),
            Kind::After => order::after(node).map(Value::After),
            Kind::Moment => order::moment(node).map(Value::Moment),
            Kind::Services => self.services(node).map(Value::Labels),
            Kind::Guarded => self.guarded(node).map(Value::Labels),
            Kind::When => self.recover_when(node).map(Value::When),
            Kind::Addresses => self.addresses(node).map(Value::Addresses),
            Kind::Wildcards => self.wildcards(node).map(Value::Labels),
            Kind::Folders => self.folders(node).map(Value::Paths),
            Kind::Installable => self.installable(key, node).map(Value::Installable),
            Kind::Table(_) | Kind::Tables(_) | Kind::PerCategory(_) | Kind::Other(_) => {
                Err(Refusal::default())
            }
        }
    }

    /// The texts of a list; a wrong one is pointed at by itself.
    fn texts(&self, items: &[Node], wanted: &str) -> Result<Vec<OsText>, Refusal> {
        items
            .iter()
            .map(|item| {
                text(item).map_err(|refusal| Refusal {
                    at: Some((item.at.clone(), self.found(item))),
                    wanted: refusal.wanted.or_else(|| Some(wanted.to_owned())),
                    hint: match &item.raw {
                        Raw::Whole(_) | Raw::Fraction(_) | Raw::Truth(_) => Some(format!(
                            "write it in quotes: `\"{}\"`",
                            self.found(item).trim_matches('`')
                        )),
                        _ => refusal.hint,
                    },
                })
            })
            .collect()
    }

    fn command(&self, node: &Node) -> Result<Value, Refusal> {
        match &node.raw {
            Raw::Text(script) if script.as_bytes().trim_ascii().is_empty() => {
                Err(Refusal::wanted("something to run"))
            }
            Raw::Text(_) => text(node).map(Value::Script),
            Raw::List(items) => self.argv(items).map(Value::Argv),
            _ => Err(Refusal::default()),
        }
    }

    fn argv(&self, items: &[Node]) -> Result<Vec<OsText>, Refusal> {
        let argv = self.texts(items, "a list of texts")?;
        match argv.first() {
            None => Err(Refusal::wanted("something to run")),
            Some(program) if program.is_empty() => Err(Refusal::wanted(
                "a list that begins with the name of a program",
            )),
            Some(_) => Ok(argv),
        }
    }

    fn shell(&self, node: &Node) -> Result<Vec<OsText>, Refusal> {
        match &node.raw {
            Raw::Text(line) => {
                text(node)?;
                let words: Vec<OsText> = line
                    .as_bytes()
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .map(OsText::new)
                    .collect();
                if words.is_empty() {
                    return Err(Refusal::default());
                }
                Ok(words)
            }
            Raw::List(items) => self.argv(items),
            _ => Err(Refusal::default()),
        }
    }

    pub(crate) fn path(&self, node: &Node) -> Result<OsText, Refusal> {
        if !matches!(node.raw, Raw::Text(_)) {
            return Err(Refusal::default());
        }
        let written = text(node)?;
        if written.is_empty() {
            return Err(Refusal::default());
        }
        let Some(rest) = written.as_bytes().strip_prefix(b"~") else {
            return Ok(written);
        };
        let rest = match rest {
            [] => rest,
            [b'/', below @ ..] => below,
            _ => {
                return Err(Refusal::wanted("a path that can be expanded").hint(
                    "only `~` and `~/…` stand for a home directory; write the path in full, or `./~…` for a file of that name",
                ));
            }
        };
        let home: &Path = self.home.ok_or_else(|| {
            Refusal::wanted("a path that can be expanded")
                .hint("nobody knows the home directory here; write the path in full")
        })?;
        if rest.is_empty() {
            return Ok(OsText::from(home));
        }
        Ok(OsText::from(home.join(OsText::new(rest).as_path())))
    }

    fn inherit(&self, node: &Node) -> Result<EnvInherit, Refusal> {
        match &node.raw {
            Raw::Truth(true) => Ok(EnvInherit::All),
            Raw::Truth(false) => Ok(EnvInherit::Nothing),
            Raw::List(items) => self
                .texts(items, "a list of names")?
                .iter()
                .map(|name| match name.as_str() {
                    Some(name) if is_variable(name) => Ok(name.to_owned()),
                    _ => Err(Refusal::wanted("a list of names of variables")),
                })
                .collect::<Result<_, _>>()
                .map(EnvInherit::Names),
            _ => Err(Refusal::default()),
        }
    }

    pub(crate) fn labels(&self, node: &Node) -> Result<Vec<String>, Refusal> {
        let Raw::List(items) = &node.raw else {
            return Err(match &node.raw {
                Raw::Text(_) => Refusal::default().hint(format!(
                    "put it into brackets: `[{}]`",
                    self.found(node).trim_matches('`')
                )),
                _ => Refusal::default(),
            });
        };
        let mut labels: Vec<String> = Vec::new();
        for (label, item) in self.texts(items, "a list of texts")?.iter().zip(items) {
            let legal = label.as_str().filter(|text| {
                (1..=LONGEST_LABEL).contains(&text.chars().count())
                    && !text.chars().any(char::is_control)
            });
            let Some(legal) = legal else {
                return Err(Refusal {
                    wanted: Some("a label of 1 to 64 characters on one line".to_owned()),
                    at: Some((item.at.clone(), self.found(item))),
                    hint: None,
                });
            };
            if !labels.iter().any(|known| known == legal) {
                labels.push(legal.to_owned());
            }
        }
        Ok(labels)
    }

    fn size(&mut self, key: &Key, node: &Node, least: u64) -> Result<u64, Refusal> {
        let size = match &node.raw {
            Raw::Text(written) => quantities::size(written.as_str().unwrap_or("?"))
                .map_err(|hint| Refusal::default().hint(hint))?,
            Raw::Whole(number) if *number >= 0 => {
                return Err(Refusal::default()
                    .hint(format!("write the unit too, such as `\"{number}MiB\"`")));
            }
            _ => return Err(Refusal::default()),
        };
        if size.bytes < least {
            return Err(Refusal::wanted("more than nothing"));
        }
        if let Some(unit) = size.doubtful_unit {
            self.reporter.warning(
                &node.at,
                format!(
                    "{} is {} bytes: `{unit}` counts in powers of 1000",
                    subject(key, "", &node.at),
                    size.bytes
                ),
                Some(format!("write `{unit}iB` for powers of 1024, or `{unit}B`")),
            );
        }
        Ok(size.bytes)
    }

    fn exit_codes(&self, node: &Node) -> Result<Vec<i32>, Refusal> {
        let Raw::List(items) = &node.raw else {
            return Err(match &node.raw {
                Raw::Whole(code) => {
                    Refusal::default().hint(format!("put it into brackets: `[{code}]`"))
                }
                _ => Refusal::default(),
            });
        };
        let mut codes = Vec::new();
        for item in items {
            match &item.raw {
                Raw::Whole(code @ 0..=255) => codes.push(i32::try_from(*code).unwrap_or_default()),
                _ => {
                    return Err(Refusal {
                        at: Some((item.at.clone(), self.found(item))),
                        ..Refusal::default()
                    });
                }
            }
        }
        codes.sort_unstable();
        codes.dedup();
        if codes.is_empty() {
            return Err(Refusal::wanted("a list with at least one exit code"));
        }
        Ok(codes)
    }
}
