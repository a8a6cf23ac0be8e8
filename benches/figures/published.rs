//! `docs/benchmarks.md`: what was measured, between two marks. What people wrote around them stays.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::machine;
use crate::peers::PEERS;
use crate::place::Place;
use crate::score::Score;

const BEGIN: &str = "<!-- measured: `cargo bench -- --write` replaces everything from here … -->";
const END: &str = "<!-- … to here -->";

/// Writes what was measured into the page; gives where that is.
pub(crate) fn write(place: &Place, score: &Score, load_before: &str) -> Result<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let page = std::fs::read_to_string(&path).context("cannot read `docs/benchmarks.md`")?;
    let measured = measured(place, score, load_before)?;
    let page = replaced(&page, &measured).context(
        "`docs/benchmarks.md` has lost the marks between which the figures stand; take them from an \
         earlier version",
    )?;
    std::fs::write(&path, page).context("cannot write `docs/benchmarks.md`")?;
    Ok(path)
}

/// The page with other figures; `None` where the marks are not there, or not in this order.
fn replaced(page: &str, measured: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{measured}\n{END}{after}"))
}

fn measured(place: &Place, score: &Score, load_before: &str) -> Result<String> {
    let mut text = String::from("## On what\n\n| | |\n| --- | --- |\n");
    for (what, fact) in machine::facts(place) {
        writeln!(text, "| {what} | {fact} |")?;
    }
    writeln!(
        text,
        "| load of the machine, before and after | {load_before}; {} |",
        place.load()
    )?;
    writeln!(text, "| form | {} |", place.form())?;
    text.push_str("\n## With whom\n\n| | what it does not do |\n| --- | --- |\n");
    text.push_str(
        "| bare loop | starts, captures and waits for each command, drops its output, remembers \
         nothing |\n",
    );
    for peer in &PEERS {
        writeln!(text, "| {} | {} |", peer.name, peer.differs)?;
    }
    text.push_str("\n## Figures\n\n");
    text.push_str(&score.markdown());
    Ok(text)
}
