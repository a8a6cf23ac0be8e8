//! Messages of any words to receivers that answer anything: what is sent is well-formed in its own
//! format, and whatever comes back is an end.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc;

use autoexec::model::ids::RunId;
use autoexec::model::notice::Occasion;
use autoexec::notify::Letter;
use autoexec::notify::SendError;
use autoexec::notify::Surroundings;
use autoexec::notify::Target;
use autoexec::notify::Urgency;
use autoexec::notify::Way;
use autoexec::notify::mail::Mail;
use autoexec::notify::mail::Relay;
use autoexec::notify::mail::Smtp;
use autoexec::notify::secret::Secret;
use autoexec::notify::secret::SecretSource;
use autoexec::notify::send;
use autoexec::notify::webhook::Format;
use autoexec::notify::webhook::Webhook;
use autoexec::support::clock::Timestamp;
use autoexec::support::untrusted::Untrusted;
use fastrand::Rng;
use serde_json::Value;
use serde_json::json;

use crate::fuzz::MOST_MEMORY_KIB;
use crate::fuzz::Watched;
use crate::fuzz::are_lines;
use crate::fuzz::facts::Drawer;
use crate::fuzz::is_one_line;
use crate::fuzz::junk::Junk;
use crate::fuzz::most_memory;
use crate::texts::letters::look_at;
use crate::trials::Trials;

/// What an answer holds that nobody may be told.
const WORD: &str = "hunter2";
/// A receiver that says more than this closes the connection; so does one that has nothing to say.
const MOST_SAID: usize = 1 << 20;
/// What may stand in the head of a request.
const HEADERS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "priority",
    "tags",
    "title",
    "user-agent",
    "authorization",
];

/// Texts as those who make letters leave them: fit for a terminal, line by line.
fn letter(rng: &mut Rng) -> Letter {
    let occasion = *rng.choice(&Occasion::ALL).unwrap();
    let urgency = [Urgency::Routine, Urgency::NeedsPerson, Urgency::Critical];
    let urgency = *rng.choice(&urgency).unwrap();
    let lines = rng.usize(..40);
    let mut drawer = Drawer {
        rng,
        is_plain: false,
    };
    let mut line = || Untrusted::from(drawer.text().as_str()).for_terminal();
    let subject = line();
    let text: String = (0..lines).map(|_| line() + "\n").collect();
    let details = json!({ "raw": drawer.text(), drawer.text(): [drawer.text()] });
    Letter {
        id: "0b51e7a0-6a4c-4b5e-9b0b-6e5f0e3d5a11".to_owned(),
        occasion,
        urgency,
        subject,
        text,
        html: None,
        details,
        run: Some(RunId::new(7)),
        run_uuid: Some("3f0c1d5e-1111-8222-9333-444455556666".to_owned()),
        at: Timestamp::from_millis(drawer.rng.i64(..)),
    }
}

fn tell(way: Way, letter: &Letter) -> Result<(), SendError> {
    let target = Target {
        number: 1,
        occasions: Occasion::ALL.to_vec(),
        way,
    };
    let around = Surroundings {
        variable: &|_| None,
        home: None,
        folder: Path::new("/"),
    };
    let sent = send(&target, letter, around);
    if let Err(error) = &sent {
        let told = error.to_string();
        is_one_line(&told);
        assert!(!told.contains(WORD), "{told}");
    }
    sent
}

/// A receiver that meets one visitor; what it heard comes out of the channel.
fn receiver(
    meet: impl FnOnce(&TcpStream) -> String + Send + 'static,
) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (say, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let _nobody_asks = say.send(meet(&stream));
    });
    (port, heard)
}

/// Reads a whole request and says something.
fn answer_with(mut stream: &TcpStream, answer: &[u8]) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = number.trim().parse().unwrap();
        }
        head += &line;
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    // Whoever sent it may have heard enough.
    let _gone = stream.write_all(answer);
    head + &String::from_utf8(body).unwrap()
}

fn is_well_formed(request: &str, format: Format) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    are_lines(&head.replace("\r\n", "\n"));
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("POST /x") && first.ends_with(" HTTP/1.1"),
        "{first}"
    );
    for line in lines {
        let (name, _) = line.split_once(": ").unwrap();
        let name = name.to_ascii_lowercase();
        assert!(HEADERS.contains(&name.as_str()), "{line}");
    }
    are_lines(body);
    let read = || serde_json::from_str::<Value>(body).unwrap();
    let fences = |text: &str| text.matches("```").count();
    match format {
        Format::Json => assert_eq!(read()["schema"], "autoexec.notification/1"),
        Format::Slack => {
            let text = read()["text"].as_str().unwrap().to_owned();
            assert!(!text.contains(['<', '>']), "{text}");
            assert_eq!(fences(&text), 2, "{text}");
        }
        Format::Discord => {
            let message = read();
            assert_eq!(message["allowed_mentions"]["parse"], json!([]));
            let text = message["content"].as_str().unwrap();
            assert_eq!(fences(text), 2, "{text}");
            assert!(text.chars().count() <= 2_000, "{text}");
        }
        Format::Ntfy => assert!(body.len() <= 4_096),
        Format::Healthchecks => assert!(body.len() <= 10_000),
    }
}

#[test]
fn any_message_is_well_formed_and_any_answer_to_it_is_an_end() {
    let answers: Vec<Vec<u8>> = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/hunter2\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Too Many hunter2\r\nRetry-After: 5\r\nContent-Length: 7\r\n\r\nhunter2",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhunter2\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 hunter2\r\nSet-Cookie: hunter2\r\n\r\n",
    ]
    .map(|answer| answer.as_bytes().to_vec())
    .to_vec();
    let words = [
        "HTTP/1.1 ",
        "200",
        "\r\n",
        "Content-Length: ",
        "Transfer-Encoding: chunked",
        "\r\n\r\n",
        "hunter2",
        "X-hunter2: ",
        "FFFFFFFFFFFFFFFF\r\n",
        "Content-Encoding: gzip\r\n",
    ];
    let junk = Junk::of(&answers, &words);
    let mut trials = Trials::of("T9 fuzzing", 120, 20_000);
    let watched = Watched::new("messages to receivers");
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..trials.wanted {
        let letter = letter(&mut trials.rng);
        let mut answer = junk.next(&mut trials.rng);
        answer.truncate(MOST_SAID);
        watched.begin(&answer);
        let (_, format) = *trials.rng.choice(&Format::WORDS).unwrap();
        let (port, heard) = receiver(move |stream| answer_with(stream, &answer));
        let url = Secret::new(format!("http://127.0.0.1:{port}/x"));
        let way = Way::Webhook(Webhook {
            url: SecretSource::Written(url),
            format,
            token: None,
            allow_private: true,
            proxy: false,
        });
        match tell(way, &letter) {
            Ok(()) => taken += 1,
            Err(_) => refused += 1,
        }
        is_well_formed(&heard.recv().unwrap(), format);
    }
    end(&trials, "messages to receivers", taken, refused);
}

/// Speaks as a server of mail, but says something else from one word on, and no more then.
fn meet_mail(stream: &TcpStream, good_words: usize, odd: &[u8]) -> String {
    let mut out = stream;
    let (mut said, mut letter, mut in_letter) = (0, String::new(), false);
    let mut say = |text: &[u8]| {
        said += 1;
        let is_odd = said > good_words;
        let spoken = out.write_all(if is_odd { odd } else { text });
        spoken.is_ok() && !is_odd
    };
    if !say(b"220 mail.test ready\r\n") {
        return letter;
    }
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let answer: &[u8] = match (in_letter, line.as_str()) {
            (true, ".") => {
                in_letter = false;
                b"250 taken\r\n"
            }
            (true, line) => {
                letter = letter + line + "\n";
                continue;
            }
            (false, "DATA") => {
                in_letter = true;
                b"354 go on\r\n"
            }
            (false, line) if line.starts_with("EHLO") => b"250-mail.test\r\n250 8BITMIME\r\n",
            (false, "QUIT") => b"221 bye\r\n",
            (false, _) => b"250 well\r\n",
        };
        if !say(answer) {
            break;
        }
    }
    letter
}

#[test]
fn any_letter_is_well_formed_and_any_server_of_mail_is_left_in_the_end() {
    let said: Vec<Vec<u8>> = [
        "250 hunter2\r\n",
        "250-hunter2\r\n250-AUTH PLAIN\r\n250 SIZE 9\r\n",
        "451 later hunter2\r\n",
        "550-no\r\n550 hunter2\r\n",
        "354 go on\r\n",
        "334 VXNlcm5hbWU6\r\n",
    ]
    .map(|answer| answer.as_bytes().to_vec())
    .to_vec();
    let words = [
        "250", "550", "-", " ", "\r\n", "hunter2", "999", "\u{0}", "2500",
    ];
    let junk = Junk::of(&said, &words);
    let mut trials = Trials::of("T9 fuzzing", 60, 10_000);
    let watched = Watched::new("letters to servers of mail");
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..trials.wanted {
        let letter = letter(&mut trials.rng);
        let odd = junk.next(&mut trials.rng);
        watched.begin(&odd);
        // A visit has seven answers.
        let good_words = trials.rng.usize(..12);
        let (port, heard) = receiver(move |stream| meet_mail(stream, good_words, &odd));
        let way = Way::Mail(Mail {
            to: vec!["me@example.com".to_owned()],
            from: None,
            relay: Relay::Smtp(Smtp::parse(&format!("smtp://127.0.0.1:{port}")).unwrap()),
        });
        let sent = tell(way, &letter);
        let heard = heard.recv().unwrap();
        match sent {
            Ok(()) => {
                taken += 1;
                look_at(&heard);
            }
            Err(_) => refused += 1,
        }
    }
    end(&trials, "letters to servers of mail", taken, refused);
}

fn end(trials: &Trials, name: &str, taken: u64, refused: u64) {
    assert!(taken > 0 && refused > 0, "{name}: {taken} and {refused}");
    let memory = most_memory();
    assert!(memory < MOST_MEMORY_KIB, "{name}: {memory} KiB");
    trials.tell(&[
        ("of", &name),
        ("sent", &(taken + refused)),
        ("taken", &taken),
        ("refused", &refused),
        ("panics, hangs, malformed", &0),
    ]);
}
