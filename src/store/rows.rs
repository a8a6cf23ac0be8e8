//! Between rows and values: reading columns in order, words for enumerations, whole numbers.
//!
//! A row that does not read is an error that names table and column, never a default.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value;
use serde::de::value::StrDeserializer;

use crate::store::error::StoreError;
use crate::support::clock::Timestamp;

/// The columns of a row, taken one after the other in the order of the query.
#[derive(Debug)]
pub(crate) struct Cells<'row, 'statement> {
    row: &'row Row<'statement>,
    table: &'static str,
    next: usize,
}

impl<'row, 'statement> Cells<'row, 'statement> {
    /// Starts at the first column of a row of `table`.
    pub(crate) const fn of(row: &'row Row<'statement>, table: &'static str) -> Self {
        Self {
            row,
            table,
            next: 0,
        }
    }

    /// The next column.
    pub(crate) fn take<T: FromSql>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        self.row
            .get(index)
            .map_err(|error| self.unreadable(index, error.to_string()))
    }

    /// The next column, a text that is only looked at.
    pub(crate) fn text(&mut self) -> Result<&'row str, StoreError> {
        self.optional_text()?
            .ok_or_else(|| self.last("is missing".to_owned()))
    }

    /// The next column, a text that is only looked at, or nothing.
    fn optional_text(&mut self) -> Result<Option<&'row str>, StoreError> {
        let index = self.next;
        self.next += 1;
        let value = self.row.get_ref(index);
        let text = value.and_then(|value| Ok(value.as_str_or_null()?));
        text.map_err(|error| self.unreadable(index, error.to_string()))
    }

    /// The next column, a whole number of the type that is wanted.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let value: i64 = self.take()?;
        T::try_from(value).map_err(|_| self.last(format!("is out of range: {value}")))
    }

    /// The next column, a whole number or nothing.
    pub(crate) fn optional_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(value) = self.take::<Option<i64>>()? else {
            return Ok(None);
        };
        T::try_from(value)
            .map(Some)
            .map_err(|_| self.last(format!("is out of range: {value}")))
    }

    /// The next column, an instant.
    pub(crate) fn instant(&mut self) -> Result<Timestamp, StoreError> {
        self.take().map(Timestamp::from_millis)
    }

    /// The next column, an instant or nothing.
    pub(crate) fn optional_instant(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    /// The next column, milliseconds or nothing.
    pub(crate) fn optional_span(&mut self) -> Result<Option<Duration>, StoreError> {
        Ok(self.optional_number()?.map(Duration::from_millis))
    }

    /// The next column, JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|error| self.last(format!("does not read: {error}")))
    }

    /// The next column, JSON or nothing.
    pub(crate) fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(text) = self.optional_text()? else {
            return Ok(None);
        };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|error| self.last(format!("does not read: {error}")))
    }

    /// The next column, a stable identifier.
    pub(crate) fn word<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(text).ok_or_else(|| self.unknown_word(text))
    }

    /// The next column, a stable identifier or nothing.
    pub(crate) fn optional_word<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.optional_text()? else {
            return Ok(None);
        };
        parse(text).map(Some).ok_or_else(|| self.unknown_word(text))
    }

    /// The error for the column taken last.
    pub(crate) fn last(&self, problem: String) -> StoreError {
        self.unreadable(self.next.saturating_sub(1), problem)
    }

    fn unknown_word(&self, text: &str) -> StoreError {
        let shown = crate::support::untrusted::Untrusted::from(text).for_terminal_within(60);
        self.last(format!("is none of the known words: `{shown}`"))
    }

    fn unreadable(&self, index: usize, problem: String) -> StoreError {
        StoreError::Unreadable {
            table: self.table,
            column: self
                .row
                .as_ref()
                .column_name(index)
                .unwrap_or("?")
                .to_owned(),
            problem,
        }
    }
}

/// The identifier of an enumeration without data, as serde writes it.
pub(crate) fn word_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        // Only enumerations without data are given; anything else would be refused on reading.
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Reads what [`word_of`] wrote.
pub(crate) fn from_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    let word: StrDeserializer<'_, value::Error> = word.into_deserializer();
    T::deserialize(word).ok()
}

/// JSON of a value whose maps have only strings as keys, so that writing cannot fail.
pub(crate) fn json_of<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A number for a column: SQLite has no unsigned ones.
pub(crate) fn column<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Milliseconds for a column.
pub(crate) fn millis(span: Duration) -> i64 {
    column(span.as_millis())
}
