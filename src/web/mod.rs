//! Floor 8: a local page and a REST API of what the queue and the last run are about.
//!
//! [`site`] is what every answer rests on, [`guard`] decides who gets one, [`api`] answers programs,
//! [`live`] a person, [`metrics`] a collector of figures. `docs/openapi.json` describes the paths; a
//! test holds it to [`api::PATHS`].
//!
//! # Safety
//!
//! Everything only looks, in one short read of the queue on a thread of its own, but for what a
//! person with the token may change. Whoever comes must name this server as the host and come from
//! no other page, so that a page on the net cannot use the browser of whoever reads it. Off this
//! machine nothing is told without the token.

pub mod answer;
pub mod api;
mod cached;
pub mod checkup;
pub mod guard;
mod health;
mod listener;
pub mod live;
pub mod metrics;
pub mod site;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::web::answer::Refusal;
use crate::web::guard::Visit;
use crate::web::listener::Gate;
use crate::web::site::Site;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long answers that are under way may take once the server is to end.
const GOODBYE: Duration = Duration::from_secs(2);

/// Serves until `end` comes true.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    site: Arc<Site>,
    listener: TcpListener,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, mut ended) = tokio::sync::watch::channel(false);
    let server =
        axum::serve(Gate::before(listener), router(&site)).with_graceful_shutdown(async move {
            end.await;
            // The receiver lives as long as this function.
            let _heard = told.send(true);
        });
    tokio::select! {
        result = server => result,
        // A visitor who never hangs up does not keep the server.
        () = async {
            let _closed = ended.wait_for(|over| *over).await;
            tokio::time::sleep(GOODBYE).await;
        } => Ok(()),
    }
}

/// Every path with who answers it, behind the guard.
pub fn router(site: &Arc<Site>) -> Router {
    api::routes()
        .merge(health::routes())
        .merge(live::routes())
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(site), admit))
        .with_state(Arc::clone(site))
}

/// Lets in who may come in, and sets what holds for every answer.
async fn admit(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let visit = Visit::of(request.method(), request.headers());
    let mut response = match site.door.admits(&visit) {
        Err(denied) => Refusal::from(denied).into_response(),
        Ok(()) => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Refusal::too_slow().into_response(),
        },
    };
    answer::set_headers(response.headers_mut());
    response
}
