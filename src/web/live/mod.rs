//! The page for a person: how the queue stands at this moment.
//!
//! Made here, as a whole, by the same sink as the report: a small script only puts the newest one in
//! the place of the one before, and without script the browser loads the page again by itself. What is
//! read is bounded, however long the queue is, and made once for all visitors of a second.

mod around;
mod tasks;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use crate::report::alerted;
use crate::report::charts;
use crate::report::charts::Charts;
use crate::report::html;
use crate::report::load::Loaded;
use crate::report::load::Wish;
use crate::report::load::load;
use crate::report::range::parse_run;
use crate::report::standstill;
use crate::report::told;
use crate::support::clock::Zone;
use crate::web::answer::Named;
use crate::web::answer::Refusal;
use crate::web::live::view::View;
use crate::web::site::Site;

const SHELL: &str = include_str!("../pages/shell.html");
const LIVE: &str = include_str!("../pages/live.html");
const TROUBLE: &str = include_str!("../pages/trouble.html");
const SCRIPT: &str = include_str!("../pages/live.js");
const STYLE: &str = include_str!("../pages/live.css");

const HTML: (HeaderName, &str) = (header::CONTENT_TYPE, "text/html; charset=utf-8");

pub(crate) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(page))
        .route("/live", get(part))
        .route("/live.js", get(script))
        .route("/live.css", get(style))
        .route("/report/{run}", get(report))
}

async fn page(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    site.answer(|site| {
        let live = live(site)?;
        let context = minijinja::context! { live => Value::from_safe_string(live) };
        let page = fill(SHELL, context)?;
        Ok(([HTML], page).into_response())
    })
    .await
}

async fn part(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    site.answer(|site| Ok(([HTML], live(site)?).into_response()))
        .await
}

async fn script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind], SCRIPT)
}

async fn style() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    // The colours and the letters are those of the report.
    ([kind], [html::STYLE, STYLE].concat())
}

/// The live part; what is in the way of it is a page too.
fn live(site: &Site) -> Result<String, Refusal> {
    let made = site.live.get(|| {
        let looked = site
            .look()
            .and_then(|look| View::of(site, &look).map_err(Into::into));
        match looked {
            Ok(view) => fill_with(LIVE, view),
            Err(refusal) => fill_with(
                TROUBLE,
                Trouble {
                    message: refusal.message().to_owned(),
                    at: Zone::Local.clock_time(site.clock.now()),
                },
            ),
        }
    })?;
    Ok(made.as_str().to_owned())
}

#[derive(Serialize)]
struct Trouble {
    message: String,
    at: String,
}

fn fill_with(template: &'static str, view: impl Serialize) -> Result<String, Refusal> {
    let view = serde_json::to_value(view).map_err(|_| Refusal::bug())?;
    fill(
        template,
        minijinja::context! { page => Value::from(Serde(view)) },
    )
}

fn fill(template: &'static str, context: Value) -> Result<String, Refusal> {
    let filled = || -> Result<String, html::HtmlError> {
        let mut environment = html::environment()?;
        environment.add_template("page.html", template)?;
        Ok(environment.get_template("page.html")?.render(context)?)
    };
    filled().map_err(|_| Refusal::bug())
}

/// The report of a run as `report --format html` makes it, under a policy of its own.
async fn report(State(site): State<Arc<Site>>, Named(run): Named) -> Result<Response, Refusal> {
    site.answer(move |site| {
        let look = site.look()?;
        let wish = Wish {
            range: parse_run(&run)
                .map_err(|error| Refusal::wrong("wrong_run", error.to_string()))?,
            now: look.moment.now,
            presence: look.moment.presence,
            only: None,
        };
        let (summary, charts) = match &look.store {
            Some(store) => {
                let mut summary = load(store, &wish)?.summary;
                standstill::note(&mut summary, store, &site.state, look.moment.stalled_after)?;
                alerted::note(&mut summary, &site.state);
                site.note_health(&mut summary, store);
                told::note(&mut summary, store)?;
                let charts = charts::load(store, &site.state, &summary, Zone::Local)?;
                (summary, charts)
            }
            None => (Loaded::of_nothing(&wish)?.summary, Charts::default()),
        };
        let page = html::render(&summary, &charts, Zone::Local).map_err(|_| Refusal::bug())?;
        let policy = (header::CONTENT_SECURITY_POLICY, html::policy());
        Ok(([policy], [HTML], page).into_response())
    })
    .await
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
