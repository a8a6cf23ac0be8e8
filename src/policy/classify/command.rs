//! A command line taken apart, as far as a judgement needs it.
//!
//! Not a shell: quotes are honoured, nothing is expanded. What cannot be told is left out.

use std::path::Path;

/// Programs that run another program given as their argument.
const WRAPPERS: &[&str] = &[
    "sudo", "env", "nice", "ionice", "nohup", "time", "stdbuf", "setsid", "npx", "xargs", "exec",
    "sshpass", "command", "chronic", "flock",
];

/// Programs that take a script after `-c`.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"];

/// Words that start a new command.
const SEPARATORS: &[&str] = &["&&", "||", ";", "|", "|&", "&", "then", "do", "else"];

/// Options after which a program writes to the path that follows.
const OUTPUT_OPTIONS: &[&str] = &[
    "-o",
    "-O",
    "--output",
    "--out",
    "--outfile",
    "--output-file",
    "--outdir",
    "--output-dir",
    "--output-document",
    "-P",
    "--directory-prefix",
    ">",
    ">>",
    "1>",
    "2>",
    "&>",
    "tee",
    "--target-directory",
];

/// The words of a command line.
#[derive(Debug, Default)]
pub(super) struct CommandLine {
    words: Vec<String>,
}

impl CommandLine {
    /// Splits a command line as a person would type it; what a shell is told to run comes after a `;`.
    pub(super) fn read(text: &[u8]) -> Self {
        let mut words = split(text);
        let is_shell = words
            .first()
            .is_some_and(|first| SHELLS.contains(&base_name(first)));
        let script = words.iter().position(|word| {
            word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
        });
        if let Some(script) = script.filter(|_| is_shell) {
            let told = words.split_off(script + 1).join(" ");
            words.push(";".to_owned());
            words.extend(split(told.as_bytes()));
        }
        Self { words }
    }
    /// The names of the programs that it runs, without their folders, in order.
    pub(super) fn programs(&self) -> Vec<&str> {
        let mut programs = Vec::new();
        let mut expected = true;
        for word in &self.words {
            if SEPARATORS.contains(&word.as_str()) {
                expected = true;
            } else if expected && !word.contains('=') && !word.starts_with('-') {
                let name = base_name(word);
                expected = WRAPPERS.contains(&name);
                programs.push(name);
            }
        }
        programs
    }

    /// Whether it runs one of these programs.
    pub(super) fn runs(&self, names: &[&str]) -> bool {
        self.programs()
            .iter()
            .any(|program| names.contains(program))
    }

    /// The word after one of these options, or joined to it by `=`.
    pub(super) fn option(&self, names: &[&str]) -> Option<&str> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if names.contains(&word.as_str()) {
                return words.next().map(String::as_str);
            }
            if let Some((name, value)) = word.split_once('=')
                && names.contains(&name)
            {
                return Some(value);
            }
        }
        None
    }

    /// Whether one of these words stands in it.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.words.iter().any(|word| names.contains(&word.as_str()))
    }

    /// All words.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Whether `path` is where the command writes to, by its options and redirections.
    pub(super) fn writes_to(&self, path: &str) -> bool {
        let mut previous = "";
        for word in &self.words {
            let (option, value) = word
                .split_once('=')
                .filter(|(option, _)| option.starts_with('-'))
                .unwrap_or((previous, word));
            if same_path(value, path) && OUTPUT_OPTIONS.contains(&option) {
                return true;
            }
            previous = word;
        }
        false
    }

    /// Whether it is a `tar` that creates `path`, or unpacks into it.
    pub(super) fn creates_archive(&self, path: &str) -> bool {
        let mut words = self
            .words
            .iter()
            .skip_while(|word| base_name(word) != "tar")
            .skip(1);
        let Some(flags) = words.next() else {
            return false;
        };
        let creates =
            flags.trim_start_matches('-').starts_with('c') || self.has(&["-c", "--create"]);
        creates && words.next().is_some_and(|word| same_path(word, path))
            || self
                .option(&["-C", "--directory"])
                .is_some_and(|word| same_path(word, path))
    }

    /// Whether the word behind the program is `path`.
    pub(super) fn second_word_is(&self, path: &str) -> bool {
        self.words.get(1).is_some_and(|word| same_path(word, path))
    }

    /// Whether `path` is the last word, where most programs that take two paths write to.
    pub(super) fn ends_with(&self, path: &str) -> bool {
        self.words.len() > 2 && self.words.last().is_some_and(|word| same_path(word, path))
    }
}

/// Words of a command line, quotes taken off.
fn split(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text.get(..text.len().min(16_384)).unwrap_or_default());
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '\\') => word.extend(characters.next()),
            (None, ';' | '\n') => {
                finish(&mut words, &mut word);
                words.push(";".to_owned());
            }
            (None, _) if character.is_whitespace() => finish(&mut words, &mut word),
            (None, '>') if characters.peek() != Some(&'&') => {
                if !matches!(word.as_str(), "1" | "2" | "&" | ">") {
                    finish(&mut words, &mut word);
                }
                word.push('>');
                if characters.peek() != Some(&'>') {
                    finish(&mut words, &mut word);
                }
            }
            (Some(_) | None, _) => word.push(character),
        }
    }
    finish(&mut words, &mut word);
    words
}

fn finish(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// The last part of a path.
pub(super) fn base_name(path: &str) -> &str {
    Path::new(path)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(path)
}

fn same_path(left: &str, right: &str) -> bool {
    let plain = |path: &str| -> String {
        path.trim_end_matches('/')
            .trim_start_matches("./")
            .to_owned()
    };
    !right.is_empty() && plain(left) == plain(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_behind_wrappers_and_separators() {
        let programs = |text: &str| CommandLine::read(text.as_bytes()).programs().join(" ");
        assert_eq!(
            programs("FOO=1 sudo /usr/bin/apt-get install x"),
            "sudo apt-get"
        );
        assert_eq!(
            programs("cd a && make -j4; echo 'x y' | tee log"),
            "cd make echo tee"
        );
        assert_eq!(programs("npx tsc --noEmit a.ts"), "npx tsc");
    }

    #[test]
    fn outputs_are_told_from_inputs() {
        let command = CommandLine::read(b"tool -o out/a.bin --output=b in.txt 2>log/err >>'c d'");
        for path in ["out/a.bin", "b", "./b", "log/err", "c d"] {
            assert!(command.writes_to(path), "{path}");
        }
        assert!(!command.writes_to("in.txt"));
    }

    #[test]
    fn options_are_read_in_both_spellings() {
        let command = CommandLine::read(b"psql -p 5433 --host=db.example.com -c 'select 1'");
        assert_eq!(command.option(&["-p", "--port"]), Some("5433"));
        assert_eq!(command.option(&["-h", "--host"]), Some("db.example.com"));
        assert_eq!(command.option(&["-c"]), Some("select 1"));
    }
}
