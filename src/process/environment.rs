//! The environment of a command, put together from what the task says.
//!
//! Later wins: what is inherited (with PATH and the like as they were when the task was added), the
//! `env_file`, the task's own variables, those that autoexec sets, and the attempt's mark.
//! A variable whose name is empty or holds `=` or NUL cannot be set and is passed over.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::model::attempt::Assignment;
use crate::model::ids::QueueId;
use crate::model::layout::MARK_VARIABLE;
use crate::model::remedy::InstalledEnvironment;
use crate::model::spec::EnvInherit;
use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::policy::redact::Redactor;
use crate::process::sweep;
use crate::support::bytes::OsText;
use crate::support::opening;

/// A larger `env_file` is none: the kernel takes no environment of this size.
const LARGEST_ENV_FILE: u64 = 8 * 1024 * 1024;

/// The variable that tells a task which of its variables are secrets.
pub const SECRETS_VARIABLE: &str = "AUTOEXEC_SECRETS";

/// A whole environment.
pub type Environment = BTreeMap<OsText, OsText>;

/// Variables by which a service manager speaks to our own process and that would mislead a command: it
/// would tell the manager of itself, write to our journal, or take our descriptors and passwords.
const OURS: [&str; 22] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "FDSTORE",
    "CREDENTIALS_DIRECTORY",
    "JOURNAL_STREAM",
    "INVOCATION_ID",
    "MAINPID",
    "MANAGERPID",
    "MANAGERPIDFDID",
    "SYSTEMD_EXEC_PID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "TRIGGER_UNIT",
    "TRIGGER_PATH",
    "TRIGGER_TIMER_REALTIME_USEC",
    "TRIGGER_TIMER_MONOTONIC_USEC",
    "LOG_NAMESPACE",
];

/// The environment of this process, looked through once, because every attempt needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inherited {
    /// All of it, for a task that asks for a variable by name.
    all: Environment,
    /// What is passed on without being asked for.
    passed: Environment,
    /// Those of them that a task may have been added with.
    replaced: Vec<OsText>,
    /// The mark of an attempt that this run is part of.
    outer_mark: Option<OsText>,
}

impl Inherited {
    /// Takes the environment of the process that calls.
    pub fn take() -> Self {
        let own = std::env::vars_os()
            .map(|(name, value): (OsString, OsString)| (name.into(), value.into()));
        Self::of(own.collect())
    }

    /// Looks through an environment.
    pub fn of(mut environment: Environment) -> Self {
        let all = environment.clone();
        let outer_mark = environment.remove(&OsText::from(MARK_VARIABLE));
        environment.retain(|name, _| !is_ours(name));
        // A PWD that is not the working directory misleads programs that trust it.
        environment.remove(&OsText::from("OLDPWD"));
        let replaced = Surroundings::of(environment.clone().into_iter())
            .0
            .into_keys()
            .map(OsText::from)
            .collect();
        Self {
            all,
            passed: environment,
            replaced,
            outer_mark,
        }
    }
}

/// The environment of an attempt's commands.
pub fn build(
    assignment: &Assignment,
    queue: QueueId,
    inherited: &Inherited,
    env_file: &[(OsText, OsText)],
) -> Environment {
    let mut environment = of_task(
        &assignment.spec,
        &assignment.surroundings,
        inherited,
        env_file,
    );
    environment.extend(as_bytes(&assignment.variables));
    let own = sweep::mark(queue, assignment.attempt);
    let name = OsText::from(MARK_VARIABLE);
    // A run inside a task: its processes belong to the outer attempt too.
    let mark = match &inherited.outer_mark {
        Some(outer) => [outer.as_bytes(), b",", own.as_bytes()].concat(),
        None => own.into_bytes(),
    };
    environment.insert(name, OsText::new(mark));
    environment.retain(|name, _| is_settable(name));
    environment
}

/// The environment of a task before anything of an attempt is in it: good for looking at what the task
/// would find, as `plan` does.
pub fn of_task(
    spec: &TaskSpec,
    surroundings: &Surroundings,
    inherited: &Inherited,
    env_file: &[(OsText, OsText)],
) -> Environment {
    let mut environment = base(&spec.env_inherit, surroundings, inherited);
    if let Some(pwd) = environment.get_mut(&OsText::from("PWD")) {
        *pwd = spec.workdir.clone();
    }
    environment.extend(env_file.iter().cloned());
    environment.extend(as_bytes(&spec.env));
    environment.retain(|name, _| is_settable(name));
    environment
}

/// Puts what was installed for a task before everything else on its paths.
pub fn enter_all(environment: &mut Environment, installed: &[InstalledEnvironment]) {
    for one in installed {
        match one {
            InstalledEnvironment::Python(folder) => {
                put_first(environment, "PATH", &folder.as_path().join("bin"));
                environment.insert("VIRTUAL_ENV".into(), folder.clone());
                // It would lead the interpreter out again.
                environment.remove(&OsText::from("PYTHONHOME"));
            }
            InstalledEnvironment::Node(folder) => {
                let modules = folder.as_path().join("node_modules");
                put_first(environment, "PATH", &modules.join(".bin"));
                put_first(environment, "NODE_PATH", &modules);
            }
        }
    }
}

/// What those variables hold that the task declares as secret, and those whose values are secret by
/// their looks.
pub fn secret_values<'e>(
    spec: &'e TaskSpec,
    environment: &'e Environment,
) -> impl Iterator<Item = &'e OsText> {
    let declared = spec.secrets.iter();
    let declared = declared.filter_map(|name| environment.get(&OsText::from(name.as_str())));
    let is_token = |value: &&OsText| Redactor::is_token(value.as_bytes());
    declared.chain(environment.values().filter(is_token))
}

/// What this process knows of the secrets of the task inside which it was started.
pub fn secrets_around_us() -> Vec<OsText> {
    let all = Inherited::take().all;
    let names = all.get(&OsText::from(SECRETS_VARIABLE));
    names
        .into_iter()
        .flat_map(|names| names.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| all.get(&OsText::new(name)).cloned())
        .collect()
}

fn put_first(environment: &mut Environment, name: &str, folder: &Path) {
    let name = OsText::from(name);
    let mut path = folder.as_os_str().as_bytes().to_vec();
    let before = match environment.get(&name) {
        Some(before) => before.clone(),
        // Without the variable programs are still found in the usual places.
        None if name.as_bytes() == b"PATH" => search_path(environment).into(),
        None => OsText::default(),
    };
    if !before.is_empty() {
        path.push(b':');
        path.extend(before.as_bytes());
    }
    environment.insert(name, OsText::new(path));
}

fn as_bytes(variables: &BTreeMap<String, OsText>) -> impl Iterator<Item = (OsText, OsText)> {
    variables
        .iter()
        .map(|(name, value)| (OsText::from(name.as_str()), value.clone()))
}

fn base(inherit: &EnvInherit, surroundings: &Surroundings, inherited: &Inherited) -> Environment {
    let stored = |name: &OsText| name.as_str().and_then(|name| surroundings.0.get(name));
    match inherit {
        EnvInherit::Nothing => Environment::new(),
        EnvInherit::Names(names) => names
            .iter()
            .map(|name| OsText::from(name.as_str()))
            .filter_map(|name| {
                let value = stored(&name).or_else(|| inherited.all.get(&name))?.clone();
                Some((name, value))
            })
            .collect(),
        EnvInherit::All => {
            let mut all = inherited.passed.clone();
            if !surroundings.0.is_empty() {
                // What was not set when the task was added is not set now.
                for name in &inherited.replaced {
                    all.remove(name);
                }
            }
            all.extend(
                surroundings
                    .0
                    .iter()
                    .map(|(name, value)| (OsText::from(name.as_str()), value.clone())),
            );
            all
        }
    }
}

fn is_ours(name: &OsText) -> bool {
    name.as_bytes().starts_with(b"__AUTOEXEC_")
        || name.as_str().is_some_and(|name| OURS.contains(&name))
}

fn is_settable(name: &OsText) -> bool {
    !name.is_empty() && !name.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0))
}

/// Reads an `env_file` without waiting for a pipe that nobody writes to.
///
/// # Errors
/// When it cannot be read, is a folder, or is larger than any environment may be.
pub fn read_env_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = opening::open(path)?;
    let mut text = Vec::new();
    file.take(LARGEST_ENV_FILE + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST_ENV_FILE) {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(text)
}

/// Reads the lines of an `env_file`: `NAME=value`, with an optional `export ` before it, comments
/// from `#` at the beginning of a line, and values in single or double quotes.
///
/// Nothing is expanded. In double quotes `\"`, `\\`, `\$` and `` \` `` stand for themselves and `\n` for a
/// newline; a `#` behind a blank ends an unquoted value.
///
/// # Errors
/// The number of the first line that is none of these.
pub fn parse_env_file(text: &[u8]) -> Result<Vec<(OsText, OsText)>, usize> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut variables = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let line = match line.strip_prefix(b"export") {
            Some(rest) if rest.first().is_some_and(u8::is_ascii_whitespace) => rest.trim_ascii(),
            _ => line,
        };
        variables.push(parse_variable(line).ok_or(index + 1)?);
    }
    Ok(variables)
}

fn parse_variable(line: &[u8]) -> Option<(OsText, OsText)> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let (name, value) = line.split_at(equals);
    let value = value.get(1..)?;
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begins_well = name.first().is_some_and(|byte| !byte.is_ascii_digit());
    if !begins_well || !name.iter().all(legal) || line.contains(&0) {
        return None;
    }
    let value = match value.first() {
        Some(b'\'') => {
            let (quoted, rest) = split_at_byte(value.get(1..)?, b'\'')?;
            is_blank_or_comment(rest).then(|| quoted.to_vec())?
        }
        Some(b'"') => double_quoted(value.get(1..)?)?,
        _ => unquoted(value),
    };
    Some((OsText::new(name), OsText::new(value)))
}

fn split_at_byte(bytes: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == end)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

fn double_quoted(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return is_blank_or_comment(rest.as_slice()).then_some(value),
            b'\\' => match rest.next()? {
                b'n' => value.push(b'\n'),
                escaped @ (b'"' | b'\\' | b'$' | b'`') => value.push(*escaped),
                other => value.extend([b'\\', *other]),
            },
            plain => value.push(*plain),
        }
    }
    None
}

fn unquoted(bytes: &[u8]) -> Vec<u8> {
    let comment = bytes
        .windows(2)
        .position(|pair| matches!(pair, [b' ' | b'\t', b'#']));
    bytes
        .get(..comment.unwrap_or(bytes.len()))
        .unwrap_or_default()
        .trim_ascii()
        .to_vec()
}

fn is_blank_or_comment(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii();
    rest.is_empty() || rest.starts_with(b"#")
}

/// The value of `PATH`, or what the C library takes without one.
pub fn search_path(environment: &Environment) -> OsString {
    environment.get(&OsText::from("PATH")).map_or_else(
        || "/bin:/usr/bin".into(),
        |path| std::ffi::OsStr::from_bytes(path.as_bytes()).to_owned(),
    )
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
