//! Versions of programs, as people write them and as programs print them.
//!
//! Only numbers count: `3.11` and `3.11.0` are the same, and what stands behind the numbers (`-rc1`,
//! `ubuntu3`) says nothing here.

use std::cmp::Ordering;

/// Whether a text is a version: numbers with dots between them.
pub fn is_version(text: &str) -> bool {
    text.len() <= LONGEST
        && text.split('.').all(|part| {
            (1..=MOST_DIGITS).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// The longest version that is read.
const LONGEST: usize = 64;
/// The most digits of one number in it.
const MOST_DIGITS: usize = 18;

/// Whether a version that was found is at least the wanted one.
pub fn is_at_least(found: &str, wanted: &str) -> bool {
    let mut found = numbers(found);
    let mut wanted = numbers(wanted);
    loop {
        match (found.next(), wanted.next()) {
            (_, None) => return true,
            (found, Some(wanted)) => match found.unwrap_or_default().cmp(&wanted) {
                Ordering::Less => return false,
                Ordering::Greater => return true,
                Ordering::Equal => {}
            },
        }
    }
}

fn numbers(version: &str) -> impl Iterator<Item = u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0))
}

/// The version in what a program says of itself.
///
/// It stands in the first line that holds a number: the first number with a dot in it, so that
/// `bzip2, … Version 1.0.8` is no `2`, else the first one that is not a part of a word.
pub fn find(output: &[u8]) -> Option<String> {
    output
        .split(|byte| *byte == b'\n')
        .find_map(|line| in_line(&String::from_utf8_lossy(line)))
}

fn in_line(line: &str) -> Option<String> {
    let mut plain = None;
    let mut before = ' ';
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if !first.is_ascii_digit() {
            before = first;
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let end = rest
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        let number = run.trim_end_matches('.');
        if is_version(number) {
            if number.contains('.') {
                return Some(number.to_owned());
            }
            let in_word = before == '_' || (before.is_alphabetic() && !matches!(before, 'v' | 'V'));
            let goes_on = behind.starts_with(|next: char| next.is_alphabetic() || next == '_');
            if !in_word && !goes_on && plain.is_none() {
                plain = Some(number.to_owned());
            }
        }
        before = '0';
        rest = behind;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_version_is_found_in_what_programs_print() {
        for (output, version) in [
            ("Python 3.11.2\n", "3.11.2"),
            ("pg_dump (PostgreSQL) 15.3 (Debian 15.3-0+deb12u1)", "15.3"),
            ("git version 2.39.5", "2.39.5"),
            ("v20.11.1\n", "20.11.1"),
            ("v20\n", "20"),
            ("jq-1.6", "1.6"),
            ("go version go1.21.5 linux/amd64", "1.21.5"),
            (
                "bzip2, a block-sorting file compressor.  Version 1.0.8, 13-Jul-2019.",
                "1.0.8",
            ),
            ("less 590 (GNU regular expressions)", "590"),
            ("\n7-Zip (z) 23.01 (x64)", "23.01"),
            ("It is 3.\n", "3"),
            ("sha256sum (GNU coreutils) 9.1", "9.1"),
            ("welcome\n\nTool 2024.1b", "2024.1"),
        ] {
            assert_eq!(
                find(output.as_bytes()).as_deref(),
                Some(version),
                "{output}"
            );
        }
        for output in ["", "no number", "x86_64", "abc7", "1.2.", "\u{ff11}"] {
            let expected = output.starts_with("1.2").then_some("1.2");
            assert_eq!(find(output.as_bytes()).as_deref(), expected, "{output}");
        }
    }

    #[test]
    fn versions_are_compared_number_by_number() {
        for (found, wanted, enough) in [
            ("3.11.2", "3.11", true),
            ("3.9.2", "3.11", false),
            ("3.11", "3.11.0", true),
            ("3.11", "3.11.1", false),
            ("4", "3.99.99", true),
            ("10.0", "9.9", true),
            ("0", "0.0.0", true),
        ] {
            assert_eq!(is_at_least(found, wanted), enough, "{found} {wanted}");
        }
    }

    #[test]
    fn only_numbers_with_dots_are_a_version() {
        for (text, is) in [
            ("3", true),
            ("3.11", true),
            ("", false),
            ("3.", false),
            (".3", false),
            ("3.x", false),
            ("3.11rc1", false),
        ] {
            assert_eq!(is_version(text), is, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_printed_a_version_is_a_version(output in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(found) = find(&output) {
                prop_assert!(is_version(&found));
                prop_assert!(is_at_least(&found, &found));
            }
        }
    }
}
