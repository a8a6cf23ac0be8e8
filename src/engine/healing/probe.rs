//! One look whether what is waited for is there, and the words for it.
//!
//! Everything that is looked at was declared by somebody; output of a program supplies nothing.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::host::disk;
use crate::host::locks;
use crate::host::memory;
use crate::model::remedy::Await;
use crate::process::helper;
use crate::support::bytes::OsText;
use crate::support::crash;
use crate::support::text::size;

/// How long a peer has for its answer.
const PEER: Duration = Duration::from_secs(5);
/// How long a declared probe may take.
const PROBE: Duration = Duration::from_secs(30);

/// Looks once. The error says why it is not there, in a few words; they may hold text from outside.
///
/// Where a thread has to look, it has a limit of its own: none is left behind for another one.
pub(crate) async fn look(what: &Await) -> Result<(), String> {
    match what {
        Await::Tcp { host, port } => connect(host, *port).await,
        Await::Http { url } => http(url).await,
        Await::Dns { host } => {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            match found.map(|mut addresses| addresses.next().is_some()) {
                Ok(true) => Ok(()),
                Ok(false) => Err("it has no address".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }
        Await::Probe { .. } | Await::Disk { .. } | Await::Memory { .. } | Await::Lock { .. } => {
            let what = what.clone();
            let looked = tokio::task::spawn_blocking(move || look_here(&what)).await;
            looked.unwrap_or_else(|_| Err("the look at it was cut short".to_owned()))
        }
    }
}

async fn connect(host: &str, port: u16) -> Result<(), String> {
    let connecting = TcpStream::connect((host, port));
    match tokio::time::timeout(crash::patience(PEER), connecting).await {
        Err(_) => Err("it does not answer".to_owned()),
        Ok(Err(error)) => Err(plain(&error)),
        // A port of this machine that nobody listens on may be the very one that we were given.
        Ok(Ok(stream)) if stream.local_addr().ok() == stream.peer_addr().ok() => {
            Err("nobody listens".to_owned())
        }
        Ok(Ok(_)) => Ok(()),
    }
}

fn plain(error: &io::Error) -> String {
    let known = [
        (io::ErrorKind::ConnectionRefused, "connection refused"),
        (io::ErrorKind::ConnectionReset, "connection reset"),
        (io::ErrorKind::HostUnreachable, "no route to it"),
        (
            io::ErrorKind::NetworkUnreachable,
            "the network is unreachable",
        ),
        (io::ErrorKind::TimedOut, "it does not answer"),
    ];
    let words = known.iter().find(|(kind, _)| *kind == error.kind());
    words.map_or_else(|| error.to_string(), |(_, words)| (*words).to_owned())
}

#[cfg(feature = "notify")]
async fn http(url: &str) -> Result<(), String> {
    let url = url.to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(2 * PEER))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .into();
        let answer = agent.get(&url).call().map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            status if status < 500 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    });
    asked
        .await
        .unwrap_or_else(|_| Err("the look at it was cut short".to_owned()))
}

/// Without a library that speaks HTTP the address is there when its port is.
#[cfg(not(feature = "notify"))]
async fn http(url: &str) -> Result<(), String> {
    let Some((host, port)) = host_and_port(url) else {
        return Err("its address cannot be read".to_owned());
    };
    connect(&host, port).await
}

/// The host and the port of an address.
#[cfg(any(test, not(feature = "notify")))]
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    if let Some(inside) = place.strip_prefix('[') {
        let (host, behind) = inside.split_once(']')?;
        let port = behind
            .strip_prefix(':')
            .map_or(Ok(usual), str::parse)
            .ok()?;
        return Some((host.to_owned(), port));
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((place.to_owned(), usual)),
    }
}

/// What only a thread can look at.
fn look_here(what: &Await) -> Result<(), String> {
    let io = |error: io::Error| error.to_string();
    match what {
        Await::Disk { path, free } => {
            let present = disk::free(path.as_path()).map_err(io)?;
            enough(present, *free)
        }
        Await::Memory { available } => {
            let present = memory::memory().map_err(io)?.available;
            enough(present, *available)
        }
        Await::Lock { path } => match locks::is_held(path.as_path()) {
            Ok(true) => Err("somebody holds it".to_owned()),
            Ok(false) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
        Await::Probe { argv, .. } => {
            let argv: Vec<OsString> = argv.iter().map(OsText::as_os_str).map(Into::into).collect();
            let answer = helper::run(&argv, PROBE).map_err(|error| error.to_string())?;
            if answer.status.success() {
                Ok(())
            } else {
                Err(answer.status.to_string())
            }
        }
        // These are looked at where the loop is.
        Await::Tcp { .. } | Await::Http { .. } | Await::Dns { .. } => Ok(()),
    }
}

fn enough(present: u64, wanted: u64) -> Result<(), String> {
    if present >= wanted {
        Ok(())
    } else {
        Err(format!("there are {} of {}", size(present), size(wanted)))
    }
}

/// What is waited for, in a few words; text from outside.
pub(crate) fn name(what: &Await) -> String {
    match what {
        Await::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
        Await::Tcp { host, port } => format!("{host}:{port}"),
        Await::Http { url } => url.clone(),
        Await::Dns { host } => host.clone(),
        Await::Probe { service, .. } => service.clone(),
        Await::Disk { path, free } => {
            format!("{} on {}", size(*free), path.untrusted().for_terminal())
        }
        Await::Memory { available } => format!("{} of memory", size(*available)),
        Await::Lock { path } => path.untrusted().for_terminal(),
    }
}

/// What was seen, fit to follow its name.
pub(crate) const fn seen(what: &Await) -> &'static str {
    match what {
        Await::Tcp { .. } | Await::Http { .. } => "answered",
        Await::Dns { .. } => "has an address again",
        Await::Probe { .. } => "is well again by its probe",
        Await::Disk { .. } | Await::Memory { .. } => "was free",
        Await::Lock { .. } => "was no longer locked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn looked(what: &Await) -> Result<(), String> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(look(what))
    }

    fn tcp(port: u16) -> Await {
        Await::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }

    #[test]
    fn a_port_is_there_while_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(looked(&tcp(port)), Ok(()));
        // Nobody is given one of the first ports by chance, as one that was let go of would be.
        assert_eq!(looked(&tcp(1)), Err("connection refused".to_owned()));
    }

    #[cfg(feature = "notify")]
    #[test]
    fn an_address_is_there_when_it_answers_below_500() {
        use std::io::Read as _;
        use std::io::Write as _;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/health", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            for status in [
                "503 Busy",
                "301 Moved\r\nLocation: http://127.0.0.1:1/",
                "404 No",
            ] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let _any = stream.read(&mut request).unwrap();
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
            }
        });
        let what = Await::Http { url };
        assert_eq!(looked(&what), Err("it answers 503".to_owned()));
        assert_eq!(
            looked(&what),
            Ok(()),
            "a redirection is an answer and not followed"
        );
        assert_eq!(looked(&what), Ok(()));
        server.join().unwrap();
    }

    #[test]
    fn this_machine_is_looked_at() {
        let path = OsText::from("/");
        assert_eq!(
            looked(&Await::Disk {
                path: path.clone(),
                free: 0
            }),
            Ok(())
        );
        assert!(
            looked(&Await::Disk {
                path,
                free: u64::MAX
            })
            .is_err()
        );
        assert_eq!(looked(&Await::Memory { available: 1 }), Ok(()));
        assert!(
            looked(&Await::Memory {
                available: u64::MAX
            })
            .is_err()
        );
        assert_eq!(
            looked(&Await::Dns {
                host: "localhost".to_owned()
            }),
            Ok(())
        );
        for (program, is_well) in [("true", true), ("false", false), ("/no/such/probe", false)] {
            let probe = Await::Probe {
                service: "db".to_owned(),
                argv: vec![program.into()],
            };
            assert_eq!(looked(&probe).is_ok(), is_well, "{program}");
        }
    }

    #[test]
    fn the_place_of_an_address_is_found() {
        for (url, place) in [
            ("http://a.example/x", Some(("a.example", 80))),
            ("https://u:p@a.example", Some(("a.example", 443))),
            ("http://a.example:8080?q", Some(("a.example", 8080))),
            ("http://[::1]:99/", Some(("::1", 99))),
            ("ftp://a.example", None),
            ("a.example", None),
            ("http://a.example:port/", None),
        ] {
            let wanted = place.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(host_and_port(url), wanted, "{url}");
        }
    }
}
