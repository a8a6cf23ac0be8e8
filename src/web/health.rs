//! The paths about health that are not in a file: machine and queue, and the circuit breakers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::routing::post;
use serde_json::json;

use crate::engine::change::Changed;
use crate::engine::change::Wait;
use crate::engine::change::change;
use crate::engine::error::EngineError;
use crate::report::health_page;
use crate::report::services;
use crate::report::services::services;
use crate::store::requests::Wish;
use crate::support::untrusted::Untrusted;
use crate::web::answer::Named;
use crate::web::answer::Refusal;
use crate::web::answer::Visible;
use crate::web::api::Answer;
use crate::web::site::Site;

pub(crate) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/api/health/detailed", get(detailed))
        .route("/api/health/circuit-breakers", get(breakers))
        .route("/api/health/circuit-breakers/{name}/reset", post(reset))
}

async fn detailed(State(site): State<Arc<Site>>) -> Answer {
    site.answer(|site| {
        let health = site.health()?;
        Ok(Visible(health_page::value(&health)).into_response())
    })
    .await
}

async fn breakers(State(site): State<Arc<Site>>) -> Answer {
    site.answer(|site| {
        let look = site.look()?;
        let found = match &look.store {
            Some(store) => services(store, look.moment.now)?,
            None => Vec::new(),
        };
        Ok(Visible(services::value(&found)).into_response())
    })
    .await
}

/// What `autoexec breakers reset` does: an active run is asked and answers.
async fn reset(State(site): State<Arc<Site>>, Named(name): Named) -> Answer {
    site.answer(move |site| {
        let look = site.look()?;
        let known = match &look.store {
            Some(store) => services(store, look.moment.now)?,
            None => Vec::new(),
        };
        let shown = Untrusted::from(name.as_str()).for_terminal();
        if !known.iter().any(|one| one.name == name) {
            let what = format!("no task declares a service `{shown}`");
            return Err(Refusal::not_found("unknown_breaker", what));
        }
        // It would be the oldest read of the queue for as long as the run takes to answer.
        drop(look);
        let wish = Wish::ResetBreakers {
            services: vec![name.clone()],
        };
        if let Changed::Refused(why) = change(&site.asker, &wish, Wait::ForTheAnswer)? {
            return Err(Refusal::new(StatusCode::CONFLICT, "refused", why));
        }
        site.forget();
        let name = Untrusted::from(name.as_str()).for_json();
        let answer = json!({
            "schema": "autoexec.changed/1",
            "breakers": [{ "name": name, "result": "reset" }],
        });
        Ok(Visible(answer).into_response())
    })
    .await
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let what = format!("the queue cannot be changed: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue_unusable", what)
    }
}
