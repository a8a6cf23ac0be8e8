//! Plans that wait, and plans that let less happen at once: they change nothing.
//!
//! INVARIANT: what is waited for is named by the definition, the configuration or this machine. Values
//! of the output are compared with that.

use std::time::Duration;

use crate::model::category::Category as C;
use crate::model::checks::Requirement;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::policy::backoff;
use crate::policy::classify::SUCCESS_CHECK_FAILED_PATTERN;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::case::No;
use crate::policy::recovery::case::Plan;
use crate::policy::recovery::locks::declared_lock;
use crate::policy::recovery::loops;
use crate::policy::recovery::peers::Peers;
use crate::policy::recovery::peers::host_meant;
use crate::policy::recovery::peers::same_host;
use crate::support::text;

/// The first wait for a peer is so long, the next ones double up to the longest time of the strategy.
const FIRST_PATIENCE: Duration = Duration::from_mins(2);
/// Space that has to come back at least, before a task that ran out of it is tried again.
const LEAST_SPACE: u64 = 64 * MIB;
/// With more than this left, it is another file system that is full.
const PLENTY_OF_SPACE: u64 = 1024 * MIB;
/// Memory that has to come back where nobody knows how much the task needs.
const LEAST_MEMORY: u64 = 256 * MIB;
const MIB: u64 = 1024 * 1024;

/// Waits and tries again, where nothing but time can help.
pub(super) fn and_retry(case: &Case<'_>) -> Plan {
    if !case.time_may_help || is_asked(case) {
        return Err(No::NotForThis);
    }
    Ok(Built::new(Remedy::Retry))
}

/// Waits as long as the peer asked for; `policy::backoff` keeps that within its cap.
pub(super) fn retry_after(case: &Case<'_>) -> Plan {
    if !case.time_may_help || !is_asked(case) {
        return Err(No::NotForThis);
    }
    Ok(Built::new(Remedy::Retry).about(text::span(case.wait)))
}

fn is_asked(case: &Case<'_>) -> bool {
    matches!(case.failure.category, C::RateLimit | C::ServerError)
        && backoff::asked(case.failure, case.facts.now).is_some()
}

/// Waits until the declared peer answers.
pub(super) fn for_reconnection(case: &Case<'_>) -> Plan {
    if !case.time_may_help || case.recovery.service_open {
        // Its breaker looks whether it is back, for all tasks at once.
        return Err(No::NotForThis);
    }
    let target = peer(case).ok_or(No::NotForThis)?;
    let about = target_words(&target);
    Ok(Built {
        timeout: Some(patience(case)),
        ..Built::new(Remedy::Await(target)).about(about)
    })
}

/// Longer each time, whether attempts lay between or not.
fn patience(case: &Case<'_>) -> Duration {
    let in_vain = u32::try_from(loops::waits_in_vain(case.recovery)).unwrap_or(u32::MAX);
    let before = case.facts.failures_before.max(in_vain);
    FIRST_PATIENCE.saturating_mul(2_u32.saturating_pow(before))
}

/// The declared peer that the failure is about.
fn peer(case: &Case<'_>) -> Option<Await> {
    if let Some(written) = case.found("requirement") {
        return case
            .spec()
            .requires
            .iter()
            .find_map(|requirement| match requirement {
                Requirement::Tcp { host, port }
                    if requirement.written().as_str() == Some(written) =>
                {
                    Some(tcp(host, *port))
                }
                Requirement::Tcp { .. }
                | Requirement::Tool { .. }
                | Requirement::File(_)
                | Requirement::Env(_) => None,
            });
    }
    let spec = case.spec();
    let peers = Peers::of(spec, &case.recovery.adjustments.env, &case.recovery.tool);
    let complete = peers.complete();
    let host = host_meant(case, &peers);
    let port: Option<u16> = case.found("port").and_then(|port| port.parse().ok());
    let probe_of = |wanted: Option<&str>| {
        spec.service.iter().find_map(|service| {
            let probe = case.recovery.probes.get(service)?;
            let is_it = wanted.is_none_or(|host| {
                service_host(service).is_some_and(|name| same_host(name, host))
                    || matches!(probe, Await::Tcp { host: own, .. } if same_host(own, host))
            });
            is_it.then(|| probe.clone())
        })
    };
    let entry = |host: &str, port: u16| tcp(host, port);
    match (host, port) {
        (Some(host), port) => {
            let of_host = || {
                complete
                    .iter()
                    .filter(|(peer, _)| same_host(&peer.host, host))
            };
            let exact = of_host().find(|(_, known)| port.is_none_or(|port| port == *known));
            probe_of(Some(host)).or_else(|| exact.map(|(peer, port)| entry(&peer.host, *port)))
        }
        (None, Some(port)) => {
            let mut of_port = complete.iter().filter(|(_, known)| *known == port);
            match (of_port.next(), of_port.next()) {
                (Some((peer, port)), None) => Some(entry(&peer.host, *port)),
                _ => probe_of(None),
            }
        }
        (None, None) => probe_of(None).or_else(|| {
            let of_service = complete.iter().find(|(peer, _)| peer.of_service);
            let only = || complete.first().filter(|_| peers.hosts().len() == 1);
            of_service
                .or_else(only)
                .map(|(peer, port)| entry(&peer.host, *port))
        }),
    }
}

fn tcp(host: &str, port: u16) -> Await {
    Await::Tcp {
        host: host.to_owned(),
        port,
    }
}

/// The host in the name of a service, such as `db.internal:5432`.
fn service_host(service: &str) -> Option<&str> {
    service.split(':').next().filter(|host| !host.is_empty())
}

/// Waits until the declared name resolves.
pub(super) fn for_dns(case: &Case<'_>) -> Plan {
    if !case.time_may_help || case.recovery.service_open {
        return Err(No::NotForThis);
    }
    let host = name(case).ok_or(No::NotForThis)?;
    Ok(Built {
        timeout: Some(patience(case)),
        ..Built::new(Remedy::Await(Await::Dns { host: host.clone() })).about(host)
    })
}

/// The declared name that the failure is about.
fn name(case: &Case<'_>) -> Option<String> {
    let peers = Peers::of(
        case.spec(),
        &case.recovery.adjustments.env,
        &case.recovery.tool,
    );
    let hosts = peers.hosts();
    let only = || hosts.first().filter(|_| hosts.len() == 1);
    let chosen = case.found("host").map_or_else(
        || hosts.iter().find(|peer| peer.of_service).or_else(only),
        |host| hosts.iter().find(|peer| same_host(&peer.host, host)),
    );
    let host = chosen?.host.clone();
    host.parse::<std::net::IpAddr>().is_err().then_some(host)
}

/// What one look tells by whether the cause of a failure is still there.
pub(super) fn cause(case: &Case<'_>) -> Option<Await> {
    let pattern = case.failure.pattern.as_str();
    match case.failure.category {
        C::Network if pattern == "dns_failure" => {
            let named = name(case).map(|host| Await::Dns { host });
            named.or_else(|| peer(case))
        }
        C::Network | C::Timeout | C::RateLimit | C::ServerError => peer(case),
        // Less is left on no file system that works; how much the task needs, nobody knows.
        C::Resource if pattern == "disk_full" => Some(Await::Disk {
            path: case.spec().workdir.clone(),
            free: LEAST_SPACE,
        }),
        C::Resource if pattern == "out_of_memory" => Some(Await::Memory {
            available: needed_memory(case, 0),
        }),
        C::Resource => declared_lock(case).map(|path| Await::Lock {
            path: case.spec().workdir.as_path().join(path.as_path()).into(),
        }),
        C::Auth
        | C::NotFound
        | C::Validation
        | C::Dependency
        | C::Browser
        | C::Logic
        | C::Corruption
        | C::Killed
        | C::Unknown => None,
    }
}

/// As much memory as it had when it ended, and a quarter more.
fn needed_memory(case: &Case<'_>, now: u64) -> u64 {
    let had = case.facts.outcome.usage.max_rss_bytes;
    let wanted = if had == 0 {
        now.saturating_add(LEAST_MEMORY)
    } else {
        had.saturating_add(had / 4)
    };
    // More than nine tenths is never available.
    let total = case.recovery.host.memory_total;
    wanted.min(total.map_or(u64::MAX, |total| total / 10 * 9))
}

/// Waits until nobody holds the declared lock.
pub(super) fn for_lock(case: &Case<'_>) -> Plan {
    // A lock that is a file's mere presence is held by nobody whom the kernel knows.
    let line = case.failure.line.as_deref().unwrap_or_default();
    let is_presence = line.to_ascii_lowercase().contains("exists");
    if !case.time_may_help || is_presence {
        return Err(No::NotForThis);
    }
    let path = declared_lock(case).ok_or(No::NotForThis)?;
    let about = path.as_path().to_string_lossy().into_owned();
    Ok(Built::new(Remedy::Await(Await::Lock { path })).about(about))
}

/// Waits until the file system of the workdir has space again.
pub(super) fn for_disk(case: &Case<'_>) -> Plan {
    let left = case.recovery.host.disk_free.ok_or(No::NotForThis)?;
    if left >= PLENTY_OF_SPACE || !case.time_may_help {
        return Err(No::NotForThis);
    }
    let free = left.saturating_add(LEAST_SPACE.max(left / 2));
    Ok(Built::new(Remedy::Await(Await::Disk {
        path: case.spec().workdir.clone(),
        free,
    }))
    .about(format!("{} free", text::size(free))))
}

/// Waits until as much memory is available as it had when it ended, and a quarter more.
pub(super) fn for_memory(case: &Case<'_>) -> Plan {
    if case.spec().limits.memory.is_some() || !case.time_may_help {
        // Its own limit ended it, whatever this machine has.
        return Err(No::NotForThis);
    }
    let host = case.recovery.host;
    let now = host.memory_available.ok_or(No::NotForThis)?;
    let available = needed_memory(case, now);
    if available <= now {
        return Err(No::NotForThis);
    }
    Ok(Built::new(Remedy::Await(Await::Memory { available }))
        .about(format!("{} available", text::size(available))))
}

/// Lets nothing else run beside the next attempts.
pub(super) fn alone(case: &Case<'_>) -> Plan {
    if case.recovery.adjustments.alone {
        return Err(No::Spent("it ran alone already".to_owned()));
    }
    let failure = case.failure;
    let is_for_it = failure.category == C::Unknown
        || failure.pattern == SUCCESS_CHECK_FAILED_PATTERN
        || failure.category == C::Resource
            && (failure.pattern != "out_of_memory" || case.spec().limits.memory.is_none());
    // Once may be chance; and where time alone does not help, there is no second time.
    let is_due = case.failed_before() || !case.time_may_help;
    if !is_for_it || !case.recovery.others_ran || !is_due {
        return Err(No::NotForThis);
    }
    Ok(Built::new(Remedy::Adjust(Adjustment {
        alone: true,
        ..Adjustment::default()
    })))
}

/// Lets fewer attempts at once use its services.
pub(super) fn reduce_concurrency(case: &Case<'_>) -> Plan {
    let services = case.spec().service.clone();
    if services.is_empty() || !case.time_may_help {
        return Err(No::NotForThis);
    }
    let about = services.join(", ");
    Ok(Built::new(Remedy::SlowDown { services }).about(about))
}

/// What is waited for, in a few words.
pub(super) fn target_words(target: &Await) -> String {
    match target {
        Await::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
        Await::Tcp { host, port } => format!("{host}:{port}"),
        Await::Http { url } => url.clone(),
        Await::Dns { host } => host.clone(),
        Await::Probe { service, .. } => format!("the probe of {service}"),
        Await::Disk { free, .. } => format!("{} free", text::size(*free)),
        Await::Memory { available } => format!("{} available", text::size(*available)),
        Await::Lock { path } => path.as_path().to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
#[path = "waits_tests.rs"]
mod tests;
