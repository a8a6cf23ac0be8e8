//! A line taken apart into words and values in quotes.
//!
//! Not here: what of them makes two failures one cause ([`crate::policy::fingerprint`]).

/// A piece of a line.
pub(crate) enum Word<'a> {
    /// A word, with the signs around it.
    Plain(&'a str),
    /// What stands between quotes.
    Quoted(&'a str),
}

/// The first word, or value in quotes, and what follows it.
pub(crate) fn next_word(text: &str) -> (Word<'_>, &str) {
    let text = text.trim_start();
    if let Some((open, close)) = quotes(text)
        && let Some(inside) = text.get(open.len_utf8()..)
        && let Some(end) = inside.find(close)
    {
        let value = inside.get(..end).unwrap_or_default();
        let behind = inside.get(end + close.len_utf8()..).unwrap_or_default();
        return (Word::Quoted(value), behind);
    }
    // A quote ends a word: `name='x'`. An apostrophe within one does not: `can't`.
    let mut before = ' ';
    let end = text
        .char_indices()
        .find(|(at, character)| {
            let ends = character.is_whitespace()
                || (*at > 0 && "\"`“«".contains(*character))
                || (*at > 0 && *character == '\'' && !before.is_alphanumeric());
            before = *character;
            ends
        })
        .map_or(text.len(), |(at, _)| at);
    // A quote that nothing closes is a word of its own.
    let end = end.max(text.chars().next().map_or(0, char::len_utf8));
    let (word, behind) = text.split_at(end);
    (Word::Plain(word), behind)
}

/// The pair of quotes that the text begins with.
fn quotes(text: &str) -> Option<(char, char)> {
    let open = text.chars().next()?;
    let close = match open {
        '"' => '"',
        '`' if text.get(1..)?.contains('`') => '`',
        '\'' | '`' => '\'',
        '“' | '„' => '”',
        '‘' => '’',
        '«' => '»',
        _ => return None,
    };
    Some((open, close))
}
