//! What every answer has in common: its headers, and what a refusal looks like.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::report::load::LoadError;
use crate::store::StoreError;
use crate::support::visible_json;
use crate::web::guard::Denied;

/// Nothing from elsewhere, and nothing but what this server serves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sets the headers that hold for every answer; one that brought a policy of its own keeps it.
pub(crate) fn set_headers(headers: &mut HeaderMap) {
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A value as JSON that whoever asked may show on a terminal as it came.
#[derive(Debug)]
pub(crate) struct Visible<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Visible<T> {
    fn into_response(self) -> Response {
        match visible_json::to_string(&self.0) {
            Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
            Err(_) => Refusal::bug().into_response(),
        }
    }
}

/// An answer that is none, in the shape of `autoexec.error/1`.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// What it says.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn wrong(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn too_slow() -> Self {
        let message = "the answer took too long";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", message)
    }

    pub(crate) fn bug() -> Self {
        let message = "a bug kept this from being answered";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "schema": "autoexec.error/1",
            "error": { "code": self.code, "message": self.message },
        });
        (self.status, Visible(body)).into_response()
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let (status, code) = match denied {
            Denied::Host { .. } => (StatusCode::MISDIRECTED_REQUEST, "wrong_host"),
            Denied::Origin => (StatusCode::FORBIDDEN, "wrong_origin"),
            Denied::NoToken => (StatusCode::UNAUTHORIZED, "no_token"),
            Denied::WrongToken => (StatusCode::UNAUTHORIZED, "wrong_token"),
        };
        Self::new(status, code, denied.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let message = format!("the queue cannot be read: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue_unusable", message)
    }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NoSuchRun { run } => {
                Self::not_found("unknown_run", format!("there is no run {run}"))
            }
            LoadError::Store(error) => error.into(),
        }
    }
}

/// What stands behind the question mark.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(asked)| Self(asked))
            .map_err(|error| Refusal::wrong("wrong_query", error.body_text()))
    }
}

/// What stands in the path in the place of a name.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        read.map(|Path(name)| Self(name))
            .map_err(|error| Refusal::wrong("wrong_path", error.body_text()))
    }
}

pub(crate) async fn no_such_path() -> Refusal {
    Refusal::not_found("unknown_path", "there is nothing at this path")
}

pub(crate) async fn no_such_method() -> Refusal {
    let message = "this path does not take this method";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}
