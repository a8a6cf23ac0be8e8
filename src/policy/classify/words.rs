//! Many words looked for in one pass, in any case of ASCII letters.
//!
//! A table from the first four bytes of each word to the words that begin with them. An automaton would
//! search a little faster, but takes tens of milliseconds to build, and most processes judge one failure.

use std::borrow::Cow;

/// The bytes of a word that choose its place in the table; no word is shorter.
pub(super) const KEY: usize = 4;
/// Places in the table, as a power of two.
const BITS: u32 = 14;
/// No word.
const NONE: u32 = u32::MAX;

/// Words, ready to be looked for.
#[derive(Debug)]
pub(super) struct Words {
    list: Vec<&'static str>,
    /// The same words in small letters.
    lower: Vec<Cow<'static, [u8]>>,
    /// For each place the last word that belongs there.
    heads: Vec<u32>,
    /// For each word the one before it that belongs to the same place.
    before: Vec<u32>,
}

impl Words {
    pub(super) fn of(list: Vec<&'static str>) -> Self {
        let lower: Vec<_> = list.iter().map(|word| in_small_letters(word)).collect();
        let mut heads = vec![NONE; 1 << BITS];
        let mut before = Vec::with_capacity(list.len());
        for (number, word) in lower.iter().enumerate() {
            let head = place(word, 0).and_then(|place| heads.get_mut(place));
            // A word that is too short is never found; a test looks for such.
            let Some(head) = head else {
                before.push(NONE);
                continue;
            };
            before.push(*head);
            *head = u32::try_from(number).unwrap_or(NONE);
        }
        Self {
            list,
            lower,
            heads,
            before,
        }
    }

    /// A word by its number.
    pub(super) fn word(&self, number: usize) -> &'static str {
        self.list.get(number).copied().unwrap_or_default()
    }

    /// The numbers of the words that stand at `offset` of a text in small letters.
    pub(super) fn at<'a>(
        &'a self,
        lower: &'a [u8],
        offset: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let text = lower.get(offset..).unwrap_or_default();
        let first = place(text, 0).and_then(|place| self.heads.get(place).copied());
        std::iter::successors(first, |number| self.before.get(*number as usize).copied())
            .take_while(|number| *number != NONE)
            .map(|number| number as usize)
            .filter(move |number| {
                let word = self.lower.get(*number);
                word.is_some_and(|word| text.starts_with(word))
            })
    }

    /// Where, from `offset` on, a word may begin in a text in small letters. Nearly everywhere none can, so this
    /// is what a search spends its time with.
    pub(super) fn next(&self, lower: &[u8], offset: usize) -> Option<usize> {
        let may_begin = |key: &[u8]| {
            place(key, 0)
                .and_then(|place| self.heads.get(place))
                .is_some_and(|head| *head != NONE)
        };
        let skipped = lower.get(offset..)?.windows(KEY).position(may_begin)?;
        Some(offset + skipped)
    }

    /// Every word in a text in small letters: where it begins, and its number.
    pub(super) fn find<'a>(&'a self, lower: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let mut from = 0;
        let begins = std::iter::from_fn(move || {
            let found = self.next(lower, from)?;
            from = found + 1;
            Some(found)
        });
        begins.flat_map(move |offset| self.at(lower, offset).map(move |word| (offset, word)))
    }
}

fn in_small_letters(word: &'static str) -> Cow<'static, [u8]> {
    // Nearly all of them are written so.
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(word.as_bytes().to_ascii_lowercase())
    } else {
        Cow::Borrowed(word.as_bytes())
    }
}

/// The place in the table of what stands at `offset`.
fn place(lower: &[u8], offset: usize) -> Option<usize> {
    let key: [u8; KEY] = lower.get(offset..offset + KEY)?.try_into().ok()?;
    // The upper bits of a product depend on every bit of the key.
    let mixed = u32::from_le_bytes(key).wrapping_mul(0x9E37_79B1);
    usize::try_from(mixed >> (u32::BITS - BITS)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_where_they_begin_in_any_case() {
        let words = Words::of(vec![
            "refused",
            "connection refused",
            "ENOENT",
            "没有那个文件",
        ]);
        let text = "x Connection REFUSED, enoent 没有那个文件".to_ascii_lowercase();
        let found: Vec<(usize, &str)> = words
            .find(text.as_bytes())
            .map(|(at, number)| (at, words.word(number)))
            .collect();
        assert_eq!(
            found,
            [
                (2, "connection refused"),
                (13, "refused"),
                (22, "ENOENT"),
                (29, "没有那个文件")
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_found_that_is_not_there(
            text in "[ab]{0,40}",
            words in proptest::collection::vec("[ab]{4,6}", 1..8),
        ) {
            let leaked: Vec<&'static str> =
                words.iter().map(|word| &*Box::leak(word.clone().into_boxed_str())).collect();
            let table = Words::of(leaked.clone());
            let mut found: Vec<(usize, usize)> = table.find(text.as_bytes()).collect();
            found.sort_unstable();
            let mut wanted = Vec::new();
            for at in 0..text.len() {
                for (number, word) in leaked.iter().enumerate() {
                    if text[at..].starts_with(word) {
                        wanted.push((at, number));
                    }
                }
            }
            prop_assert_eq!(found, wanted);
        }
    }
}
