//! What an attempt found when it started, for comparing a failure with the last success: a hash of its
//! variables, the programs that it runs, and the files that it reads.
//!
//! It costs a few looks at files and one hash; nothing is read. What differs at every start, or looks
//! like a secret by its name, is not part of the hash. INVARIANT: it is small, because it goes into the
//! page of a slot file with the outcome.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest as _;
use sha2::Sha256;

use crate::model::checks::Requirement;
use crate::model::outcome::FoundFile;
use crate::model::outcome::FoundThere;
use crate::policy::redact::Redactor;
use crate::process::environment::Environment;
use crate::process::environment::search_path;
use crate::process::spawn;
use crate::supervisor::attempt::Attempt;
use crate::support::bytes::OsText;
use crate::support::bytes::to_hex;

/// So many programs are noted.
const TOOLS: usize = 3;
/// So many files are noted.
const INPUTS: usize = 6;
/// Longer paths are left out.
const LONGEST: usize = 160;
/// So many bytes of the hash are kept.
const HASH: usize = 8;
/// Variables that differ from start to start, by their beginnings.
const FLEETING: &[&str] = &[
    "AUTOEXEC_",
    "SSH_",
    "XDG_SESSION",
    "DBUS_",
    "SYSTEMD_",
    "TERM",
    "WINDOWID",
];
/// The same, by their whole names.
const FLEETING_NAMES: &[&str] = &[
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "DISPLAY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MAILTO",
];
/// Words of names whose values are not even hashed.
const SECRET: &[&str] = &["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH"];

impl Attempt<'_> {
    /// Notes what is there before the first step; gives where the program of the step that is carried
    /// out next was found, if its environment is that of the attempt.
    pub(super) fn note_found(&mut self, environment: &Environment) -> Option<PathBuf> {
        let spec = &self.assignment.spec;
        let search = search_path(environment);
        let mut found = FoundThere {
            environment: hash(environment, &spec.secrets),
            ..FoundThere::default()
        };
        let mut next = None;
        for (index, step) in spec.steps.iter().enumerate() {
            let workdir = step.workdir.as_ref().unwrap_or(&spec.workdir).as_path();
            let argv = step.command.argv();
            if let Some(program) = argv.first()
                && let Ok(path) = spawn::resolve(program, &search, workdir)
            {
                note(&mut found.tools, TOOLS, &path, &path);
                if index == self.steps.first() && step.env.is_empty() {
                    next = Some(path);
                }
            }
            for word in argv.iter().skip(1) {
                note_input(&mut found.inputs, word, workdir);
            }
            let stdin = step.stdin.as_ref().or(spec.stdin.as_ref());
            if let Some(stdin) = stdin {
                note_input(&mut found.inputs, stdin, workdir);
            }
        }
        for requirement in &spec.requires {
            if let Requirement::File(path) = requirement {
                note_input(&mut found.inputs, path, spec.workdir.as_path());
            }
        }
        self.account.found = Some(found);
        next
    }
}

/// A word of a command that names a file that is there.
fn note_input(files: &mut Vec<FoundFile>, word: &OsText, workdir: &Path) {
    // An option or a script is no name of a file, and asking costs a look.
    let bytes = word.as_bytes();
    let plain = bytes.first().is_some_and(|first| *first != b'-') && !bytes.contains(&b'\n');
    if plain && bytes.len() <= LONGEST {
        note(files, INPUTS, word.as_path(), &workdir.join(word.as_path()));
    }
}

fn note(files: &mut Vec<FoundFile>, most: usize, name: &Path, path: &Path) {
    let Some(name) = name.to_str().filter(|name| name.len() <= LONGEST) else {
        return;
    };
    if files.len() >= most || files.iter().any(|known| known.name == name) {
        return;
    }
    if let Ok(metadata) = std::fs::metadata(path)
        && metadata.is_file()
    {
        files.push(FoundFile {
            name: name.to_owned(),
            bytes: metadata.len(),
            modified: metadata.mtime(),
        });
    }
}

/// `declared` are the names of secrets: short ones could be guessed by whoever knows the rest.
fn hash(environment: &Environment, declared: &[String]) -> String {
    let mut hasher = Sha256::new();
    for (name, value) in environment {
        let Some(shown) = name.as_str() else {
            continue;
        };
        let fleeting = FLEETING_NAMES.contains(&shown)
            || FLEETING.iter().any(|begin| shown.starts_with(begin));
        if fleeting {
            continue;
        }
        hasher.update(shown);
        hasher.update([0]);
        let upper = shown.to_ascii_uppercase();
        let is_secret = SECRET.iter().any(|word| upper.contains(word))
            || declared.iter().any(|name| name == shown)
            || Redactor::is_token(value.as_bytes());
        if !is_secret {
            hasher.update(value.as_bytes());
        }
        hasher.update([0]);
    }
    let hash = hasher.finalize();
    to_hex(hash.get(..HASH).unwrap_or(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> String {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        hash(&pairs.collect(), &["DECLARED".to_owned()])
    }

    #[test]
    fn the_hash_tells_what_counts_and_keeps_secrets_out() {
        let usual = of(&[("PATH", "/bin"), ("REGION", "eu")]);
        assert_eq!(usual.len(), 16);
        assert_ne!(usual, of(&[("PATH", "/bin"), ("REGION", "us")]));
        assert_ne!(usual, of(&[("PATH", "/bin")]));
        let other = [
            ("AUTOEXEC_ATTEMPT", "2"),
            ("PATH", "/bin"),
            ("REGION", "eu"),
        ];
        assert_eq!(usual, of(&other), "that differs at every start");
        let secret = |value| of(&[("API_TOKEN", value)]);
        assert_eq!(secret("a"), secret("b"));
        assert_ne!(secret("a"), of(&[]));
        let declared = |value| of(&[("DECLARED", value)]);
        assert_eq!(declared("a"), declared("b"));
        let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
        assert_eq!(of(&[("X", token)]), of(&[("X", &token.replace('0', "7"))]));
    }

    #[test]
    fn few_files_are_noted_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for number in 0..20 {
            let name = format!("in-{}.csv", number / 2);
            std::fs::write(folder.path().join(&name), "12345").unwrap();
            note_input(&mut files, &name.as_str().into(), folder.path());
        }
        for no_file in ["--in-1.csv", "missing", "", "."] {
            note_input(&mut files, &no_file.into(), folder.path());
        }
        assert_eq!(files.len(), INPUTS);
        assert_eq!((files[1].name.as_str(), files[1].bytes), ("in-1.csv", 5));
    }
}
