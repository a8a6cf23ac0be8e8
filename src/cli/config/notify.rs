//! `[[notify]]` of the configuration file: who is told what, and how.
//!
//! Secrets are named here and fetched when a message is sent. What is wrong with a value that is or
//! may be one is said without repeating it.

use std::path::PathBuf;

use crate::cli::config::section::Section;
use crate::model::notice::Occasion;
use crate::notify::mail::{Mail, Relay, SENDMAIL, Security, Smtp};
use crate::notify::secret::{Secret, SecretSource};
use crate::notify::webhook::{Format, Webhook};
use crate::notify::{Target, Way};

/// The targets of `[[notify]]`, in their order.
pub(crate) fn read(document: &mut Section<'_, '_>) -> Vec<Target> {
    let mut number = 0;
    let found = document.tables("notify", |keys| {
        number += 1;
        one(keys, number)
    });
    found.into_iter().flatten().collect()
}

fn one(keys: &mut Section<'_, '_>, number: usize) -> Option<Target> {
    let words = Occasion::ALL.map(|occasion| (occasion.as_str(), occasion));
    let occasions = keys.texts_as("on", |text| super::section::one_of(text, &words));
    if !keys.is_written("on") {
        let what = "`on` is missing: what it is told of, such as `[\"report\", \"critical\"]`";
        keys.wrong("on", what.to_owned());
    } else if occasions.as_ref().is_some_and(Vec::is_empty) {
        keys.wrong("on", "`on` names nothing that it is told of".to_owned());
    }
    let ways = ["email", "webhook", "command"];
    let written = ways.iter().filter(|way| keys.is_written(way)).count();
    if written != 1 {
        let what = "each `[[notify]]` has one of `email`, `webhook` and `command`".to_owned();
        keys.wrong(if written == 0 { "on" } else { "webhook" }, what);
    }
    let mail = keys.table("email", email).flatten().map(Way::Mail);
    let webhook = keys.table("webhook", webhook).flatten().map(Way::Webhook);
    let command = keys.argv("command").map(Way::Command);
    if cfg!(not(feature = "notify")) && (mail.is_some() || webhook.is_some()) {
        let what = "this autoexec was built without mail and webhooks; use `command`";
        keys.wrong(
            if mail.is_some() { "email" } else { "webhook" },
            what.to_owned(),
        );
    }
    Some(Target {
        number,
        occasions: occasions?,
        way: mail.or(webhook).or(command)?,
    })
}

/// Where a secret may come from: a key for each source.
struct SourceKeys {
    /// Where it may stand in the file itself.
    written: Option<&'static str>,
    variable: &'static str,
    file: &'static str,
    command: &'static str,
    credential: &'static str,
}

const URL: SourceKeys = SourceKeys {
    written: Some("url"),
    variable: "url_env",
    file: "url_file",
    command: "url_command",
    credential: "url_credential",
};
const PASSWORD: SourceKeys = SourceKeys {
    written: None,
    variable: "password_env",
    file: "password_file",
    command: "password_command",
    credential: "credential",
};
const TOKEN: SourceKeys = SourceKeys {
    written: None,
    variable: "token_env",
    file: "token_file",
    command: "token_command",
    credential: "token_credential",
};

impl SourceKeys {
    /// The one source that is written, if any.
    fn read(&self, keys: &mut Section<'_, '_>) -> Option<SecretSource> {
        let mut found = Vec::new();
        if let Some(written) = self.written {
            let source = keys
                .text(written)
                .map(|text| SecretSource::Written(Secret::new(text)));
            found.extend(source.map(|source| (written, source)));
        }
        let variable = keys.text_as(self.variable, |name| {
            let is_name = !name.is_empty() && !name.contains(['=', '\0', '$']);
            let must = "must be the name of a variable, such as `HEALTHCHECK_URL`";
            is_name
                .then(|| name.to_owned())
                .ok_or_else(|| must.to_owned())
        });
        found.extend(variable.map(|name| (self.variable, SecretSource::Variable(name))));
        let file = keys.text_as(self.file, |path| {
            let is_path = !path.is_empty();
            is_path
                .then(|| PathBuf::from(path))
                .ok_or_else(|| "must be a file".to_owned())
        });
        found.extend(file.map(|path| (self.file, SecretSource::File(path))));
        let command = keys.argv(self.command);
        found.extend(command.map(|argv| (self.command, SecretSource::Command(argv))));
        let credential = keys.text_as(self.credential, |name| {
            let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
            let must = "must be the name of a credential, as in `LoadCredential=` of a service";
            is_name
                .then(|| name.to_owned())
                .ok_or_else(|| must.to_owned())
        });
        found.extend(credential.map(|name| (self.credential, SecretSource::Credential(name))));
        if let [_, (second, _), ..] = found.as_slice() {
            let (first, _) = found.first()?;
            keys.wrong(
                second,
                format!("`{second}` and `{first}` say where the same comes from"),
            );
        }
        found.into_iter().next().map(|(_, source)| source)
    }

    fn is_written(&self, keys: &Section<'_, '_>) -> bool {
        self.written
            .into_iter()
            .chain([self.variable, self.file, self.command, self.credential])
            .any(|key| keys.is_written(key))
    }
}

fn webhook(keys: &mut Section<'_, '_>) -> Option<Webhook> {
    let url = URL.read(keys);
    if !URL.is_written(keys) {
        let what = "`url` is missing; or write `url_env`, `url_file`, `url_command` or \
                    `url_credential`, because the address is a secret";
        keys.wrong("url", what.to_owned());
    }
    let allow_private = keys.flag("allow_private").unwrap_or(false);
    if let Some(SecretSource::Written(_)) = &url
        && let Err(must) = keys
            .text("url")
            .map_or(Ok(()), |url| Webhook::check_url(&url, allow_private))
    {
        keys.wrong("url", format!("`url` {must}"));
    }
    let format = keys.word("format", &Format::WORDS);
    let webhook = Webhook {
        url: url?,
        format: format.unwrap_or(Format::Json),
        token: TOKEN.read(keys),
        allow_private,
        proxy: keys.flag("proxy").unwrap_or(false),
    };
    Some(webhook)
}

fn email(keys: &mut Section<'_, '_>) -> Option<Mail> {
    let smtp = keys.text("smtp").and_then(|text| match Smtp::parse(&text) {
        Ok(server) => Some(server),
        Err(must) => {
            // Somebody may have written login and password into it.
            keys.wrong("smtp", format!("`smtp` {must}"));
            None
        }
    });
    let by_server = keys.is_written("smtp");
    let to = recipients(keys, by_server);
    let from = keys.text_as("from", |text| address(text, true));
    let user = keys.text("user");
    if keys.is_written("password") {
        keys.pass_over("password");
        let what = "a password does not belong into this file; write `password_file`, \
                    `password_env`, `password_command` or `credential`";
        keys.wrong("password", what.to_owned());
    }
    let password = PASSWORD.read(keys);
    let sendmail = keys.text("sendmail");
    let security = keys.word(
        "tls",
        &[("starttls", Security::StartTls), ("none", Security::Plain)],
    );
    if user.is_some() != PASSWORD.is_written(keys) && keys.is_flawless() {
        let what = if user.is_some() {
            "`user` needs `password_file`, `password_env`, `password_command` or `credential`"
        } else {
            "a password needs `user`"
        };
        keys.wrong("user", what.to_owned());
    }
    if by_server && sendmail.is_some() {
        keys.wrong(
            "sendmail",
            "`smtp` and `sendmail` are two ways for one mail".to_owned(),
        );
    }
    let relay = match smtp {
        Some(mut server) => {
            if server.security == Security::Tls && security.is_some() {
                let what = "`tls` is for `smtp://`; `smtps://` is encrypted from its beginning";
                keys.wrong("tls", what.to_owned());
            } else if let Some(security) = security {
                server.security = security;
            }
            server.login = user.zip(password);
            Relay::Smtp(server)
        }
        None if by_server => return None,
        None => {
            for needs_server in ["user", "tls"] {
                if keys.is_written(needs_server) {
                    let what = format!("`{needs_server}` needs `smtp`: the server that is meant");
                    keys.wrong(needs_server, what);
                }
            }
            Relay::Sendmail(sendmail.unwrap_or_else(|| SENDMAIL.to_owned()))
        }
    };
    Some(Mail {
        to: to?,
        from,
        relay,
    })
}

/// One recipient, or a list of them.
fn recipients(keys: &mut Section<'_, '_>, by_server: bool) -> Option<Vec<String>> {
    if !keys.is_written("to") {
        keys.pass_over("to");
        keys.wrong("to", "`to` is missing: who gets the mail".to_owned());
        return None;
    }
    if keys.is_list("to") {
        let to = keys.texts_as("to", |text| address(text, by_server))?;
        if to.is_empty() {
            keys.wrong("to", "`to` names nobody".to_owned());
        }
        return Some(to);
    }
    keys.text_as("to", |text| address(text, by_server))
        .map(|to| vec![to])
}

fn address(text: &str, needs_domain: bool) -> Result<String, String> {
    let bare = text
        .rsplit_once('<')
        .map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    let local = bare.split('@').next().unwrap_or_default();
    let is_fit = !local.is_empty()
        && !bare.starts_with('-')
        && !text.chars().any(char::is_control)
        && bare.matches('@').count() == usize::from(needs_domain || bare.contains('@'))
        && !bare.ends_with('@')
        && !bare.contains([' ', ',', ';']);
    if is_fit {
        Ok(text.to_owned())
    } else if needs_domain {
        Err("must be an address such as `me@example.com`".to_owned())
    } else {
        Err("must be an address such as `me@example.com`, or a user of this machine".to_owned())
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
