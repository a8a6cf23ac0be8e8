//! A server of mail on loopback that behaves as badly as it is told to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server does with a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes the letter.
    Takes,
    /// Not now: its lists are grey.
    NotNow,
    /// Never to this address.
    Never,
    /// Hangs up when the letter has come, before it says that it has it.
    HangsUp,
    /// Says nothing at all.
    Silent,
}

/// A server of mail: what it was told, a visit each. It ends with the test's process.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    visits: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// The first visits are met in these manners, one after the other; all others in the last.
    pub(crate) fn open(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let visits = Arc::new(Mutex::new(Vec::new()));
        let (known, manners) = (Arc::clone(&visits), manners.to_vec());
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let manner = manners.get(number).or(manners.last()).copied().unwrap();
                let known = Arc::clone(&known);
                known.lock().unwrap().push(String::new());
                std::thread::spawn(move || {
                    // Noted before it is answered: whoever has the answer may look at once.
                    let note = |line: &str| {
                        let told = &mut known.lock().unwrap()[number];
                        told.push_str(line);
                        told.push('\n');
                    };
                    // Whoever came may have gone.
                    let _gone = meet(&stream, manner, note);
                });
            }
        });
        Self { port, visits }
    }

    pub(crate) fn visits(&self) -> Vec<String> {
        self.visits.lock().unwrap().clone()
    }
}

/// Speaks with a visitor and notes every line that was said.
fn meet(stream: &TcpStream, manner: Manner, note: impl Fn(&str)) -> std::io::Result<()> {
    if manner == Manner::Silent {
        std::thread::sleep(Duration::from_mins(2));
        return Ok(());
    }
    let mut out = stream;
    let mut in_letter = false;
    out.write_all(b"220 mail.test ready\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        note(&line);
        let word = line.split([' ', ':']).next().unwrap_or_default();
        let answer: &[u8] = match (in_letter, word.to_ascii_uppercase().as_str()) {
            (true, ".") if manner == Manner::HangsUp => return Ok(()),
            (true, ".") => {
                in_letter = false;
                b"250 taken\r\n"
            }
            (true, _) => continue,
            (false, "EHLO") => b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
            (false, "AUTH") => b"235 welcome\r\n",
            (false, "RCPT") if manner == Manner::NotNow => b"451 come back later\r\n",
            (false, "RCPT") if manner == Manner::Never => b"550 no such box\r\n",
            (false, "DATA") => {
                in_letter = true;
                b"354 go on\r\n"
            }
            (false, "QUIT") => {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            (false, _) => b"250 well\r\n",
        };
        out.write_all(answer)?;
    }
    Ok(())
}
