//! Which programs are there, and their versions.
//!
//! Asks only those whose `--version` is known to do nothing else: a program of a task may take no notice
//! of its arguments and do its work. Bounded: what does not answer in time has no version.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use crate::policy::version;
use crate::process::environment::Environment;
use crate::process::environment::search_path;
use crate::process::helper;
use crate::process::helper::Standing;
use crate::process::spawn::resolve;
use crate::support::bytes::OsText;
use crate::support::clock::monotonic;
use crate::support::crash;

/// What tasks usually use; all of them tell their version and nothing else.
pub const USUAL: [&str; 18] = [
    "bash", "python3", "pip3", "node", "npm", "git", "curl", "wget", "rsync", "make", "gcc",
    "cargo", "java", "docker", "psql", "pg_dump", "sqlite3", "ffmpeg",
];
/// How long one may take to tell its version.
const LIMIT: Duration = Duration::from_secs(2);
/// How long all of them may.
const ALL: Duration = Duration::from_secs(10);
/// So many are asked side by side.
const WORKERS: usize = 6;

/// A program, as it was found or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: Option<PathBuf>,
    /// What it says of itself, if it was asked and answered.
    pub version: Option<String>,
}

/// Looks for programs along the PATH of an environment, in the order of their names as given.
pub fn look(names: &[String], environment: &Environment) -> Vec<Tool> {
    let search = search_path(environment);
    let found: Vec<Tool> = names
        .iter()
        .map(|name| Tool {
            name: name.clone(),
            path: resolve(&OsText::from(name.as_str()), &search, "/".as_ref()).ok(),
            version: None,
        })
        .collect();
    ask(found, environment)
}

fn ask(mut tools: Vec<Tool>, environment: &Environment) -> Vec<Tool> {
    let deadline = monotonic() + crash::patience(ALL);
    let asked: Vec<(usize, Tool)> = tools
        .iter()
        .enumerate()
        .filter(|(_, tool)| tool.path.is_some() && USUAL.contains(&tool.name.as_str()))
        .map(|(index, tool)| (index, tool.clone()))
        .collect();
    let (asked, environment) = (Arc::new(asked), Arc::new(environment.clone()));
    let next = Arc::new(AtomicUsize::new(0));
    let (answers, answered) = mpsc::channel();
    for _ in 0..WORKERS.min(asked.len()) {
        let (asked, environment) = (Arc::clone(&asked), Arc::clone(&environment));
        let (next, answers) = (Arc::clone(&next), answers.clone());
        // Not waited for: what hangs is left behind.
        std::thread::spawn(move || {
            while let Some((index, tool)) = asked.get(next.fetch_add(1, Ordering::Relaxed)) {
                if answers
                    .send((*index, version_of(tool, &environment)))
                    .is_err()
                {
                    return;
                }
            }
        });
    }
    drop(answers);
    loop {
        let left = deadline.saturating_sub(monotonic());
        let Ok((index, version)) = answered.recv_timeout(left) else {
            return tools;
        };
        if let Some(tool) = tools.get_mut(index) {
            tool.version = version;
        }
    }
}

fn version_of(tool: &Tool, environment: &Environment) -> Option<String> {
    let standing = Standing {
        workdir: "/".as_ref(),
        environment,
    };
    let program = tool.path.as_ref()?;
    let limit = crash::patience(LIMIT);
    let answer = helper::run_standing(program, &tool.name, &["--version"], standing, limit).ok()?;
    if !answer.status.success() {
        return None;
    }
    version::find(answer.stdout.as_bytes()).or_else(|| version::find(answer.stderr.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn known_programs_tell_their_version_and_others_are_never_started() {
        let folder = tempfile::tempdir().unwrap();
        let touched = folder.path().join("touched");
        for (name, script) in [
            ("git", "echo git version 7.8.9".to_owned()),
            ("deploy", format!("touch '{}'", touched.display())),
            ("npm", "sleep 60".to_owned()),
        ] {
            let file = folder.path().join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let environment = [(OsText::from("PATH"), OsText::from(path.as_str()))].into();
        let names = ["git", "deploy", "npm", "no-such-tool"].map(str::to_owned);
        let found = look(&names, &environment);
        let versions: Vec<Option<&str>> =
            found.iter().map(|tool| tool.version.as_deref()).collect();
        assert_eq!(versions, [Some("7.8.9"), None, None, None]);
        let are_there: Vec<bool> = found.iter().map(|tool| tool.path.is_some()).collect();
        assert_eq!(are_there, [true, true, true, false]);
        assert!(!touched.exists());
    }
}
