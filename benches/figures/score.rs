//! The table: each figure beside what it is compared with, and whether the target is reached.

use autoexec::support::table::{self, Align, Column};
use autoexec::support::text;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    Count,
}

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// At most so many times what it is compared with.
    Ratio(f64),
    /// At most so much.
    Value(f64),
    /// Nothing: only to be known.
    Known,
}

/// A figure: what was measured, once per round.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) ours: Vec<f64>,
    /// With what it is compared, measured in the same rounds.
    pub(crate) beside: Option<(&'static str, Vec<f64>)>,
    pub(crate) target: Target,
}

/// All figures so far.
#[derive(Debug, Default)]
pub(crate) struct Score {
    part: &'static str,
    /// Each with the part that it belongs to.
    rows: Vec<(&'static str, Vec<String>)>,
    missing: Vec<String>,
    hits: usize,
    misses: Vec<String>,
}

const COLUMNS: [Column; 9] = [
    Column::words("figure"),
    Column::numbers("autoexec"),
    Column::words("compared with"),
    Column::numbers("value"),
    Column::numbers("ratio"),
    Column::numbers("of the best"),
    Column::numbers("target"),
    Column::words(""),
    Column::numbers("rounds"),
];

impl Score {
    /// What is added from now on belongs to this part.
    pub(crate) fn begin(&mut self, part: &'static str) {
        self.part = part;
    }

    pub(crate) fn add(&mut self, figure: &Figure) {
        let unit = figure.unit;
        let ratios = figure.beside.as_ref().map(|(_, beside)| {
            let ratio = |(ours, other): (&f64, &f64)| ours / other.max(f64::MIN_POSITIVE);
            figure
                .ours
                .iter()
                .zip(beside)
                .map(ratio)
                .collect::<Vec<f64>>()
        });
        let (reached, target) = match (figure.target, &ratios) {
            (Target::Ratio(most), Some(ratios)) => (median(ratios) <= most, format!("≤ {most}")),
            (Target::Value(most), _) => {
                let text = format!("≤ {}", amount(unit, most));
                (median(&figure.ours) <= most, text)
            }
            (Target::Ratio(_), None) | (Target::Known, _) => (true, String::new()),
        };
        let verdict = match figure.target {
            Target::Known => "",
            Target::Ratio(_) | Target::Value(_) if reached => {
                self.hits += 1;
                "hit"
            }
            Target::Ratio(_) | Target::Value(_) => {
                self.misses.push(figure.what.clone());
                "MISS"
            }
        };
        let (name, value) = match &figure.beside {
            Some((name, values)) => (*name, spread(values, |value| amount(unit, value))),
            None => ("", String::new()),
        };
        // Others on the machine can only make something slower: where the two differ much, it was busy.
        let best = figure
            .beside
            .as_ref()
            .map_or_else(String::new, |(_, beside)| {
                format!("{:.2}", least(&figure.ours) / least(beside))
            });
        let ratio = ratios.map_or_else(String::new, |ratios| {
            spread(&ratios, |ratio| format!("{ratio:.2}"))
        });
        let row = vec![
            figure.what.clone(),
            spread(&figure.ours, |value| amount(unit, value)),
            name.to_owned(),
            value,
            ratio,
            best,
            target,
            verdict.to_owned(),
            figure.ours.len().to_string(),
        ];
        self.rows.push((self.part, row));
    }

    /// Notes that something could not be measured.
    pub(crate) fn not_measured(&mut self, part: &str, why: &str) {
        self.missing.push(format!("not measured: {part}: {why}"));
    }

    pub(crate) fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|(_, row)| row.clone()).collect();
        let mut text = table::titled(&COLUMNS, &rows, usize::MAX, str::to_owned);
        text.push_str("\nmedian (least – most); ratio: median of the ratios of the rounds; of the best: least by least\n");
        text.push_str(&self.verdict());
        text.push('\n');
        for miss in &self.misses {
            text.push_str("missed: ");
            text.push_str(miss);
            text.push('\n');
        }
        for line in &self.missing {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// How many targets were hit and missed.
    fn verdict(&self) -> String {
        format!(
            "{} hit, {} missed",
            text::count(self.hits, "target"),
            self.misses.len()
        )
    }

    /// The same in Markdown, a table for each part.
    pub(crate) fn markdown(&self) -> String {
        let mut lines = vec![format!("{}.", self.verdict())];
        let mut last = "";
        for (part, row) in &self.rows {
            if *part != last {
                lines.extend([String::new(), format!("### {part}"), String::new()]);
                lines.push(line(COLUMNS.map(|column| column.title)));
                lines.push(line(COLUMNS.map(|column| match column.align {
                    Align::Left => "---",
                    Align::Right => "--:",
                })));
                last = part;
            }
            lines.push(line(row.iter().map(String::as_str)));
        }
        if !self.missing.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.missing.iter().map(|missing| format!("- {missing}")));
        lines.push(String::new());
        lines.join("\n")
    }
}

/// A line of a table in Markdown.
fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<&str> = cells.into_iter().collect();
    format!("| {} |", cells.join(" | "))
}

/// The value in the middle; of an even number the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (
        sorted.len() % 2,
        sorted.get(middle),
        sorted.get(middle.wrapping_sub(1)),
    ) {
        (0, Some(upper), Some(lower)) => f64::midpoint(*lower, *upper),
        (_, Some(value), _) => *value,
        _ => f64::NAN,
    }
}

/// `1.2 ms (1.1 ms – 1.9 ms)`; of one value, that value.
fn spread(values: &[f64], text: impl Fn(f64) -> String) -> String {
    let middle = text(median(values));
    let (first, last) = (text(least(values)), text(most(values)));
    if first == last {
        return middle;
    }
    format!("{middle} ({first} – {last})")
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn amount(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds if value < 0.001 => format!("{:.0} µs", value * 1e6),
        Unit::Seconds if value < 1.0 => format!("{:.2} ms", value * 1e3),
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Bytes => format!("{:.1} MiB", value / f64::from(1 << 20)),
        Unit::Count => format!("{value:.2}"),
    }
}
