//! A receiver of webhooks on loopback that behaves as badly as it is told to.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it.
    Takes,
    /// Answers with this status.
    Status(u16),
    /// Leads elsewhere: to its own path `/elsewhere`.
    Redirects,
    /// Reads it and says nothing more.
    Hangs,
    /// Answers without an end.
    Floods,
    /// Answers one byte at a time, for ever.
    Drips,
    /// Closes the connection in the middle of the answer's first line.
    Breaks,
    /// Answers in no known language.
    Babbles,
}

/// The receiver. It ends with the test's process.
pub(crate) struct PostOffice {
    /// Its address without a path.
    pub(crate) url: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl PostOffice {
    /// The first requests are met in these manners, one after the other; all others in the last.
    pub(crate) fn open(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (known, manners, own) = (Arc::clone(&received), manners.to_vec(), url.clone());
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let manner = manners.get(number).or(manners.last()).copied().unwrap();
                let (known, own) = (Arc::clone(&known), own.clone());
                std::thread::spawn(move || meet(stream, manner, &known, &own));
            }
        });
        Self { url, received }
    }

    /// The requests so far: head and body.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

fn meet(mut stream: TcpStream, manner: Manner, known: &Mutex<Vec<String>>, own: &str) {
    let request = read(&mut stream);
    known.lock().unwrap().push(request);
    let mut say = |text: &[u8]| stream.write_all(text).and_then(|()| stream.flush());
    // Whoever sent it may have gone.
    let _gone = match manner {
        Manner::Takes => say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Manner::Status(code) => {
            say(format!("HTTP/1.1 {code} Well\r\nContent-Length: 7\r\n\r\nhunter2").as_bytes())
        }
        Manner::Redirects => say(format!(
            "HTTP/1.1 302 Found\r\nLocation: {own}/elsewhere\r\nContent-Length: 0\r\n\r\n"
        )
        .as_bytes()),
        Manner::Hangs => {
            std::thread::sleep(Duration::from_mins(10));
            Ok(())
        }
        Manner::Floods => {
            let mut result = say(b"HTTP/1.1 200 OK\r\n");
            while result.is_ok() {
                result = say(&b"X-Flood: hunter2hunter2hunter2\r\n".repeat(1_000));
            }
            result
        }
        Manner::Drips => {
            let mut result = say(b"HTTP/1.1 200 OK\r\nX-Drip: ");
            while result.is_ok() {
                std::thread::sleep(Duration::from_millis(100));
                result = say(b"x");
            }
            result
        }
        Manner::Breaks => say(b"HTTP/1."),
        Manner::Babbles => say(b"\x00\xffhunter2 is no answer\r\n\r\n"),
    };
}

/// Reads a whole request.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, _)| {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse::<usize>().ok());
            let begun = bytes
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
                .unwrap()
                + 4;
            length.is_none_or(|length| bytes.len() >= begun + length)
        });
        if whole || count == 0 {
            return text;
        }
    }
}
