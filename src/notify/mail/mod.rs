//! Mail, by a mail server or by the machine's own `sendmail`.
//!
//! Nothing is sent unencrypted unless the server is this machine or the configuration says so: a
//! server that offers no encryption where it is wanted gets neither the password nor the message.

#[cfg(feature = "notify")]
mod compose;
#[cfg(feature = "notify")]
mod sending;

#[cfg(feature = "notify")]
pub(crate) use sending::prepare;

use crate::notify::secret::SecretSource;
use crate::support::untrusted::Untrusted;

/// Where the machine's own way of sending mail is usually found.
pub const SENDMAIL: &str = "/usr/sbin/sendmail";

/// A target that is reached by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who gets it.
    pub to: Vec<String>,
    /// Whom it is from; made of the login or the machine's name where nothing is written.
    pub from: Option<String>,
    /// Who passes it on.
    pub relay: Relay,
}

/// Who passes a mail on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relay {
    /// The program of this machine.
    Sendmail(String),
    /// A server.
    Smtp(Smtp),
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub security: Security,
    /// The login.
    pub login: Option<(String, SecretSource)>,
}

/// How a connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From its beginning.
    Tls,
    /// After a first word; never without.
    StartTls,
    /// Not at all.
    Plain,
}

impl Smtp {
    /// Reads `smtps://host:port` or `smtp://host:port`.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "must be a server such as `smtps://mail.example.com` or \
                             `smtp://mail.example.com:587`, without login and password";
        let (security, default, rest) = match text.split_once("://") {
            Some(("smtps", rest)) => (Security::Tls, 465, rest),
            Some(("smtp", rest)) => (Security::StartTls, 587, rest),
            _ => return Err(SHAPE),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, behind) = bracketed.split_once(']').ok_or(SHAPE)?;
                (host, behind.strip_prefix(':'))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(legal) {
            return Err(SHAPE);
        }
        let port = match port {
            None => default,
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(SHAPE)?,
        };
        let mut server = Self {
            host: host.to_owned(),
            port,
            security,
            login: None,
        };
        if security == Security::StartTls && server.is_this_machine() {
            // Nobody listens in between, and such a server rarely has a certificate for its name.
            server.security = Security::Plain;
        }
        Ok(server)
    }

    /// Whether the server is this machine.
    pub fn is_this_machine(&self) -> bool {
        let address: Option<std::net::IpAddr> = self.host.parse().ok();
        self.host.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback())
    }
}

impl Mail {
    /// Who gets it, as far as a name has room.
    pub(crate) fn place(&self) -> String {
        let first = self.to.first().map_or("", String::as_str);
        let first = Untrusted::from(first).for_terminal_within(60);
        match self.to.len() {
            0 | 1 => first,
            more => format!("{first} and {} more", more - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_from_its_address() {
        for (text, host, port, security) in [
            (
                "smtps://mail.example.com",
                "mail.example.com",
                465,
                Security::Tls,
            ),
            (
                "smtp://mail.example.com/",
                "mail.example.com",
                587,
                Security::StartTls,
            ),
            (
                "smtp://mail.example.com:25",
                "mail.example.com",
                25,
                Security::StartTls,
            ),
            ("smtp://localhost:25", "localhost", 25, Security::Plain),
            ("smtp://127.0.0.1", "127.0.0.1", 587, Security::Plain),
            ("smtp://[::1]:2525", "::1", 2525, Security::Plain),
            ("smtps://[::1]", "::1", 465, Security::Tls),
        ] {
            let server = Smtp::parse(text).unwrap();
            assert_eq!(
                (server.host.as_str(), server.port, server.security),
                (host, port, security)
            );
        }
        for text in [
            "mail.example.com",
            "smtps://",
            "smtps://user:pass@mail.example.com",
            "smtps://mail.example.com:0",
            "smtps://mail.example.com:99999",
            "smtps://mail.example.com/path",
            "smtp://mail example.com",
            "https://mail.example.com",
        ] {
            assert!(Smtp::parse(text).is_err(), "{text}");
        }
    }
}
