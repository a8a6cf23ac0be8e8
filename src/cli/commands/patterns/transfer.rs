//! `autoexec patterns export` and `import`: the patterns that were added, as `[[pattern]]` in TOML, and
//! what was learned, as `[[learned]]`.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::commands::Invocation;
use crate::cli::commands::patterns::change::put_all;
use crate::cli::commands::patterns::figures;
use crate::cli::config::patterns_wrong;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::model::pattern::PatternSpec;
use crate::store::learning::LearnedRow;
use crate::store::patterns::{Origin, StoredPattern};
use crate::store::teaching;
use crate::support::bytes::OsText;
use crate::support::opening;
use crate::support::text::count;
use crate::taskfile::{Others, read_patterns};

/// A larger file holds no patterns.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Options of `autoexec patterns import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// A file with `[[pattern]]` (`-`: standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace patterns of the same names that were added before
    #[arg(long)]
    pub replace: bool,
}

/// Writes the patterns that were added.
///
/// # Errors
/// When the queue cannot be read or the file not be written.
pub(super) fn export(
    file: Option<&Path>,
    learned: bool,
    invocation: &mut Invocation<'_>,
) -> Answer {
    let now = invocation.settings.clock.now();
    let (rows, figures): (Vec<StoredPattern>, Vec<LearnedRow>) =
        match invocation.look_into_queue()? {
            Some(store) if learned => (store.patterns()?, store.learned_rows(None)?),
            Some(store) => (store.patterns()?, Vec::new()),
            None => (Vec::new(), Vec::new()),
        };
    let own: Vec<&StoredPattern> = rows
        .iter()
        .filter(|row| row.origin == Origin::User)
        .collect();
    let mut text: String = own
        .iter()
        .map(|row| as_toml(&row.spec, row.enabled))
        .collect();
    text.push_str(&figures::as_toml(&figures, now));
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        invocation.output.text(&text);
        return Ok(Ending::Well);
    };
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    // A pipe or device takes what it is given; a file is never overwritten.
    let is_special = file
        .metadata()
        .is_ok_and(|there| !there.is_file() && !there.is_dir());
    let written = options
        .create_new(!is_special)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    let shown = OsText::from(file).untrusted().for_terminal();
    written.map_err(|error| {
        CliError::usage("output_unwritable", format!("cannot write `{shown}`")).because(error)
    })?;
    let mut told = format!("wrote {} to `{shown}`", count(own.len(), "pattern"));
    let off = own.iter().filter(|row| !row.enabled).count();
    if off > 0 {
        // They stand in the file as comments, which nobody imports.
        let _infallible = write!(told, " ({off} of them switched off)");
    }
    if learned {
        let figures = figures.iter().filter(|row| row.tried > 0).count();
        // Writing into a String cannot fail.
        let _infallible = write!(told, ", and what was learned of {}", pairs(figures));
    }
    invocation.output.line(&told);
    Ok(Ending::Well)
}

/// Adds the patterns of a file.
///
/// # Errors
/// When one of them is wrong or taken, or the queue cannot be used; then none is added.
pub(super) fn import(args: &ImportArgs, invocation: &mut Invocation<'_>) -> Answer {
    let file = OsText::from(args.file.as_path());
    let shown = file.untrusted().for_terminal();
    let text = read(&args.file).map_err(|error| {
        CliError::usage("input_unreadable", format!("cannot read `{shown}`")).because(error)
    })?;
    let specs = read_patterns(&file, &text, Others::Refuse)
        .map_err(|found| patterns_wrong(&format!("file `{shown}`"), &found))?;
    let now = invocation.settings.clock.now();
    let learned = figures::read(&shown, &text, now)?;
    if specs.is_empty() && learned.is_empty() {
        invocation.output.note(&format!(
            "nothing to add: `{shown}` holds no `[[pattern]]` and no `[[learned]]`"
        ));
        return Ok(Ending::Well);
    }
    if !specs.is_empty() {
        add_patterns(&specs, args.replace, invocation)?;
    }
    if !learned.is_empty() {
        let mut store = invocation.open_queue()?;
        store.write(|tx| {
            learned
                .iter()
                .try_for_each(|(pattern, figures)| teaching::import(tx, pattern, figures))
        })?;
        let told = format!("imported what was learned of {}", pairs(learned.len()));
        invocation.output.line(&told);
    }
    Ok(Ending::Well)
}

/// How many pairs of a pattern and a strategy.
fn pairs(number: usize) -> String {
    match number {
        1 => "1 strategy".to_owned(),
        _ => format!("{number} strategies"),
    }
}

fn add_patterns(specs: &[PatternSpec], replace: bool, invocation: &mut Invocation<'_>) -> Answer {
    let new = put_all(specs, replace, invocation)?;
    let same = specs.len() - new;
    let told = format!("added {}", count(new, "pattern"));
    invocation.output.line(&match same {
        0 => told,
        _ => format!("{told}; {} already there", count(same, "pattern")),
    });
    Ok(Ending::Well)
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_string(&mut text)?;
    } else {
        opening::open(file)?
            .take(LARGEST)
            .read_to_string(&mut text)?;
    }
    Ok(text)
}

/// A pattern as it is written in a file; one that is switched off as comments.
fn as_toml(spec: &PatternSpec, enabled: bool) -> String {
    let text = |value: &str| toml::Value::from(value).to_string();
    let mut lines = vec![
        "[[pattern]]".to_owned(),
        format!("name = {}", text(&spec.name)),
    ];
    if let Some(matches) = &spec.matches {
        lines.push(format!("matches = {}", text(matches)));
    }
    if !spec.exit_codes.is_empty() {
        let codes: Vec<String> = spec.exit_codes.iter().map(i32::to_string).collect();
        lines.push(format!("exit_codes = [{}]", codes.join(", ")));
    }
    if let Some(tool) = &spec.tool {
        lines.push(format!("tool = {}", text(tool)));
    }
    lines.push(format!("category = \"{}\"", spec.category));
    if let Some(retryable) = spec.retryable {
        lines.push(format!("retryable = \"{}\"", retryable.as_str()));
    }
    if !spec.strategies.is_empty() {
        let names: Vec<String> = spec.strategies.iter().map(|name| text(name)).collect();
        lines.push(format!("strategies = [{}]", names.join(", ")));
    }
    let mut block = String::new();
    if !enabled {
        block.push_str("# switched off:\n");
    }
    for line in lines.iter().flat_map(|line| line.lines()) {
        let mark = if enabled { "" } else { "# " };
        // Writing into a String cannot fail.
        let _infallible = writeln!(block, "{mark}{line}");
    }
    block.push('\n');
    block
}
