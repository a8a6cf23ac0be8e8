//! Plans by which the next attempts differ from the definition, within what it declares.

use std::collections::BTreeMap;

use crate::model::category::Category as C;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Remedy;
use crate::policy::classify::OWN_TIMEOUT_PATTERN;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::case::No;
use crate::policy::recovery::case::Plan;
use crate::policy::recovery::peers::address;
use crate::policy::recovery::peers::same_host;
use crate::policy::time_limit;
use crate::support::bytes::OsText;
use crate::support::text;

/// How far limits may be raised, as a multiple of the declared ones.
const HIGHEST: u64 = 4;
/// The limit of open files of nearly every system, where the task declares none.
const USUAL_FILES: u64 = 1024;
/// Below it only services of the machine itself may listen.
const FIRST_FREE_TO_ALL: u16 = 1024;

fn adjust(adjustment: Adjustment) -> Built {
    Built::new(Remedy::Adjust(adjustment))
}

fn with_env(env: BTreeMap<String, OsText>) -> Built {
    adjust(Adjustment {
        env,
        ..Adjustment::default()
    })
}

/// Doubles the time limit that was reached.
pub(super) fn longer_timeout(case: &Case<'_>) -> Plan {
    if case.failure.pattern != OWN_TIMEOUT_PATTERN || !case.time_may_help {
        return Err(No::NotForThis);
    }
    if let Some((step, longer)) = time_limit::of_step(case.facts) {
        // The limits of steps grow with the number of attempts that ran out of time.
        let about = format!("{} for the step `{step}`", text::span(longer));
        return Ok(Built::new(Remedy::Retry).about(about));
    }
    let start = case.facts.now.plus(case.wait);
    let longer = time_limit::of_attempt(case.facts).and_then(|longer| {
        time_limit::within(
            Some(longer),
            case.spec().timeout,
            case.facts.window_end,
            start,
        )
    });
    let longer = longer.filter(|longer| case.facts.timeout.is_none_or(|held| *longer > held));
    let longer = longer.ok_or_else(|| No::Spent("its time limit cannot be longer".to_owned()))?;
    let timeout_ms = u64::try_from(longer.as_millis()).ok();
    Ok(Built {
        limit: Some(longer),
        ..adjust(Adjustment {
            timeout_ms,
            ..Adjustment::default()
        })
        .about(text::span(longer))
    })
}

/// Takes the next declared address of the variables whose present one fails.
pub(super) fn rotate_endpoint(case: &Case<'_>) -> Plan {
    let endpoints = &case.spec().endpoints;
    if endpoints.is_empty() {
        return Err(No::NotForThis);
    }
    let adjusted = &case.recovery.adjustments.env;
    let present = |name: &String, list: &[OsText]| {
        let held = adjusted.get(name);
        held.map_or(Some(0), |held| list.iter().position(|one| one == held))
    };
    let fails = |held: &OsText| {
        let host = held.as_str().and_then(address).map(|(host, _)| host);
        match (case.found("host"), host) {
            (Some(found), Some(host)) => same_host(found, &host),
            _ => true,
        }
    };
    let mut next = BTreeMap::new();
    let mut is_at_end = false;
    for (name, list) in endpoints {
        // What `use_defaults` has set is no address of the list and stays.
        let Some(place) = present(name, list) else {
            continue;
        };
        if !list.get(place).is_some_and(fails) {
            continue;
        }
        match list.get(place + 1) {
            Some(address) => drop(next.insert(name.clone(), address.clone())),
            None => is_at_end = true,
        }
    }
    if next.is_empty() {
        return Err(if is_at_end {
            No::Spent("every address of `endpoints` was tried".to_owned())
        } else {
            No::NotForThis
        });
    }
    let about: Vec<String> = next.iter().map(|(name, value)| pair(name, value)).collect();
    Ok(with_env(next).about(about.join(", ")))
}

/// Sets the declared fallback values.
pub(super) fn use_defaults(case: &Case<'_>) -> Plan {
    let fallbacks = &case.spec().fallbacks;
    if fallbacks.is_empty() || case.failure.category != C::Validation {
        return Err(No::NotForThis);
    }
    let present = case.variables();
    if fallbacks
        .iter()
        .all(|(name, value)| present.get(name) == Some(value))
    {
        return Err(No::Spent("the fallback values hold already".to_owned()));
    }
    let about: Vec<&str> = fallbacks.keys().map(String::as_str).collect();
    Ok(with_env(fallbacks.clone()).about(about.join(", ")))
}

/// Runs `fallback_command` in place of the steps.
pub(super) fn fallback_command(case: &Case<'_>) -> Plan {
    if case.spec().fallback_command.is_none() {
        return Err(No::NotForThis);
    }
    if case.recovery.adjustments.fallback_command {
        return Err(No::Spent("`fallback_command` runs already".to_owned()));
    }
    Ok(adjust(Adjustment {
        fallback_command: true,
        ..Adjustment::default()
    }))
}

/// Raises the limit of open files.
pub(super) fn raise_open_files(case: &Case<'_>) -> Plan {
    if case.failure.pattern != "too_many_files" {
        return Err(No::NotForThis);
    }
    let hard = case.recovery.host.files_hard_limit.ok_or(No::NotForThis)?;
    let declared = case.spec().limits.files.unwrap_or(USUAL_FILES);
    let held = case.recovery.adjustments.files.unwrap_or(declared);
    let files = held.saturating_mul(HIGHEST).min(hard);
    if files <= held {
        let reason = format!("the hard limit of open files is {hard}");
        return Err(No::Spent(reason));
    }
    Ok(adjust(Adjustment {
        files: Some(files),
        ..Adjustment::default()
    })
    .about(files.to_string()))
}

/// Doubles the declared limit of memory.
pub(super) fn raise_memory(case: &Case<'_>) -> Plan {
    let Some(declared) = case.spec().limits.memory else {
        return Err(No::NotForThis);
    };
    if case.failure.pattern != "out_of_memory" {
        return Err(No::NotForThis);
    }
    let held = case.recovery.adjustments.memory.unwrap_or(declared);
    let total = case.recovery.host.memory_total.unwrap_or(u64::MAX);
    let most = declared.saturating_mul(HIGHEST).min(total);
    let memory = held.saturating_mul(2).min(most);
    if memory <= held {
        let reason = if most == total {
            format!("this machine has {} of memory", text::size(total))
        } else {
            format!(
                "four times its declared memory, {}, was too little",
                text::size(most)
            )
        };
        return Err(No::Spent(reason));
    }
    Ok(adjust(Adjustment {
        memory: Some(memory),
        ..Adjustment::default()
    })
    .about(text::size(memory)))
}

/// Gives the declared variables that hold the port in use a free one.
///
/// A number of rows or seconds may look the same: those that are called a port, or the only one that
/// can be it.
pub(super) fn use_free_port(case: &Case<'_>) -> Plan {
    let found: Option<u16> = case.found("port").and_then(|port| port.parse().ok());
    let (Some(found), C::Resource) = (found, case.failure.category) else {
        return Err(No::NotForThis);
    };
    let holds = |value: &OsText| value.as_str().and_then(|text| text.parse().ok()) == Some(found);
    let holders = case.variables().into_iter();
    let holders = holders.filter_map(|(name, value)| holds(&value).then_some(name));
    let (called_so, others): (Vec<String>, Vec<String>) =
        holders.partition(|name| name.to_ascii_uppercase().contains("PORT"));
    let names = match others.as_slice() {
        _ if !called_so.is_empty() => called_so,
        [_only] if found >= FIRST_FREE_TO_ALL => others,
        _ => return Err(No::NotForThis),
    };
    let free = case.recovery.host.free_port.filter(|free| *free != found);
    let free = free.ok_or_else(|| No::Spent("no free port was found".to_owned()))?;
    let value = OsText::from(free.to_string());
    let env = names.iter().map(|name| (name.clone(), value.clone()));
    Ok(with_env(env.collect()).about(format!("{}={free}", names.join("=…, "))))
}

/// Goes on behind what is saved.
pub(super) fn from_checkpoint(case: &Case<'_>) -> Plan {
    if !case.recovery.checkpoint || !case.time_may_help {
        return Err(No::NotForThis);
    }
    Ok(Built::new(Remedy::Retry))
}

fn pair(name: &str, value: &OsText) -> String {
    // Of an address only what names the peer: the rest may hold secrets.
    let shown = value
        .as_str()
        .and_then(address)
        .map(|(host, port)| match port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        });
    shown.map_or_else(|| name.to_owned(), |shown| format!("{name}={shown}"))
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
