//! `autoexec serve`: a local page and a REST API of the queue.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::commands::Invocation;
use crate::cli::commands::health::inquiry;
use crate::cli::commands::queue::change::asker;
use crate::cli::config::serve::{DEFAULT_LISTEN, parse_listen};
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::support::bytes::OsText;
use crate::web;
use crate::web::checkup::Checkup;
use crate::web::guard::Door;
use crate::web::site::Site;

/// The longest token that is read.
const LONGEST: u64 = 4096;
/// The shortest that nobody guesses.
const SHORTEST: usize = 16;

/// Options of `autoexec serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The address to listen to [default: `[serve] listen`, else 127.0.0.1:7878]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub listen: Option<SocketAddr>,
}

/// Carries out the command: serves until it is told to end.
///
/// # Errors
/// When the token cannot be read or made, or the address cannot be listened to.
pub fn carry_out(args: &ServeArgs, invocation: &mut Invocation<'_>) -> Answer {
    let settings = &invocation.settings;
    let config = &settings.config.serve;
    let usual = parse_listen(DEFAULT_LISTEN).ok();
    let listen = args.listen.or(config.listen).or(usual);
    let Some(listen) = listen else {
        return Err(CliError::usage(
            "no_address",
            "there is no address to listen to",
        ));
    };
    let file = settings.token_file();
    let token = match &file {
        Some(file) => token(file)?,
        None => fresh_token(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(no_server)?;
    let hosts = config.hosts.clone();
    let asker = asker("serve", invocation)?;
    let checkup = Checkup::like(&inquiry(invocation, Duration::ZERO), settings.units.clone());
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await;
        let listener = listener.map_err(|error| cannot_listen(listen, error))?;
        let own = listener.local_addr().unwrap_or(listen);
        let told = until_told().map_err(no_server)?;
        let door = Door::new(names(own, &hosts), token, !own.ip().is_loopback());
        let site = Site::new(asker, door, checkup);
        invocation.output.line(&format!("http://{own}/"));
        if let Some(file) = &file {
            let shown = OsText::from(file.as_path()).untrusted().for_terminal();
            let who = if own.ip().is_loopback() {
                "changes need"
            } else {
                "everything needs"
            };
            invocation
                .output
                .note(&format!("{who} the token in `{shown}`; Ctrl-C ends this"));
        }
        invocation.output.flush();
        web::serve(site, listener, told).await.map_err(|error| {
            let what = "the server ended";
            CliError::new(Ending::QueueUnusable, "server_ended", what).because(error)
        })
    })?;
    Ok(Ending::Well)
}

/// What visitors may call this server.
fn names(own: SocketAddr, more: &[String]) -> Vec<String> {
    let mut hosts: Vec<String> = more.to_vec();
    hosts.push(own.ip().to_string());
    if own.is_ipv6() {
        hosts.push(format!("[{}]", own.ip()));
    }
    if own.ip().is_loopback() || own.ip().is_unspecified() {
        hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
    }
    let port = own.port();
    let mut names: Vec<String> = hosts.iter().map(|host| format!("{host}:{port}")).collect();
    if port == 80 {
        names.append(&mut hosts);
    }
    names
}

/// Comes true with the first Ctrl-C or request to end; heard from now on.
fn until_told() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn no_server(error: io::Error) -> CliError {
    let what = "cannot set up the server";
    CliError::new(Ending::QueueUnusable, "no_server", what).because(error)
}

fn cannot_listen(address: SocketAddr, error: io::Error) -> CliError {
    let failure = CliError::usage("cannot_listen", format!("cannot listen to `{address}`"));
    let hint = if error.kind() == io::ErrorKind::AddrInUse {
        "another program has it; choose a port with `--listen`"
    } else {
        "name an address of this machine with `--listen`"
    };
    failure.because(error).hint(hint)
}

/// Two random numbers of 122 bits each.
fn fresh_token() -> String {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    half() + &half()
}

/// The token in a file; made where there is none yet.
fn token(file: &Path) -> Result<String, CliError> {
    let shown = OsText::from(file).untrusted().for_terminal();
    let failed = |what: &str, error: io::Error| {
        CliError::usage("no_token", format!("cannot {what} the token in `{shown}`")).because(error)
    };
    check_folder(file)?;
    let mut opened = match open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return make_token(file).map_err(|error| failed("write", error));
        }
        Err(error) => return Err(failed("read", error)),
    };
    let about = opened.metadata().map_err(|error| failed("read", error))?;
    if about.mode() & 0o077 != 0 || about.uid() != rustix::process::geteuid().as_raw() {
        let what = format!("others may read the token in `{shown}`");
        return Err(CliError::usage("token_open", what).hint(format!("type `chmod 600 {shown}`")));
    }
    let mut text = String::new();
    Read::by_ref(&mut opened)
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| failed("read", error))?;
    let token = text.trim();
    if token.len() < SHORTEST || token.contains(char::is_whitespace) {
        let what = format!("what stands in `{shown}` is no token");
        let hint = "remove the file, and a good one is made; or write 16 characters or more, without spaces";
        return Err(CliError::usage("no_token", what).hint(hint));
    }
    Ok(token.to_owned())
}

fn open(file: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(file)
}

/// Refuses a folder in which others could put another token in the place of ours.
fn check_folder(file: &Path) -> Result<(), CliError> {
    const OTHERS_MAY_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let Some(about) = file.parent().and_then(|folder| folder.metadata().ok()) else {
        return Ok(());
    };
    let foreign = about.uid() != rustix::process::geteuid().as_raw() && about.uid() != 0;
    // In a sticky folder such as /tmp a file can be replaced by its owner alone.
    let open = about.mode() & OTHERS_MAY_WRITE != 0 && about.mode() & STICKY == 0;
    if !foreign && !open {
        return Ok(());
    }
    let folder = OsText::from(file.parent().unwrap_or(file));
    let shown = folder.untrusted().for_terminal();
    let what = format!("others may put a token of theirs into `{shown}`");
    let hint = if foreign {
        "choose a folder of your own for `serve.token_file`".to_owned()
    } else {
        format!("type `chmod o-w {shown}`")
    };
    Err(CliError::usage("token_open", what).hint(hint))
}

fn make_token(file: &Path) -> io::Result<String> {
    if let Some(folder) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let token = fresh_token();
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(made, "{token}")?;
    made.sync_all()?;
    Ok(token)
}

impl Settings {
    /// Where the token of the server is; none where there is no home either.
    fn token_file(&self) -> Option<PathBuf> {
        let named = self.config.serve.token_file.as_deref();
        let written = named.unwrap_or("~/.config/autoexec/token");
        match written.strip_prefix("~/") {
            Some(rest) => self.home.as_ref().map(|home| home.join(rest)),
            None => Some(PathBuf::from(written)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_then_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/token");
        let made = token(&file).unwrap();
        assert!(made.len() == 64);
        assert_eq!(token(&file).unwrap(), made);
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_token_that_others_may_read_or_guess_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "short\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(token(&file).is_err());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(token(&file).is_err());
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        assert_eq!(token(&file).unwrap(), "0123456789abcdef");
    }

    #[test]
    fn a_token_in_a_folder_that_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        let mode = |mode| std::fs::set_permissions(&open, std::fs::Permissions::from_mode(mode));
        for (bits, is_good) in [(0o777, false), (0o775, true), (0o1777, true), (0o755, true)] {
            mode(bits).unwrap();
            assert_eq!(token(&open.join("token")).is_ok(), is_good, "{bits:o}");
        }
    }

    #[test]
    fn a_server_knows_its_names() {
        let own = "127.0.0.1:80".parse().unwrap();
        let names = names(own, &["box.lan".to_owned()]);
        for name in ["127.0.0.1:80", "localhost", "box.lan:80", "[::1]:80"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }
}
