//! Which path an error is about, and what part it plays: an input, an output, a command, a socket.

use regex::bytes::Captures;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::command::base_name;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::named_path::last_quoted;
use crate::policy::classify::named_path::path_of;
use crate::policy::classify::noise;
use crate::policy::classify::pattern::rank;

/// Programs that start other programs and say so when one is missing.
const STARTERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "env",
    "make",
    "gmake",
    "nice",
    "nohup",
    "xargs",
    "timeout",
    "time",
    "setsid",
    "stdbuf",
    "sudo",
    "strace",
    "watch",
    "find",
    "ninja",
    "doas",
    "chroot",
    "ltrace",
    "valgrind",
    "perf",
    "hyperfine",
];

/// Those of them that open no other files.
const ONLY_STARTING: &[&str] = &[
    "env",
    "nice",
    "nohup",
    "xargs",
    "timeout",
    "time",
    "setsid",
    "stdbuf",
    "sudo",
    "strace",
    "ltrace",
    "watch",
    "doas",
    "valgrind",
    "perf",
    "hyperfine",
];

/// Verbs that speak of something to be made or written.
const MAKING: &[&str] = &[
    "cannot create",
    "can't create",
    "could not create",
    "couldn't create",
    "failed to create",
    "unable to create",
    "cannot touch",
    "mkdir",
    "error creating",
    "creating",
    "cannot move",
    "cannot write",
    "could not write",
    "failed to write",
    "unable to write",
    "error writing",
    "for writing",
    "output file",
    "directory nonexistent",
    "opening output",
    "tee:",
    "kann nicht angelegt",
    "kann verzeichnis",
    "impossible de créer",
    "no se puede crear",
    "impossibile creare",
    "não foi possível criar",
    "nie można utworzyć",
    "dest open",
    "failure writing",
    "cannot save",
    "could not open file for output",
];

/// Source code that opens a file to write it.
const WRITING_CODE: &[&str] = &[
    ",\"w\"",
    ", \"w\"",
    ",'w'",
    ", 'w'",
    "\"wb\"",
    "'wb'",
    "\"a\")",
    "'a')",
    "\"ab\"",
    "'ab'",
    "mode=\"w",
    "mode='w",
    "os.mkdir",
    "to_csv(",
    "to_parquet(",
    "to_json(",
    "savefig(",
    "write_text(",
    "write_bytes(",
    "writefile",
    "createwritestream",
    "file.write",
    "files.write",
    "fileoutputstream",
    "filewriter",
    "os.create",
    "file::create",
    "shutil.copy",
    "\">\"",
    "'>'",
    "makedirs",
];

/// A file or directory is missing: as a rule an input, which nothing can make up.
pub(super) fn missing(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = core(draft, evidence);
    if let Some(path) = path_of(&line) {
        draft.extract("path", &path);
    }
    let path = draft.value("path").unwrap_or_default().to_owned();
    let lower = line.to_lowercase();
    if is_socket(&path) || lower.contains("socket") {
        draft.becomes(C::Network, "connection_refused", R::Yes);
        return true;
    }
    if let Some(command) = missing_command(&line, &path, evidence) {
        draft.extracted.remove("path");
        draft.extract("command", &command);
        draft.becomes(C::Dependency, "missing_command", R::AfterFix);
        draft.rank = rank::SPECIAL;
        return true;
    }
    if is_output(&lower, &path, evidence) {
        draft.retryable = R::AfterFix;
    }
    true
}

/// Only the path is of interest.
pub(super) fn about(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    // A long message may be broken before the text of the system.
    let before = draft
        .line_number
        .checked_sub(1)
        .map(|number| evidence.line(number));
    if let Some(path) = before
        .filter(|line| line.ends_with(';'))
        .and_then(|line| last_quoted(&line))
    {
        draft.extract("path", &path);
    }
    if let Some(path) = path_of(&core(draft, evidence)) {
        draft.extract("path", &path);
    }
    true
}

/// A permission is missing: of a file, or to reach the network.
pub(super) fn forbidden(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = core(draft, evidence);
    if let Some(path) = path_of(&line) {
        draft.extract("path", &path);
    }
    let lower = line.to_lowercase();
    let connects = [
        "connect to ",
        "connect()",
        "connect(",
        "connection to ",
        "connect eacces",
        "sendto",
    ]
    .iter()
    .any(|word| lower.contains(word));
    let of_a_socket = lower.contains(".sock") || lower.contains("unix:");
    if connects && !of_a_socket {
        draft.becomes(C::Network, "network_blocked", R::No);
    }
    true
}

/// Something is in the way: a lock that will go, or a path that somebody has to look at.
pub(super) fn exists(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = core(draft, evidence);
    if let Some(path) = path_of(&line) {
        draft.extract("path", &path);
    }
    let lower = line.to_lowercase();
    let path = draft.value("path").unwrap_or_default();
    if has_ending(path, &["lock"]) || lower.contains("lock file") || lower.contains("lockfile") {
        draft.becomes(C::Resource, "busy", R::Yes);
        draft.rank = rank::SPECIAL;
    }
    // A notice that something was there already and was left alone is no error.
    !lower.contains("skipping")
}

fn core(draft: &Draft, evidence: &Evidence<'_>) -> String {
    let line = evidence.lines.line(draft.line_number);
    String::from_utf8_lossy(noise::without_prefix(line)).into_owned()
}

/// Whether the name of a file ends in one of these.
fn has_ending(path: &str, endings: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| endings.contains(&ending))
}

/// Whether the path is where a local server listens: a missing one means that it is down.
fn is_socket(path: &str) -> bool {
    has_ending(path, &["sock", "socket"]) || path.contains(".s.PGSQL.")
}

/// The command that is missing, if the line says that one is.
fn missing_command(line: &str, path: &str, evidence: &Evidence<'_>) -> Option<String> {
    let python_subprocess = line.starts_with("FileNotFoundError")
        && (evidence.lines.holds("_execute_child") || evidence.lines.holds("/subprocess.py"));
    if python_subprocess {
        return Some(path.to_owned()).filter(|path| !path.is_empty());
    }
    let code = evidence.code();
    // `bash x.sh`: the shell is there, its script is not.
    let of_a_script = !line.contains(": line ")
        && evidence.command.runs(&["sh", "bash", "zsh", "dash", "ksh"])
        && evidence.command.second_word_is(path);
    if of_a_script {
        return None;
    }
    let told_127 = code == Some(127)
        || (evidence.command.runs(&["make", "gmake"]) || line.starts_with("make"))
            && evidence.lines.holds("Error 127")
        || evidence.lines.holds("exit code: 127");
    let first = line.split([':', ' ']).next().unwrap_or_default();
    let starter =
        base_name(first).trim_end_matches(|c: char| c.is_ascii_digit() || "[]".contains(c));
    let is_starter =
        STARTERS.contains(&starter) || line.contains(": line ") || line.contains(".sh:");
    // A shell may speak of a file; these speak of nothing but what they start.
    let only_starts = ONLY_STARTING.contains(&starter) && !path.contains('/');
    if (told_127 || only_starts) && is_starter && !path.is_empty() {
        return Some(path.to_owned());
    }
    None
}

/// Whether the path was to be written.
fn is_output(lower: &str, path: &str, evidence: &Evidence<'_>) -> bool {
    if MAKING.iter().any(|word| lower.contains(word)) {
        // `cannot move 'a'` alone speaks of the input; with a target, of the target.
        return true;
    }
    if evidence.command.writes_to(path) {
        return true;
    }
    // `tar czf OUT IN…`: the word behind the flags.
    if evidence.command.runs(&["tar"]) && evidence.command.creates_archive(path) {
        return true;
    }
    let copies = evidence
        .command
        .runs(&["cp", "mv", "install", "ln", "ffmpeg", "convert"]);
    if copies && evidence.command.ends_with(path) && path.contains('/') {
        return true;
    }
    let code_lines = evidence.mentions(&["traceback", "    at ", ".rb:", "goroutine"]);
    let script = String::from_utf8_lossy(evidence.end.command).to_lowercase();
    code_lines
        && (evidence.mentions(WRITING_CODE)
            || WRITING_CODE.iter().any(|word| script.contains(word)))
        || lower.contains("mkdir '")
}
