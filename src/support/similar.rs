//! Did you mean: the known word that a misspelt one is most like.

use strsim::jaro_winkler;

/// From here on two words are alike enough to be worth a question.
const ALIKE: f64 = 0.8;

/// The known word that is most like `wrong`, if one is alike enough.
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = plain(wrong);
    known
        .into_iter()
        .map(|word| (jaro_winkler(&wrong, &plain(word)), word))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Of equals the first one counts, so that the order of the known words decides.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, word)| word)
}

/// A word as far as likeness is concerned; a long one is cut, because the measure is quadratic.
fn plain(word: &str) -> String {
    word.chars()
        .take(64)
        .map(|character| match character {
            '-' | ' ' => '_',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_a_foreign_word_finds_none() {
        let known = ["timeout", "retries", "workdir", "on_crash"];
        for (wrong, meant) in [
            ("timout", Some("timeout")),
            ("retrys", Some("retries")),
            ("WorkDir", Some("workdir")),
            ("on-crash", Some("on_crash")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(closest(wrong, known), meant, "{wrong}");
        }
    }
}
