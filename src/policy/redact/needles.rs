//! Byte strings that are looked for, and whether a text may be the beginning of one.

use aho_corasick::AhoCorasick;
use aho_corasick::MatchKind;

/// What is looked for.
pub(super) struct Needles {
    pub(super) search: Option<AhoCorasick>,
    /// All of them, in order.
    sorted: Vec<Vec<u8>>,
    pub(super) longest: usize,
    /// With which bytes one of them begins.
    first: [bool; 256],
}

impl Needles {
    /// Those of a list; hits are numbered by it.
    pub(super) fn new(mut needles: Vec<Vec<u8>>) -> Self {
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&needles)
            // Only more needles than a machine has memory for are refused.
            .ok();
        let mut first = [false; 256];
        for byte in needles.iter().filter_map(|needle| needle.first()) {
            if let Some(place) = first.get_mut(usize::from(*byte)) {
                *place = true;
            }
        }
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        needles.sort_unstable();
        Self {
            search,
            sorted: needles,
            longest,
            first,
        }
    }

    /// From where on the end of a text may be the beginning of one.
    pub(super) fn begun(&self, text: &[u8]) -> usize {
        let earliest = text.len().saturating_sub(self.longest.saturating_sub(1));
        let mut places = earliest..text.len();
        places
            .find(|place| {
                let end = text.get(*place..).unwrap_or_default();
                let begins = end
                    .first()
                    .and_then(|byte| self.first.get(usize::from(*byte)));
                begins == Some(&true) && self.begins_one(end)
            })
            .unwrap_or(text.len())
    }

    /// Whether a text is the beginning of a needle and not all of it.
    pub(super) fn begins_one(&self, text: &[u8]) -> bool {
        let at = self
            .sorted
            .partition_point(|needle| needle.as_slice() <= text);
        self.sorted
            .get(at)
            .is_some_and(|needle| needle.starts_with(text))
    }
}
