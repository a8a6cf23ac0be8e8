//! Written values with their places, whether they come from TOML or from the command line.
//!
//! Both are brought into one form here, so that one walk (`taskfile::walk`) and one reader
//! (`taskfile::values`) check them with the same words.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::support::bytes::OsText;
use crate::taskfile::diagnostic::At;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) raw: Raw,
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    Text(OsText),
    Whole(i64),
    /// A whole number that no integer can hold.
    HugeWhole,
    Fraction(f64),
    Truth(bool),
    Moment,
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key was written.
    pub(crate) at: At,
    pub(crate) node: Node,
}

impl Node {
    /// Brings a parsed TOML value into this form.
    pub(crate) fn of_toml(value: Spanned<DeValue<'_>>) -> Self {
        let at = At::Text(value.span());
        let raw = match value.into_inner() {
            DeValue::String(text) => Raw::Text(OsText::from(text.into_owned())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Raw::HugeWhole, Raw::Whole),
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map_or(Raw::Fraction(f64::NAN), Raw::Fraction),
            DeValue::Boolean(truth) => Raw::Truth(truth),
            DeValue::Datetime(_) => Raw::Moment,
            DeValue::Array(items) => Raw::List(items.into_iter().map(Self::of_toml).collect()),
            DeValue::Table(table) => Raw::Table(entries(table)),
        };
        Self { at, raw }
    }

    /// A text from the command line.
    pub(crate) fn of_flag(flag: &'static str, value: OsText) -> Self {
        Self {
            at: At::Flag(flag),
            raw: Raw::Text(value),
        }
    }

    /// Whether it came from an option, where everything is text.
    pub(crate) fn is_of_flag(&self) -> bool {
        matches!(self.at, At::Flag(_))
    }
}

/// The entries of a parsed table, in the order in which they were written.
pub(crate) fn entries(table: DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<(usize, Entry)> = table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            let entry = Entry {
                at: At::Text(span.clone()),
                key: key.into_inner().into_owned(),
                node: Node::of_toml(value),
            };
            (span.start, entry)
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    entries.into_iter().map(|(_, entry)| entry).collect()
}
