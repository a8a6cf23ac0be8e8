//! The part of a report that says what is different against earlier nights.

use crate::policy::compare::Change;
use crate::report::sections::Item;
use crate::report::sections::Part;
use crate::report::sections::Section;
use crate::report::sections::more;
use crate::report::since_words::since_words;
use crate::report::summary::Changed;
use crate::report::summary::RunSummary;
use crate::report::text::LISTED;
use crate::report::text::Look;
use crate::support::text::size;
use crate::support::text::span;

pub(crate) fn changed(summary: &RunSummary, look: Look) -> Option<Section> {
    let mut items: Vec<Item> = summary
        .changes
        .iter()
        .take(LISTED)
        .map(|changed| {
            let words = change_words(changed, summary, look);
            let task = summary.tasks.iter().find(|task| task.id == changed.id);
            let since = task.filter(|_| matches!(changed.change, Change::Broke { .. }));
            Item {
                text: format!("{} ({}): {words}", changed.name, changed.id),
                quote: None,
                notes: since
                    .and_then(|task| since_words(&task.since))
                    .into_iter()
                    .collect(),
            }
        })
        .collect();
    more(&mut items, summary.changes.len());
    Section::of(
        Part::Changed,
        "Different from earlier nights",
        summary.changes.len(),
        items,
    )
}

fn change_words(changed: &Changed, summary: &RunSummary, look: Look) -> String {
    match changed.change {
        Change::Broke {
            worked,
            failures,
            redefined,
        } => {
            let worked = look.zone.short(worked, summary.generated_at);
            let again = match failures {
                0 => String::new(),
                1 => ", and failed once since".to_owned(),
                more => format!(", and failed {more} times since"),
            };
            let definition = if redefined {
                "its definition was changed since then"
            } else {
                "its definition is the same"
            };
            format!("it last worked {worked}{again}; {definition}")
        }
        Change::Mended {
            failures,
            redefined,
        } => {
            let times = match failures {
                1 => "a failure".to_owned(),
                more => format!("{more} failures"),
            };
            let definition = if redefined {
                ", with another definition"
            } else {
                ""
            };
            format!("it works again after {times}{definition}")
        }
        Change::Slower { took, usual } => {
            format!("it took {}, usually {}", span(took), span(usual))
        }
        Change::Busier { used, usual } => {
            format!(
                "it used {} of the processor, usually {}",
                span(used),
                span(usual)
            )
        }
        Change::Bigger { used, usual } => {
            format!(
                "it needed {} of memory, usually {}",
                size(used),
                size(usual)
            )
        }
    }
}
