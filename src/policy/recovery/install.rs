//! Which of a task's declared dependencies a failure asks for.
//!
//! What is installed is the declared list, whole. The name that a program printed is looked up in it and
//! goes nowhere else.

use crate::model::category::Category as C;
use crate::model::layout::StateDir;
use crate::model::recovery::DependencyList;
use crate::model::remedy::Action;
use crate::model::remedy::InstalledEnvironment;
use crate::model::remedy::Remedy;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::case::No;
use crate::policy::recovery::case::Plan;

/// Failures that an installation can heal.
const PATTERNS: &[&str] = &["missing_module", "missing_package"];
/// Programs that run Python.
const PYTHON: &[&str] = &[
    "python", "python3", "pypy3", "pytest", "uvicorn", "gunicorn", "celery",
];
/// Programs that run JavaScript.
const NODE: &[&str] = &["node", "npm", "npx", "ts-node", "tsx", "jest", "vitest"];
/// Modules of Python that are installed under another name.
#[rustfmt::skip]
const OTHER_NAMES: &[(&str, &str)] = &[
    ("yaml", "pyyaml"), ("cv2", "opencv-python"), ("pil", "pillow"), ("sklearn", "scikit-learn"),
    ("bs4", "beautifulsoup4"), ("dotenv", "python-dotenv"), ("dateutil", "python-dateutil"),
    ("crypto", "pycryptodome"), ("attr", "attrs"), ("jwt", "pyjwt"), ("serial", "pyserial"),
    ("openssl", "pyopenssl"), ("docx", "python-docx"), ("pptx", "python-pptx"), ("git", "gitpython"),
    ("mysqldb", "mysqlclient"), ("psycopg2", "psycopg2-binary"), ("skimage", "scikit-image"),
    ("google-protobuf", "protobuf"), ("magic", "python-magic"), ("zmq", "pyzmq"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Node,
}

/// Installs what the task declares for the language whose module is missing.
pub(super) fn plan(case: &Case<'_>) -> Plan {
    let is_for_it =
        case.failure.category == C::Dependency && PATTERNS.contains(&case.failure.pattern.as_str());
    if !is_for_it {
        return Err(No::NotForThis);
    }
    let Some(language) = language(case) else {
        return Err(No::NotForThis);
    };
    let declared = &case.spec().dependencies;
    let list = match language {
        Language::Python => &declared.python,
        Language::Node => &declared.node,
    };
    let Some(list) = list else {
        return Err(No::Refused(
            "the task declares no `dependencies` for it, and nothing else is installed".to_owned(),
        ));
    };
    if !holds(
        list,
        case.found("module").or_else(|| case.found("package")),
        language,
    ) {
        return Err(No::Refused(
            "what is missing is not among the task's `dependencies`; a name from output is never \
             installed"
                .to_owned(),
        ));
    }
    let Some(dir) = &case.recovery.environments else {
        return Err(No::Refused("there is no place for environments".to_owned()));
    };
    let environment = environment(dir, case, list, language);
    if case
        .recovery
        .adjustments
        .environments
        .contains(&environment)
    {
        return Err(No::Spent(
            "its dependencies are installed already".to_owned(),
        ));
    }
    let about = match list {
        DependencyList::File(path) => path.as_path().to_string_lossy().into_owned(),
        DependencyList::Names(names) => names.join(", "),
    };
    Ok(Built::new(Remedy::Act(Action::Install {
        environment,
        list: list.clone(),
    }))
    .about(about))
}

fn environment(
    dir: &StateDir,
    case: &Case<'_>,
    list: &DependencyList,
    language: Language,
) -> InstalledEnvironment {
    match language {
        Language::Python => InstalledEnvironment::of_python(dir, case.spec(), list),
        Language::Node => InstalledEnvironment::of_node(dir, case.spec(), list),
    }
}

fn language(case: &Case<'_>) -> Option<Language> {
    match case.found("ecosystem") {
        Some("python") => return Some(Language::Python),
        Some("node") => return Some(Language::Node),
        // Of another language nothing can be declared.
        Some(_) => return None,
        None => {}
    }
    let tool = case.recovery.tool.as_str();
    if PYTHON.contains(&tool) || tool.starts_with("python3.") {
        return Some(Language::Python);
    }
    if NODE.contains(&tool) {
        return Some(Language::Node);
    }
    let declared = &case.spec().dependencies;
    match (&declared.python, &declared.node) {
        (Some(_), None) => Some(Language::Python),
        (None, Some(_)) => Some(Language::Node),
        _ => None,
    }
}

/// Whether a list may hold what is missing. What stands in a file is not known here: all of it is
/// declared.
fn holds(list: &DependencyList, missing: Option<&str>, language: Language) -> bool {
    let DependencyList::Names(names) = list else {
        return true;
    };
    let Some(missing) = missing else {
        return false;
    };
    let wanted = match language {
        Language::Python => plain(missing.split('.').next().unwrap_or_default()),
        Language::Node => node_package(missing),
    };
    let other = OTHER_NAMES
        .iter()
        .find(|(module, _)| language == Language::Python && *module == wanted)
        .map(|(_, package)| (*package).to_owned());
    names
        .iter()
        .map(|name| match language {
            Language::Python => plain(python_name(name)),
            Language::Node => node_name(name).to_owned(),
        })
        .any(|name| !name.is_empty() && (name == wanted || Some(&name) == other.as_ref()))
}

/// The name of a pinned requirement, such as `requests[socks]==2.32.3 ; python_version > "3"`.
fn python_name(requirement: &str) -> &str {
    requirement
        .split(['=', '<', '>', '!', '~', '[', ';', '@', ' '])
        .next()
        .unwrap_or_default()
}

/// Spellings that name one package.
fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', '.'], "-")
}

/// The name of a pinned package, such as `@scope/name@1.2.3`.
fn node_name(pinned: &str) -> &str {
    match pinned.char_indices().skip(1).find(|(_, one)| *one == '@') {
        Some((place, _)) => pinned.get(..place).unwrap_or(pinned),
        None => pinned,
    }
}

/// The package of a module such as `@scope/name/part` or `name/part`.
fn node_package(module: &str) -> String {
    let parts = if module.starts_with('@') { 2 } else { 1 };
    module.split('/').take(parts).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
