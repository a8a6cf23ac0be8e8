//! Which tasks are meant: ids, names, and the words by which tasks are selected.

use crate::model::category::Category;
use crate::model::state::TaskStatus;

/// Reads a status, for the parser of the command line.
///
/// # Errors
/// Names the known ones.
pub fn parse_status(text: &str) -> Result<TaskStatus, String> {
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
