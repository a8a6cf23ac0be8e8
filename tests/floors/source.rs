//! Reading Rust just well enough to tell code from what is only said in comments and strings.

/// The source with the content of comments, strings and characters blanked, lines kept.
pub(crate) fn code_of(text: &str) -> String {
    let source: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < source.len() {
        let end = end_of_what_is_said(&source, at);
        if end == at {
            code.push(source[at]);
            at += 1;
        } else {
            let said = &source[at..end];
            code.extend(said.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// The words of a line as Rust divides them.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// Where the comment, string or character that begins here ends; `at` itself if none does.
fn end_of_what_is_said(source: &[char], at: usize) -> usize {
    let next = |offset: usize| source.get(at + offset).copied().unwrap_or('\0');
    match (next(0), next(1)) {
        ('/', '/') => find(source, at, "\n"),
        ('/', '*') => end_of_block_comment(source, at),
        ('"', _) => end_of_string(source, at + 1),
        ('r', '"' | '#') if !is_inside_a_word(source, at) => end_of_raw_string(source, at),
        ('\'', '\\') => find(source, at + 3, "'") + 1,
        ('\'', _) if next(2) == '\'' => at + 3,
        _ => at,
    }
}

fn is_inside_a_word(source: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|index| source.get(index));
    // A byte string's `b` belongs to the literal.
    before.is_some_and(|c| (c.is_alphanumeric() || *c == '_') && *c != 'b')
}

fn find(source: &[char], from: usize, needle: &str) -> usize {
    let needle: Vec<char> = needle.chars().collect();
    (from..source.len())
        .find(|index| source[*index..].starts_with(&needle))
        .unwrap_or(source.len())
}

fn end_of_block_comment(source: &[char], at: usize) -> usize {
    let mut depth = 0_u32;
    let mut index = at;
    while index < source.len() {
        if source[index..].starts_with(&['/', '*']) {
            depth += 1;
            index += 2;
        } else if source[index..].starts_with(&['*', '/']) {
            depth -= 1;
            index += 2;
            if depth == 0 {
                break;
            }
        } else {
            index += 1;
        }
    }
    index.min(source.len())
}

fn end_of_string(source: &[char], mut index: usize) -> usize {
    while index < source.len() && source[index] != '"' {
        index += if source[index] == '\\' { 2 } else { 1 };
    }
    (index + 1).min(source.len())
}

fn end_of_raw_string(source: &[char], at: usize) -> usize {
    let hashes = source[at + 1..].iter().take_while(|c| **c == '#').count();
    // `r#name` is a word, not a string.
    if source.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    (find(source, at + 2 + hashes, &close) + 1 + hashes).min(source.len())
}
