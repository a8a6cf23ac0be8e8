//! Passing a mail on.

use std::error::Error as _;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

use lettre::Transport as _;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::SmtpTransport;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};

use crate::notify::command;
use crate::notify::deadline::within;
use crate::notify::error::{NO_ANSWER, SendError, io_words, tls_words};
use crate::notify::letter::Letter;
use crate::notify::mail::compose::compose;
use crate::notify::mail::{Mail, Relay, Security, Smtp};
use crate::notify::secret::Surroundings;

/// For all of it.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// For a single word of the server.
const WORD_LIMIT: Duration = Duration::from_secs(20);

/// A mail that is ready to go.
pub(crate) struct Prepared {
    message: lettre::Message,
    by: By,
}

enum By {
    Sendmail(Vec<OsString>),
    Server(Box<SmtpTransport>),
}

/// Makes a mail ready: its password is fetched, nothing is sent.
pub(crate) fn prepare(
    mail: &Mail,
    letter: &Letter,
    around: Surroundings<'_>,
) -> Result<Prepared, SendError> {
    let host = own_host();
    let message = compose(mail, letter, &host)?;
    let by = match &mail.relay {
        Relay::Sendmail(program) => By::Sendmail(sendmail(program, mail)),
        Relay::Smtp(server) => By::Server(Box::new(transport(server, around)?)),
    };
    Ok(Prepared { message, by })
}

impl Prepared {
    /// Sends it, or gives up after half a minute.
    pub(crate) fn send(self) -> Result<(), SendError> {
        match self.by {
            By::Sendmail(argv) => {
                let text = unix_lines(&self.message.formatted());
                command::run(&argv, &text, &[])
            }
            By::Server(server) => {
                let message = self.message;
                within(LIMIT, move || match server.send(&message) {
                    Ok(_accepted) => Ok(()),
                    Err(error) => Err(told(&error)),
                })
            }
        }
    }
}

/// The machine's own program gets the addresses as arguments, behind a word that ends options.
fn sendmail(program: &str, mail: &Mail) -> Vec<OsString> {
    let mut argv: Vec<OsString> = [program, "-i", "--"].map(OsString::from).to_vec();
    argv.extend(mail.to.iter().map(|to| OsString::from(bare(to))));
    argv
}

/// The address of `Name <address>`.
fn bare(to: &str) -> &str {
    to.rsplit_once('<')
        .and_then(|(_, rest)| rest.split('>').next())
        .unwrap_or(to)
        .trim()
}

/// Programs of the machine want the lines that files of the machine have.
fn unix_lines(mail: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(mail.len());
    for (index, byte) in mail.iter().enumerate() {
        let ends_line = *byte == b'\r' && mail.get(index + 1) == Some(&b'\n');
        if !ends_line {
            text.push(*byte);
        }
    }
    text
}

fn transport(server: &Smtp, around: Surroundings<'_>) -> Result<SmtpTransport, SendError> {
    let tls = || TlsParameters::new(server.host.clone()).map_err(|error| told(&error));
    let mut builder = SmtpTransport::builder_dangerous(server.host.as_str())
        .port(server.port)
        .timeout(Some(WORD_LIMIT))
        .tls(match server.security {
            Security::Tls => Tls::Wrapper(tls()?),
            Security::StartTls => Tls::Required(tls()?),
            Security::Plain => Tls::None,
        });
    if let Some((user, password)) = &server.login {
        let password = password.fetch(around);
        let password = password.map_err(|error| SendError::target(error.to_string()))?;
        let login = Credentials::new(user.clone(), password.reveal().to_owned());
        builder = builder.credentials(login);
    }
    Ok(builder.build())
}

/// The name of this machine, as far as a mail may hold it.
fn own_host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !name.is_empty() && name.chars().all(legal) {
        name.to_owned()
    } else {
        "localhost".to_owned()
    }
}

/// A failure in words that repeat nothing of what the server said.
fn told(error: &Error) -> SendError {
    if let Some(code) = error.status() {
        let code: u16 = code.to_string().parse().unwrap_or_default();
        return match code {
            530 | 534 | 535 | 538 => {
                SendError::target(format!("it does not accept the login (answer {code})"))
            }
            500.. => SendError::message(format!("it does not take this mail (answer {code})")),
            _ => SendError::target(format!("it cannot take mail now (answer {code})")),
        };
    }
    if error.is_timeout() {
        return SendError::target(NO_ANSWER);
    }
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let has = |word: &str| said.contains(word);
    SendError::target(if error.is_tls() || has("certificate") {
        tls_words(&said)
    } else if has("lookup address") || has("not resolve") {
        "the name of its host cannot be resolved"
    } else if has("STARTTLS") {
        "it offers no encryption, and without it nothing is sent"
    } else if has("authentication mechanism") {
        "it offers no login"
    } else if error.is_response() {
        "its answer is no SMTP"
    } else {
        io_cause(error).map_or("the connection fails", io_words)
    })
}

fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_program_gets_bare_addresses_behind_its_options() {
        let mail = Mail {
            to: vec!["Me <me@example.com>".to_owned(), "-oQ/tmp".to_owned()],
            from: None,
            relay: Relay::Sendmail("/usr/sbin/sendmail".to_owned()),
        };
        let argv = sendmail("/usr/sbin/sendmail", &mail);
        assert_eq!(
            argv,
            [
                "/usr/sbin/sendmail",
                "-i",
                "--",
                "me@example.com",
                "-oQ/tmp"
            ]
        );
    }

    #[test]
    fn lines_end_as_on_this_machine() {
        assert_eq!(unix_lines(b"a\r\nb\rc\r\n"), b"a\nb\rc\n");
    }
}
