//! Text of the operating system: bytes that are usually UTF-8 and need not be.
//!
//! Arguments, environment values and paths pass through the queue unchanged, whatever they hold.
//! In JSON a value that is UTF-8 is a string, any other is `{"hex": "…"}`.
//! Not for showing: that is [`crate::support::untrusted::Untrusted`].

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::untrusted::Untrusted;

/// A byte string of the operating system: an argument, an environment value or a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OsText(Vec<u8>);

impl OsText {
    /// Wraps the bytes as they are.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as the operating system's string.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// The bytes as a path.
    pub fn as_path(&self) -> &Path {
        Path::new(self.as_os_str())
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The same bytes, to be shown: a sink must be chosen.
    pub fn untrusted(&self) -> Untrusted {
        Untrusted::new(self.0.clone())
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for OsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), f)
    }
}

impl From<&str> for OsText {
    fn from(value: &str) -> Self {
        Self(value.as_bytes().to_vec())
    }
}

impl From<String> for OsText {
    fn from(value: String) -> Self {
        Self(value.into_bytes())
    }
}

impl From<OsString> for OsText {
    fn from(value: OsString) -> Self {
        Self(value.into_vec())
    }
}

impl From<&OsStr> for OsText {
    fn from(value: &OsStr) -> Self {
        Self(value.as_bytes().to_vec())
    }
}

impl From<PathBuf> for OsText {
    fn from(value: PathBuf) -> Self {
        Self::from(value.into_os_string())
    }
}

impl From<&Path> for OsText {
    fn from(value: &Path) -> Self {
        Self::from(value.as_os_str())
    }
}

/// Lower-case hexadecimal digits of some bytes.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('?');
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    text
}

/// The bytes that hexadecimal digits stand for; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        })
        .collect()
}

impl Serialize for OsText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("hex", &to_hex(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for OsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Hex { hex: String },
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self::from(text)),
            Form::Hex { hex } => from_hex(&hex)
                .map(Self)
                .ok_or_else(|| D::Error::custom("`hex` must hold pairs of hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_survive_json(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = OsText::new(bytes);
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<OsText>(&json).unwrap(), text);
        }
    }

    #[test]
    fn readable_text_stays_readable_in_json() {
        assert_eq!(
            serde_json::to_string(&OsText::from("naïve \"x\"\n")).unwrap(),
            r#""naïve \"x\"\n""#
        );
        assert_eq!(
            serde_json::to_string(&OsText::new([0xff, 0x00])).unwrap(),
            r#"{"hex":"ff00"}"#
        );
    }
}
