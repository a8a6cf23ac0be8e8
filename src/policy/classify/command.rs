//! A command line taken apart, as far as a judgement needs it.
//!
//! Not a shell: quotes are honoured, nothing is expanded. What cannot be told is left out.

use std::path::Path;

/// Programs that run another program given as their argument: the options that take a value of their
/// own, and how many words stand before that program.
#[rustfmt::skip]
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-T", "-U", "-R", "-D"], 0),
    ("doas", &["-u", "-C"], 0),
    ("env", &["-u", "-C", "-S"], 0),
    ("nice", &["-n"], 0),
    ("ionice", &["-c", "-n"], 0),
    ("timeout", &["-s", "-k"], 1),
    ("gtimeout", &["-s", "-k"], 1),
    ("time", &["-f", "-o"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("xargs", &["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"], 0),
    ("flock", &["-w", "-E"], 1),
    ("sshpass", &["-f", "-d", "-p", "-P"], 0),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("npx", &["-p", "--package"], 0),
    ("exec", &["-a"], 0),
    ("command", &[], 0),
    ("chronic", &[], 0),
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
        let mut line = Self { words: split(text) };
        // The first program that is no wrapper.
        let shell = line
            .places()
            .into_iter()
            .find(|place| {
                line.word(*place)
                    .is_some_and(|word| wrapper(word).is_none())
            })
            .filter(|place| {
                line.word(*place)
                    .is_some_and(|word| SHELLS.contains(&base_name(word)))
            });
        let script = shell.and_then(|shell| {
            let behind = line.words.iter().skip(shell + 1);
            let options = behind
                .take_while(|word| word.starts_with(['-', '+']) || word.as_str() == "pipefail");
            options
                .enumerate()
                .find(|(_, word)| {
                    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
                })
                .map(|(number, _)| shell + 1 + number)
        });
        if let Some(script) = script {
            let told = line.words.split_off(script + 1).join(" ");
            line.words.push(";".to_owned());
            line.words.extend(split(told.as_bytes()));
        }
        line
    }

    fn word(&self, place: usize) -> Option<&str> {
        self.words.get(place).map(String::as_str)
    }

    /// Where the programs that it runs stand among its words, wrappers too, in order.
    fn places(&self) -> Vec<usize> {
        let mut places = Vec::new();
        let mut expected = true;
        // What the last wrapper still has to itself.
        let (mut valued, mut skipped): (&[&str], usize) = (&[], 0);
        let mut is_value = false;
        for (place, word) in self.words.iter().enumerate() {
            if SEPARATORS.contains(&word.as_str()) {
                (expected, is_value, valued, skipped) = (true, false, &[], 0);
            } else if !expected || std::mem::take(&mut is_value) || word.contains('=') {
                // An argument, the value of a wrapper's option, or a variable.
            } else if word.starts_with('-') {
                is_value = valued.contains(&word.as_str());
            } else if skipped > 0 {
                skipped -= 1;
            } else {
                places.push(place);
                match wrapper(word) {
                    Some((_, options, words)) => (valued, skipped) = (options, *words),
                    None => expected = false,
                }
            }
        }
        places
    }

    /// The names of the programs that it runs, without their folders, in order.
    pub(super) fn programs(&self) -> Vec<&str> {
        self.places()
            .into_iter()
            .filter_map(|place| self.word(place).map(base_name))
            .collect()
    }

    /// The programs of the command whose exit code it ends with, wrappers included: all of a script that
    /// ends at its first failure, else those of its last command.
    pub(super) fn programs_that_end_it(&self) -> Vec<&str> {
        let places = self.places();
        let begin = places.last().map_or(0, |last| {
            let is_separator = |word: &String| SEPARATORS.contains(&word.as_str());
            let before = self.words.get(..*last).unwrap_or_default();
            before.iter().rposition(is_separator).unwrap_or(0)
        });
        let all = self.ends_at_first_failure();
        places
            .into_iter()
            .filter(|place| all || *place >= begin)
            .filter_map(|place| self.word(place).map(base_name))
            .collect()
    }

    /// Whether it is a script with `set -e`, alone or among other letters.
    fn ends_at_first_failure(&self) -> bool {
        self.words.windows(2).any(|pair| match pair {
            [set, options] => {
                set == "set"
                    && options
                        .strip_prefix('-')
                        .is_some_and(|letters| letters.contains('e'))
            }
            _ => false,
        })
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

/// What is known of a program that runs another one.
fn wrapper(word: &str) -> Option<&'static (&'static str, &'static [&'static str], usize)> {
    let name = base_name(word);
    WRAPPERS.iter().find(|(known, ..)| *known == name)
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
        assert_eq!(
            programs("sudo -u www nice -n 10 timeout -k 5 1h env A=1 curl -o x y"),
            "sudo nice timeout env curl"
        );
        assert_eq!(
            programs("time sh -ec 'flock /tmp/l wget x && date'"),
            "time sh flock wget date"
        );
        assert_eq!(programs("tar -c x"), "tar");
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
