//! What makes two definitions the same: their canonical text, and its hash.

use sha2::{Digest, Sha256};

use crate::model::spec::TaskSpec;
use crate::support::bytes::to_hex;

impl TaskSpec {
    /// The definition as it is stored and hashed.
    ///
    /// Maps are ordered and fields keep their order, so the same definition gives the same text.
    pub fn canonical_json(&self) -> String {
        // It cannot fail: every key is a string.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// SHA-256 over the canonical JSON of the definition, in hexadecimal digits.
    ///
    /// Two tasks with the same hash would do the same thing.
    pub fn hash(&self) -> String {
        Self::hash_of(&self.canonical_json())
    }

    /// What [`TaskSpec::hash`] gives for the definition with this canonical JSON.
    pub fn hash_of(canonical_json: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"autoexec task 1\n");
        hasher.update(canonical_json);
        to_hex(&hasher.finalize())
    }
}
