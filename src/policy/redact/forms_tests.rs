//! Forms of secrets, held against what programs make of them.

use super::*;
use proptest::prelude::*;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn has(secret: &str, form: &str) {
    let forms = of(secret.as_bytes());
    assert!(
        forms.contains(form.as_bytes()),
        "{secret:?} has no form {form:?}: {:?}",
        forms.iter().map(|form| text(form)).collect::<Vec<_>>()
    );
}

#[test]
fn a_plain_token_has_few_forms() {
    // Raw, hexadecimal twice, base64 at three places, these five without their first character.
    assert_eq!(of(b"tok3nvalue").len(), 11);
}

#[test]
fn what_programs_make_of_a_secret_is_known() {
    for form in [
        "p\u{e4}ss w'o\"r/d",
        "70c3a473732077276f22722f64",
        "p%C3%A4ss%20w%27o%22r%2Fd",
        "p%c3%a4ss%20w%27o%22r%2fd",
        "p%C3%A4ss+w%27o%22r%2Fd",
        "p%C3%A4ss%20w%27o%22r/d",
        "p%C3%A4ss%20w'o%22r%2Fd",
        "p\u{e4}ss w'o\\\"r/d",
        "p\u{e4}ss w'o\\\"r\\/d",
        "p\\u00e4ss w'o\\\"r/d",
        "p\u{e4}ss w'\\''o\"r/d",
        "p\u{e4}ss w'\"'\"'o\"r/d",
        "p\u{e4}ss\\ w\\'o\\\"r/d",
        "p\u{e4}ss w&#39;o&quot;r/d",
        "p\u{e4}ss w&#x27;o&quot;r/d",
        "p\u{e4}ss w&#39;o&#34;r/d",
        "p\u{e4}ss w&apos;o&quot;r/d",
        "p&#228;ss w&#x27;o&quot;r/d",
        "p&#xe4;ss&#x20;w&#x27;o&#x22;r&#x2f;d",
        "p\u{e4}ss w&#39;o&quot;r&#x2F;d",
        "p\\\\u00e4ss w'o\\\\\\\"r/d",
        "p\u{e4}ss w'o\\\\\\\"r\\\\/d",
    ] {
        has("p\u{e4}ss w'o\"r/d", form);
    }
    has("line one\nline two", "line one\\nline two");
    has("line one\nline two", "line two");
    has("with a newline\n", "with a newline");
}

#[test]
fn base64_is_known_wherever_the_secret_stands() {
    // Made with coreutils: `printf '%s' Secret-Value | base64`, with one and two bytes before it.
    has("Secret-Value", "U2VjcmV0LVZhbHVl");
    has("Secret-Value", "NlY3JldC1WYWx1Z");
    has("Secret-Value", "TZWNyZXQtVmFsdW");
}

#[test]
fn a_long_secret_is_looked_for_in_pieces_that_cover_it() {
    let long: Vec<u8> = (0..1000_u32).flat_map(u32::to_le_bytes).collect();
    let mut covered = 0;
    for piece in pieces(&long) {
        assert!(piece.len() <= PIECE);
        let at = long
            .windows(piece.len())
            .position(|part| part == piece)
            .unwrap();
        assert!(at <= covered);
        covered = covered.max(at + piece.len());
    }
    assert_eq!(covered, long.len());
}

#[test]
fn what_is_too_short_has_no_form() {
    assert!(of(b"12345").is_empty() && of(b"").is_empty() && of(b" 12345 ").is_empty());
    assert!(is_long_enough(b"123456") && !is_long_enough(b"12345\n"));
}

proptest! {
    #[test]
    fn base64_of_anything_around_a_secret_holds_one_of_its_forms(
        before in proptest::collection::vec(any::<u8>(), 0..20),
        secret in proptest::collection::vec(any::<u8>(), LEAST..40),
        after in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let whole = [before.as_slice(), &secret, &after].concat();
        for alphabet in [STANDARD, URL_SAFE] {
            let encoded = base64(&whole, 0, alphabet);
            let offset = before.len() % 3;
            let form = base64(&secret, offset, alphabet);
            prop_assert!(encoded.windows(form.len()).any(|part| part == form));
        }
    }
}
