//! The evening check: what somebody should look at before the night, and what recovery may do in it.
//!
//! Put together from what was found already: the health of machine and queue, what tasks lack, the
//! hours, and what tasks declare. Its page stands above the forecast of `autoexec plan --overnight`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::model::alert::Level;
use crate::model::recovery::RecoverMode;
use crate::model::spec::TaskSpec;
use crate::policy::health::Component;
use crate::policy::health::Health;
use crate::policy::health::Reading;
use crate::policy::health::backlog::Backlog;
use crate::policy::health::queue::Lacking;
use crate::policy::health::queue::lacking;
use crate::policy::recovery::effective_mode;
use crate::policy::recovery::possible;
use crate::policy::window::Hours;
use crate::policy::window::Window;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::count;
use crate::support::text::span;

/// What is about this moment or about the past, and says nothing of the night.
const NOT_OF_THE_NIGHT: [Component; 2] = [Component::Load, Component::Failures];

/// What the evening check found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evening {
    /// What was looked at, in the order of the components, the worst of each first.
    pub readings: Vec<Reading>,
    /// What recovery may do, tasks alike together, the largest group first.
    pub recoveries: Vec<Recoveries>,
}

/// What recovery may do for tasks that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recoveries {
    /// The tasks, fit to be shown.
    pub tasks: Vec<String>,
    /// How far it may go for them.
    pub mode: RecoverMode,
    /// Strategies that may be used.
    pub may: Vec<&'static str>,
    /// Strategies that may not, and what would allow them.
    pub refused: Vec<(&'static str, String)>,
}

/// What tasks bring to the evening check, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    tasks: usize,
    tools: BTreeMap<String, Vec<String>>,
    unset: BTreeMap<String, Vec<String>>,
    groups: Vec<Recoveries>,
}

impl Needs {
    /// Takes in a task: what it lacks, and which variables a night does not set, as sentences fit to be
    /// shown.
    pub fn add(
        &mut self,
        (name, spec): (&str, &TaskSpec),
        (lacks, unset): (&[String], &[String]),
        (machine, allow): (RecoverMode, &[String]),
    ) {
        self.tasks += 1;
        for (sentences, found) in [(lacks, &mut self.tools), (unset, &mut self.unset)] {
            for sentence in sentences {
                let tasks = found.entry(sentence.clone()).or_default();
                tasks.push(name.to_owned());
            }
        }
        let mut group = Recoveries {
            tasks: Vec::new(),
            mode: effective_mode(machine, spec.recover_mode),
            may: Vec::new(),
            refused: Vec::new(),
        };
        for one in possible(spec, machine, allow) {
            match one.allowed {
                Ok(()) => group.may.push(one.strategy.name),
                Err(why) => group.refused.push((one.strategy.name, why)),
            }
        }
        let alike = self.groups.iter_mut().find(|there| {
            (there.mode, &there.may, &there.refused) == (group.mode, &group.may, &group.refused)
        });
        if let Some(there) = alike {
            there.tasks.push(name.to_owned());
        } else {
            group.tasks.push(name.to_owned());
            self.groups.push(group);
        }
    }
}

impl Evening {
    /// Puts the evening check together. `more`: what else was found for this night.
    pub fn of(health: &Health, needs: Needs, more: Vec<Reading>) -> Self {
        let told = |found: BTreeMap<String, Vec<String>>| -> Vec<Lacking> {
            let found = found.into_iter();
            found.map(|(what, tasks)| Lacking { what, tasks }).collect()
        };
        // The tasks were looked at one by one: that is more than their sample tells.
        let is_kept = |one: &&Reading| {
            is_of_the_night(one)
                && !matches!(one.component, Component::Tools | Component::Environment)
        };
        let mut readings: Vec<Reading> = health.readings.iter().filter(is_kept).cloned().collect();
        readings.extend(lacking(Component::Tools, &told(needs.tools), needs.tasks));
        readings.extend(lacking(
            Component::Environment,
            &told(needs.unset),
            needs.tasks,
        ));
        readings.extend(more);
        readings.sort_by_key(|one| (one.component, std::cmp::Reverse(one.level)));
        let mut recoveries = needs.groups;
        recoveries.sort_by_key(|group| std::cmp::Reverse(group.tasks.len()));
        Self {
            readings,
            recoveries,
        }
    }

    /// What somebody should look at, the worst first.
    pub fn things(&self) -> Vec<&Reading> {
        let mut things: Vec<&Reading> = self.readings.iter().filter(|one| one.is_bad()).collect();
        things.sort_by_key(|one| std::cmp::Reverse(one.level));
        things
    }

    /// The check as a JSON value.
    pub fn value(&self) -> Value {
        let all: Vec<Value> = self.readings.iter().map(Reading::value).collect();
        let things: Vec<Value> = self.things().into_iter().map(Reading::value).collect();
        let recoveries: Vec<Value> = self
            .recoveries
            .iter()
            .map(|group| {
                let refused: Vec<Value> = group
                    .refused
                    .iter()
                    .map(|(strategy, why)| json!({"strategy": strategy, "why": why}))
                    .collect();
                json!({
                    "tasks": group.tasks,
                    "mode": group.mode,
                    "may": group.may,
                    "not_allowed": refused,
                })
            })
            .collect();
        json!({"findings": things, "components": all, "recoveries": recoveries})
    }
}

fn is_of_the_night(reading: &Reading) -> bool {
    !NOT_OF_THE_NIGHT.contains(&reading.component)
}

/// Whether the clocks are switched in a night.
pub fn switch(hours: &Hours, night: Window) -> Option<Reading> {
    let seconds = hours.switch_in(night);
    let by = span(Duration::from_secs(seconds.unsigned_abs().into()));
    let way = match seconds {
        0 => return None,
        1.. => "forward",
        _ => "back",
    };
    let long = span(night.length());
    let says = format!("the clocks are put {way} by {by} in this night: it is {long} long");
    Some(Reading::found(Component::Clock, Level::Info, says))
}

/// What begins the night.
pub fn starter(words: Option<String>) -> Reading {
    match words {
        Some(words) => Reading::good(Component::Runs, words),
        None => Reading::found(
            Component::Runs,
            Level::Info,
            "nothing begins the night by itself",
        )
        .hint("`autoexec run --overnight` now, or every night: `autoexec timer install`"),
    }
}

/// The coming night in a line, for bare `autoexec`; nothing where nothing is queued.
pub fn brief(
    health: &Health,
    backlog: Option<&Backlog>,
    night: Option<Window>,
    (now, zone): (Timestamp, Zone),
) -> Option<String> {
    let backlog = backlog.filter(|backlog| backlog.queued > 0)?;
    let night = night?;
    let clock = |instant| zone.at(instant).format("%H:%M").to_string();
    let when = if night.contains(now) {
        format!("This night until {}", clock(night.end))
    } else {
        format!("Tonight {}-{}", clock(night.start), clock(night.end))
    };
    let work = backlog
        .work
        .map_or_else(String::new, |work| format!(", about {}", span(work)));
    let bad = health
        .readings
        .iter()
        .filter(|one| one.is_bad() && is_of_the_night(one));
    let look = match bad.count() {
        0 => String::new(),
        things => format!("; {} to look at", count(things, "thing")),
    };
    Some(format!(
        "{when}: {}{work}{look}: `autoexec plan --overnight`",
        count(backlog.queued, "task")
    ))
}

#[cfg(test)]
#[path = "evening_tests.rs"]
mod tests;
