//! Reads whom a task waits for and the points in time that go with it, and refuses circles within
//! what is loaded together.
//!
//! Whether a task that is not among them exists is asked by whoever knows the queue.

use std::collections::HashMap;
use std::collections::HashSet;

use chrono::DateTime;

use crate::model::dependency::After;
use crate::model::dependency::When;
use crate::model::dependency::in_a_circle;
use crate::model::ids::TaskName;
use crate::model::timing::TimeWish;
use crate::support::clock::Timestamp;
use crate::support::similar::closest;
use crate::taskfile::ParsedTask;
use crate::taskfile::diagnostic::Diagnostic;
use crate::taskfile::node::Entry;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::quantities;
use crate::taskfile::scalars::Refusal;
use crate::taskfile::scalars::choice;
use crate::taskfile::scalars::name;

const WHENS: &[&str] = &["success", "failure", "always"];
const FORM: &str = "write `\"NAME\"` or `{ task = \"NAME\", when = \"failure\" }`";

/// The tasks that must end first.
pub(crate) fn after(node: &Node) -> Result<Vec<After>, Refusal> {
    let items = match &node.raw {
        Raw::List(items) => items,
        Raw::Text(_) | Raw::Table(_) => {
            return Err(Refusal::default().hint("put it into brackets: `[…]`"));
        }
        _ => return Err(Refusal::default()),
    };
    let mut found: Vec<After> = Vec::new();
    for item in items {
        let after = one(item)?;
        if found.iter().any(|other| other.task == after.task) {
            let refusal = Refusal::wanted("a list that names each task once");
            return Err(at(item, refusal, &format!("`{}` twice", after.task)));
        }
        found.push(after);
    }
    Ok(found)
}

fn one(item: &Node) -> Result<After, Refusal> {
    match &item.raw {
        Raw::Text(text) if item.is_of_flag() => {
            let text = text.as_str().unwrap_or("\u{fffd}");
            let (task, when) = match text.rsplit_once(':') {
                Some((task, when)) => (task, Some(when)),
                None => (text, None),
            };
            let part = |text: &str| Node {
                at: item.at.clone(),
                raw: Raw::Text(text.into()),
            };
            let when = match when {
                Some(word) => choice(&part(word), WHENS).map_err(|refusal| {
                    let hint = refusal.hint.unwrap_or_else(|| {
                        "the words are `success`, `failure` and `always`".into()
                    });
                    let refusal = Refusal::wanted("`NAME`, `NAME:failure` or `NAME:always`");
                    at(item, refusal.hint(hint), &format!("`{word}`"))
                })?,
                None => "success",
            };
            made(name(&part(task))?, when)
        }
        Raw::Text(_) => name(item)
            .map_err(|refusal| Refusal {
                at: Some((item.at.clone(), shown(item))),
                ..refusal
            })
            .and_then(|task| made(task, "success")),
        Raw::Table(entries) => of_table(item, entries),
        _ => Err(at(
            item,
            Refusal::wanted("a list of task names").hint(FORM),
            "something else",
        )),
    }
}

fn of_table(item: &Node, entries: &[Entry]) -> Result<After, Refusal> {
    let mut task = None;
    let mut when = "success";
    for Entry { key, at, node } in entries {
        let placed = |refusal: Refusal| Refusal {
            at: refusal.at.or_else(|| Some((node.at.clone(), shown(node)))),
            ..refusal
        };
        match key.as_str() {
            "task" => task = Some(name(node).map_err(placed)?),
            "when" => {
                when = choice(node, WHENS).map_err(|refusal| {
                    let wanted = "`success`, `failure` or `always`".to_owned();
                    placed(Refusal {
                        wanted: Some(wanted),
                        ..refusal
                    })
                })?;
            }
            other => {
                let hint = match closest(other, ["task", "when"]) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => FORM.to_owned(),
                };
                let refusal = Refusal::wanted("a table of `task` and `when`").hint(hint);
                let other = crate::support::untrusted::Untrusted::from(other);
                let found = format!("`{}`", other.for_terminal_within(40));
                return Err(Refusal {
                    at: Some((at.clone(), found)),
                    ..refusal
                });
            }
        }
    }
    let missing = || {
        let refusal = Refusal::wanted("a table that names a `task`").hint(FORM);
        at(item, refusal, "none")
    };
    made(task.ok_or_else(missing)?, when)
}

fn made(task: TaskName, when: &str) -> Result<After, Refusal> {
    let when = When::parse(when).ok_or_else(Refusal::default)?;
    Ok(After { task, when })
}

fn at(item: &Node, refusal: Refusal, found: &str) -> Refusal {
    Refusal {
        at: Some((item.at.clone(), found.to_owned())),
        ..refusal
    }
}

fn shown(node: &Node) -> String {
    match &node.raw {
        Raw::Text(text) => format!("`{}`", text.untrusted().for_terminal_within(40)),
        _ => "something else".to_owned(),
    }
}

/// A point in time.
pub(crate) fn moment(node: &Node) -> Result<TimeWish, Refusal> {
    let general = || {
        Refusal::default()
            .hint("write it like `\"02:00\"`, `\"+30m\"` or `\"2026-11-22T02:00:00+01:00\"`")
    };
    let text = match &node.raw {
        Raw::Text(text) => text.as_str().unwrap_or("?").trim(),
        Raw::Moment => return Err(Refusal::default().hint("put quotes around it")),
        _ => return Err(general()),
    };
    if let Some(span) = text.strip_prefix('+') {
        let span = quantities::duration(span).map_err(|hint| Refusal::default().hint(hint))?;
        return Ok(TimeWish::In(span));
    }
    if let Some(wish) = daily(text) {
        return Ok(wish);
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(TimeWish::At(Timestamp::from(instant.to_utc())));
    }
    let looks_like = |form| chrono::NaiveDateTime::parse_from_str(text, form).is_ok();
    if looks_like("%Y-%m-%dT%H:%M:%S") || looks_like("%Y-%m-%d %H:%M:%S") {
        return Err(Refusal::default().hint(format!(
            "say in which zone: `{}+01:00`, or `{0}Z` for UTC",
            text.replace(' ', "T")
        )));
    }
    if quantities::duration(text).is_ok() {
        return Err(Refusal::default().hint(format!("so long from now is `+{text}`")));
    }
    Err(general())
}

/// `2:00` or `02:00`.
fn daily(text: &str) -> Option<TimeWish> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u8>().ok().filter(|_| is_number)
    };
    let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
    (hour < 24 && minute < 60).then_some(TimeWish::Daily { hour, minute })
}

/// A point in time as it is written.
pub(crate) fn moment_words(wish: TimeWish) -> String {
    match wish {
        TimeWish::Daily { hour, minute } => format!("\"{hour:02}:{minute:02}\""),
        TimeWish::In(span) => format!("\"+{}\"", humantime::format_duration(span)),
        TimeWish::At(instant) => format!("\"{}\"", instant.to_rfc3339()),
    }
}

/// A task that must end first, as it is written.
pub(crate) fn after_words(after: &After) -> String {
    match after.when {
        When::Success => format!("\"{}\"", after.task),
        When::Failure | When::Always => {
            let when = after.when.as_str();
            format!("{{ task = \"{}\", when = \"{when}\" }}", after.task)
        }
    }
}

/// The circles among tasks that are loaded together.
pub(crate) fn circles(tasks: &[ParsedTask]) -> Vec<Diagnostic> {
    if tasks.iter().all(|task| task.spec.after.is_empty()) {
        return Vec::new();
    }
    let places: HashMap<&TaskName, usize> = (0..)
        .zip(tasks)
        .map(|(index, task)| (&task.spec.name, index))
        .collect();
    let upstreams = |index: usize| -> Vec<usize> {
        let after = tasks.get(index).map(|task| task.spec.after.as_slice());
        after
            .unwrap_or_default()
            .iter()
            .filter_map(|after| places.get(&after.task).copied())
            .collect()
    };
    let mut found = Vec::new();
    let mut done = HashSet::new();
    for start in 0..tasks.len() {
        if !done.insert(start) {
            continue;
        }
        let mut way = vec![(start, upstreams(start))];
        let mut on_way = HashSet::from([start]);
        while let Some((here, open)) = way.last_mut() {
            let Some(next) = open.pop() else {
                on_way.remove(here);
                way.pop();
                continue;
            };
            if on_way.contains(&next) {
                let circle = way.iter().skip_while(|(index, _)| *index != next);
                found.extend(refusal(circle.filter_map(|(index, _)| tasks.get(*index))));
            } else if done.insert(next) {
                on_way.insert(next);
                way.push((next, upstreams(next)));
            }
        }
    }
    found
}

fn refusal<'t>(circle: impl Iterator<Item = &'t ParsedTask>) -> Option<Diagnostic> {
    let circle: Vec<&ParsedTask> = circle.collect();
    let names: Vec<TaskName> = circle.iter().map(|task| task.spec.name.clone()).collect();
    let hint = match circle.len() {
        1 => "a task can only wait for others",
        _ => "one of them must not wait",
    };
    Some(circle.first()?.wrong("after", in_a_circle(&names), hint))
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
