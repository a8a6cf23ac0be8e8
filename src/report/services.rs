//! The services that tasks declare and how their breakers stand, as a list and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::policy::breaker::Breaker;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::breakers::Kind;
use crate::store::parking::BY_BREAKER;
use crate::store::parking::BY_SERVICE;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The name and version of the shape of the list.
pub const SCHEMA: &str = "autoexec.breakers/1";

/// A service, its breaker, and how many tasks wait for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name, as tasks write it.
    pub name: String,
    /// Its breaker.
    pub breaker: Breaker,
    /// When that changed last; none: never.
    pub changed_at: Option<Timestamp>,
    /// How many tasks wait for it.
    pub waiting: usize,
}

/// Every service that has a breaker or that an unfinished task declares, by name.
///
/// # Errors
/// When the queue cannot be read.
pub fn services(reader: &Reader, now: Timestamp) -> Result<Vec<Service>, StoreError> {
    let mut services = Vec::new();
    for kept in reader.breakers(Kind::Service)? {
        services.push(Service {
            waiting: 0,
            name: kept.name,
            breaker: kept.breaker,
            changed_at: Some(kept.changed_at),
        });
    }
    for (name, _) in reader.declared_services()? {
        if !services.iter().any(|one| one.name == name) {
            services.push(Service {
                name,
                breaker: Breaker::default(),
                changed_at: None,
                waiting: 0,
            });
        }
    }
    for one in &mut services {
        for by in [BY_BREAKER, BY_SERVICE] {
            one.waiting += reader.parked_on(by, &one.name, usize::MAX, now)?.len();
        }
    }
    services.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(services)
}

/// The list as a JSON value.
pub fn value(services: &[Service]) -> Value {
    let breakers: Vec<Value> = services.iter().map(value_of).collect();
    json!({ "schema": SCHEMA, "breakers": breakers })
}

fn value_of(one: &Service) -> Value {
    let next = one.breaker.next_probe_at();
    let last = one.breaker.last.as_ref();
    json!({
        "name": Untrusted::from(one.name.as_str()).for_json(),
        "state": one.breaker.state.as_str(),
        "opened": one.breaker.opened,
        "failed_probes": one.breaker.failed_probes,
        "next_probe_at": next.map(Timestamp::to_rfc3339),
        "most_at_once": one.breaker.most_at_once,
        "waiting": one.waiting,
        "last_category": last.map(|last| last.category.as_str()),
        "last_line": last
            .and_then(|last| last.line.as_deref())
            .map(|line| Untrusted::from(line).for_json()),
        "changed_at": one.changed_at.map(Timestamp::to_rfc3339),
    })
}
