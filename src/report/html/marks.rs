//! From stretches of time to marks that can be seen: what overlaps or is too narrow is drawn together.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::report::charts::NightChart;
use crate::report::html::timeline::Kind;
use crate::report::html::timeline::Mark;
use crate::report::html::timeline::Stretch;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::count;

/// The most names in a tooltip.
const NAMED: usize = 3;

/// Stretches that overlap, as stretches that do not.
pub(super) fn apart(mut all: Vec<Stretch>, zone: Zone) -> Vec<Stretch> {
    all.sort_by_key(|one| one.from);
    let mut found: Vec<(Stretch, usize, Vec<String>)> = Vec::new();
    for one in all {
        if let Some((last, number, names)) = found.last_mut()
            && one.from < last.to
        {
            last.to = last.to.max(one.to);
            *number += 1;
            if !names.contains(&one.name) && names.len() <= NAMED {
                names.push(one.name);
            }
        } else {
            let names = vec![one.name.clone()];
            found.push((one, 1, names));
        }
    }
    let told = |(mut one, number, names): (Stretch, usize, Vec<String>)| {
        if number > 1 {
            let what = if one.kind == Kind::Wait {
                "wait"
            } else {
                "recovery step"
            };
            one.title = format!(
                "{}, {}–{}: {}",
                count(number, what),
                zone.clock_time(one.from),
                zone.clock_time(one.to),
                listed(&names)
            );
        }
        one
    };
    found.into_iter().map(told).collect()
}

fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Marks of which no two narrow ones stand in the same of `most` columns.
pub(super) fn merge(
    mut all: Vec<Stretch>,
    chart: &NightChart,
    most: usize,
    zone: Zone,
) -> Vec<Mark> {
    all.sort_by_key(|one| one.from);
    let whole = chart.to.since(chart.from).max(Duration::from_millis(1));
    let column = whole / u32::try_from(most).unwrap_or(u32::MAX);
    let place = |at: Timestamp| at.since(chart.from).as_nanos() / column.as_nanos().max(1);
    let mut marks = Vec::new();
    let mut narrow: Vec<Stretch> = Vec::new();
    for one in all {
        let is_narrow = one.to.since(one.from) < column;
        let same = narrow
            .first()
            .is_some_and(|first| place(first.from) == place(one.from));
        let joins = is_narrow && same;
        if !joins && !narrow.is_empty() {
            marks.extend(together(&std::mem::take(&mut narrow), zone));
        }
        if is_narrow {
            narrow.push(one);
        } else {
            marks.extend(together(&[one], zone));
        }
    }
    marks.extend(together(&narrow, zone));
    marks
}

/// One mark for all of these.
fn together(all: &[Stretch], zone: Zone) -> Option<Mark> {
    let from = all.iter().map(|one| one.from).min()?;
    let to = all.iter().map(|one| one.to).max()?;
    let mut parts: BTreeMap<Kind, usize> = BTreeMap::new();
    for one in all {
        *parts.entry(one.kind).or_default() += 1;
    }
    let title = if let [one] = all {
        one.title.clone()
    } else {
        let told: Vec<String> = parts
            .iter()
            .map(|(kind, number)| format!("{number} {}", kind.word()))
            .collect();
        let worst = parts.keys().next().copied();
        let mut names: Vec<String> = Vec::new();
        for one in all.iter().filter(|one| Some(one.kind) == worst) {
            if names.len() <= NAMED && !names.contains(&one.name) {
                names.push(one.name.clone());
            }
        }
        format!(
            "{}, {}–{}: {} ({})",
            count(all.len(), "attempt"),
            zone.clock_time(from),
            zone.clock_time(to),
            told.join(", "),
            listed(&names)
        )
    };
    Some(Mark {
        from,
        to,
        parts: parts.into_iter().collect(),
        title,
    })
}
