//! Which tasks a list holds, as conditions of a statement that find them through the indexes: however
//! many tasks went well, those that did not are found without reading them.
//!
//! Reading and counting what is found is `store::list`.

use std::fmt::Write as _;

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use crate::model::category::Category;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::store::doubts::DOUBTED;
use crate::store::needing::NEEDING;

/// Which tasks a list holds: those for which everything that is written here is true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// One of these; any where none is given.
    pub statuses: Vec<TaskStatus>,
    /// Of these, only those that need a person and were not dealt with.
    pub needing: bool,
    /// Beside those, tasks whose success is hard to believe.
    pub doubted: bool,
    /// Only those.
    pub only_doubted: bool,
    /// With this label.
    pub tag: Option<String>,
    /// Whose last failure was of this category.
    pub category: Option<Category>,
    /// Behind this one, to read on after a page.
    pub after: Option<TaskId>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// A value of a condition.
pub(crate) enum Value {
    Number(i64),
    Text(String),
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}

impl Filter {
    /// The filter for those whose success is hard to believe, if they are wanted beside others.
    pub(crate) fn beside(&self) -> Option<Self> {
        self.doubted.then(|| Self {
            statuses: vec![TaskStatus::Succeeded],
            needing: false,
            doubted: false,
            only_doubted: true,
            ..self.clone()
        })
    }

    /// The conditions and their values. Only fixed words and numbers become part of the statement.
    /// `page`: no more than so many are wanted, the first ones.
    pub(crate) fn conditions(&self, page: Option<usize>) -> (String, Vec<Value>) {
        let mut sql = String::from("id > ?");
        let mut values = vec![Value::Number(self.after.map_or(0, TaskId::get))];
        if !self.statuses.is_empty() {
            sql.push_str(" AND status IN (");
            sql.push_str(&words(&self.statuses));
            sql.push(')');
            // The indexes are partial: they are used when it is plain that they hold every row.
            if !self.statuses.contains(&TaskStatus::Queued) {
                sql.push_str(" AND status <> 'queued'");
            } else if !self.statuses.contains(&TaskStatus::Succeeded) {
                sql.push_str(&self.beyond_success(page));
            }
        }
        if self.needing {
            sql.extend([" AND ", NEEDING]);
        }
        if self.only_doubted {
            sql.extend([" AND id IN (", DOUBTED, ")"]);
        }
        if let Some(tag) = &self.tag {
            sql.push_str(" AND EXISTS (SELECT 1 FROM json_each(spec, '$.tags') WHERE value = ?)");
            values.push(Value::Text(tag.clone()));
        }
        if let Some(category) = self.category {
            sql.push_str(" AND last_category = ?");
            values.push(Value::Text(category.as_str().to_owned()));
        }
        (sql, values)
    }

    /// The condition for statuses of which `queued` is one and `succeeded` is not: found through the
    /// indexes, past all that went well.
    fn beyond_success(&self, page: Option<usize>) -> String {
        let (open, over): (Vec<TaskStatus>, Vec<TaskStatus>) = self
            .statuses
            .iter()
            .partition(|status| status.is_unfinished());
        let unwanted: Vec<TaskStatus> = TaskStatus::ALL
            .into_iter()
            .filter(|status| status.is_unfinished() && !open.contains(status))
            .collect();
        let mut sql = String::from(
            " AND id IN (SELECT id FROM (SELECT id FROM task_records INDEXED BY task_unfinished \
             WHERE finished_at IS NULL",
        );
        // Those that are queued have no index of their own; the other ones are few.
        for (before, statuses, behind) in [
            (" AND id NOT IN (", unwanted, ")"),
            (" UNION ALL ", over, ""),
        ] {
            if !statuses.is_empty() {
                sql.extend([
                    before,
                    "SELECT id FROM task_records INDEXED BY task_status \
                     WHERE status <> 'queued' AND status IN (",
                    &words(&statuses),
                    ")",
                    behind,
                ]);
            }
        }
        sql.push(')');
        // The first ones of a long queue are found without making a list of all.
        let is_whole =
            self.tag.is_none() && self.category.is_none() && !self.needing && !self.only_doubted;
        if let Some(page) = page.filter(|_| is_whole) {
            let after = self.after.map_or(0, TaskId::get);
            let _never_fails = write!(sql, " WHERE id > {after} ORDER BY id LIMIT {page}");
        }
        sql.push(')');
        sql
    }
}

/// Statuses as a list of SQL.
fn words(statuses: &[TaskStatus]) -> String {
    let words: Vec<String> = statuses
        .iter()
        .map(|status| format!("'{status}'"))
        .collect();
    words.join(", ")
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
