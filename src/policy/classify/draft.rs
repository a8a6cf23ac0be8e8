//! A judgement in the making.

use std::collections::BTreeMap;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;

/// The most bytes of an extracted value; a longer one is no name of anything.
const LONGEST_VALUE: usize = 512;

/// What a line of output is taken for, before the best line is known.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) category: Category,
    pub(super) pattern: &'static str,
    pub(super) retryable: Retryable,
    pub(super) rank: u8,
    pub(super) extracted: BTreeMap<String, String>,
    /// The line that decided.
    pub(super) line_number: usize,
}

impl Draft {
    /// Changes the judgement as a whole.
    pub(super) fn becomes(
        &mut self,
        category: Category,
        pattern: &'static str,
        retryable: Retryable,
    ) {
        self.category = category;
        self.pattern = pattern;
        self.retryable = retryable;
    }

    /// Adds a value unless its key is taken or the value is empty.
    pub(super) fn extract(&mut self, key: &str, value: &str) {
        if !value.is_empty() && value.len() <= LONGEST_VALUE && !self.extracted.contains_key(key) {
            self.extracted.insert(key.to_owned(), value.to_owned());
        }
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.extracted.get(key).map(String::as_str)
    }

    /// Whether another line says the same of another path.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.pattern == other.pattern
            && self.retryable == other.retryable
            && self.value("path").is_some()
            && self.line_number != other.line_number
    }

    /// The finished judgement.
    pub(super) fn finish(self, line: &[u8]) -> Classification {
        Classification {
            category: self.category,
            pattern: self.pattern.to_owned(),
            retryable: self.retryable,
            told: false,
            confidence: f64::from(self.rank.min(99)) / 100.0,
            extracted: self.extracted,
            line: Some(String::from_utf8_lossy(line.trim_ascii()).into_owned()),
        }
    }
}
