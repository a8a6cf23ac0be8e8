//! What this machine lacks for a task at this moment: its folder, its program, what it requires.
//!
//! Doubts only: the task may run elsewhere or later, when another one has made what is missing. Looks
//! as the task would, with its own PATH and folder; starts nothing but what requirements ask.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;

use crate::model::spec::Command;
use crate::model::spec::StepSpec;
use crate::model::spec::TaskSpec;
use crate::process::environment::Environment;
use crate::process::environment::search_path;
use crate::process::shell_word::first_program;
use crate::process::spawn::resolve;
use crate::support::bytes::OsText;

/// Something that a task needs to start and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Its working directory.
    Workdir(OsText),
    /// A program that is named by its path.
    Program(OsText),
    /// A program that is looked for along PATH.
    OnPath {
        /// Its name.
        name: OsText,
        /// Whether the PATH of this process has it.
        here: bool,
    },
}

/// What a task lacks to start: its folder, else the program of each of its steps.
///
/// A program that is named by a relative path, or below the working directory, may be made by an earlier
/// step or task, so it is only looked for where nothing comes before.
///
/// What stands in a file of variables is read when the task starts and may set PATH, so with one
/// nothing is said of programs.
pub fn missing(spec: &TaskSpec, environment: &Environment, own_path: &OsStr) -> Vec<Missing> {
    if !spec.workdir.as_path().is_dir() {
        return vec![Missing::Workdir(spec.workdir.clone())];
    }
    if spec.env_file.is_some() {
        return Vec::new();
    }
    let path = search_path(environment);
    let mut found = Vec::new();
    for (index, step) in spec.steps.iter().enumerate() {
        let is_first = index == 0 && spec.after.is_empty();
        let workdir = step.workdir.as_ref().unwrap_or(&spec.workdir).as_path();
        // A step's own PATH holds for it.
        let own = step.env.get("PATH").map(|path| path.as_os_str().to_owned());
        let path: OsString = own.unwrap_or_else(|| path.clone());
        for program in programs(step, environment) {
            let may_be_made = !is_first && is_near(&program, &spec.workdir, workdir);
            if may_be_made || is_there(&program, &path, workdir) {
                continue;
            }
            let missing = if program.as_bytes().contains(&b'/') {
                Missing::Program(program)
            } else {
                Missing::OnPath {
                    here: is_there(&program, own_path, workdir),
                    name: program,
                }
            };
            if !found.contains(&missing) {
                found.push(missing);
            }
        }
    }
    found
}

/// What a step starts first: its program, and behind a shell the one with which a plain line begins.
fn programs(step: &StepSpec, environment: &Environment) -> impl Iterator<Item = OsText> {
    let direct = match &step.command {
        Command::Direct(words) => words.first().cloned(),
        Command::Shell { .. } => None,
    };
    // Functions that a shell is given may have any name.
    let gives_functions = |name: &[u8]| name.starts_with(b"BASH_") || name == b"ENV";
    let mut names = environment.keys().map(OsText::as_bytes);
    let mut own_names = step.env.keys().map(String::as_bytes);
    let is_told = names.any(gives_functions) || own_names.any(gives_functions);
    let in_line = first_program(&step.command).filter(|_| !is_told);
    direct.into_iter().chain(in_line)
}

/// Whether a program is named by a path that begins at a working directory or leads below one.
fn is_near(program: &OsText, of_task: &OsText, of_step: &Path) -> bool {
    let path = program.as_path();
    let is_below = path.starts_with(of_task.as_path()) || path.starts_with(of_step);
    program.as_bytes().contains(&b'/') && (path.is_relative() || is_below)
}

fn is_there(program: &OsText, path: &OsStr, workdir: &Path) -> bool {
    resolve(program, path, workdir).is_ok_and(|file| file.exists())
}

impl Missing {
    /// What is missing, as a clause fit to be shown.
    pub fn sentence(&self) -> String {
        match self {
            Self::Workdir(path) => format!(
                "there is no directory `{}` on this machine",
                path.untrusted().for_terminal()
            ),
            Self::Program(path) => format!(
                "there is no program `{}` on this machine",
                path.untrusted().for_terminal()
            ),
            Self::OnPath { name, here: false } => format!(
                "no program `{}` is found along PATH",
                name.untrusted().for_terminal()
            ),
            Self::OnPath { name, here: true } => format!(
                "`{}` is found along this PATH, but not along the one that the task was added with",
                name.untrusted().for_terminal()
            ),
        }
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Workdir(_) => "it must be there when the task starts",
            Self::Program(_) => "a relative path begins at the working directory of the task",
            Self::OnPath { here: false, .. } => {
                "name it with its path, or add the task where PATH has it"
            }
            Self::OnPath { here: true, .. } => "add the task again from here, with `--replace`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::dependency::After;
    use crate::model::dependency::When;
    use crate::model::ids::TaskName;

    fn task(program: &str, workdir: &Path) -> TaskSpec {
        TaskSpec::of_command(
            TaskName::new("one").unwrap(),
            Command::Direct(vec![program.into()]),
            OsText::from(workdir),
        )
    }

    fn sentences(spec: &TaskSpec, path: &str) -> Vec<String> {
        let environment = [(OsText::from("PATH"), OsText::from(path))].into();
        missing(spec, &environment, OsStr::new("/bin:/usr/bin"))
            .iter()
            .map(Missing::sentence)
            .collect()
    }

    #[test]
    fn folder_and_programs_are_looked_for_where_the_task_would() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        assert!(sentences(&task("sh", here), "/bin").is_empty());
        assert_eq!(
            sentences(&task("sh", here), "/nowhere"),
            ["`sh` is found along this PATH, but not along the one that the task was added with"]
        );
        assert_eq!(
            sentences(&task("no-such-program", here), "/bin"),
            ["no program `no-such-program` is found along PATH"]
        );
        assert_eq!(
            sentences(&task("./run.sh", here), "/bin"),
            ["there is no program `./run.sh` on this machine"]
        );
        let gone = here.join("gone");
        assert_eq!(
            sentences(&task("sh", &gone), "/bin"),
            [format!(
                "there is no directory `{}` on this machine",
                gone.display()
            )]
        );
    }

    #[test]
    fn behind_a_shell_the_program_of_a_plain_line_is_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = task("sh", folder.path());
        let mut line = |text: &str| {
            let words = ["sh", "-c", text].map(OsText::from);
            spec.steps[0].command = Command::Direct(words.to_vec());
            sentences(&spec, "/bin:/usr/bin")
        };
        assert_eq!(
            line("no-such-program shop | gzip > x"),
            ["no program `no-such-program` is found along PATH"]
        );
        assert_eq!(
            line("./run.sh"),
            ["there is no program `./run.sh` on this machine"]
        );
        assert!(line("sleep 1").is_empty());
        assert!(line("cd /srv && no-such-program").is_empty());
        assert!(line("no-such-program || true").is_empty());
        // A function of that name may stand in there.
        spec.steps[0].command = Command::Direct(["sh", "-c", "no-such"].map(OsText::from).to_vec());
        let env = &mut spec.steps[0].env;
        env.insert("BASH_ENV".to_owned(), "/etc/functions".into());
        assert!(sentences(&spec, "/bin").is_empty());
    }

    #[test]
    fn every_step_is_looked_at_with_its_own_path() {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = task("sh", folder.path());
        let mut second = StepSpec::of_command(
            "second".to_owned(),
            Command::Direct(vec!["no-such-program".into()]),
        );
        spec.steps.push(second.clone());
        assert_eq!(sentences(&spec, "/bin").len(), 1);
        second.command = Command::Direct(vec!["sh".into()]);
        second.env.insert("PATH".to_owned(), "/nowhere".into());
        spec.steps[1] = second;
        assert_eq!(sentences(&spec, "/bin").len(), 1);
    }

    #[test]
    fn what_comes_before_may_make_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("bin/made");
        let below = below.to_str().unwrap();
        for words in [
            &["sh", "-c", "./made -x"][..],
            &["./made"],
            &["bin/made"],
            &[below],
        ] {
            let command = Command::Direct(words.iter().copied().map(OsText::from).collect());
            let mut spec = task("sh", folder.path());
            spec.steps[0].command = command.clone();
            assert_eq!(sentences(&spec, "/bin:/usr/bin").len(), 1, "{words:?}");
            spec.after = vec![After {
                task: TaskName::new("maker").unwrap(),
                when: When::Success,
            }];
            assert!(sentences(&spec, "/bin:/usr/bin").is_empty(), "{words:?}");

            let mut spec = task("sh", folder.path());
            let second = StepSpec::of_command("second".to_owned(), command);
            spec.steps.push(second);
            assert!(sentences(&spec, "/bin:/usr/bin").is_empty(), "{words:?}");
        }
        let mut spec = task("sh", folder.path());
        let elsewhere = Command::Direct(vec!["/nowhere/made".into()]);
        let second = StepSpec::of_command("second".to_owned(), elsewhere);
        spec.steps.push(second);
        assert_eq!(sentences(&spec, "/bin").len(), 1);
    }

    #[test]
    fn a_file_of_variables_may_bring_a_path_that_nobody_knows_yet() {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = task("no-such-program", folder.path());
        spec.env_file = Some("/tmp/env".into());
        assert!(sentences(&spec, "/bin").is_empty());
    }
}
