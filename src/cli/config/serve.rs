//! `[serve]` of the configuration file: where the local page is to be had, and with which token.

use std::net::SocketAddr;

use crate::cli::config::section::Section;

/// Where the page is where nothing is written.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7878";

/// Where the page is to be had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Serve {
    /// The address that is listened to.
    pub listen: Option<SocketAddr>,
    /// The file with the token that changes need; `~` is the home directory.
    pub token_file: Option<String>,
    /// More names of this machine that visitors may call it by.
    pub hosts: Vec<String>,
}

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> Serve {
    Serve {
        listen: keys.text_as("listen", parse_listen),
        token_file: keys.text("token_file"),
        hosts: keys
            .texts_as("hosts", |host| Ok(host.to_owned()))
            .unwrap_or_default(),
    }
}

/// Reads an address with a port; `localhost` is the one that it always is.
///
/// # Errors
/// Says what it must be.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.starts_with(':') => format!("127.0.0.1{text}"),
        None => text.to_owned(),
    };
    address
        .parse()
        .map_err(|_| format!("must be an address with a port such as `{DEFAULT_LISTEN}`"))
}
