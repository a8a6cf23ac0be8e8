//! Words for counts, durations and sizes, the same in every message and report.
//!
//! Not here: untrusted text (`support::untrusted`) and colours (`ui`).

use std::time::Duration;

/// `1 task`, `3 tasks`, `2 tries`: a count with its noun.
pub fn count(number: usize, noun: &str) -> String {
    const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];
    if number == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(VOWELS) => format!("{number} {stem}ies"),
        Some(_) | None => format!("{number} {noun}s"),
    }
}

/// A span of time for a person: `0.4s`, `12.0s`, `3m 05s`, `2h 07m`, `3d 04h`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        let tenths = (duration.as_millis() + 50) / 100;
        return if tenths >= 600 {
            "1m 00s".to_owned()
        } else {
            format!("{}.{}s", tenths / 10, tenths % 10)
        };
    }
    if seconds < 3600 {
        return format!("{}m {:02}s", seconds / 60, seconds % 60);
    }
    if seconds < 86_400 {
        return format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60);
    }
    format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600)
}

/// A span that somebody chose, for a person, without what is zero: `30 s`, `2 min`, `1 h 30 min`.
pub fn whole_span(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1_000);
    let parts = [
        (seconds / 3_600, "h"),
        (seconds % 3_600 / 60, "min"),
        (seconds % 60, "s"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if words.is_empty() {
        "0 s".to_owned()
    } else {
        words.join(" ")
    }
}

/// A size for a person in binary units: `812 B`, `4.0 KiB`, `1.5 GiB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "one decimal is shown; the loss begins at 2^53 bytes"
)]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in UNITS.iter().skip(1) {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// What the system says of an error, without its number, which tells a person nothing.
pub fn without_number(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(" (os error ") {
        plain.push_str(before);
        let number = behind.split_once(')');
        let number = number.filter(|(number, _)| number.bytes().all(|one| one.is_ascii_digit()));
        let Some((_, behind)) = number else {
            plain.push_str(" (os error ");
            rest = behind;
            continue;
        };
        rest = behind;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!(count(0, "task"), "0 tasks");
        assert_eq!(count(1, "task"), "1 task");
        assert_eq!(count(2, "task"), "2 tasks");
    }

    #[test]
    fn spans_read_naturally() {
        let cases = [
            (0, "0.0s"),
            (1_999, "2.0s"),
            (59_940, "59.9s"),
            (59_960, "1m 00s"),
            (185_000, "3m 05s"),
            (7_620_000, "2h 07m"),
            (273_600_000, "3d 04h"),
        ];
        for (millis, words) in cases {
            assert_eq!(span(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn spans_that_were_chosen_are_told_without_zeros() {
        for (millis, words) in [
            (0, "0 s"),
            (30_000, "30 s"),
            (29_001, "30 s"),
            (900_000, "15 min"),
            (5_430_000, "1 h 30 min 30 s"),
        ] {
            assert_eq!(whole_span(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn counts_have_the_plural_of_their_noun() {
        assert_eq!(count(1, "directory"), "1 directory");
        assert_eq!(count(2, "directory"), "2 directories");
        assert_eq!(count(0, "day"), "0 days");
        assert_eq!(count(3, "task"), "3 tasks");
    }

    #[test]
    fn sizes_use_binary_units() {
        assert_eq!(size(812), "812 B");
        assert_eq!(size(4096), "4.0 KiB");
        assert_eq!(size(1_610_612_736), "1.5 GiB");
        assert_eq!(size(1024 * 1024 - 1), "1.0 MiB");
    }

    #[test]
    fn an_error_of_the_system_is_told_without_its_number() {
        for (told, plain) in [
            (
                "No such file or directory (os error 2)",
                "No such file or directory",
            ),
            ("a (os error 2): b (os error 13), c", "a: b, c"),
            ("nothing (os error x) here", "nothing (os error x) here"),
            ("cut (os error 2", "cut (os error 2"),
            ("", ""),
        ] {
            assert_eq!(without_number(told), plain);
        }
    }
}
