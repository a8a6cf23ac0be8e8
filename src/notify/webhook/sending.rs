//! The request itself.

use std::io;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::WithBody;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error, Proxy, RequestBuilder};

use crate::notify::deadline::within;
use crate::notify::error::{NO_ANSWER, SendError, io_words, tls_words};
use crate::notify::letter::Letter;
use crate::notify::secret::{SecretError, Surroundings};
use crate::notify::webhook::Webhook;
use crate::notify::webhook::address::{Reach, reach};
use crate::notify::webhook::formats::{Request, request};

/// For all of it: resolving, connecting, sending, and the status of the answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// The most of an answer that is looked at.
const MOST_HEADERS: usize = 64 * 1024;

/// A request that is ready to go.
pub(crate) struct Prepared {
    call: RequestBuilder<WithBody>,
    body: String,
}

/// Makes a request ready: the address is fetched, nothing is sent.
pub(crate) fn prepare(
    webhook: &Webhook,
    letter: &Letter,
    around: Surroundings<'_>,
) -> Result<Prepared, SendError> {
    let secret = |error: SecretError| SendError::target(error.to_string());
    let url = webhook.url.fetch(around).map_err(secret)?;
    let token = match &webhook.token {
        Some(source) => Some(source.fetch(around).map_err(secret)?),
        None => None,
    };
    let wrong = |why: &str| SendError::target(format!("its address {why}"));
    Webhook::check_url(url.reveal(), webhook.allow_private).map_err(wrong)?;
    let request = request(webhook.format, letter);
    let uri: Uri = behind(url.reveal(), &request)
        .parse()
        .map_err(|_| wrong("cannot be understood"))?;
    let mut call = agent(webhook).post(uri);
    for (name, value) in &request.headers {
        call = call.header(*name, value);
    }
    if let Some(token) = &token {
        call = call.header("Authorization", format!("Bearer {}", token.reveal()));
    }
    Ok(Prepared {
        call,
        body: request.body,
    })
}

impl Prepared {
    /// Sends it, or gives up after ten seconds.
    pub(crate) fn send(self) -> Result<(), SendError> {
        // The library keeps to the limit; the thread is for what it does not think of.
        within(LIMIT + LIMIT, move || {
            let answer = self.call.send(self.body).map_err(|error| told(&error))?;
            judge(answer.status().as_u16())
        })
    }
}

/// The address with what the request adds to it.
fn behind(url: &str, request: &Request) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let path = match request.path {
        "" => path.to_owned(),
        more => format!("{}{more}", path.trim_end_matches('/')),
    };
    let queries: Vec<&str> = query.into_iter().chain(request.query.as_deref()).collect();
    if queries.is_empty() {
        path
    } else {
        format!("{path}?{}", queries.join("&"))
    }
}

fn agent(webhook: &Webhook) -> Agent {
    let proxy = if webhook.proxy {
        Proxy::try_from_env()
    } else {
        None
    };
    let config = Config::builder()
        .timeout_global(Some(LIMIT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MOST_HEADERS)
        .max_idle_connections(0)
        .user_agent(concat!("autoexec/", env!("CARGO_PKG_VERSION")))
        // The environment is not asked: whoever sets a variable there would read every message.
        .proxy(proxy.clone())
        .tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .build(),
        )
        .build();
    let resolver = Judging {
        allow_private: webhook.allow_private,
        // Then it is the proxy's address that is resolved, and the proxy that resolves the target's.
        by_proxy: proxy.is_some(),
    };
    Agent::with_parts(config, DefaultConnector::new(), resolver)
}

/// Resolves names, and gives only addresses that a message may be sent to.
#[derive(Debug)]
struct Judging {
    allow_private: bool,
    by_proxy: bool,
}

/// Why an address was refused, through a library that knows nothing of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(&'static str);

impl Resolver for Judging {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = DefaultResolver::default()
            .resolve(uri, config, timeout)
            .map_err(|error| match error {
                Error::Io(_) => Error::HostNotFound,
                other => other,
            })?;
        let refused = |why| Err(Error::Other(Box::new(Refused(why))));
        if self.by_proxy {
            return Ok(found);
        }
        let is_plain = uri.scheme_str() == Some("http");
        for address in &found {
            match reach(address.ip()) {
                Reach::Public if is_plain => {
                    return refused("plain `http://` is only for addresses of the own network");
                }
                Reach::Private if !self.allow_private => {
                    return refused(
                        "its name leads to an address of the own network; if that is meant, say \
                         `allow_private = true`",
                    );
                }
                Reach::Nobody => return refused("its name leads to an address that nobody has"),
                Reach::Public | Reach::Private => {}
            }
        }
        Ok(found)
    }
}

/// A failure in words that repeat nothing of what came from outside.
fn told(error: &Error) -> SendError {
    SendError::target(match error {
        Error::Timeout(_) => NO_ANSWER.to_owned(),
        Error::HostNotFound => "the name of its host cannot be resolved".to_owned(),
        Error::Other(other) => match other.downcast_ref::<Refused>() {
            Some(refused) => refused.to_string(),
            None => "the connection fails".to_owned(),
        },
        Error::Io(error) => io_error(error).to_owned(),
        Error::Rustls(error) => tls_words(&error.to_string()).to_owned(),
        Error::Tls(_) => tls_words("").to_owned(),
        Error::LargeResponseHeader(..) => "its answer is far too long".to_owned(),
        Error::Protocol(_) | Error::Http(_) => "its answer is no HTTP".to_owned(),
        Error::BadUri(_) => "its address cannot be understood".to_owned(),
        Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => {
            "the proxy cannot be used".to_owned()
        }
        _ => "the connection fails".to_owned(),
    })
}

fn io_error(error: &io::Error) -> &'static str {
    // What goes wrong while a secure connection is made comes in this guise.
    match error.kind() {
        io::ErrorKind::InvalidData => tls_words(&error.to_string()),
        _ => io_words(error),
    }
}

/// What a status means.
fn judge(status: u16) -> Result<(), SendError> {
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(SendError::target(format!(
            "it answers {status}, a redirect, which is not followed"
        ))),
        400 | 413 | 414 | 422 | 431 => Err(SendError::message(format!(
            "it does not take this message (answer {status})"
        ))),
        401 | 403 | 404 | 410 => Err(SendError::target(format!(
            "it answers {status}: the address or token may be old"
        ))),
        429 => Err(SendError::target(
            "it wants to be asked less often (answer 429)",
        )),
        500..=599 => Err(SendError::target(format!(
            "it is in trouble (answer {status})"
        ))),
        _ => Err(SendError::target(format!("it answers {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::error::Blame;

    #[test]
    fn what_a_format_adds_goes_where_it_belongs() {
        let request = |path, query: Option<&str>| Request {
            path,
            query: query.map(str::to_owned),
            headers: Vec::new(),
            body: String::new(),
        };
        for (url, path, query, whole) in [
            (
                "https://h/uuid",
                "/start",
                Some("rid=1"),
                "https://h/uuid/start?rid=1",
            ),
            ("https://h/uuid/", "/fail", None, "https://h/uuid/fail"),
            (
                "https://h/uuid?create=1#x",
                "/log",
                Some("rid=1"),
                "https://h/uuid/log?create=1&rid=1",
            ),
            ("https://h/uuid?x=1", "", None, "https://h/uuid?x=1"),
        ] {
            assert_eq!(behind(url, &request(path, query)), whole);
        }
    }

    #[test]
    fn a_status_tells_whose_fault_it_is() {
        assert_eq!(judge(204), Ok(()));
        for (status, blame) in [
            (301, Blame::Target),
            (302, Blame::Target),
            (400, Blame::Message),
            (404, Blame::Target),
            (413, Blame::Message),
            (429, Blame::Target),
            (500, Blame::Target),
            (503, Blame::Target),
        ] {
            assert_eq!(judge(status).unwrap_err().blame, blame, "{status}");
        }
    }
}
