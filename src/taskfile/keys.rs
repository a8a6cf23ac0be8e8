//! The shape of the table of keys: what may stand in a task file and on the command line.
//!
//! The rows are in `taskfile::table`. From them come the checks of a file, did-you-mean, `check --explain`, "not supported yet", the
//! options of `queue add` and the reference in `docs/task-files.md`. Reading a value by its kind is
//! `taskfile::values`; putting it into a definition is `taskfile::assemble`.
//!
//! INVARIANT: the default text says what [`crate::model::spec`] does; tests hold both together.

use std::time::Duration;

use crate::taskfile::table::KEYS;

/// The table in which a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The top of a file.
    File,
    /// `[[task]]` and `[defaults]`.
    Task,
    /// `[task.retry]`.
    Retry,
    /// `[task.retry.on.<category>]`.
    RetryOn,
    /// `[task.limits]`.
    Limits,
    /// `[task.success]`.
    Success,
    /// `[[task.step]]`.
    Step,
    /// `[[task.recover]]`.
    Recover,
    /// `[task.dependencies]`.
    Dependencies,
    /// `[task.slurm]`.
    Slurm,
    /// `[[pattern]]`.
    Pattern,
}

impl Scope {
    /// The header under which its keys are written.
    pub const fn header(self) -> &'static str {
        match self {
            Self::File => "top of the file",
            Self::Task => "[[task]]",
            Self::Retry => "[task.retry]",
            Self::RetryOn => "[task.retry.on.<category>]",
            Self::Limits => "[task.limits]",
            Self::Success => "[task.success]",
            Self::Step => "[[task.step]]",
            Self::Recover => "[[task.recover]]",
            Self::Dependencies => "[task.dependencies]",
            Self::Slurm => "[task.slurm]",
            Self::Pattern => "[[pattern]]",
        }
    }

    /// What stands before the dot when a key of the scope is named from within a task.
    const fn prefix(self) -> &'static str {
        match self {
            Self::File | Self::Task => "",
            Self::Retry => "retry",
            Self::RetryOn => "retry.on",
            Self::Limits => "limits",
            Self::Success => "success",
            Self::Step => "step",
            Self::Recover => "recover",
            Self::Dependencies => "dependencies",
            Self::Slurm => "slurm",
            Self::Pattern => "pattern",
        }
    }
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// The name of a task.
    Name,
    /// A text for the shell, or a list of arguments.
    Command,
    /// A program with its options, as a text cut at blanks or as a list.
    Shell,
    /// A path; `~` at its start is the home directory.
    Path,
    /// A table of names and texts.
    Variables,
    /// `true`, `false` or a list of names.
    Inherit,
    /// A list of short texts.
    Labels,
    /// A whole number within these bounds.
    Whole(i64, i64),
    /// A number within these bounds.
    Number(f64, f64),
    /// A duration of at least this.
    Span(Duration),
    /// A size of at least this many bytes.
    Size(u64),
    /// A signal.
    Stop,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of paths; `~` at the start of each is the home directory.
    Paths,
    /// A regular expression.
    Expression,
    /// A list of what must be there before the start.
    Requirements,
    /// A short text.
    Word,
    /// A list of exit codes.
    ExitCodes,
    /// A list of tasks that must end first.
    After,
    /// A point in time.
    Moment,
    /// A name, or a list of names, of what a task talks to.
    Services,
    /// A list of strategies that need somebody's word.
    Guarded,
    /// A category, a pattern, or a table with an expression.
    When,
    /// A table of names and lists of texts.
    Addresses,
    /// A list of patterns of files below the workdir.
    Wildcards,
    /// A list of paths of folders.
    Folders,
    /// A file, or a list of pinned names.
    Installable,
    /// A table with the keys of a scope.
    Table(Scope),
    /// A list of such tables.
    Tables(Scope),
    /// A table of categories, each a table with the keys of a scope.
    PerCategory(Scope),
    /// The form of a key that is not supported yet.
    Other(&'static str),
}

impl Kind {
    /// What a value must be, fit to follow `must be`.
    pub fn wanted(self) -> String {
        match self {
            Self::Name => "a name".to_owned(),
            Self::Command => "a text for the shell or a list of arguments".to_owned(),
            Self::Shell => "a program with its options, as a text or a list of texts".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Variables => "a table of texts".to_owned(),
            Self::Inherit => "`true`, `false` or a list of names".to_owned(),
            Self::Labels => "a list of texts".to_owned(),
            Self::Paths => "a list of paths".to_owned(),
            Self::Expression => "a regular expression".to_owned(),
            Self::Requirements => "a list of requirements".to_owned(),
            Self::Whole(i64::MIN, _) | Self::Whole(_, i64::MAX) => "a whole number".to_owned(),
            Self::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Span(_) => "a duration".to_owned(),
            Self::Size(_) => "a size".to_owned(),
            Self::Stop => "a signal".to_owned(),
            Self::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                match quoted.split_last() {
                    Some((last, rest)) if !rest.is_empty() => {
                        format!("{} or {last}", rest.join(", "))
                    }
                    _ => quoted.concat(),
                }
            }
            Self::Word => "a text".to_owned(),
            Self::ExitCodes => "a list of exit codes from 0 to 255".to_owned(),
            Self::After => "a list of task names".to_owned(),
            Self::Moment => "a time".to_owned(),
            Self::Services => "a name or a list of names".to_owned(),
            Self::Guarded => "a list of guarded strategies".to_owned(),
            Self::When => "a category, a pattern or `{ matches = \"regex\" }`".to_owned(),
            Self::Addresses => "a table of lists of texts".to_owned(),
            Self::Wildcards => "a list of patterns of files".to_owned(),
            Self::Folders => "a list of folders".to_owned(),
            Self::Installable => "a file or a list of pinned names".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Tables(_) => "a list of tables".to_owned(),
            Self::PerCategory(_) => "a table with a table for each category".to_owned(),
            Self::Other(form) => form.to_owned(),
        }
    }
}

/// Since when a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// It works.
    Now,
    /// It is refused until the named work is done.
    Later(&'static str),
}

/// A key of a task file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// The table in which it stands.
    pub scope: Scope,
    /// Its name there.
    pub name: &'static str,
    /// What its value must look like.
    pub kind: Kind,
    /// What holds where nothing is written.
    pub default: &'static str,
    /// The option of `queue add` that says the same.
    pub flag: Option<&'static str>,
    /// A value other than the default, as it is written in TOML.
    pub example: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Whether it works yet.
    pub since: Since,
}

impl Key {
    /// The key as it is named from within a task, such as `retry.base`, or `retry.on.network.cap`
    /// and `env.HOME` for a `part` of a table whose keys are free.
    pub fn path(&self, part: &str) -> String {
        let prefix = self.scope.prefix();
        match (self.kind, self.scope) {
            (Kind::Variables | Kind::Addresses, _) if !part.is_empty() => {
                format!("{}.{part}", self.name)
            }
            (_, Scope::RetryOn) if !part.is_empty() => format!("{prefix}.{part}.{}", self.name),
            _ if prefix.is_empty() => self.name.to_owned(),
            _ => format!("{prefix}.{}", self.name),
        }
    }

    /// Whether it belongs to one task alone, so that `[defaults]` cannot hold it.
    pub fn is_of_one_task(&self) -> bool {
        self.scope == Scope::Task && matches!(self.name, "name" | "command" | "step")
    }

    /// The example as it is written on the command line.
    pub fn example_of_flag(&self) -> String {
        self.example
            .trim_matches(['[', ']', '{', '}', ' '])
            .replace(" = ", "=")
            .replace('"', "")
    }

    /// The key of this name in a scope.
    pub fn find(scope: Scope, name: &str) -> Option<&'static Self> {
        KEYS.iter()
            .find(|key| key.scope == scope && key.name == name)
    }

    /// The key that an option of the command line, such as `--timeout`, stands for.
    pub fn of_flag(flag: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.flag == Some(flag))
    }
}
