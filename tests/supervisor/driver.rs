//! A supervisor and the test in the place of its runner.

use autoexec::model::attempt::Assignment;
use autoexec::model::ids::AttemptId;
use autoexec::model::ids::Epoch;
use autoexec::model::ids::ProcessIdentity;
use autoexec::model::ids::QueueId;
use autoexec::model::ids::RunId;
use autoexec::model::ids::TaskId;
use autoexec::model::ids::TaskName;
use autoexec::model::layout::StateDir;
use autoexec::model::message::Force;
use autoexec::model::message::FrameReader;
use autoexec::model::message::FromSupervisor;
use autoexec::model::message::ToSupervisor;
use autoexec::model::message::encode;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Exit;
use autoexec::model::outcome::Outcome;
use autoexec::model::outcome::StopReason;
use autoexec::model::slot::SlotEntry;
use autoexec::model::spec::Command as TaskCommand;
use autoexec::model::spec::Surroundings;
use autoexec::model::spec::TaskSpec;
use autoexec::process::Stream;
use autoexec::process::cgroup;
use autoexec::process::epoch;
use autoexec::process::identity;
use autoexec::process::launch::Launch;
use autoexec::process::launch::SUPERVISE;
use autoexec::process::logread::Piece;
use autoexec::process::logread::read;
use autoexec::process::slotfile;
use autoexec::process::sweep::sweep;
use autoexec::supervisor::WhenRunnerDies;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

pub(crate) const RUN: RunId = RunId::new(1);
pub(crate) const EPOCH: Epoch = Epoch(5);
/// Far more than anything here takes; only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A queue of its own for each driver, so that no test sweeps what belongs to another.
pub(crate) fn new_queue() -> QueueId {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut id = [9; 16];
    id[..4].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    id[4..8].copy_from_slice(&std::process::id().to_le_bytes());
    QueueId(id)
}

/// A supervisor and the test in the place of its runner.
pub(crate) struct Driver {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) state: StateDir,
    pub(crate) queue: QueueId,
    pub(crate) child: Child,
    pub(crate) pipe: Option<ChildStdin>,
    pub(crate) words: mpsc::Receiver<FromSupervisor>,
    pub(crate) own: ProcessIdentity,
}

impl Driver {
    pub(crate) fn start() -> Self {
        Self::start_as(WhenRunnerDies::Adopt, None)
    }

    /// A supervisor that tells of a silence of so many milliseconds.
    pub(crate) fn start_impatient(millis: u64) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autoexec"));
        command.env("__AUTOEXEC_STALLED_AFTER_MS", millis.to_string());
        Self::start_through(command, WhenRunnerDies::Adopt)
    }

    /// A supervisor that waits for so long for the pipes of a command that is gone.
    pub(crate) fn start_patient(patience: Duration) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autoexec"));
        let millis = patience.as_millis().to_string();
        command.env("__AUTOEXEC_PIPE_PATIENCE_MS", millis);
        Self::start_through(command, WhenRunnerDies::Adopt)
    }

    /// A supervisor under a limit of the shell's `ulimit`.
    pub(crate) fn start_limited(ulimit: &str) -> Self {
        let mut shell = Command::new("/bin/sh");
        let script = format!("ulimit {ulimit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_autoexec")]);
        Self::start_through(shell, WhenRunnerDies::Adopt)
    }

    /// A supervisor whose runner is in a control group.
    pub(crate) fn start_in(group: &Path) -> Self {
        let mut shell = Command::new("/bin/sh");
        let script = "echo $$ > \"$GROUP/cgroup.procs\"; exec \"$0\" \"$@\"";
        shell.args(["-c", script, env!("CARGO_BIN_EXE_autoexec")]);
        shell.env("GROUP", group);
        Self::start_through(shell, WhenRunnerDies::Adopt)
    }

    pub(crate) fn start_as(when_runner_dies: WhenRunnerDies, crash: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autoexec"));
        if let Some(place) = crash {
            command.env("__AUTOEXEC_CRASH_AT", place);
        }
        Self::start_through(command, when_runner_dies)
    }

    fn start_through(mut command: Command, when_runner_dies: WhenRunnerDies) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path());
        let queue = new_queue();
        let work = dir.path().join("work");
        for folder in [
            state.slots(),
            state.logs(),
            state.checkpoints(),
            state.said(),
            work,
        ] {
            std::fs::create_dir(folder).unwrap();
        }
        epoch::write(&state.epoch(), EPOCH).unwrap();
        let launch = Launch {
            executable: Path::new(env!("CARGO_BIN_EXE_autoexec")),
            dir: &state,
            queue,
            run: RUN,
            slot: 0,
            epoch: EPOCH,
            adopt: when_runner_dies == WhenRunnerDies::Adopt,
            stalled_after: Duration::from_mins(30),
        };
        command
            .arg(SUPERVISE)
            .args(launch.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let pipe = child.stdin.take();
        let mut output = child.stdout.take().unwrap();
        let (sender, words) = mpsc::channel();
        std::thread::spawn(move || {
            let mut frames = FrameReader::default();
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                frames.push(&buffer[..count]);
                while let Some(word) = frames.next_message().unwrap() {
                    if sender.send(word).is_err() {
                        return;
                    }
                }
            }
        });
        let Ok(FromSupervisor::Ready { supervisor }) = words.recv_timeout(PATIENCE) else {
            panic!("the supervisor did not come to life");
        };
        Self {
            dir,
            state,
            queue,
            child,
            pipe,
            words,
            own: supervisor,
        }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(crate) fn task(&self, id: i64, argv: &[&str]) -> Assignment {
        let argv = argv.iter().map(|text| (*text).into()).collect();
        let mut spec = TaskSpec::of_command(
            TaskName::new("one").unwrap(),
            TaskCommand::Direct(argv),
            self.work().into(),
        );
        spec.grace = PATIENCE;
        Assignment {
            attempt: AttemptId::new(id),
            task: TaskId::new(id),
            run: RUN,
            spec,
            surroundings: Surroundings::default(),
            variables: BTreeMap::new(),
            timeout: None,
            ends_at: None,
            steps_done: 0,
            remedies: Vec::new(),
            environments: Vec::new(),
            series_started: None,
        }
    }

    pub(crate) fn shell(&self, id: i64, script: &str) -> Assignment {
        self.task(id, &["/bin/sh", "-c", script])
    }

    pub(crate) fn say(&mut self, word: &ToSupervisor) {
        let frame = encode(word).unwrap();
        self.pipe.as_mut().unwrap().write_all(&frame).unwrap();
    }

    pub(crate) fn assign(&mut self, assignment: Assignment) {
        self.say(&ToSupervisor::Assign(Box::new(assignment)));
    }

    pub(crate) fn stop(&mut self, id: i64, force: Force) {
        self.say(&ToSupervisor::Stop {
            attempt: AttemptId::new(id),
            reason: StopReason::Cancelled,
            force,
        });
    }

    pub(crate) fn word(&self) -> FromSupervisor {
        self.words.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn started(&self) -> ProcessIdentity {
        match self.word() {
            FromSupervisor::Started { process, .. } => process,
            other => panic!("not started: {other:?}"),
        }
    }

    /// The outcome of the next attempt that ends; its start and its progress are passed over.
    pub(crate) fn outcome(&self) -> Outcome {
        loop {
            match self.word() {
                FromSupervisor::Ended { outcome, .. } => return *outcome,
                FromSupervisor::Started { .. } | FromSupervisor::Progress { .. } => {}
                other => panic!("not ended: {other:?}"),
            }
        }
    }

    pub(crate) fn run(&mut self, assignment: Assignment) -> Outcome {
        self.assign(assignment);
        self.outcome()
    }

    pub(crate) fn output(&self, outcome: &Outcome, stream: Stream) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in read(&self.state.logs(), &outcome.output, Some(stream)).unwrap() {
            if let Piece::Output { bytes: part, .. } = piece.unwrap() {
                bytes.extend(part);
            }
        }
        bytes
    }

    pub(crate) fn record(&self, id: i64) -> Option<SlotEntry> {
        let pages = slotfile::read_pages(&self.state.slot(RUN, 0)).unwrap();
        slotfile::latest(&pages, self.queue)
            .remove(&AttemptId::new(id))
            .map(|record| record.entry)
    }

    /// Waits for the supervisor's end, which its lock tells.
    pub(crate) fn wait(&mut self) {
        slotfile::wait_lock(&self.state.slot(RUN, 0)).unwrap();
        self.child.wait().unwrap();
    }

    /// The name of the control group of the supervisor's slot.
    pub(crate) fn group(&self) -> String {
        cgroup::name(self.queue, &self.state.slot(RUN, 0)).unwrap()
    }

    pub(crate) fn runner_dies(&mut self) {
        self.pipe = None;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Whatever a failed test leaves behind: first the supervisor, then its attempts.
        let _gone = self.child.kill();
        let _dead = self.child.wait();
        let attempts: Vec<AttemptId> = (1..=12).map(AttemptId::new).collect();
        sweep(self.queue, &attempts, &[self.own], Some(&self.group()));
    }
}

/// Waits until a file is there and has a whole line; the line.
pub(crate) fn line_of(path: &Path) -> String {
    loop {
        if let Ok(text) = std::fs::read_to_string(path)
            && text.ends_with('\n')
        {
            return text.trim().to_owned();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn process_in(path: &Path) -> Option<ProcessIdentity> {
    identity::identity(line_of(path).parse().unwrap())
}

pub(crate) fn by_itself(code: i32) -> Ended {
    Ended::ByItself(Exit::Code(code))
}
