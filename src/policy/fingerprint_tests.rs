//! Which failures are one cause, and which are not.

use proptest::prelude::*;

use super::*;

fn same(category: Category, left: &str, right: &str) {
    assert_eq!(
        skeleton(category, left.as_bytes()),
        skeleton(category, right.as_bytes()),
        "{left} | {right}"
    );
}

fn different(category: Category, left: &str, right: &str) {
    assert_ne!(
        skeleton(category, left.as_bytes()),
        skeleton(category, right.as_bytes()),
        "{left} | {right}"
    );
}

/// Pairs of lines that one cause printed.
const ALIKE: &[(Category, &str, &str)] = &[
    (
        C::Network,
        "curl: (6) Could not resolve host: api.x",
        "curl: (6) Could not resolve host: api.x",
    ),
    (
        C::Network,
        "port 5432 failed: Connection refused",
        "port 80 failed: connection refused",
    ),
    (
        C::Network,
        "GET https://api.x/v1/jobs/17?t=1: reset",
        "GET https://api.x:8443/v2/users: reset",
    ),
    (
        C::Network,
        "connect to api.x:443 timed out after 30s",
        "connect to api.x:444 timed out after 1.5s",
    ),
    (
        C::Network,
        "connect 10.0.0.7:80: refused",
        "connect 192.168.1.1:443: refused",
    ),
    (
        C::Network,
        "curl: (6) Could not resolve host: api.x.org",
        "ssh: Could not resolve hostname api.x.org: Name or service not known",
    ),
    (
        C::Logic,
        "tried to allocate 1.44 GiB of 2 GiB",
        "tried to allocate 702 MiB of 800 MiB",
    ),
    (
        C::Resource,
        "cat: /data/in-1.txt: No such file or directory",
        "cat: ~/other: No such file or directory",
    ),
    (
        C::Resource,
        "cat: report.csv: No such file",
        "cat: notes-2.txt: No such file",
    ),
    (
        C::Resource,
        "rm: cannot remove 'a b': Busy",
        "rm: cannot remove 'c': Busy",
    ),
    (C::Logic, "main.rs:12:3: error: bad", "lib.rs:7: error: bad"),
    (C::Logic, "KeyError: 'user_17'", "KeyError: \"size\""),
    (
        C::Logic,
        "2026-11-21T21:12:42.123Z job 7f3a9c01 failed",
        "2025-01-02T03:04:05Z job 00aa11bb failed",
    ),
    (
        C::Logic,
        "[Wed Oct 21 07:28:00 2026] job died",
        "[Mon Nov  2 17:01:59 2025] job died",
    ),
    (
        C::Logic,
        "object 1b4e28ba-2fa1-11d2-883f-0016d3cca427 lost",
        "object 9b4e28ba-3fa1-11d2-993f-1116d3cca427 lost",
    ),
    (
        C::Logic,
        "worker-17: assertion at 0x7ffd12",
        "worker-3: assertion at 0x11aa",
    ),
    (
        C::Validation,
        "line 3, column 9: unexpected `}`",
        "line 1400, column 1: unexpected `]`",
    ),
];

#[test]
fn what_differs_from_task_to_task_is_ignored() {
    for (category, left, right) in ALIKE {
        same(*category, left, right);
    }
}

#[test]
fn what_makes_a_cause_is_not() {
    let table = [
        (
            C::Network,
            "Could not resolve host: api.x.org",
            "Could not resolve host: db.internal",
        ),
        (
            C::Network,
            "could not translate host name \"api.x.org\"",
            "could not translate host name \"db.internal\"",
        ),
        (
            C::Network,
            "GET https://api.x/: reset",
            "GET https://api.y/: reset",
        ),
        (
            C::Dependency,
            "No module named 'numpy'",
            "No module named 'torch'",
        ),
        (
            C::Dependency,
            "fatal error: zlib.h: No such file",
            "fatal error: png.h: No such file",
        ),
        (
            C::Dependency,
            "fatal error: a/b.h: No such file",
            "fatal error: a/c.h: No such file",
        ),
        (
            C::Resource,
            "cat: a.txt: No such file",
            "cat: a.txt: Permission denied",
        ),
        (
            C::Logic,
            "TypeError: 'a' is not callable",
            "TypeError: 'a' has no length",
        ),
    ];
    for (category, left, right) in table {
        different(category, left, right);
    }
    assert_ne!(
        fingerprint(C::Network, "connection_refused", None),
        fingerprint(C::Network, "connection_reset", None)
    );
    assert_eq!(fingerprint(C::Network, "x", Some(b"y")).len(), 16);
}

#[test]
fn ends_without_a_reason_are_no_cause() {
    assert!(!names_a_cause(C::Unknown, "silent"));
    assert!(!names_a_cause(C::Timeout, "own_timeout"));
    assert!(names_a_cause(C::Timeout, "read_timeout"));
}

proptest! {
    #[test]
    fn any_line_has_a_skeleton_without_digits(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for category in Category::ALL {
            let skeleton = skeleton(category, &bytes);
            prop_assert!(!skeleton.contains(|one: char| one.is_ascii_digit()), "{skeleton}");
        }
    }

    #[test]
    fn values_of_every_kind_are_ignored_wherever_they_stand(
        words in proptest::collection::vec("[a-z]{4,9}", 2..5),
        values in proptest::collection::vec(0..7_usize, 1..4),
        left in any::<[u64; 3]>(),
        right in any::<[u64; 3]>(),
        path in "(/[a-z0-9_.]{1,8}){1,4}",
        other in "(/[a-z0-9_.]{1,8}){1,4}",
        quoted in "[a-z0-9 ]{0,12}",
        requoted in "[a-z0-9 ]{0,12}",
    ) {
        let value = |kind: usize, numbers: [u64; 3], path: &str, quoted: &str| match kind {
            0 => numbers[0].to_string(),
            1 => path.to_owned(),
            2 => format!("\"{quoted}\""),
            3 => format!("0x{:x}", numbers[1]),
            4 => format!("{:08x}-{:04x}-{:04x}-8{:03x}-{:012x}", numbers[0] >> 32, numbers[1] >> 48, numbers[2] >> 48, numbers[0] >> 52, numbers[1] >> 16),
            5 => format!("{:02}:{:02}:{:02}", numbers[0] % 24, numbers[1] % 60, numbers[2] % 60),
            _ => format!("{}.{}s", numbers[0] % 1000, numbers[1] % 10),
        };
        let line = |numbers: [u64; 3], path: &str, quoted: &str| {
            let mut pieces = Vec::new();
            for (at, word) in words.iter().enumerate() {
                pieces.push(word.clone());
                if let Some(kind) = values.get(at) {
                    pieces.push(value(*kind, numbers, path, quoted));
                }
            }
            pieces.join(" ")
        };
        let (left, right) = (line(left, &path, &quoted), line(right, &other, &requoted));
        // Words that happen to be names of days or months are a part of a time.
        prop_assert_eq!(skeleton(C::Resource, left.as_bytes()), skeleton(C::Resource, right.as_bytes()), "{} | {}", left, right);
    }
}
