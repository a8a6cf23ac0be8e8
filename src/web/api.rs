//! The paths that programs ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host::alerts::read::{Wanted, newest};
use crate::model::alert::Level;
use crate::model::ids::TaskId;
use crate::model::state::TaskStatus;
use crate::process::Stream;
use crate::process::logfollow::Follower;
use crate::process::logread;
use crate::report::load::{Loaded, Wish, load};
use crate::report::log_text::{LogText, Reader};
use crate::report::range::{Range, parse_run, parse_since};
use crate::report::{alerted, json, queue_table, standstill, task_page};
use crate::store::{Filter, Store};
use crate::support::clock::Zone;
use crate::support::untrusted::Untrusted;
use crate::web::answer::{Asked, Named, Refusal, Visible};
use crate::web::metrics;
use crate::web::site::{Look, Site};

/// Every path, with what may be done with it.
pub const PATHS: &[(&str, &str)] = &[
    ("get", "/"),
    ("get", "/api/health/alerts"),
    ("get", "/api/health/circuit-breakers"),
    ("post", "/api/health/circuit-breakers/{name}/reset"),
    ("get", "/api/health/detailed"),
    ("get", "/api/openapi.json"),
    ("get", "/api/queue"),
    ("get", "/api/report"),
    ("get", "/api/tasks/{id}"),
    ("get", "/api/tasks/{id}/logs"),
    ("get", "/live"),
    ("get", "/live.css"),
    ("get", "/live.js"),
    ("get", "/metrics"),
    ("get", "/report/{run}"),
];

/// What describes these paths.
const DESCRIPTION: &str = include_str!("../../docs/openapi.json");

/// Tasks in one answer, where nobody says how many.
const LISTED: usize = 1000;
/// Alerts in one answer, where nobody says how many.
const ALERTS: usize = 100;
/// The most that is asked for in one answer.
const MOST: usize = 10_000;
/// Lines of output in one answer, where nobody says how many.
const LINES: usize = 1000;

pub(crate) type Answer = Result<Response, Refusal>;

pub(crate) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/api/health/alerts", get(alerts))
        .route("/api/openapi.json", get(description))
        .route("/api/queue", get(queue))
        .route("/api/report", get(report))
        .route("/api/tasks/{id}", get(task))
        .route("/api/tasks/{id}/logs", get(logs))
        .route("/metrics", get(figures))
}

fn as_json(value: &impl Serialize) -> Answer {
    serde_json::to_value(value)
        .map(|value| Visible(value).into_response())
        .map_err(|_| Refusal::bug())
}

fn within(limit: Option<usize>, usual: usize) -> Result<usize, Refusal> {
    match limit {
        Some(limit) if limit > MOST => Err(Refusal::wrong(
            "wrong_limit",
            format!("`limit` is at most {MOST}"),
        )),
        limit => Ok(limit.unwrap_or(usual)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueWish {
    status: Option<String>,
    tag: Option<String>,
    limit: Option<usize>,
    after: Option<i64>,
}

async fn queue(State(site): State<Arc<Site>>, Asked(wish): Asked<QueueWish>) -> Answer {
    site.answer(move |site| {
        let Look { store, moment, .. } = site.look()?;
        let statuses = match &wish.status {
            None => TaskStatus::ALL
                .into_iter()
                .filter(|status| {
                    status.is_unfinished()
                        || [TaskStatus::Failed, TaskStatus::Skipped].contains(status)
                })
                .collect(),
            Some(word) if word == "all" => Vec::new(),
            Some(word) => vec![TaskStatus::parse(word).ok_or_else(|| {
                let shown = Untrusted::from(word.as_str()).for_terminal();
                Refusal::wrong("wrong_status", format!("there is no status `{shown}`"))
            })?],
        };
        let filter = Filter {
            doubted: wish.status.is_none(),
            statuses,
            tag: wish.tag,
            after: wish.after.map(TaskId::new),
            limit: Some(within(wish.limit, LISTED)?),
            ..Filter::default()
        };
        let lines = match &store {
            Some(store) => store.list(&filter)?,
            None => Vec::new(),
        };
        as_json(&queue_table::value(&lines, moment))
    })
    .await
}

fn find(store: Option<&Store>, id_or_name: &str) -> Result<TaskId, Refusal> {
    let found = match store {
        Some(store) => store.find(id_or_name)?,
        None => None,
    };
    found.ok_or_else(|| {
        let shown = Untrusted::from(id_or_name).for_terminal();
        Refusal::not_found("unknown_task", format!("there is no task `{shown}`"))
    })
}

async fn task(State(site): State<Arc<Site>>, Named(id): Named) -> Answer {
    site.answer(move |site| {
        let Look { store, moment, .. } = site.look()?;
        let id = find(store.as_ref(), &id)?;
        let Some(store) = store else {
            return Err(Refusal::bug());
        };
        let whole = task_page::load(&store, id, &site.state)?;
        let mut value =
            serde_json::to_value(task_page::value(&whole, moment)).map_err(|_| Refusal::bug())?;
        hide_variables(&mut value);
        as_json(&value)
    })
    .await
}

/// Values of declared variables are secrets more often than not, and a port is open to more people
/// than a file.
fn hide_variables(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                if let Value::Object(variables) = inner
                    && ["env", "fallbacks"].contains(&name.as_str())
                {
                    for shown in variables.values_mut() {
                        *shown = Value::String("***".to_owned());
                    }
                } else {
                    hide_variables(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_variables),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogsWish {
    attempt: Option<u32>,
    stream: Option<String>,
    tail: Option<usize>,
}

async fn logs(
    State(site): State<Arc<Site>>,
    Named(id): Named,
    Asked(wish): Asked<LogsWish>,
) -> Answer {
    site.answer(move |site| {
        let Look { store, .. } = site.look()?;
        let id = find(store.as_ref(), &id)?;
        let Some(store) = store else {
            return Err(Refusal::bug());
        };
        let stream = match wish.stream.as_deref() {
            None => None,
            Some("stdout") => Some(Stream::Stdout),
            Some("stderr") => Some(Stream::Stderr),
            Some(_) => {
                let what = "`stream` is `stdout` or `stderr`";
                return Err(Refusal::wrong("wrong_stream", what));
            }
        };
        let mut attempts = store.attempts_of(id)?;
        let attempt = match wish.attempt {
            None => attempts.pop(),
            Some(number) => attempts.into_iter().find(|one| one.number == number),
        };
        let Some(attempt) = attempt else {
            return Err(Refusal::not_found(
                "unknown_attempt",
                "there is no such attempt",
            ));
        };
        let gone = |_| Refusal::not_found("output_gone", "its output is not there any more");
        let mut text = LogText::new(Reader::Terminal, stream, Some(within(wish.tail, LINES)?));
        let mut page = Vec::new();
        if let Some(outcome) = &attempt.outcome {
            let pieces = logread::read(&site.state.logs(), &outcome.output, None);
            for piece in pieces.map_err(gone)? {
                page.extend(text.push(&piece.map_err(gone)?));
            }
        } else {
            let logs = site.state.logs();
            let mut follower = Follower::new(&logs, attempt.run, attempt.id);
            for piece in follower.poll().map_err(gone)? {
                page.extend(text.push(&piece));
            }
        }
        page.extend(text.finish());
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        Ok((kind, page).into_response())
    })
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportWish {
    run: Option<String>,
    since: Option<String>,
}

async fn report(State(site): State<Arc<Site>>, Asked(wish): Asked<ReportWish>) -> Answer {
    site.answer(move |site| {
        let Look { store, moment, .. } = site.look()?;
        let wrong = |error: crate::report::range::RangeError| {
            Refusal::wrong("wrong_range", error.to_string())
        };
        let range = match (&wish.run, &wish.since) {
            (Some(_), Some(_)) => {
                let what = "`run` and `since` do not go together";
                return Err(Refusal::wrong("wrong_range", what));
            }
            (Some(run), None) => parse_run(run).map_err(wrong)?,
            (None, Some(since)) => parse_since(since, moment.now, Zone::Local).map_err(wrong)?,
            (None, None) => Range::SinceRead,
        };
        let wish = Wish {
            range,
            now: moment.now,
            presence: moment.presence,
            only: None,
        };
        let mut loaded = match &store {
            Some(store) => load(store, &wish)?,
            None => Loaded::of_nothing(&wish)?,
        };
        if let Some(store) = &store {
            standstill::note(
                &mut loaded.summary,
                store,
                &site.state,
                moment.stalled_after,
            )?;
            alerted::note(&mut loaded.summary, &site.state);
        }
        as_json(&json::value(&loaded.summary))
    })
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertsWish {
    limit: Option<usize>,
    level: Option<String>,
}

async fn alerts(State(site): State<Arc<Site>>, Asked(wish): Asked<AlertsWish>) -> Answer {
    site.answer(move |site| {
        let most = within(wish.limit, ALERTS)?;
        let level = match wish.level.as_deref() {
            None => Level::Info,
            Some(word) => Level::parse(word).ok_or_else(|| {
                Refusal::wrong("wrong_level", "`level` is `info`, `warning` or `critical`")
            })?,
        };
        let wanted = Wanted {
            level,
            ..Wanted::newest(most)
        };
        let found = newest(&site.state, &wanted).map_err(|error| {
            let what = format!("the alerts cannot be read: {error}");
            Refusal::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "alerts_unreadable",
                what,
            )
        })?;
        as_json(&alerted::value(&found))
    })
    .await
}

async fn description() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)
}

async fn figures(State(site): State<Arc<Site>>) -> Answer {
    site.answer(|site| {
        let text = metrics::text(site, &site.look()?)?;
        Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
    })
    .await
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
