//! Facts that no night should have: hostile texts, numbers at the borders, spans that go backwards,
//! nothing at all, and very much.

use std::time::Duration;

use autoexec::model::category::Category;
use autoexec::model::ids::AttemptId;
use autoexec::model::ids::RunId;
use autoexec::model::ids::TaskId;
use autoexec::model::ids::TaskName;
use autoexec::model::outcome::FoundFile;
use autoexec::model::recovery::RecoveryState;
use autoexec::model::state::Hold;
use autoexec::model::state::Skip;
use autoexec::model::state::TaskState;
use autoexec::policy::compare::Night;
use autoexec::policy::since::Difference;
use autoexec::report::facts::AttemptFacts;
use autoexec::report::facts::Facts;
use autoexec::report::facts::Failure;
use autoexec::report::facts::Fate;
use autoexec::report::facts::RunFacts;
use autoexec::report::facts::Scope;
use autoexec::report::facts::TaskFacts;
use autoexec::store::BreakerBrief;
use autoexec::store::RateBrief;
use autoexec::store::RecoveryBrief;
use autoexec::store::parking::Parked;
use autoexec::store::retention::Cleared;
use autoexec::support::clock::Timestamp;
use fastrand::Rng;

/// Whatever a child may print; what is an element is called `evil`.
pub(crate) const TEXTS: &[&str] = &[
    "",
    " ",
    "plain words",
    "\u{1b}[2J\u{1b}]0;evil\u{7}\u{9b}31m",
    "line\nerror: evil\r\n\ttab\u{2028}\u{2029}\u{85}",
    "</pre></td></script><evil onload=evil()>'\"&amp;</evil><!-- ]]>",
    "<svg/onload=evil()>\"><evil a='",
    "[evil](https://evil.invalid) ![evil](x) <https://evil.invalid> www.evil.invalid",
    "```\n# evil\n~~~\n| a | b |\n|---|---|\n<evil>\n\n    evil",
    "*evil* _evil_ `evil` ``` ` \\` \\ {{ evil }} {% evil %}",
    "\u{202e}evil\u{2066}\u{200b}\u{feff}\u{e0041}",
    "@everyone <!channel> <@1> #1",
    "東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京東京",
    "e\u{301}\u{351}\u{352}\u{353}\u{489}👨‍👩‍👧‍👦🏳️‍🌈",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "1. evil\n- evil\n> evil\n====\n<br>&#60;evil&#62;",
];

/// The largest number that the queue can hold.
const MOST: u64 = i64::MAX as u64;

/// Draws facts.
pub(crate) struct Drawer<'a> {
    pub(crate) rng: &'a mut Rng,
    /// Whether every text is two harmless words; all else is the same.
    pub(crate) is_plain: bool,
}

impl Drawer<'_> {
    pub(crate) fn text(&mut self) -> String {
        let text = match self.rng.u8(..10) {
            0 => (0..self.rng.usize(..60))
                .map(|_| self.rng.char(..))
                .collect(),
            1 => self
                .rng
                .choice(TEXTS)
                .unwrap()
                .repeat(self.rng.usize(1..200)),
            _ => (*self.rng.choice(TEXTS).unwrap()).to_owned(),
        };
        if self.is_plain {
            "plain words".to_owned()
        } else {
            text
        }
    }

    fn word(&mut self, usual: &[&str]) -> String {
        if self.rng.u8(..6) == 0 {
            self.text()
        } else {
            (*self.rng.choice(usual).unwrap()).to_owned()
        }
    }

    fn name(&mut self) -> TaskName {
        let plain = b"abcXYZ019._-";
        let length = if self.rng.u8(..4) == 0 {
            64
        } else {
            self.rng.usize(1..12)
        };
        let mut name = String::from("n");
        while name.len() < length {
            name.push(char::from(*self.rng.choice(plain).unwrap()));
        }
        TaskName::new(&name).unwrap()
    }

    fn number(&mut self) -> u64 {
        let borders = [
            0,
            1,
            9,
            10,
            999,
            1000,
            1023,
            1024,
            u64::from(u32::MAX),
            MOST,
        ];
        match self.rng.u8(..3) {
            0 => *self.rng.choice(&borders).unwrap(),
            _ => self.rng.u64(..100_000),
        }
    }

    fn span(&mut self) -> Duration {
        match self.rng.u8(..6) {
            0 => Duration::ZERO,
            1 => Duration::from_millis(MOST),
            2 => Duration::from_millis(self.rng.u64(..=MOST)),
            _ => Duration::from_millis(self.rng.u64(..100_000_000)),
        }
    }

    fn instant(&mut self) -> Timestamp {
        const EVENING: i64 = 1_699_992_000_000;
        let borders = [
            0,
            -1,
            1,
            i64::MIN,
            i64::MAX,
            -62_135_596_800_000,
            253_402_300_800_000,
        ];
        Timestamp::from_millis(match self.rng.u8(..12) {
            0 => *self.rng.choice(&borders).unwrap(),
            1 => self.rng.i64(..),
            _ => EVENING + self.rng.i64(-40_000_000..40_000_000),
        })
    }

    fn maybe<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.rng.bool() {
            Some(draw(self))
        } else {
            None
        }
    }

    fn some<T>(&mut self, most: usize, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let many = self.rng.usize(..=most) * usize::from(self.rng.bool());
        (0..many).map(|_| draw(self)).collect()
    }

    fn id(&mut self) -> i64 {
        self.rng.i64(1..200)
    }

    fn failure(&mut self) -> Failure {
        Failure {
            category: *self.rng.choice(&Category::ALL).unwrap(),
            pattern: self.word(&["connection_refused", "out_of_memory", "unknown", "timeout"]),
            line: self.maybe(|drawer| drawer.text().as_str().into()),
        }
    }

    fn fate(&mut self) -> Fate {
        match self.rng.u8(..6) {
            0 => Fate::Open,
            1 => Fate::Succeeded,
            2 => Fate::Stopped(self.failure()),
            3 => Fate::Lost(self.failure()),
            _ => Fate::Failed(self.failure()),
        }
    }

    fn state(&mut self) -> TaskState {
        let attempt = AttemptId::new(self.id());
        match self.rng.u8(..10) {
            0 => TaskState::Queued {
                due: self.maybe(Self::instant),
                claim: self.maybe(|_| attempt),
            },
            1 => TaskState::Running { attempt },
            2 => TaskState::Recovering { attempt },
            3 => TaskState::Held(Hold {
                code: self.word(&["poison", "maybe_ran", "by_hand", "window"]),
                reason: self.text(),
            }),
            4 => TaskState::Succeeded,
            5 => TaskState::Cancelled,
            6 => TaskState::Skipped(Skip::Blocked),
            7 => TaskState::Skipped(Skip::NotNeeded),
            _ => TaskState::Failed,
        }
    }

    fn attempt(&mut self) -> AttemptFacts {
        AttemptFacts {
            id: AttemptId::new(self.id()),
            number: self.rng.u32(1..9),
            run: RunId::new(self.rng.i64(1..4)),
            started_at: self.maybe(Self::instant),
            ended_at: self.maybe(Self::instant),
            duration: self.span(),
            fate: self.fate(),
            max_rss_bytes: self.number(),
            cpu: self.span(),
            doubt: self.maybe(|drawer| drawer.text().as_str().into()),
            log: self.maybe(|drawer| drawer.word(&["logs/1-0.seg"])),
            // More processes no machine has.
            leftovers: self.rng.u32(..1 << 22),
        }
    }

    fn file(&mut self) -> FoundFile {
        FoundFile {
            name: self.text(),
            bytes: self.number(),
            modified: self.rng.i64(..),
        }
    }

    fn difference(&mut self) -> Difference {
        match self.rng.u8(..5) {
            0 => Difference::Definition {
                keys: self.some(4, Self::text),
            },
            1 => Difference::Environment,
            2 => Difference::Tool(self.file()),
            3 => Difference::Input {
                now: self.file(),
                before: self.number(),
            },
            _ => Difference::Duration {
                now: self.span(),
                before: self.span(),
            },
        }
    }

    fn night(&mut self) -> Night {
        Night {
            succeeded: self.rng.bool(),
            at: self.instant(),
            same_definition: self.rng.bool(),
            took: self.span(),
            cpu: self.span(),
            max_rss_bytes: self.number(),
        }
    }

    fn recovery(&mut self, task: i64) -> RecoveryBrief {
        RecoveryBrief {
            task: TaskId::new(task),
            attempt: AttemptId::new(self.id()),
            pattern: self.word(&["connection_refused", "no_space"]),
            strategy: self.word(&["wait_and_retry", "clean_temp", "run_alone"]),
            state: *self.rng.choice(&RecoveryState::ALL).unwrap(),
            started_at: self.instant(),
            ended_at: self.maybe(Self::instant),
            detail: self.maybe(Self::text),
        }
    }

    fn task(&mut self, id: i64) -> TaskFacts {
        TaskFacts {
            id: TaskId::new(id),
            name: self.name(),
            state: self.state(),
            priority: self.rng.i64(..),
            rescue_round: self.rng.u32(..3),
            attempts: self.some(4, Self::attempt),
            parked: self.maybe(|drawer| Parked {
                by: drawer.word(&["window", "breaker", "service", "cause", "rescue"]),
                on: drawer.maybe(Self::text),
                detail: drawer.maybe(Self::text),
                next_try: drawer.maybe(Self::instant),
            }),
            waits_for: self.some(3, Self::name),
            blocked_by: self.maybe(|drawer| (TaskId::new(drawer.id()), drawer.name())),
            anew: self.maybe(|drawer| TaskId::new(drawer.id())),
            blocker_anew: self.maybe(|drawer| TaskId::new(drawer.id())),
            earlier: self.some(5, Self::night),
            since: self.some(4, Self::difference),
            recoveries: self.some(3, |drawer| drawer.recovery(id)),
            given_up: self
                .maybe(|drawer| (drawer.word(&["deadline"]), drawer.text().as_str().into())),
            requeued_at: self.maybe(Self::instant),
        }
    }

    fn run(&mut self, id: i64) -> RunFacts {
        RunFacts {
            id: RunId::new(id),
            mode: self.word(&["plain", "overnight", "command"]),
            started_at: self.instant(),
            ended_at: self.maybe(Self::instant),
            ended_because: self.maybe(|drawer| drawer.word(&["drained", "signal", "deadline"])),
            exit_code: self.maybe(|drawer| drawer.rng.i32(..)),
            window: self.maybe(|drawer| (drawer.instant(), drawer.instant())),
            rebooted: self.rng.bool(),
        }
    }

    /// Facts with at most so many tasks.
    pub(crate) fn facts(&mut self, most: i64) -> Facts {
        let tasks = self.rng.i64(0..=most);
        let runs = self.rng.i64(0..4);
        Facts {
            now: self.instant(),
            scope: match self.rng.u8(..3) {
                0 => Scope::SinceRead(self.maybe(Self::instant)),
                1 => Scope::Runs {
                    first: RunId::new(1),
                    last: RunId::new(1),
                },
                _ => Scope::Since(self.instant()),
            },
            from: self.instant(),
            to: self.instant(),
            active_run: self.maybe(|_| RunId::new(1)),
            ever_run: self.rng.bool(),
            last_window: self.maybe(|drawer| (drawer.instant(), drawer.instant())),
            runs: (1..=runs).map(|id| self.run(id)).collect(),
            tasks: (1..=tasks).map(|id| self.task(id)).collect(),
            needing: self.maybe(|drawer| {
                (1..=tasks)
                    .filter(|_| drawer.rng.bool())
                    .map(TaskId::new)
                    .collect()
            }),
            cleared: Cleared {
                tasks: self.number(),
                attempts: self.number(),
                events: self.number(),
                log_files: self.number(),
                log_bytes: self.number(),
            },
            rates: self.some(4, |drawer| {
                let tried = drawer.number();
                RateBrief {
                    pattern: drawer.word(&["connection_refused"]),
                    strategy: drawer.word(&["wait_and_retry"]),
                    tried,
                    succeeded: drawer.rng.u64(..=tried),
                }
            }),
            breakers: self.some(3, |drawer| BreakerBrief {
                name: drawer.text(),
                state: (*drawer.rng.choice(&["open", "closed", "half_open"]).unwrap()).to_owned(),
                opened: drawer.number(),
                opened_at: drawer.maybe(Self::instant),
                next_probe_at: drawer.maybe(Self::instant),
                changed_at: drawer.instant(),
                last_line: drawer.maybe(Self::text),
            }),
        }
    }
}
