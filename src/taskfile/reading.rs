//! Reads a task file or a list of commands, and refuses one that somebody else could have written.
//!
//! Such a file says what runs as this user. Whoever can change it can do whatever this user can.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::support::bytes::OsText;
use crate::support::opening;
use crate::taskfile::diagnostic::Diagnostic;
use crate::taskfile::diagnostic::about_file;
use crate::taskfile::source::Source;

/// A larger file is not a task file.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Who owns a file and who may write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ownership {
    mode: u32,
    uid: u32,
    gid: u32,
}

/// The person whose queue this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Person {
    uid: u32,
    /// The group that nobody else is in, if there is one.
    private_group: Option<u32>,
}

/// Reads a task file.
///
/// # Errors
/// What is wrong with the file as a whole.
pub(crate) fn read(path: &Path, base: &Path) -> Result<Source, Box<Diagnostic>> {
    let shown = OsText::from(path);
    let (bytes, folder) = read_bytes("task file", &shown, &base.join(path), base)?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Box::new(about_file(
            shown,
            "the task file is not UTF-8 text".to_owned(),
            Some("TOML allows no other encoding; arguments of other bytes can be given with `autoexec queue add -- …`".to_owned()),
        )));
    };
    Ok(Source::new(Arc::new(shown), folder, text))
}

/// Reads a list of commands.
///
/// # Errors
/// What is wrong with the file as a whole.
pub(crate) fn read_list(path: &Path, base: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    let shown = OsText::from(path);
    read_bytes("list of commands", &shown, &base.join(path), base).map(|(bytes, _)| bytes)
}

/// Reads another file that says what this program does, with the same distrust; `what` names its
/// kind in messages.
///
/// # Errors
/// What is wrong with the file as a whole.
pub fn read_trusted(what: &str, path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    read_bytes(what, &OsText::from(path), path, Path::new("/")).map(|(bytes, _)| bytes)
}

/// The bytes of a trusted file and its folder; `what` it is called in messages.
fn read_bytes(
    what: &str,
    shown: &OsText,
    path: &Path,
    base: &Path,
) -> Result<(Vec<u8>, PathBuf), Box<Diagnostic>> {
    let refused = |message: String, hint: Option<&str>| {
        Box::new(about_file(shown.clone(), message, hint.map(str::to_owned)))
    };
    let unreadable =
        |error: std::io::Error| refused(format!("cannot read the {what}: {}", words(&error)), None);

    let file = opening::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if facts.is_dir() {
        return Err(refused(
            format!("the {what} is a folder"),
            Some("name the files in it, such as `folder/*`"),
        ));
    }
    let mut folder = base.to_owned();
    // A pipe has no owner to distrust and no folder.
    if facts.is_file() {
        folder = folder_of(path);
        let ownership = Ownership {
            mode: facts.mode(),
            uid: facts.uid(),
            gid: facts.gid(),
        };
        check_ownership(what, ownership, this_person(ownership)).map_err(|(message, hint)| {
            let hint = hint.replace("{}", &shown.untrusted().for_terminal());
            refused(message, Some(&hint))
        })?;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused(
            "the task file is larger than 16 MiB".to_owned(),
            None,
        ));
    }
    Ok((bytes, folder))
}

/// Whether only this person, or root, can have written the file; otherwise what is wrong and what
/// to do about it.
fn check_ownership(
    what: &str,
    file: Ownership,
    person: Person,
) -> Result<(), (String, &'static str)> {
    const WORLD_MAY_WRITE: u32 = 0o002;
    const GROUP_MAY_WRITE: u32 = 0o020;
    if file.uid != person.uid && file.uid != 0 {
        return Err((
            format!(
                "the {what} belongs to user {}, who could make it run anything",
                file.uid
            ),
            "look through it, then make a copy of your own",
        ));
    }
    if file.mode & WORLD_MAY_WRITE != 0 {
        return Err((
            format!("everybody may write the {what}, and make it run anything"),
            "look through it, then type `chmod o-w {}`",
        ));
    }
    if file.mode & GROUP_MAY_WRITE != 0 && Some(file.gid) != person.private_group {
        return Err((
            format!(
                "everybody in group {} may write the {what}, and make it run anything",
                file.gid
            ),
            "look through it, then type `chmod g-w {}`",
        ));
    }
    Ok(())
}

/// Who we are; the private group is looked up only for a file that it matters for.
fn this_person(file: Ownership) -> Person {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let own = file.gid == gid;
    let private = own && (uid == gid || is_private(uid, gid));
    Person {
        uid,
        private_group: private.then_some(gid),
    }
}

/// Whether a group is named like the user and has no other member, as the system's files say.
fn is_private(uid: u32, gid: u32) -> bool {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    is_private_by(&read("/etc/passwd"), &read("/etc/group"), uid, gid)
}

fn is_private_by(passwd: &str, group: &str, uid: u32, gid: u32) -> bool {
    let field =
        |line: &str, number: usize| line.split(':').nth(number).unwrap_or_default().to_owned();
    let named = |file: &str, number: usize, id: u32| {
        file.lines()
            .find(|line| field(line, number) == id.to_string())
            .map(str::to_owned)
    };
    let (Some(user), Some(group)) = (named(passwd, 2, uid), named(group, 2, gid)) else {
        return false;
    };
    let name = field(&user, 0);
    let members = field(&group, 3);
    field(&group, 0) == name
        && members
            .split(',')
            .all(|member| member.is_empty() || member == name)
        && !passwd
            .lines()
            .any(|line| field(line, 3) == gid.to_string() && field(line, 0) != name)
}

/// The folder of a file. It is part of the definition, so that the same file must have the same
/// folder from wherever it is named; links are kept where they can be.
fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let plain: PathBuf = folder.components().collect();
    if plain.components().any(|part| part == Component::ParentDir) {
        return plain.canonicalize().unwrap_or(plain);
    }
    plain
}

/// An error of the system without its number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or_default();
    let mut characters = plain.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
