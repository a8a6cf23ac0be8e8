//! A real browser without a window, spoken to over two pipes: no port that others could attach to, and
//! it ends by itself when we do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::skipped;

/// The longest that a browser lives.
const PATIENCE: Duration = Duration::from_mins(2);
/// What it is called on the systems that we know.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Its two pipes are our standard streams, where a shell can find them.
const START: &str = "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";

/// A browser.
pub(crate) struct Browser {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    last: u64,
    /// What it told without being asked.
    told: Vec<Value>,
    _watchdog: mpsc::Sender<()>,
    _profile: tempfile::TempDir,
}

/// A page that was loaded.
pub(crate) struct Tab<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Browser {
    /// Starts one; `None`, and a word about it, where none is installed.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let Some(program) = installed() else {
            skipped::say(test, "chromium is not installed");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", START, "sh"]).arg(program).args([
            "--headless",
            // Root cannot have the sandbox; what is shown is our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ]);
        let mut folder = std::ffi::OsString::from("--user-data-dir=");
        folder.push(profile.path());
        let mut child = command
            .arg(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (bark, quiet) = mpsc::channel::<()>();
        let group = group(&child);
        std::thread::spawn(move || {
            if quiet.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _already_gone = kill_process_group(group, Signal::KILL);
            }
        });
        Some(Self {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            last: 0,
            told: Vec::new(),
            _watchdog: bark,
            _profile: profile,
        })
    }

    /// Opens a file as a page so wide, in a colour scheme, and waits until it is there.
    pub(crate) fn open(&mut self, file: &Path, width: u32, scheme: &str) -> Tab<'_> {
        self.go_to(&format!("file://{}", file.display()), width, scheme)
    }

    /// The same with an address.
    pub(crate) fn go_to(&mut self, url: &str, width: u32, scheme: &str) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call(None, "Target.attachToTarget", &attach);
        let session = session["sessionId"].as_str().unwrap().to_owned();
        let mut tab = Tab {
            browser: self,
            session,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), &json!({}));
        }
        tab.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}),
        );
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        tab.call(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
        tab.browser.told.clear();
        tab.call("Page.navigate", &json!({"url": url}));
        tab.wait_for("Page.loadEventFired");
        tab
    }

    fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let to = self.to.as_mut().unwrap();
        to.write_all(format!("{message}\0").as_bytes()).unwrap();
        to.flush().unwrap();
        loop {
            let message = self.hear();
            if message["id"] == json!(id) {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.told.push(message);
        }
    }

    fn hear(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&bytes).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without its pipe it ends; its helpers may take a moment longer.
        self.to = None;
        let _already_gone = kill_process_group(group(&self.child), Signal::KILL);
        let _already_gone = self.child.wait();
    }
}

impl Tab<'_> {
    /// What an expression of the page gives.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let wish = json!({"expression": expression, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &wish);
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_until(&mut self, expression: &str) {
        let promise = format!(
            "new Promise(done => {{ const look = () => ({expression}) ? done(true) \
             : setTimeout(look, 50); look(); }})"
        );
        let wish = json!({"expression": promise, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &wish);
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
    }

    /// Goes without scripts from the next page on.
    pub(crate) fn forbid_scripts(&mut self) {
        self.call(
            "Emulation.setScriptExecutionDisabled",
            &json!({"value": true}),
        );
    }

    /// Loads the page again.
    pub(crate) fn reload(&mut self) {
        self.browser.told.clear();
        self.call("Page.reload", &json!({}));
        self.wait_for("Page.loadEventFired");
    }

    /// The addresses that were asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.told("Network.requestWillBeSent")
            .map(|event| event["params"]["request"]["url"].to_string())
            .collect()
    }

    /// What the page had to complain about.
    pub(crate) fn complaints(&self) -> Vec<String> {
        [
            "Log.entryAdded",
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
        ]
        .into_iter()
        .flat_map(|method| self.told(method))
        .map(|event| event["params"].to_string())
        .collect()
    }

    /// A picture of the whole page, as it is sent: PNG in base64.
    pub(crate) fn picture(&mut self) -> String {
        let height = self.ask("document.documentElement.scrollHeight");
        let width = self.ask("innerWidth");
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let wish = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let answer = self.call("Page.captureScreenshot", &wish);
        answer["data"].as_str().unwrap().to_owned()
    }

    fn told(&self, method: &str) -> impl Iterator<Item = &Value> {
        let of_page = move |event: &&Value| {
            event["sessionId"] == json!(self.session) && event["method"] == json!(method)
        };
        self.browser.told.iter().filter(of_page)
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        let session = self.session.clone();
        self.browser.call(Some(&session), method, params)
    }

    fn wait_for(&mut self, method: &str) {
        while self.told(method).next().is_none() {
            let message = self.browser.hear();
            self.browser.told.push(message);
        }
    }
}

fn group(child: &Child) -> Pid {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.unwrap()
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut places = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.find(|place| place.is_file())
}
