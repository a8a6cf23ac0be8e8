//! Messages of the usual tools in the usual languages, put back into English.
//!
//! Patterns know the English words alone. `languages.txt` has one line for each message: the English
//! words, then ` = `, then what stands in their place in other languages, apart from quotes and names.
//! A line that holds one of these is judged with the English words in its place; what is shown to a
//! person stays as it was printed.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::policy::classify::words::Words;

const MESSAGES: &str = include_str!("languages.txt");

/// The messages of other languages and, under the same number, the English words for each.
#[derive(Debug)]
struct Languages {
    foreign: Words,
    english: Vec<&'static str>,
}

fn languages() -> &'static Languages {
    static LANGUAGES: OnceLock<Languages> = OnceLock::new();
    LANGUAGES.get_or_init(|| {
        let (foreign, english) = pairs().unzip();
        Languages {
            foreign: Words::of(foreign),
            english,
        }
    })
}

/// Every message of another language beside the English words for it.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    MESSAGES
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .flat_map(|(english, others)| others.split(" | ").map(move |other| (other, english)))
}

/// The text with the English words in place of those of other languages; borrowed where there are none.
pub(super) fn in_english(text: &[u8]) -> Cow<'_, [u8]> {
    let languages = languages();
    let lower = text.to_ascii_lowercase();
    let mut english = Vec::new();
    let mut done = 0;
    let mut offset = 0;
    while let Some(next) = languages.foreign.next(&lower, offset) {
        offset = next;
        // Of several messages that begin here the longest is meant.
        let longest = languages
            .foreign
            .at(&lower, offset)
            .max_by_key(|number| languages.foreign.word(*number).len());
        let Some(number) = longest else {
            offset += 1;
            continue;
        };
        let words = languages.english.get(number).copied().unwrap_or_default();
        english.extend_from_slice(text.get(done..offset).unwrap_or_default());
        english.extend_from_slice(words.as_bytes());
        offset += languages.foreign.word(number).len();
        done = offset;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    english.extend_from_slice(text.get(done..).unwrap_or_default());
    Cow::Owned(english)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_read_and_no_message_stands_twice() {
        let mut seen = std::collections::BTreeMap::new();
        for (foreign, english) in pairs() {
            assert!(
                foreign.len() >= 5 && foreign == foreign.trim(),
                "`{foreign}`"
            );
            let before = seen.insert(foreign.to_lowercase(), english);
            assert!(before.is_none_or(|before| before == english), "`{foreign}`");
        }
        assert_eq!(MESSAGES.lines().count(), MESSAGES.matches(" = ").count());
    }

    #[test]
    fn only_the_words_of_the_message_change() {
        let told = |text: &str| String::from_utf8_lossy(&in_english(text.as_bytes())).into_owned();
        assert_eq!(
            told("cat: a.csv: Datei oder Verzeichnis nicht gefunden"),
            "cat: a.csv: No such file or directory"
        );
        assert_eq!(
            told("dd: 'b' の書き込みエラー: デバイスに空き領域がありません"),
            "dd: 'b' error writing: No space left on device"
        );
        assert!(matches!(in_english(b"all is well"), Cow::Borrowed(_)));
    }
}
