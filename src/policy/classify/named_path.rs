//! The path that a line of an error names. What part it plays is told in `paths`.

/// The path that an error line is about.
pub(super) fn path_of(line: &str) -> Option<String> {
    let lower_end = error_text(line);
    let Some((start, end)) = lower_end else {
        // A text in another language: the path stands in quotes or before the last colon.
        let before = line.rsplit_once(": ").map_or("", |(before, _)| before);
        return last_quoted(line)
            .or_else(|| unquoted(before).filter(|word| word.contains(['/', '.'])));
    };
    let (before, after) = (line.get(..start)?, line.get(end..)?);
    // `No such file or directory: 'x'`, `ENOENT: no such file or directory, open 'x'`,
    // `No such file or directory @ rb_sysopen - x`.
    if let Some(path) = first_quoted(after) {
        return Some(path);
    }
    // `zsh: permission denied: ./x`.
    let shell = before.trim_end_matches([':', ' ']);
    if let Some(path) = after.strip_prefix(": ").map(str::trim)
        && !shell.contains(' ')
        && shell.contains("sh")
        && looks_like_path(path)
    {
        return Some(path.to_owned());
    }
    if let Some((_, path)) = after.split_once(" - ") {
        let path = path.split(" (").next().unwrap_or(path).trim();
        if looks_like_path(path) {
            return Some(path.to_owned());
        }
    }
    if let Some(path) = last_quoted(before) {
        return Some(path);
    }
    unquoted(before)
}

/// Where in the line the text of a system error stands.
fn error_text(line: &str) -> Option<(usize, usize)> {
    const TEXTS: &[&str] = &[
        "no such file or directory",
        "permission denied",
        "no space left on device",
        "is a directory",
        "not a directory",
        "read-only file system",
        "file exists",
        "operation not permitted",
        "directory nonexistent",
        "already exists",
        "too many open files",
        "device or resource busy",
        "text file busy",
        "no such file",
        "directory not empty",
        "disk quota exceeded",
        "input/output error",
    ];
    let lower = line.to_ascii_lowercase();
    TEXTS
        .iter()
        .filter_map(|text| lower.rfind(text).map(|at| (at, at + text.len())))
        .max()
}

const QUOTES: [(char, char); 3] = [('\'', '\''), ('"', '"'), ('`', '`')];

fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((at, open)) = rest
        .char_indices()
        .find(|(_, c)| QUOTES.iter().any(|(open, _)| open == c))
    {
        let Some(inner) = rest.get(at + 1..) else {
            break;
        };
        // `x' of older programs opens with a backtick and closes with an apostrophe.
        let end = inner.find(|c| c == open || (open == '`' && c == '\''));
        let apostrophe = open == '\''
            && rest
                .get(..at)
                .and_then(|before| before.chars().last())
                .is_some_and(char::is_alphanumeric);
        match end {
            Some(end) if !apostrophe => {
                found.push(inner.get(..end).unwrap_or_default().trim().to_owned());
                rest = inner.get(end + 1..).unwrap_or_default();
            }
            _ => rest = inner,
        }
    }
    found.retain(|path| !path.is_empty() && path.len() < 1024);
    found
}

fn first_quoted(text: &str) -> Option<String> {
    quoted(text).into_iter().next()
}

/// The last quoted word.
pub(super) fn last_quoted(text: &str) -> Option<String> {
    quoted(text).pop()
}

/// `tool: cannot open PATH: `, `open PATH: `, `PATH (`: the last word of the last part that is one.
fn unquoted(before: &str) -> Option<String> {
    let trimmed = before.trim_end_matches([' ', ':', '(', ',', ';', '-']);
    trimmed.rsplit(": ").find_map(|part| {
        let word = part.split_whitespace().next_back()?;
        let word = word.trim_matches(['[', ']', '(', ')', ',']);
        looks_like_path(word).then(|| word.to_owned())
    })
}

fn looks_like_path(word: &str) -> bool {
    !word.is_empty()
        && !word.contains("://")
        && (word.contains('/')
            || word.contains('.')
            || word.len() > 1
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)))
        && ![
            "open", "stat", "failed", "error", "errno", "cannot", "access", "errno]", "os",
        ]
        .contains(&word.to_ascii_lowercase().as_str())
}

#[cfg(test)]
#[path = "named_path_tests.rs"]
mod tests;
