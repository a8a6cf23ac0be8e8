//! Suite T10, canaries: secrets are planted wherever a task, a file or a configuration can hold them, printed in
//! every form and split at every place, and then looked for in everything that leaves the program.
//!
//! Searched: all bytes of the state directory (also while a task runs), the answers of all commands in
//! all formats, what webhooks and commands were told, the pages of `serve`, and `/proc` of our own
//! processes. The needles are made here and not by the code that hides them.
//!
//! `cargo test --test faults canaries::`; a trial takes other secrets. The long form takes more of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use fastrand::Rng;

use crate::sandbox::{Sandbox, wait_until};
use crate::sightings::{Sightings, forms};
use crate::trials::Trials;

/// The values that are planted, by where.
struct Canaries(BTreeMap<&'static str, String>);

impl Canaries {
    fn draw(rng: &mut Rng) -> Self {
        let mut word = |length: usize| -> String {
            std::iter::repeat_with(|| rng.alphanumeric())
                .take(length)
                .collect()
        };
        Self(BTreeMap::from([
            (
                "environment",
                format!("{}'\"&/+ \u{fc}$`{}", word(9), word(9)),
            ),
            ("env_file", format!("{}%?={}", word(10), word(8))),
            ("task_file", format!("{}\\<{}>", word(8), word(9))),
            ("defaults", word(40)),
            (
                "lines",
                format!("-----{}\n{}\n{}", word(30), word(64), word(20)),
            ),
            ("token", format!("ghp_{}", word(36))),
            ("url", word(24)),
            ("header", word(24)),
        ]))
    }

    fn get(&self, place: &str) -> &str {
        &self.0[place]
    }

    /// What must not be found, each with a name.
    fn needles(&self) -> Vec<(String, Vec<u8>)> {
        let mut needles = Vec::new();
        for (place, value) in &self.0 {
            for line in value.lines().chain([value.as_str()]) {
                for (form, needle) in forms(line.as_bytes()) {
                    needles.push((format!("{place} {form}"), needle));
                }
            }
        }
        needles
    }
}

/// A receiver of webhooks that keeps what it is sent.
fn receiver() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let known = Arc::clone(&received);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = vec![0; 1 << 20];
            let mut request = Vec::new();
            stream
                .set_read_timeout(Some(std::time::Duration::from_millis(300)))
                .unwrap();
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                request.extend_from_slice(&buffer[..count]);
            }
            known.lock().unwrap().extend(request);
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (url, received)
}

/// What a task does to betray every secret that it has.
const BETRAYAL: &str = r#"
for secret in "$OF_ENV" "$OF_FILE" "$OF_TASK" "$OF_DEFAULTS" "$OF_LINES" "$OF_TOKEN"; do
  printf 'raw %s\n' "$secret"; printf 'raw %s\n' "$secret" >&2
  for pad in '' a ab abc; do printf '%s%s' "$pad" "$secret" | base64 -w0; echo; done
  printf '%s' "$secret" | base64
  printf '%s' "$secret" | od -An -v -tx1 | tr -d ' \n'; echo
  printf '%s' "$secret" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; echo
done
# One byte at a time, and in two parts cut at every place.
printf '%s' "$OF_FILE" | while IFS= read -r -n1 c; do printf '%s' "$c"; sleep 0.002; done; echo
for at in 1 2 3 5 8 13 17 19; do
  printf '%s' "${OF_FILE:0:$at}"; sleep 0.01; printf '%s\n' "${OF_FILE:$at}"
done
# At the borders of reads, frames and blocks.
for at in 1 4 9 15 20; do
  head -c $((65536 - at)) /dev/zero | tr '\0' '.'; printf '%s' "$OF_DEFAULTS"
  head -c $((131072 - at)) /dev/zero | tr '\0' '.'; printf '%s' "$OF_TASK"
done; echo
"#;

fn plant(sandbox: &Sandbox, canaries: &Canaries, url: &str) {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    sandbox.file(
        "secret.env",
        format!("OF_FILE='{}'\n", canaries.get("env_file")),
    );
    let betray = sandbox.file("betray.sh", BETRAYAL);
    let betray = betray.display();
    let program = env!("CARGO_BIN_EXE_autoexec");
    let secrets = "secrets = [\"OF_ENV\", \"OF_FILE\", \"OF_TASK\", \"OF_DEFAULTS\", \"OF_LINES\"]";
    let own = format!("OF_TASK = {}", quoted(canaries.get("task_file")));
    let with = format!(
        "retries = 0\nenv_file = \"secret.env\"\n{secrets}\nenv = {{ {own} }}\nshell = [\"bash\", \"-c\"]\n"
    );
    let mut file = format!(
        "[defaults]\nenv = {{ OF_DEFAULTS = {} }}\n",
        quoted(canaries.get("defaults"))
    );
    let tasks = [
        ("prints", format!(". {betray}"), String::new()),
        ("fails", format!(". {betray}; echo \"fatal: authentication failed for $OF_FILE\" >&2; exit 3"), String::new()),
        ("says", "printf '{\"message\":\"got %s\",\"result\":{\"k\":\"%s\"}}' \"$OF_FILE\" \"$OF_DEFAULTS\" >\"$AUTOEXEC_RESULT_FILE\"; exit 1".to_owned(), String::new()),
        ("tells", format!("{program} progress 40 \"at $OF_FILE\"; touch telling; while [ ! -e seen ]; do sleep 0.02; done"), String::new()),
        ("rejected", "echo \"token $OF_FILE is bad\"".to_owned(), "success = { output_rejects = \"token .*\" }\n".to_owned()),
        ("silent", "echo \"last $OF_FILE\"; exec sleep 60".to_owned(), "idle_timeout = \"1s\"\ngrace = \"1s\"\n".to_owned()),
        ("healed", "echo \"Error: unauthorized\" >&2; exit 1".to_owned(),
         format!("[[task.recover]]\nwhen = {{ matches = \"unauthorized\" }}\ncommand = \". {betray}; exit 1\"\n")),
        ("token", "echo \"push failed for $OF_TOKEN\" >&2; exit 1".to_owned(), String::new()),
        ("killed", "printf '%s' \"${OF_DEFAULTS:0:30}\"; kill -9 $$".to_owned(), String::new()),
    ];
    for (name, command, more) in tasks {
        let with = if name == "healed" {
            with.replace("retries = 0", "retries = 1")
        } else {
            with.clone()
        };
        write!(
            file,
            "[[task]]\nname = \"{name}\"\ncommand = {}\n{with}{more}",
            quoted(&command)
        )
        .unwrap();
    }
    sandbox.file("night.toml", file);
    let folder = sandbox.home().join(".config/autoexec");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("url"),
        format!(
            "{url}/{}?token={}",
            canaries.get("url"),
            canaries.get("url")
        ),
    )
    .unwrap();
    fs::set_permissions(folder.join("url"), fs::Permissions::from_mode(0o600)).unwrap();
    let told = sandbox.work().join("told");
    let config = format!(
        "[[notify]]\non = [\"report\", \"critical\", \"task_failed\", \"run_finished\"]\n\
         webhook = {{ url_file = \"url\", token_env = \"OF_HEADER\", allow_private = true }}\n\
         [[notify]]\non = [\"report\", \"task_failed\"]\ncommand = [\"sh\", \"-c\", \"cat >> {}\"]\n",
        told.display()
    );
    fs::write(folder.join("config.toml"), config).unwrap();
}

/// Everything that shows something of a queue.
const LOOKS: [&str; 31] = [
    // The first page.
    "",
    "queue list --all",
    "queue list --all --json",
    "queue show fails",
    "queue show fails --json",
    "queue show says --json",
    "why fails",
    "why says",
    "why rejected",
    "why silent",
    "why healed",
    "logs prints",
    "logs fails",
    "logs healed",
    "logs token",
    "logs silent",
    "logs prints --tail 3",
    "report --peek --format terminal",
    "report --peek --format markdown",
    "report --peek --format html",
    "report --peek --format json",
    "alerts --json",
    "alerts",
    "health --json",
    "plan --json",
    "check night.toml --explain prints",
    "db export",
    "patterns stats",
    "breakers list",
    "capabilities --json",
    "run --dry-run",
];

fn one_trial(rng: &mut Rng) -> Sightings {
    let canaries = Canaries::draw(rng);
    let mut seen = Sightings::of(canaries.needles());
    let sandbox = Sandbox::new();
    let (url, received) = receiver();
    plant(&sandbox, &canaries, &url);
    let command = || {
        let mut command = sandbox.command();
        command
            .env("OF_ENV", canaries.get("environment"))
            .env("OF_LINES", canaries.get("lines"))
            .env("OF_TOKEN", canaries.get("token"))
            .env("OF_HEADER", canaries.get("header"));
        command
    };
    let run = command()
        .args(["-vv", "run", "night.toml", "--report", "-j", "4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_there(&sandbox, "telling");
    seen.search_processes(&sandbox);
    seen.search_folder(&sandbox.state());
    sandbox.file("seen", "x");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    seen.search("the run's output", &answer.raw_stdout);
    seen.search("the run's messages", answer.stderr.as_bytes());
    for line in LOOKS {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let answer = sandbox.finish(command().args(words));
        assert!(answer.code < 2, "{line}: {}", answer.stderr);
        seen.search(line, &answer.raw_stdout);
        seen.search(line, answer.stderr.as_bytes());
    }
    let exec = [
        "exec",
        "--retries",
        "0",
        "--secret",
        "OF_ENV",
        "--secret",
        "OF_FILE",
        "--env-file",
        "secret.env",
        "--",
    ];
    let script = "printf '%s' \"${OF_FILE:0:7}\"; sleep 0.05; printf '%s\\n' \"${OF_FILE:7}\"; echo \"$OF_ENV\"; echo \"no $OF_ENV\" >&2; exit 4";
    let answer = sandbox.finish(command().args(exec).args(["bash", "-c", script]));
    assert_eq!(answer.code, 4);
    assert!(answer.stdout.starts_with("***\n***\n"), "{}", answer.stdout);
    seen.search("exec", &answer.raw_stdout);
    seen.search("exec", answer.stderr.as_bytes());
    seen.search_folder(&sandbox.state());
    let told = fs::read(sandbox.work().join("told")).unwrap_or_default();
    seen.search("what a command was told", &told);
    let received = received.lock().unwrap().clone();
    assert!(!received.is_empty() && !told.is_empty());
    seen.search_but("webhooks", &received, &["url", "header"]);
    #[cfg(feature = "web")]
    serve(&sandbox, &mut seen);
    seen
}

#[cfg(feature = "web")]
fn serve(sandbox: &Sandbox, seen: &mut Sightings) {
    let server = crate::server::Server::of(sandbox);
    seen.search_processes(sandbox);
    let tasks =
        (1..=9).flat_map(|id| [format!("/api/tasks/{id}"), format!("/api/tasks/{id}/logs")]);
    let pages = [
        "/",
        "/live",
        "/metrics",
        "/report/1",
        "/api/health/alerts",
        "/api/health/detailed",
        "/api/queue",
        "/api/report",
    ];
    for path in pages.into_iter().map(str::to_owned).chain(tasks) {
        let (status, head, body) = server.visit("GET", &path, &[("Host", &server.address)]);
        assert_eq!(status, 200, "{path}: {body}");
        seen.search(&path, head.as_bytes());
        seen.search(&path, body.as_bytes());
    }
}

fn wait_until_there(sandbox: &Sandbox, name: &str) {
    let path = sandbox.work().join(name);
    wait_until(&format!("{name} is there"), || path.exists());
}

#[test]
fn no_secret_leaves_the_program_in_any_form_by_any_way() {
    let mut trials = Trials::of("T10 canaries", 1, 20);
    let (mut searched, mut bytes, mut needles) = (0, 0, 0);
    for _ in 0..trials.wanted {
        let seen = one_trial(&mut trials.rng);
        assert!(
            seen.hits.is_empty(),
            "{} hits:\n{}",
            seen.hits.len(),
            seen.hits[..seen.hits.len().min(40)].join("\n")
        );
        searched += seen.searched;
        bytes += seen.bytes;
        needles = seen.needles.len();
    }
    trials.tell(&[
        ("nights", &trials.wanted),
        ("needles", &needles),
        ("searched", &searched),
        ("bytes", &bytes),
        ("found", &0),
    ]);
}
