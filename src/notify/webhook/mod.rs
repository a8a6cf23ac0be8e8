//! Webhooks: one request, to one address, in little time.
//!
//! What could turn a webhook against the machine that sends it is kept out: no redirect is followed,
//! the address is judged after its name was resolved ([`address`]) and the connection goes to what
//! was judged, no proxy of the environment is used unless the configuration says so, and of the
//! answer nothing is read but its status and headers, 64 KiB of them at most.

pub(crate) mod address;
mod formats;
#[cfg(feature = "notify")]
mod sending;

pub use formats::Format;
#[cfg(feature = "notify")]
pub(crate) use sending::prepare;

use crate::notify::secret::SecretSource;
use crate::support::untrusted::Untrusted;

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where to; the whole of it is a secret.
    pub url: SecretSource,
    /// What the receiver understands.
    pub format: Format,
    /// What the receiver knows us by, where it does not know us by the address.
    pub token: Option<SecretSource>,
    /// Whether addresses of this machine and its neighbourhood are meant.
    pub allow_private: bool,
    /// Whether the proxy of the environment is used.
    pub proxy: bool,
}

impl Webhook {
    /// A name that gives nothing away but the host.
    pub(crate) fn place(&self) -> String {
        match &self.url {
            SecretSource::Written(url) => host(url.reveal()),
            elsewhere => elsewhere.place(),
        }
        .unwrap_or_else(|| "no address".to_owned())
    }

    /// What is wrong with an address, in words that do not repeat it.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn check_url(url: &str, allow_private: bool) -> Result<(), &'static str> {
        let lower = url.to_ascii_lowercase();
        if url.chars().any(|c| c.is_control() || c == ' ') {
            return Err("must be an address without spaces");
        }
        if lower.starts_with("http://") && !allow_private {
            return Err(
                "must begin with `https://`, because it is a secret (plain `http://` is for local \
                 targets, with `allow_private = true`)",
            );
        }
        if !lower.starts_with("https://") && !lower.starts_with("http://") {
            return Err("must begin with `https://`");
        }
        if host(url).is_none() {
            return Err("must name a host, such as `https://hooks.example.com/…`");
        }
        Ok(())
    }
}

/// The host of an address, without whatever else may stand beside it.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| Untrusted::from(host).for_terminal_within(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::secret::Secret;

    #[test]
    fn of_an_address_only_the_host_is_shown() {
        for (url, shown) in [
            (
                "https://hooks.slack.com/services/T0/B0/XXXX",
                "hooks.slack.com",
            ),
            (
                "https://user:pass@example.com:8443/x?token=1#y",
                "example.com",
            ),
            ("https://example.com?token=1", "example.com"),
            ("https://[2606:2800::1]:8443/x", "2606:2800::1"),
            ("https:///nothing", "no address"),
        ] {
            let webhook = Webhook {
                url: SecretSource::Written(Secret::new(url)),
                format: Format::Slack,
                token: None,
                allow_private: false,
                proxy: false,
            };
            assert_eq!(webhook.place(), shown);
        }
    }

    #[test]
    fn an_address_is_secure_or_local() {
        assert!(Webhook::check_url("https://example.com/x", false).is_ok());
        assert!(Webhook::check_url("http://127.0.0.1:8080/x", true).is_ok());
        for (url, private) in [
            ("http://example.com/x", false),
            ("ftp://example.com/x", true),
            ("example.com/x", true),
            ("https:///x", true),
            ("https://example.com/x y", true),
            ("https://example.com/\r\nx", true),
        ] {
            assert!(Webhook::check_url(url, private).is_err(), "{url}");
        }
    }
}
