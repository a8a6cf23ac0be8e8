//! Sentences in which a command stands between backticks.

use crate::support::untrusted::Untrusted;

/// The sentence in HTML, what stands between backticks as code.
pub(super) fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    // A backtick without a second one is a character like any other.
    let paired = pieces.len() - (pieces.len() + 1) % 2;
    let mut html = String::with_capacity(text.len());
    for (number, piece) in pieces.iter().enumerate() {
        let shown = Untrusted::from(*piece).for_html();
        if number >= paired {
            html.push('`');
            html.push_str(&shown);
        } else if number % 2 == 1 {
            html.push_str("<code>");
            html.push_str(&shown);
            html.push_str("</code>");
        } else {
            html.push_str(&shown);
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_is_markup() {
        let table = [
            ("see `autoexec why 3`", "see <code>autoexec why 3</code>"),
            ("a `b` c `d", "a <code>b</code> c `d"),
            ("`<b>`&", "<code>&lt;b&gt;</code>&amp;"),
            ("", ""),
            ("`", "`"),
        ];
        for (text, html) in table {
            assert_eq!(prose(text), html, "{text}");
        }
    }
}
