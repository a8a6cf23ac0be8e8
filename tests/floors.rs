//! House rules: imports go down, files say what they are for and stay short, `async` and `unsafe`
//! stay where they belong.
//!
//! The floors are read from the table in `docs/architecture.md`, so that the document cannot drift
//! from the code. Clippy enforces what it knows (lengths of functions, forbidden calls); this test
//! enforces what it does not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot read the sources has nothing better to do than to die"
)]

#[path = "floors/source.rs"]
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use source::{code_of, words};

const LONGEST_FILE: usize = 400;
const FLOORS_TABLE: &str = "docs/architecture.md";
/// Where futures may be: the loop, the two that feed it, and the commands that build the runtime.
const ASYNC_MODULES: [&str; 5] = ["engine", "backend", "web", "recovering", "cli"];
const UNSAFE_MODULE: &str = "process";
/// Names for things that have not been understood yet. (A `helper` is a program, in `process`.)
const EMPTY_NAMES: [&str; 8] = [
    "util", "utils", "helpers", "common", "misc", "manager", "shared", "stuff",
];

type Floors = BTreeMap<String, u32>;

/// The floor of every module, from table rows such as ``| 5 | `backend`, `supervisor` | … |``.
fn floors_in(document: &str) -> Floors {
    let mut floors = Floors::new();
    for row in document.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Some(Ok(floor)) = cells.get(1).map(|cell| cell.parse::<u32>()) else {
            continue;
        };
        for module in cells[2].split(',') {
            floors.insert(module.trim().trim_matches('`').to_owned(), floor);
        }
    }
    floors
}

/// The module of the ground plan that a file below `src/` belongs to; `None` for the crate's roots.
fn module_of(path: &str) -> Option<&str> {
    path.strip_prefix("src/")?
        .split_once('/')
        .map(|(module, _)| module)
}

/// Every broken rule of one file, each with its line.
fn broken_rules(path: &str, text: &str, floors: &Floors) -> Vec<String> {
    let code = code_of(text);
    let mut broken = Vec::new();
    let mut report = |line: usize, rule: String| broken.push(format!("{path}:{line}: {rule}"));

    if !text.starts_with("//!") {
        report(1, "a file starts with `//!` and says what it is for".into());
    }
    let length = text.lines().count();
    if length > LONGEST_FILE {
        report(length, format!("longer than {LONGEST_FILE} lines"));
    }
    let unfinished = ["TO", "DO"].concat();
    for (index, line) in text.lines().enumerate() {
        if words(line).any(|word| word == unfinished) {
            report(index + 1, format!("`{unfinished}` in a commit"));
        }
    }
    let Some(module) = module_of(path) else {
        return broken;
    };
    let Some(floor) = floors.get(module) else {
        report(1, format!("`{module}` has no floor in {FLOORS_TABLE}"));
        return broken;
    };
    for (index, line) in code.lines().enumerate() {
        for rule in rules_of_line(module, *floor, line, floors) {
            report(index + 1, rule);
        }
        // In the first file of a module, `super` is the crate: a way around `crate::`.
        if path == format!("src/{module}/mod.rs") && line.starts_with("use super::") {
            report(
                index + 1,
                "import by `crate::`, so that the floors are seen".into(),
            );
        }
    }
    broken
}

/// Every broken rule of one line of code.
fn rules_of_line(module: &str, floor: u32, line: &str, floors: &Floors) -> Vec<String> {
    let mut broken = Vec::new();
    if line.replace(' ', "").contains("super::super") {
        broken.push("`super::super` hides where an import goes".to_owned());
    }
    let imports: Vec<&str> = line.split("crate::").skip(1).collect();
    if imports.len() > 1 {
        broken.push("one path per line".to_owned());
    }
    for target in imports {
        if target.starts_with(['{', '*']) {
            broken.push("name the module: one `use crate::module::…` per line".to_owned());
            continue;
        }
        let target = words(target).next().unwrap_or_default();
        match floors.get(target) {
            _ if target == module => {}
            None => broken.push(format!("`{target}` has no floor in {FLOORS_TABLE}")),
            Some(other) if *other < floor => {}
            Some(other) if *other == floor => {
                broken.push(format!("`{module}` imports sideways: `{target}`"));
            }
            Some(_) => broken.push(format!("`{module}` imports upwards: `{target}`")),
        }
    }
    if !ASYNC_MODULES.contains(&module)
        && (words(line).any(|word| word == "async") || line.contains(".await"))
    {
        broken.push(format!("`async` in `{module}`"));
    }
    if module != UNSAFE_MODULE && words(line).any(|word| word == "unsafe") {
        broken.push(format!("`unsafe` in `{module}`"));
    }
    broken
}

/// Every Rust file below a directory, sorted; relative to the project.
fn rust_files(root: &Path, below: &str) -> Vec<PathBuf> {
    let mut open = vec![root.join(below)];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

fn project() -> (PathBuf, Floors) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let floors = floors_in(&fs::read_to_string(root.join(FLOORS_TABLE)).unwrap());
    (root, floors)
}

#[test]
fn the_house_rules_hold() {
    let (root, floors) = project();
    let mut broken = Vec::new();
    for part in ["src", "tests", "benches"] {
        for file in rust_files(&root, part) {
            let text = fs::read_to_string(root.join(&file)).unwrap();
            broken.extend(broken_rules(file.to_str().unwrap(), &text, &floors));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_folder_has_its_first_file_and_every_name_says_something() {
    let (root, _) = project();
    let mut broken = Vec::new();
    for file in rust_files(&root, "src") {
        let folder = file.parent().unwrap();
        if folder != Path::new("src") && !root.join(folder).join("mod.rs").is_file() {
            broken.push(format!("{}: no `mod.rs`", folder.display()));
        }
        for part in &file.with_extension("") {
            if EMPTY_NAMES.contains(&part.to_str().unwrap()) {
                broken.push(format!("{}: the name says nothing", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_ground_plan_and_the_crate_name_the_same_modules() {
    let (root, floors) = project();
    let code = code_of(&fs::read_to_string(root.join("src/lib.rs")).unwrap());
    let declared: Vec<&str> = code
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    for module in &declared {
        assert!(floors.contains_key(*module), "`{module}` has no floor");
    }
    for module in floors.keys() {
        assert!(
            declared.contains(&module.as_str()),
            "{FLOORS_TABLE} names `{module}`, which `src/lib.rs` does not declare"
        );
    }
}

/// The sources and tests that a page names in backquotes and that are not there.
fn gone(page: &str, root: &Path) -> Vec<String> {
    let named = page.split('`').skip(1).step_by(2);
    let is_plain = |name: &&str| {
        let begins = ["src/", "tests/", "benches/", "examples/", "docs/"];
        begins.iter().any(|begin| name.starts_with(begin)) && !name.contains(['*', '{', ' '])
    };
    named
        .filter(is_plain)
        .filter(|name| !root.join(name).exists())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let (root, _) = project();
    assert_eq!(
        gone("`src/no.rs` `src/lib.rs` `src/`", &root),
        ["src/no.rs"]
    );
    let mut pages = vec![root.join("README.md")];
    let documents = fs::read_dir(root.join("docs")).unwrap();
    pages.extend(documents.map(|entry| entry.unwrap().path()));
    for page in pages {
        if page.extension().is_some_and(|ending| ending == "md") {
            let gone = gone(&fs::read_to_string(&page).unwrap(), &root);
            assert!(gone.is_empty(), "{} names {gone:?}", page.display());
        }
    }
}

#[test]
fn each_rule_finds_what_it_forbids() {
    let floors = floors_in("| 6 | `engine` | x |\n| 4 | `store`, `host` | y |\n| 0 | `support` |");
    let cases = [
        ("src/store/a.rs", "use crate::engine::run;", "upwards"),
        ("src/store/a.rs", "use crate::host::disk;", "sideways"),
        (
            "src/store/a.rs",
            "fn f() { crate::engine::run() }",
            "upwards",
        ),
        (
            "src/engine/a.rs",
            "use crate::{store, host};",
            "name the module",
        ),
        (
            "src/engine/a.rs",
            "use {crate::store::a, crate::host::b};",
            "one path",
        ),
        (
            "src/engine/a.rs",
            "use crate::cellar::wine;",
            "has no floor",
        ),
        (
            "src/store/a/b.rs",
            "use super::super::host;",
            "super::super",
        ),
        (
            "src/store/mod.rs",
            "use super::host;",
            "import by `crate::`",
        ),
        ("src/store/a.rs", "async fn f() {}", "`async` in"),
        ("src/store/a.rs", "fn f() { x.await; }", "`async` in"),
        (
            "src/engine/a.rs",
            "fn f() { unsafe { g() } }",
            "`unsafe` in",
        ),
        ("src/attic/a.rs", "", "has no floor"),
    ];
    for (path, line, rule) in cases {
        let broken = broken_rules(path, &format!("//! Doc.\n{line}\n"), &floors);
        assert!(
            broken.len() == 1 && broken[0].contains(rule),
            "{line}: {broken:?}"
        );
    }
    let shouting = ["//! Doc.\n// TO", "DO: later\n"].concat();
    for (text, rule) in [
        ("fn f() {}\n", "starts with"),
        (&*format!("//! Doc.\n{}", "\n".repeat(400)), "longer than"),
        (&*shouting, "in a commit"),
    ] {
        let broken = broken_rules("src/store/a.rs", text, &floors);
        assert!(broken.len() == 1 && broken[0].contains(rule), "{broken:?}");
    }
}

#[test]
fn what_is_allowed_and_what_is_only_said_breaks_no_rule() {
    let floors = floors_in("| 6 | `engine` | x |\n| 3 | `process` | z |\n| 0 | `support` | y |");
    let allowed = [
        ("src/engine/a.rs", "use crate::support::text;"),
        (
            "src/engine/a.rs",
            "use crate::engine::step::{Effect, Event};",
        ),
        ("src/engine/a.rs", "async fn f() { g().await }"),
        ("src/process/a.rs", "unsafe fn f() {}"),
        (
            "src/process/a.rs",
            "#![expect(unsafe_code, reason = \"r\")]",
        ),
        (
            "src/support/a.rs",
            "// use crate::engine::run; unsafe async",
        ),
        (
            "src/support/a.rs",
            "const A: &str = \"crate::engine unsafe\";",
        ),
        (
            "src/support/a.rs",
            "const A: &str = r#\"crate::engine \"async\"#;",
        ),
        (
            "src/support/a.rs",
            "fn f<'a>(x: &'a str) -> char { '\"' } // unsafe",
        ),
        ("src/main.rs", "fn main() { autoexec::cli::main() }"),
    ];
    for (path, line) in allowed {
        let broken = broken_rules(path, &format!("//! Doc.\n{line}\n"), &floors);
        assert!(broken.is_empty(), "{line}: {broken:?}");
    }
}
