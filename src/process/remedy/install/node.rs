//! A folder with the modules of Node that a task declares.
//!
//! From a lock file, with the `package.json` beside it; no script of a package runs.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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

/// Variables that would make it install elsewhere.
const MISLEADING: [&str; 6] = [
    "npm_config_global",
    "npm_config_prefix",
    "npm_config_location",
    "npm_config_workspace",
    "npm_config_dry_run",
    "NODE_PATH",
];
/// Why `package.json` of a list of names is empty.
const NOBODYS: &[u8] = b"{\"private\": true}\n";

/// Looks through the list.
pub(super) fn content(list: &DependencyList, site: &Site<'_>) -> Result<Content, RemedyError> {
    let mut sum = Sum::default();
    let (install, files, told) = match list {
        DependencyList::File(path) => {
            let lock = site.workdir.join(path.as_path());
            let folder = lock.parent().unwrap_or(Path::new("/"));
            let mut files = vec![
                ("package-lock.json", list::read(&lock)?),
                ("package.json", list::read(&folder.join("package.json"))?),
            ];
            // Where packages come from may be said there.
            if let Ok(settings) = list::read(&folder.join(".npmrc")) {
                files.push((".npmrc", settings));
            }
            let name = path.untrusted().for_terminal();
            ("ci", files, format!("the packages of `{name}`"))
        }
        DependencyList::Names(names) => {
            if let Some(odd) = names.iter().find(|name| !list::is_pinned_node(name)) {
                return Err(RemedyError::refused(
                    odd.as_str(),
                    "is no name with one version, such as `left-pad@1.3.0`",
                ));
            }
            let files = vec![("package.json", NOBODYS.to_vec())];
            ("install", files, names.join(", "))
        }
    };
    for (name, bytes) in &files {
        sum.add(name.as_bytes());
        sum.add(bytes);
    }
    let mut arguments: Vec<OsText> = [
        "npm",
        install,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
    ]
    .map(OsText::from)
    .into();
    if let DependencyList::Names(names) = list {
        arguments.push("--".into());
        for name in names {
            sum.add(name.as_bytes());
            arguments.push(name.as_str().into());
        }
    }
    Ok(Content {
        hash: sum.hash(),
        told,
        arguments,
        files,
    })
}

/// Installs the list.
pub(super) fn build(content: &Content, work: &Work<'_>) -> Result<(), RemedyError> {
    for (name, bytes) in &content.files {
        let path = work.folder.join(name);
        // For this user alone: settings may hold a token.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(RemedyError::system("write", path.as_path()))?;
    }
    install::run("npm", &content.arguments, work.folder, &environment(work))
}

/// Whether all that is wanted is there.
pub(super) fn verify(work: &Work<'_>) -> Result<(), RemedyError> {
    let argv = ["npm", "ls", "--depth=0", "--no-update-notifier"].map(OsText::from);
    install::run("npm ls", &argv, work.folder, &environment(work))
}

fn environment(work: &Work<'_>) -> Environment {
    let mut environment = without(work.site.environment, &MISLEADING);
    if let Some(pwd) = environment.get_mut(&OsText::from("PWD")) {
        *pwd = work.folder.into();
    }
    environment
}
