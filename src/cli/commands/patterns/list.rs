//! `autoexec patterns list` and `show`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::commands::Invocation;
use crate::cli::commands::patterns::known::{self, Known, Writer};
use crate::cli::commands::queue::select::parse_category;
use crate::cli::failure::{Answer, Ending};
use crate::model::category::Category;
use crate::policy::classify::catalogue::KnownBy;
use crate::support::clock::{Timestamp, Zone};
use crate::support::table::{Column, titled};
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// Options of `autoexec patterns list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those that come with the program, or only yours
    #[arg(long, value_name = "ORIGIN", value_enum)]
    pub origin: Option<OriginChoice>,
    /// Only patterns of this category
    #[arg(long, value_name = "CATEGORY", value_parser = parse_category)]
    pub category: Option<Category>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Whose patterns are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OriginChoice {
    /// Those that come with the program
    BuiltIn,
    /// Those of `config.toml` and those that were added
    User,
}

/// Options of `autoexec patterns show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists patterns.
///
/// # Errors
/// When the queue or the configuration cannot be used.
pub(super) fn list(args: &ListArgs, invocation: &mut Invocation<'_>) -> Answer {
    let mut patterns = known::all(&invocation.settings)?;
    patterns.retain(|one| {
        let by_origin = match (args.origin, one.writer) {
            (Some(OriginChoice::BuiltIn), writer) => matches!(writer, Writer::BuiltIn(_)),
            (Some(OriginChoice::User), writer) => !matches!(writer, Writer::BuiltIn(_)),
            (None, _) => true,
        };
        by_origin && args.category.is_none_or(|wanted| wanted == one.category())
    });
    if args.json {
        let values: Vec<Value> = patterns.iter().map(value).collect();
        let answer = json!({"schema": "autoexec.patterns/1", "patterns": values});
        invocation.output.json(&answer);
        return Ok(Ending::Well);
    }
    if patterns.is_empty() {
        invocation
            .output
            .note("no pattern is like that; `autoexec patterns add` adds one");
        return Ok(Ending::Well);
    }
    let now = invocation.settings.clock.now();
    let look = invocation.look();
    let columns = [
        Column::cut_to("NAME", 20),
        Column::words("CATEGORY"),
        Column::words("RETRY"),
        Column::words("ORIGIN"),
        Column::words("COUNTS"),
        Column::numbers("SEEN"),
        Column::words("LAST"),
    ];
    let cells: Vec<Vec<String>> = patterns
        .iter()
        .map(|one| {
            vec![
                Untrusted::from(one.spec.name.as_str()).for_terminal(),
                one.category().to_string(),
                one.retryable().as_str().to_owned(),
                one.origin().to_owned(),
                if one.enabled { "yes" } else { "off" }.to_owned(),
                one.sightings.seen.to_string(),
                last(one, now),
            ]
        })
        .collect();
    let text = titled(&columns, &cells, look.width, |title| {
        look.paint.strong(title)
    });
    invocation.output.text(&text);
    Ok(Ending::Well)
}

/// Shows one pattern whole.
///
/// # Errors
/// When it is not known, or the queue or the configuration cannot be used.
pub(super) fn show(args: &ShowArgs, invocation: &mut Invocation<'_>) -> Answer {
    let one = known::find(&args.name, known::all(&invocation.settings)?)?;
    if args.json {
        let mut answer = value(&one);
        if let Some(object) = answer.as_object_mut() {
            object.insert("schema".to_owned(), "autoexec.pattern/1".into());
        }
        invocation.output.json(&answer);
    } else {
        let text = page(&one, invocation.settings.clock.now());
        invocation.output.text(&text);
    }
    Ok(Ending::Well)
}

fn last(one: &Known, now: Timestamp) -> String {
    let last = one.sightings.last;
    last.map_or_else(String::new, |at| Zone::Local.short(at, now))
}

fn page(one: &Known, now: Timestamp) -> String {
    let spec = &one.spec;
    let shown = |text: &str| Untrusted::from(text).for_terminal();
    let mut lines: Vec<(&str, String)> = vec![
        ("category", spec.category.to_string()),
        ("retry", spec.retryable().as_str().to_owned()),
        ("origin", one.origin().to_owned()),
    ];
    if let Some(matches) = &spec.matches {
        lines.push(("matches", shown(matches)));
    }
    if !spec.exit_codes.is_empty() {
        let codes: Vec<String> = spec.exit_codes.iter().map(i32::to_string).collect();
        lines.push(("exit codes", codes.join(", ")));
    }
    if let Some(tool) = &spec.tool {
        lines.push(("program", shown(tool)));
    }
    if !spec.strategies.is_empty() {
        lines.push(("would try", spec.strategies.join(", ")));
    }
    if let Writer::BuiltIn(named) = one.writer {
        lines.push(("why", named.reason.to_owned()));
        if named.known_by == KnownBy::Fact {
            lines.push((
                "known by",
                "what autoexec itself sees; it always counts".to_owned(),
            ));
        }
        lines.extend(named.examples.iter().map(|text| ("example", shown(text))));
    }
    let seen = usize::try_from(one.sightings.seen).unwrap_or(usize::MAX);
    let seen = match last(one, now) {
        when if when.is_empty() => "never".to_owned(),
        when => format!("{}, last {when}", count(seen, "time")),
    };
    lines.push(("seen", seen));
    let off = if one.enabled { "" } else { " (off)" };
    let mut text = format!("{}{off}\n", shown(&spec.name));
    for (name, value) in lines {
        // Writing into a String cannot fail.
        let _infallible = writeln!(text, "  {name:<10}  {value}");
    }
    text
}

fn value(one: &Known) -> Value {
    let spec = &one.spec;
    let (reason, examples) = match one.writer {
        Writer::BuiltIn(named) => (Some(named.reason), named.examples.as_slice()),
        Writer::Config | Writer::Queue => (None, &[][..]),
    };
    json!({
        "name": spec.name,
        "origin": if matches!(one.writer, Writer::BuiltIn(_)) { "built-in" } else { "user" },
        "source": one.origin(),
        "category": spec.category.as_str(),
        "retryable": spec.retryable().as_str(),
        "enabled": one.enabled,
        "matches": spec.matches,
        "exit_codes": spec.exit_codes,
        "tool": spec.tool,
        "strategies": spec.strategies,
        "stands_for": one.stands_for(),
        "reason": reason,
        "examples": examples,
        "seen": one.sightings.seen,
        "last_seen": one.sightings.last.map(Timestamp::to_rfc3339),
    })
}
