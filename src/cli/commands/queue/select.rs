//! Which tasks are meant: ids, names, and the words by which tasks are selected.

use crate::cli::failure::CliError;
use crate::model::category::Category;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::store::{Filter, Reader};
use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;

/// Which tasks a command changes: these, or all for which everything that is written is true.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub struct SelectArgs {
    /// Tasks by id or name
    #[arg(value_name = "ID|NAME", conflicts_with_all = ["all_failed", "category", "tag", "status"])]
    pub tasks: Vec<String>,
    /// All that have failed
    #[arg(long, conflicts_with = "status")]
    pub all_failed: bool,
    /// All whose last failure is of this category
    #[arg(long, value_name = "CATEGORY", value_parser = parse_category)]
    pub category: Option<Category>,
    /// All with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// All in this state
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    pub status: Option<TaskStatus>,
}

impl SelectArgs {
    /// What is found where nothing was ever queued.
    ///
    /// # Errors
    /// When a task was named.
    pub fn none_exist<T>(&self) -> Result<Vec<T>, CliError> {
        match self.tasks.first() {
            Some(text) => Err(unknown(text, [])),
            None => Ok(Vec::new()),
        }
    }

    /// The state that is asked for, if any is.
    pub fn asked_status(&self) -> Option<TaskStatus> {
        self.status
            .or(self.all_failed.then_some(TaskStatus::Failed))
    }

    /// The tasks that are meant, in the order in which they were named, each once. Words select
    /// only tasks in a state for which the command makes sense, which `sensible` says.
    ///
    /// # Errors
    /// When a name or id is unknown, or the queue cannot be read.
    pub fn resolve(
        &self,
        reader: &Reader,
        sensible: &[TaskStatus],
    ) -> Result<Vec<TaskId>, CliError> {
        if self.tasks.is_empty() {
            let asked = self.asked_status();
            let statuses: Vec<TaskStatus> = sensible
                .iter()
                .copied()
                .filter(|status| asked.is_none_or(|asked| asked == *status))
                .collect();
            // No state at all would select every task.
            if statuses.is_empty() {
                return Ok(Vec::new());
            }
            let lines = reader.list(&Filter {
                statuses,
                tag: self.tag.clone(),
                category: self.category,
                ..Filter::default()
            })?;
            return Ok(lines.into_iter().map(|line| line.id).collect());
        }
        let mut found = Vec::new();
        for text in &self.tasks {
            let task = find(reader, text)?;
            if !found.contains(&task) {
                found.push(task);
            }
        }
        Ok(found)
    }
}

/// The task of this id or name.
///
/// # Errors
/// When there is none, with the name that was probably meant; or when the queue cannot be read.
pub fn find(reader: &Reader, id_or_name: &str) -> Result<TaskId, CliError> {
    if let Some(task) = reader.find(id_or_name)? {
        return Ok(task);
    }
    let lines = reader.list(&Filter::default())?;
    let names = lines.iter().map(|line| line.name.as_str());
    Err(unknown(id_or_name, names))
}

/// Says that the queue, which has tasks of these names, has no such task.
pub fn unknown<'a>(id_or_name: &str, names: impl IntoIterator<Item = &'a str>) -> CliError {
    unknown_among(
        id_or_name,
        names,
        "see all with `autoexec queue list --all`",
    )
}

/// Says that there is no such task, but perhaps one with a similar name; otherwise gives the hint.
pub fn unknown_among<'a>(
    id_or_name: &str,
    names: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> CliError {
    let shown = Untrusted::from(id_or_name).for_terminal();
    let is_id = !id_or_name.is_empty() && id_or_name.bytes().all(|byte| byte.is_ascii_digit());
    let what = if is_id { "with the id" } else { "named" };
    let failure = CliError::usage("unknown_task", format!("there is no task {what} `{shown}`"));
    match closest(id_or_name, names) {
        Some(name) if !is_id => failure.hint(format!("did you mean `{name}`?")),
        _ => failure.hint(otherwise),
    }
}

/// Reads a status, for the parser of the command line.
///
/// # Errors
/// Names the known ones.
pub fn parse_status(text: &str) -> Result<TaskStatus, String> {
    // The word by which lists and reports tell of a skipped task.
    if text == "blocked" {
        return Ok(TaskStatus::Skipped);
    }
    TaskStatus::parse(text).ok_or_else(|| one_of(TaskStatus::ALL.iter().map(|s| s.as_str())))
}

/// Reads a category, for the parser of the command line.
///
/// # Errors
/// Names the known ones.
pub fn parse_category(text: &str) -> Result<Category, String> {
    Category::parse(text).ok_or_else(|| one_of(Category::ALL.iter().map(|c| c.as_str())))
}

fn one_of(known: impl Iterator<Item = &'static str>) -> String {
    format!("it is one of {}", known.collect::<Vec<_>>().join(", "))
}
