//! A virtual environment of Python with what a task declares.
//!
//! Always in isolated mode (`-I`): a `pip.py` in the task's folder must not be taken for the installer.

use crate::model::recovery::DependencyList;
use crate::process::environment::Environment;
use crate::process::remedy::RemedyError;
use crate::process::remedy::install;
use crate::process::remedy::install::Content;
use crate::process::remedy::install::Site;
use crate::process::remedy::install::Work;
use crate::process::remedy::install::list;
use crate::process::remedy::install::list::Sum;
use crate::process::remedy::install::without;
use crate::support::bytes::OsText;

/// Variables that would make it install elsewhere, or from source.
const MISLEADING: [&str; 12] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_NO_BINARY",
    "PIP_EDITABLE",
    "PIP_REQUIREMENT",
    "PIP_PYTHON",
    "PIP_DRY_RUN",
];

/// Looks through the list.
pub(super) fn content(list: &DependencyList, site: &Site<'_>) -> Result<Content, RemedyError> {
    let mut sum = Sum::default();
    let mut arguments: Vec<OsText> = [
        "-I",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--only-binary=:all:",
    ]
    .map(OsText::from)
    .into();
    let told = match list {
        DependencyList::File(path) => {
            let whole = site.workdir.join(path.as_path());
            let found = list::requirements(&whole, &mut sum)?;
            if found.has_hashes {
                arguments.push("--require-hashes".into());
            }
            arguments.extend([OsText::from("-r"), OsText::from(whole)]);
            let name = path.untrusted().for_terminal();
            format!(
                "{} from `{name}`",
                crate::support::text::count(found.count, "package")
            )
        }
        DependencyList::Names(names) => {
            if let Some(odd) = names.iter().find(|name| !list::is_pinned_python(name)) {
                return Err(RemedyError::refused(
                    odd.as_str(),
                    "is no name with one version, such as `requests==2.32.3`",
                ));
            }
            arguments.push("--".into());
            for name in names {
                sum.add(name.as_bytes());
                arguments.push(name.as_str().into());
            }
            names.join(", ")
        }
    };
    Ok(Content {
        hash: sum.hash(),
        told,
        arguments,
        files: Vec::new(),
    })
}

/// Makes the environment with the task's own `python3` and installs the list.
pub(super) fn build(content: &Content, work: &Work<'_>) -> Result<(), RemedyError> {
    let environment = environment(work);
    let mut argv: Vec<OsText> = ["python3", "-I", "-m", "venv"].map(OsText::from).into();
    argv.push(work.folder.into());
    install::run("python3 -m venv", &argv, work.site.workdir, &environment)?;
    let mut argv = vec![program(work)];
    argv.extend(content.arguments.iter().cloned());
    install::run("pip install", &argv, work.site.workdir, &environment)
}

/// Whether what is installed fits together.
pub(super) fn verify(work: &Work<'_>) -> Result<(), RemedyError> {
    let mut argv = vec![program(work)];
    let check = ["-I", "-m", "pip", "--disable-pip-version-check", "check"];
    argv.extend(check.map(OsText::from));
    install::run("pip check", &argv, work.folder, &environment(work))
}

fn program(work: &Work<'_>) -> OsText {
    work.folder.join("bin/python").into()
}

fn environment(work: &Work<'_>) -> Environment {
    without(work.site.environment, &MISLEADING)
}
