//! Durations, sizes and numbers out of text.
//!
//! Pure: a text in, a value or a hint for its writer out. What a key allows is `taskfile::values`.

use std::time::Duration;

use bytesize::ByteSize;

/// No quantity is written longer than this; the parsers behind overflow on monsters.
const LONGEST: usize = 40;
/// No run of digits is longer than this.
const MOST_DIGITS: usize = 12;
/// Longer than any night, any project and any machine.
const LONGEST_SPAN: Duration = Duration::from_hours(24 * 366 * 10);
/// The most that the database and the kernel can count.
const LARGEST_SIZE: u64 = i64::MAX.unsigned_abs();

/// A size, and whether its unit may have been meant otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    /// The unit is a bare letter, which some tools take as binary.
    pub(crate) doubtful_unit: Option<char>,
}

/// Reads `2h`, `1h 30m`, `1.5h`, `500ms`.
///
/// # Errors
/// A hint.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(format!(
            "write the unit too, such as `{text}s` or `{text}m`"
        ));
    }
    for unit in text.split(|c: char| !c.is_alphabetic()) {
        match unit {
            "M" => return Err("`M` would be months; write `m` for minutes".to_owned()),
            "month" | "months" | "y" | "yr" | "yrs" | "year" | "years" => {
                return Err(format!(
                    "`{unit}` has no fixed length; write days, such as `30d`"
                ));
            }
            _ => {}
        }
    }
    let general = || "write it like `90s`, `20m`, `1h 30m`, `1.5h` or `2d`".to_owned();
    if text.len() > LONGEST || longest_run_of_digits(text) > MOST_DIGITS {
        return Err(general());
    }
    let span = humantime::parse_duration(text).map_err(|_| general())?;
    if span > LONGEST_SPAN {
        return Err("no more than ten years".to_owned());
    }
    // The queue stores milliseconds; what it cannot store must not make two definitions differ.
    Ok(Duration::from_millis(
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX),
    ))
}

/// Reads `64MiB`, `1.5 GiB`, `500MB`.
///
/// # Errors
/// A hint.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        return Err(format!(
            "write the unit too, such as `{text}MiB` or `{text}B`"
        ));
    }
    let general =
        || "write it like `64MiB`, `2GiB` (powers of 1024) or `500MB` (powers of 1000)".to_owned();
    if text.len() > LONGEST || longest_run_of_digits(text) > MOST_DIGITS {
        return Err(general());
    }
    let bytes = text.parse::<ByteSize>().map_err(|_| general())?.as_u64();
    if bytes > LARGEST_SIZE {
        return Err("no more than 8 EiB".to_owned());
    }
    let unit = text.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    let doubtful_unit = match unit.as_bytes() {
        [letter] if !letter.eq_ignore_ascii_case(&b'b') => {
            Some(char::from(letter.to_ascii_uppercase()))
        }
        _ => None,
    };
    Ok(Size {
        bytes,
        doubtful_unit,
    })
}

/// Reads a size, in bytes.
///
/// # Errors
/// A hint.
pub fn bytes(text: &str) -> Result<u64, String> {
    size(text).map(|size| size.bytes)
}

fn longest_run_of_digits(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit() && !c.is_whitespace())
        .map(|run| run.chars().filter(char::is_ascii_digit).count())
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("2h", 7_200_000),
            ("1h 30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            (" 2 days ", 172_800_000),
            ("1w", 604_800_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_duration_that_could_be_meant_otherwise_is_refused_with_a_hint() {
        for (text, part) in [
            ("90", "`90s`"),
            ("2M", "minutes"),
            ("1h 2M", "minutes"),
            ("1y", "days"),
            ("3 months", "days"),
            ("", "`90s`"),
            ("soon", "`90s`"),
            ("-5s", "`90s`"),
            ("11y", "days"),
            ("40000d", "ten years"),
            ("18446744073709551615s 1000000000ns", "`90s`"),
        ] {
            let hint = duration(text).unwrap_err();
            assert!(hint.contains(part), "{text}: {hint}");
        }
    }

    #[test]
    fn sizes_tell_powers_of_1024_from_powers_of_1000() {
        for (text, bytes, doubt) in [
            ("64MiB", 67_108_864, None),
            ("64 MB", 64_000_000, None),
            ("512M", 512_000_000, Some('M')),
            ("1.5GiB", 1_610_612_736, None),
            ("12B", 12, None),
        ] {
            let expected = Size {
                bytes,
                doubtful_unit: doubt,
            };
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["512", "", "much", "-1MiB", "99999EiB", "1..5GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_stumble(text in "[0-9. a-zA-Zµ\\-]{0,60}") {
            let _either = duration(&text);
            let _either = size(&text);
        }

        #[test]
        fn a_duration_that_is_shown_reads_back(millis in 0_u64..300_000_000_000) {
            let span = Duration::from_millis(millis);
            let shown = humantime::format_duration(span).to_string();
            // Months and years are shown for very long spans, and are not accepted.
            if span < Duration::from_hours(24 * 30) {
                prop_assert_eq!(duration(&shown), Ok(span));
            }
        }
    }
}
