//! Failures of one kind counted together: twenty tasks that died of one host are one cause.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::model::category::Category;
use crate::model::ids::TaskName;
use crate::policy::fingerprint::fingerprint;
use crate::report::facts::Failure;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// How many fingerprints are remembered at once.
const REMEMBERED: usize = 1000;

/// Failures that look alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Stable over nights; see `policy::fingerprint`.
    pub fingerprint: String,
    /// The broad class.
    pub category: Category,
    /// The named pattern.
    pub pattern: String,
    /// Attempts that failed so.
    pub count: usize,
    /// The tasks that they belong to.
    pub tasks: BTreeSet<TaskName>,
    /// When it was first seen.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// The line of the first one.
    pub example: Option<Untrusted>,
}

/// Collects failures into causes.
#[derive(Debug, Default)]
pub struct Causes {
    found: BTreeMap<String, Cause>,
    /// Fingerprints of what was added lately: thousands of attempts fail with the very same words.
    known: HashMap<(Category, String, Option<Untrusted>), String>,
}

impl Causes {
    /// Adds a failed attempt.
    pub fn add(&mut self, task: &TaskName, at: Timestamp, failure: &Failure) {
        let key = (
            failure.category,
            failure.pattern.clone(),
            failure.line.clone(),
        );
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let fingerprint = self
            .known
            .entry(key)
            .or_insert_with(|| failure.fingerprint());
        let cause = self.found.entry(fingerprint.clone());
        let cause = cause.or_insert_with(|| Cause {
            fingerprint: fingerprint.clone(),
            category: failure.category,
            pattern: failure.pattern.clone(),
            count: 0,
            tasks: BTreeSet::new(),
            first_at: at,
            last_at: at,
            example: failure.line.clone(),
        });
        cause.count += 1;
        if !cause.tasks.contains(task) {
            cause.tasks.insert(task.clone());
        }
        cause.first_at = cause.first_at.min(at);
        cause.last_at = cause.last_at.max(at);
    }

    /// The causes, the most frequent first.
    pub fn into_sorted(self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.found.into_values().collect();
        causes
            .sort_by(|left, right| (right.count, left.first_at).cmp(&(left.count, right.first_at)));
        causes
    }
}

impl Failure {
    /// The short hash that failures of one cause have in common.
    pub fn fingerprint(&self) -> String {
        let line = self.line.as_ref().map(Untrusted::as_bytes);
        fingerprint(self.category, &self.pattern, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(pattern: &str, line: &str) -> Failure {
        Failure {
            category: Category::Network,
            pattern: pattern.to_owned(),
            line: Some(line.into()),
        }
    }

    #[test]
    fn failures_of_one_fingerprint_are_one_cause() {
        let mut causes = Causes::default();
        let (one, two) = (TaskName::new("one").unwrap(), TaskName::new("two").unwrap());
        let at = Timestamp::from_millis;
        causes.add(&one, at(20), &failure("refused", "port 5432 refused"));
        causes.add(&two, at(10), &failure("refused", "port 80 refused"));
        causes.add(&two, at(30), &failure("refused", "host unknown"));
        let causes = causes.into_sorted();
        assert_eq!(causes.len(), 2);
        assert_eq!((causes[0].count, causes[0].tasks.len()), (2, 2));
        assert_eq!((causes[0].first_at, causes[0].last_at), (at(10), at(20)));
        assert_ne!(causes[0].fingerprint, causes[1].fingerprint);
        assert_eq!(causes[0].fingerprint.len(), 16);
    }
}
