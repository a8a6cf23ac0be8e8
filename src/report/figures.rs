//! The figures at the end of a report: how many, how long, and whether repeating paid.

use crate::model::verdict::Verdict;
use crate::report::cleared::cleared_words;
use crate::report::sections::{Item, Part, Section};
use crate::report::strategies::Recoveries;
use crate::report::summary::RunSummary;
use crate::report::text::words_of;
use crate::support::text::{count, size, span};

/// Less than this is not worth a word.
const NOTHING: u128 = 100;

/// The figures; none where there is nothing to count.
pub(crate) fn figures(summary: &RunSummary) -> Option<Section> {
    let totals = &summary.totals;
    if totals.tasks() == 0 && summary.cleared.is_nothing() {
        return None;
    }
    let verdicts: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| totals.of(**verdict) > 0)
        .map(|verdict| format!("{} {}", totals.of(*verdict), words_of(*verdict)))
        .collect();
    let tasks = format!("{}: {}", count(totals.tasks(), "task"), verdicts.join(", "));
    let mut items = vec![Item::of(tasks)];
    if totals.attempts > 0 {
        let attempts = count(totals.attempts, "attempt");
        let repeats = repeats(summary);
        items.push(Item::of(format!(
            "{attempts} took {}{repeats}",
            span(totals.busy)
        )));
    }
    items.extend(recoveries(totals.recovery).map(Item::of));
    let largest = summary.tasks.iter().max_by_key(|task| task.max_rss_bytes);
    if let Some(task) = largest.filter(|task| task.max_rss_bytes > 0) {
        let memory = size(task.max_rss_bytes);
        items.push(Item::of(format!("most memory: {memory} ({})", task.name)));
    }
    if !summary.cleared.is_nothing() {
        let words = cleared_words(&summary.cleared);
        items.push(Item::of(format!(
            "cleared away, as kept no longer: {words}"
        )));
    }
    Some(Section {
        part: Part::Figures,
        title: "Figures".to_owned(),
        items,
        command: None,
    })
}

/// What repeated attempts cost, and for how many tasks they paid.
fn repeats(summary: &RunSummary) -> String {
    if summary.totals.retry.as_millis() < NOTHING {
        return String::new();
    }
    let repeated = || summary.tasks.iter().filter(|task| task.attempts > 1);
    let paid = repeated()
        .filter(|task| task.verdict == Verdict::Recovered)
        .count();
    let in_vain = repeated()
        .filter(|task| matches!(task.verdict, Verdict::Failed | Verdict::Held))
        .count();
    let outcome = match (paid, in_vain) {
        (0, 0) => String::new(),
        (0, in_vain) => format!(", in vain for {}", count(in_vain, "task")),
        (paid, 0) => format!(", which brought {} through", count(paid, "task")),
        (paid, in_vain) => format!(
            ", which brought {} through and {in_vain} not",
            count(paid, "task")
        ),
    };
    let spent = span(summary.totals.retry);
    format!(", {spent} of it in repeated attempts{outcome}")
}

/// How many recoveries helped, and how soon.
fn recoveries(recoveries: Recoveries) -> Option<String> {
    if recoveries.attempted == 0 {
        return None;
    }
    let tried = if recoveries.attempted == 1 {
        "1 recovery was tried".to_owned()
    } else {
        format!("{} recoveries were tried", recoveries.attempted)
    };
    let helped = match (recoveries.succeeded, recoveries.attempted) {
        (0, _) => "none helped".to_owned(),
        (1, 1) => "it helped".to_owned(),
        (all, tried) if all == tried => "all helped".to_owned(),
        (some, _) => format!("{some} helped"),
    };
    let soon = recoveries.median.map(|median| match recoveries.succeeded {
        1 => format!(", within {}", span(median)),
        _ => format!(", half of them within {}", span(median)),
    });
    Some(format!("{tried}, {helped}{}", soon.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn recoveries_are_counted_in_a_sentence() {
        let of = |attempted, succeeded, median: Option<u64>| {
            recoveries(Recoveries {
                attempted,
                succeeded,
                median: median.map(Duration::from_secs),
            })
        };
        assert_eq!(of(0, 0, None), None);
        assert_eq!(
            of(1, 1, Some(8)).unwrap(),
            "1 recovery was tried, it helped, within 8.0s"
        );
        assert_eq!(
            of(3, 0, None).unwrap(),
            "3 recoveries were tried, none helped"
        );
        assert_eq!(
            of(6, 5, Some(41)).unwrap(),
            "6 recoveries were tried, 5 helped, half of them within 41.0s"
        );
    }
}
