//! Secrets in every form, split at every place, and everything else unchanged.

use super::*;
use proptest::prelude::*;

/// All that comes out of a stream that gets these pieces.
fn through(redactor: &Redactor, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Stream::default();
    let mut shown = Vec::new();
    for piece in pieces {
        shown.extend_from_slice(&stream.push(redactor, piece));
    }
    shown.extend(stream.finish(redactor));
    shown
}

fn text_of(redactor: &Redactor, pieces: &[&[u8]]) -> String {
    String::from_utf8(through(redactor, pieces)).unwrap()
}

fn knowing(values: &[&str]) -> Redactor {
    Redactor::new(values.iter().map(|value| value.as_bytes()))
}

#[test]
fn every_form_is_hidden_wherever_it_is_split() {
    let secret = "S3cr\u{e9}t 'va\"lue/\u{1F511}\\";
    let redactor = knowing(&[secret]);
    for form in forms::of(secret.as_bytes()) {
        let whole = [b"before ", form.as_slice(), b" behind\n"].concat();
        for at in 0..=whole.len() {
            let (left, right) = whole.split_at(at);
            let shown = text_of(&redactor, &[left, right]);
            assert_eq!(shown, "before *** behind\n", "{form:?} split at {at}");
        }
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(
            text_of(&redactor, &bytes),
            "before *** behind\n",
            "{form:?}"
        );
    }
}

/// What a program makes of bytes that it encodes, and the secret with other bytes around it.
fn wrapped_at(width: usize, encoded: &str, line_end: &str) -> String {
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    lines.join(line_end)
}

#[test]
fn what_is_wrapped_into_lines_is_hidden_wherever_a_line_ends_and_a_piece_begins() {
    let secret = "S3cret-Value/of-48-bytes+that-goes-over-the-line";
    let redactor = knowing(&[secret]);
    let hex = crate::support::bytes::to_hex(secret.as_bytes());
    // Made with coreutils, with none, one and two bytes before it, without what those share.
    let base64 = [
        "UzNjcmV0LVZhbHVlL29mLTQ4LWJ5dGVzK3RoYXQtZ29lcy1vdmVyLXRoZS1saW5l",
        "MzY3JldC1WYWx1ZS9vZi00OC1ieXRlcyt0aGF0LWdvZXMtb3Zlci10aGUtbGluZ",
        "TM2NyZXQtVmFsdWUvb2YtNDgtYnl0ZXMrdGhhdC1nb2VzLW92ZXItdGhlLWxpbm",
    ];
    for encoded in base64.into_iter().chain([hex.as_str()]) {
        for before in [0, 3, 50] {
            for line_end in ["\n", "\r\n", "\n    "] {
                let filler = "Zm9v".repeat(20);
                let whole = format!("{}{encoded}", &filler[..before]);
                let whole = format!("key:\n{} .\n", wrapped_at(60, &whole, line_end));
                let expected_end = " .\n";
                for at in 0..=whole.len() {
                    let (left, right) = whole.as_bytes().split_at(at);
                    let shown = text_of(&redactor, &[left, right]);
                    assert!(shown.ends_with(&format!("***{expected_end}")), "{shown:?}");
                    assert!(shown.starts_with("key:\n"), "{shown:?}");
                    assert!(shown.len() < before + 24, "{shown:?} at {at}");
                }
                let bytes: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
                let shown = text_of(&redactor, &bytes);
                assert!(shown.len() < before + 24, "{shown:?}");
            }
        }
    }
}

#[test]
fn a_wrapped_secret_that_the_end_cuts_off_is_hidden_as_far_as_it_goes() {
    let redactor = knowing(&["S3cret-Value/of-48-bytes+that-goes-over-the-line"]);
    assert_eq!(redactor.text("got UzNjcmV0L\nVZhbHVlL29m\n"), "got ***");
    assert_eq!(redactor.text("got UzN\njc\n"), "got UzN\njc\n");
    // Of a line that is not held back for its last character the next one is known.
    let mut stream = Stream::default();
    assert_eq!(&*stream.push(&redactor, b"U\n"), b"U\n");
    let rest = b"zNjcmV0LVZhbHVlL29mLTQ4LWJ5dGVzK3RoYXQtZ29lcy1vdmVyLXRoZS1saW5l\n";
    assert_eq!(&*stream.push(&redactor, rest), b"***\n");
}

#[test]
fn tokens_of_issuers_are_hidden_wherever_they_are_split() {
    let tokens = [
        "ghp_0123456789abcdefghij0123456789",
        "AKIAABCDEFGHIJKLMNOP",
        "sk-proj-abcdefghijklmnopqrst0",
        "glpat-abcdefghijklmnop-1",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ];
    for token in tokens {
        let whole = format!("token={token}; next\n");
        for at in 0..=whole.len() {
            let (left, right) = whole.as_bytes().split_at(at);
            let shown = text_of(Redactor::of_tokens(), &[left, right]);
            assert_eq!(shown, "token=***; next\n", "{token} split at {at}");
        }
    }
    let long = format!("hf_{} end", "x1".repeat(20_000));
    let pieces: Vec<&[u8]> = long.as_bytes().chunks(1000).collect();
    assert_eq!(text_of(Redactor::of_tokens(), &pieces), "*** end");
}

#[test]
fn the_expressions_for_quoted_lines_know_the_same_tokens() {
    for shape in SHAPES {
        let body = match shape.prefix {
            "AKIA" | "ASIA" => "ABCDEFGH01234567".to_owned(),
            "eyJ" => "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".to_owned(),
            _ => "a1".repeat(20),
        };
        let line = format!("got {}{body} there", shape.prefix);
        assert_eq!(crate::policy::mask::mask(&line), "got *** there");
        assert_eq!(Redactor::of_tokens().text(&line), "got *** there");
    }
}

#[test]
fn what_only_looks_like_a_token_stays() {
    for line in [
        "risk-assessment-of-the-whole-quarter",
        "<div class=\"sk-fading-circle-container-inner\">",
        "npm_config_registry and eyJunk and hf_x",
        "my_ghp_0123456789abcdefghij0123456789",
        "AKIA is a prefix",
        "ends with eyJ",
        "ends with github_pa",
    ] {
        assert_eq!(Redactor::of_tokens().text(line), line);
    }
}

#[test]
fn secrets_that_overlap_are_hidden_together() {
    let redactor = knowing(&["abcdef", "defghi", "abcdefxyz"]);
    assert_eq!(redactor.text("<abcdefghi>"), "<***>");
    assert_eq!(redactor.text("<abcdefabcdef>"), "<******>");
    for whole in ["<abcdefghi>", "<abcdefxyz>", "<abcdefxy>", "<defghi>"] {
        let expected = redactor.text(whole);
        for at in 0..whole.len() {
            let (left, right) = whole.as_bytes().split_at(at);
            assert_eq!(
                text_of(&redactor, &[left, right]),
                expected,
                "{whole} at {at}"
            );
        }
    }
    assert_eq!(redactor.text("<abcdefxy>"), "<***xy>");
}

#[test]
fn a_secret_that_the_end_cuts_off_is_hidden_as_far_as_it_goes() {
    let redactor = knowing(&["correct-horse-battery"]);
    assert_eq!(redactor.text("got correct-horse"), "got ***");
    assert_eq!(redactor.text("got correct-horse…"), "got ***…");
    // Of so little nothing can be concluded.
    assert_eq!(redactor.text("got correct"), "got correct");
}

#[test]
fn lines_are_not_held_back_for_what_might_follow() {
    let redactor = knowing(&["correct-horse-battery"]);
    let mut stream = Stream::default();
    assert_eq!(&*stream.push(&redactor, b"50 % done\n"), b"50 % done\n");
    assert!(!stream.holds());
    assert_eq!(&*stream.push(&redactor, b"correct"), b"");
    assert!(stream.holds());
    assert_eq!(&*stream.push(&redactor, b" so far\n"), b"correct so far\n");
}

#[test]
fn values_are_not_shown_by_debugging() {
    let redactor = knowing(&["correct-horse-battery"]);
    assert!(!format!("{redactor:?}").contains("horse"));
}

proptest! {
    #[test]
    fn how_output_is_cut_does_not_matter(
        words in proptest::collection::vec(
            prop_oneof![
                Just("hunter-two"), Just("two-hunter"), Just("hunter"), Just("-two"),
                Just("aHVudGVyLXR3b"), Just("sk-"), Just("abcdefghij0123456789"), Just("\n"),
                Just(" "), Just("eyJ"), Just("."), Just("x"),
            ],
            0..40,
        ),
        cuts in proptest::collection::vec(1..9_usize, 1..20),
    ) {
        let redactor = knowing(&["hunter-two", "two-hunter"]);
        let whole = words.concat();
        let at_once = text_of(&redactor, &[whole.as_bytes()]);
        let mut rest = whole.as_bytes();
        let mut pieces = Vec::new();
        for length in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, next) = rest.split_at((*length).min(rest.len()));
            pieces.push(piece);
            rest = next;
        }
        prop_assert_eq!(&at_once, &text_of(&redactor, &pieces));
        prop_assert!(!at_once.contains("hunter-two") && !at_once.contains("two-hunter"));
    }

    #[test]
    fn output_without_a_secret_passes_unchanged(
        pieces in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 0..10,
        ),
    ) {
        let redactor = knowing(&["\u{1}\u{2}never\u{3}\u{4}printed"]);
        let refs: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(through(&redactor, &refs), pieces.concat());
    }
}

proptest! {
    #[test]
    fn lines_without_a_secret_pass_unchanged_however_they_come(
        text in "([A-Za-z0-9+/]{0,9}[\\n\\r .]{0,3}){0,20}", size in 1_usize..40,
    ) {
        let redactor = knowing(&["S3cret-Value-of-many-bytes"]);
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        prop_assert_eq!(text_of(&redactor, &pieces), text);
    }
}
