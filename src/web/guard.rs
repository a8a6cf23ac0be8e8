//! Who gets an answer: the host that was named, the page that asks, the token that was brought.
//!
//! Pure. A browser lets any page on the net send requests to this machine, also under a name that
//! its owner points here (DNS rebinding); so the named host must be one of ours, and a page that
//! says where it comes from must be ours too.

use axum::http::{HeaderMap, Method, header};

use crate::support::untrusted::Untrusted;

/// What is looked at of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// It changes nothing.
    only_looks: bool,
    host: Option<String>,
    origin: Option<String>,
    site: Option<String>,
    bearer: Option<String>,
}

impl Visit {
    /// Of a request.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        // Two values of one of these are nobody's honest request: they are taken as a wrong one.
        let text = |name: header::HeaderName| {
            let mut values = headers.get_all(name).iter();
            let first = values.next()?;
            Some(match (first.to_str(), values.next()) {
                (Ok(text), None) => text.to_owned(),
                (Ok(_) | Err(_), _) => String::new(),
            })
        };
        Self {
            only_looks: [Method::GET, Method::HEAD].contains(method),
            host: text(header::HOST),
            origin: text(header::ORIGIN),
            site: text(header::HeaderName::from_static("sec-fetch-site")),
            bearer: text(header::AUTHORIZATION).map(|text| {
                text.split_once(' ')
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                    .map(|(_, token)| token.trim().to_owned())
                    .unwrap_or_default()
            }),
        }
    }
}

/// Why somebody gets no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The request names another host.
    #[error("`{}` is not the name of this server", .host.for_terminal())]
    Host {
        /// Which.
        host: Untrusted,
    },
    /// The request comes from a page of somebody else.
    #[error("requests of other pages are not answered")]
    Origin,
    /// A token is needed, and none was brought.
    #[error("this needs the token of the server")]
    NoToken,
    /// The token is another one.
    #[error("this is not the token of the server")]
    WrongToken,
}

/// What is asked of visitors.
#[derive(Clone)]
pub struct Door {
    hosts: Vec<String>,
    token: String,
    /// Who only looks needs the token too.
    always: bool,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door")
            .field("hosts", &self.hosts)
            .field("always", &self.always)
            .finish_non_exhaustive()
    }
}

impl Door {
    /// A door for a server that is called by one of `hosts`, each with its port. `always` asks for the
    /// token of those who only look, too.
    pub fn new(hosts: Vec<String>, token: String, always: bool) -> Self {
        Self {
            hosts,
            token,
            always,
        }
    }

    /// Whether a visitor gets an answer.
    ///
    /// # Errors
    /// Says why not.
    pub fn admits(&self, visit: &Visit) -> Result<(), Denied> {
        let host = visit.host.as_deref().unwrap_or_default();
        if !self.is_ours(host) {
            return Err(Denied::Host {
                host: Untrusted::from(host),
            });
        }
        let is_foreign = match visit.origin.as_deref() {
            Some(origin) => !origin
                .strip_prefix("http://")
                .is_some_and(|host| self.is_ours(host)),
            // A link on another page may lead here; anything else of another page may not.
            None => {
                !visit.only_looks
                    && visit
                        .site
                        .as_deref()
                        .is_some_and(|site| !["same-origin", "none"].contains(&site))
            }
        };
        if is_foreign {
            return Err(Denied::Origin);
        }
        match &visit.bearer {
            Some(brought) if !is_same(brought.as_bytes(), self.token.as_bytes()) => {
                Err(Denied::WrongToken)
            }
            None if self.always || !visit.only_looks => Err(Denied::NoToken),
            Some(_) | None => Ok(()),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|ours| ours.eq_ignore_ascii_case(host))
    }
}

/// Compares in a time that tells nothing of where two secrets differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one
        .iter()
        .zip(other)
        .fold(0, |difference, (one, other)| difference | (one ^ other));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "127.0.0.1:7878";

    fn door(always: bool) -> Door {
        let hosts = vec![OURS.to_owned(), "localhost:7878".to_owned()];
        Door::new(hosts, "secret".to_owned(), always)
    }

    fn visit(method: &Method, headers: &[(&'static str, &str)]) -> Visit {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Visit::of(method, &map)
    }

    #[test]
    fn whoever_only_looks_at_this_machine_is_let_in() {
        for host in [OURS, "localhost:7878", "LOCALHOST:7878"] {
            let look = visit(&Method::GET, &[("host", host)]);
            assert_eq!(door(false).admits(&look), Ok(()));
        }
        let page = visit(
            &Method::GET,
            &[("host", OURS), ("origin", "http://localhost:7878")],
        );
        assert_eq!(door(false).admits(&page), Ok(()));
    }

    #[test]
    fn another_name_for_this_machine_is_refused() {
        for host in [
            "evil.example:7878",
            "127.0.0.1",
            "127.0.0.1:7878.evil.example",
            "",
        ] {
            let look = visit(&Method::GET, &[("host", host)]);
            assert!(matches!(
                door(false).admits(&look),
                Err(Denied::Host { .. })
            ));
        }
        let none = visit(&Method::GET, &[]);
        assert!(matches!(
            door(false).admits(&none),
            Err(Denied::Host { .. })
        ));
        let two = visit(&Method::GET, &[("host", OURS), ("host", OURS)]);
        assert!(matches!(door(false).admits(&two), Err(Denied::Host { .. })));
    }

    #[test]
    fn pages_of_others_are_refused() {
        for origin in ["http://evil.example", "null", "https://127.0.0.1:7878", ""] {
            let look = visit(&Method::GET, &[("host", OURS), ("origin", origin)]);
            assert_eq!(door(false).admits(&look), Err(Denied::Origin), "{origin}");
        }
        let change = visit(
            &Method::POST,
            &[
                ("host", OURS),
                ("sec-fetch-site", "cross-site"),
                ("authorization", "Bearer secret"),
            ],
        );
        assert_eq!(door(false).admits(&change), Err(Denied::Origin));
    }

    #[test]
    fn changes_need_the_token_and_so_does_everything_off_this_machine() {
        let with = |token: &str| visit(&Method::POST, &[("host", OURS), ("authorization", token)]);
        let change = visit(&Method::POST, &[("host", OURS)]);
        assert_eq!(door(false).admits(&change), Err(Denied::NoToken));
        assert_eq!(door(false).admits(&with("Bearer secret")), Ok(()));
        assert_eq!(door(false).admits(&with("bearer  secret ")), Ok(()));
        for wrong in [
            "Bearer Secret",
            "Bearer secretx",
            "Bearer ",
            "Basic secret",
            "secret",
        ] {
            assert_eq!(door(false).admits(&with(wrong)), Err(Denied::WrongToken));
        }
        let look = visit(&Method::GET, &[("host", OURS)]);
        assert_eq!(door(true).admits(&look), Err(Denied::NoToken));
    }

    #[test]
    fn a_door_does_not_show_its_token() {
        assert!(!format!("{:?}", door(true)).contains("secret"));
    }
}
