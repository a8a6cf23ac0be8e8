//! The evening check as a part of a page for a terminal.

use crate::model::recovery::RecoverMode;
use crate::policy::health::queue::names;
use crate::report::evening::Evening;
use crate::report::evening::Recoveries;
use crate::report::health_page::entry;
use crate::report::page::Page;
use crate::support::text::count;

/// What is to be looked at first, then what is good in one line.
pub(crate) fn write(page: &mut Page, evening: &Evening) {
    let things = evening.things();
    page.title(&match things.len() {
        0 => "Before the night: nothing to look at".to_owned(),
        number => format!("Before the night: {} to look at", count(number, "thing")),
    });
    for reading in things {
        entry(page, reading);
    }
    let told = |one: &&crate::policy::health::Reading| one.level.is_some() && !one.is_bad();
    for reading in evening.readings.iter().filter(told) {
        entry(page, reading);
    }
    let is_told = |component| {
        let mut of_it = evening
            .readings
            .iter()
            .filter(|one| one.component == component);
        of_it.any(|one| one.level.is_some())
    };
    let mut good: Vec<&str> = Vec::new();
    for reading in evening
        .readings
        .iter()
        .filter(|one| !is_told(one.component))
    {
        if !good.contains(&reading.component.as_str()) {
            good.push(reading.component.as_str());
        }
    }
    if !good.is_empty() {
        page.wrapped(&format!("looked at and good: {}", good.join(", ")));
    }
}

/// What recovery may do for which task; stands below the forecast.
pub(crate) fn recoveries(page: &mut Page, groups: &[Recoveries]) {
    if groups.is_empty() {
        return;
    }
    page.title("What recovery may do");
    let acts = |group: &&Recoveries| group.mode > RecoverMode::Suggest;
    let acting: Vec<&Recoveries> = groups.iter().filter(acts).collect();
    let common: Vec<&str> = acting.first().map_or_else(Vec::new, |first| {
        let everywhere = |name: &&&str| acting.iter().all(|group| group.may.contains(name));
        first.may.iter().filter(everywhere).copied().collect()
    });
    if !common.is_empty() {
        let whom = if acting.len() == groups.len() {
            "for every task".to_owned()
        } else {
            let tasks = acting.iter().flat_map(|group| group.tasks.iter().cloned());
            format!("for {}", names(&tasks.collect::<Vec<String>>()))
        };
        page.wrapped(&format!("{whom}: {}", common.join(", ")));
    }
    for group in groups {
        let whom = names(&group.tasks);
        match group.mode {
            RecoverMode::Off => page.wrapped(&format!("nothing for {whom}: recovery is off")),
            RecoverMode::Suggest => {
                page.wrapped(&format!("nothing for {whom}: what would help is only told"));
            }
            RecoverMode::Safe | RecoverMode::Full => {
                let own: Vec<&str> = group
                    .may
                    .iter()
                    .filter(|name| !common.contains(name))
                    .copied()
                    .collect();
                if !own.is_empty() {
                    page.wrapped(&format!("for {whom} also: {}", own.join(", ")));
                }
            }
        }
    }
    refused(page, &acting);
}

/// What is declared, and lacks somebody's word; what exactly would allow it is in JSON. What needs nothing
/// declared is refused nearly everywhere.
fn refused(page: &mut Page, groups: &[&Recoveries]) {
    for group in groups {
        let lacking: Vec<&str> = group
            .refused
            .iter()
            .filter(|(name, why)| *name != "make_executable" || !why.starts_with("neither"))
            .map(|(name, _)| *name)
            .collect();
        if !lacking.is_empty() {
            page.wrapped(&format!(
                "for {} only with your word (`allow` in the task and under `[recover]`): {}",
                names(&group.tasks),
                lacking.join(", ")
            ));
        }
    }
}
