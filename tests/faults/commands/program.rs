//! The real program against the reference: commands as people type them, killed commands, runs, and
//! commands beside a run that is active.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::process::Child;

use autoexec::model::layout::StateDir;
use autoexec::store::Access;
use autoexec::store::Store;
use autoexec::support::clock::Timestamp;

use crate::commands::compare::Extent;
use crate::commands::compare::compare;
use crate::commands::deeds::Deed;
use crate::commands::deeds::deed;
use crate::commands::deeds::file;
use crate::commands::deeds::stories;
use crate::commands::model::Model;
use crate::commands::model::Refused;
use crate::commands::nouns::New;
use crate::commands::nouns::State;
use crate::commands::tell_shortest;
use crate::commands::typed::Verb;
use crate::commands::typed::exit_code;
use crate::sandbox::Answer;
use crate::sandbox::Sandbox;
use crate::sandbox::wait_until;
use crate::trials::Trials;
use crate::wild::fake_task;

/// A queue of the real program and its reference.
struct Typist {
    sandbox: Sandbox,
    model: Model,
    /// The run that is active, and the task that takes its slot.
    active: Option<Child>,
    keepers: usize,
    /// Where the next command is killed.
    kill_at: Option<String>,
    /// Attempts that the reference saw begin.
    started: Vec<&'static str>,
}

impl Typist {
    /// Plays a sequence on both sides; says what differs.
    fn play(sequence: &[Deed]) -> Result<(), String> {
        let mut typist = Self {
            sandbox: Sandbox::new(),
            model: Model::default(),
            active: None,
            keepers: 0,
            kill_at: None,
            started: Vec::new(),
        };
        // There is a queue to look at.
        typist.keeper(exit_code(0));
        typist.sandbox.ok(["run", "--no-progress"]);
        for deed in sequence {
            typist
                .take(deed)
                .map_err(|why| format!("{deed:?}\n{why}"))?;
        }
        typist.kill_at = None;
        typist.take(&Deed::Run { slots: 2 })?;
        typist.take(&Deed::Check)
    }

    fn take(&mut self, deed: &Deed) -> Result<(), String> {
        match deed {
            Deed::Killed { commit, is_before } => {
                let place = if *is_before { "before" } else { "after" };
                // What a run was asked for by a dead command is T1's.
                self.kill_at = (self.active.is_none()).then(|| format!("{place}_commit:{commit}"));
                return Ok(());
            }
            Deed::Add { tasks, replace } => self.add(tasks, *replace)?,
            Deed::Change(verb, which, names) => {
                let mut names = names.clone();
                // Three of four times somebody has looked first.
                if which % 4 != 0
                    && let Some(name) = self.model.changed_by(*verb, *which)
                {
                    names.retain(|other| *other != name);
                    names.insert(0, name);
                    names.truncate(1 + which % 2);
                }
                self.change(*verb, &names)?;
            }
            Deed::Run { slots } => self.run(*slots)?,
            Deed::Begin if self.active.is_none() => self.begin(),
            Deed::Begin => {}
            Deed::List => self.list()?,
            Deed::Check => {
                let answer = self.sandbox.run(["db", "check"]);
                expect(&answer, answer.code == 0)?;
            }
        }
        self.compare(&self.model)
    }

    fn compare(&self, model: &Model) -> Result<(), String> {
        let extent = match &self.active {
            Some(_) => Extent::BesideARun,
            None => Extent::Visible,
        };
        compare(&self.store(), model, extent, self.keepers)
    }

    fn store(&self) -> Store {
        let dir = StateDir::at(self.sandbox.state());
        Store::open(&dir, Access::ReadOnly, Timestamp::from_millis(0)).unwrap()
    }

    fn type_(&mut self, words: &[String]) -> Answer {
        let mut command = self.sandbox.command();
        if let Some(place) = self.kill_at.take() {
            command.env("__AUTOEXEC_CRASH_AT", place);
        }
        self.sandbox.finish(command.args(words))
    }

    fn add(&mut self, tasks: &[New], replace: bool) -> Result<(), String> {
        let is_beside = self.active.is_some();
        let may_be_claimed = |task: &&New| {
            let present = self.model.find(task.definition.name);
            let state = present
                .and_then(|id| self.model.task(id))
                .map(|task| task.state);
            is_beside && matches!(state, Some(State::Queued { .. }))
        };
        // Whether a task counts as attempted is not ours to know while a run may have claimed it.
        let tasks: Vec<New> = tasks
            .iter()
            .filter(|task| !may_be_claimed(task))
            .cloned()
            .collect();
        if tasks.is_empty() {
            return Ok(());
        }
        self.sandbox.file("tasks.toml", file(&tasks));
        let mut words = words("queue add tasks.toml --json");
        if replace {
            words.push("--replace".to_owned());
        }
        let known = self.model.tasks.iter().map(|task| task.id).max();
        let answer = self.type_(&words);
        let store = self.store();
        // Those that are new have numbers of their own; where none was added any number will do.
        let ids: Vec<i64> = (1..)
            .zip(&tasks)
            .map(|(place, task)| {
                let found = store.find(task.definition.name).unwrap();
                let new = found.map(autoexec::model::ids::TaskId::get);
                new.filter(|id| Some(*id) > known)
                    .unwrap_or(i64::MAX - place)
            })
            .collect();
        let mut model = self.model.clone();
        let expected = model.add_file(&tasks, replace, &ids);
        self.settle(&answer, expected, model)
    }

    fn change(&mut self, verb: Verb, names: &[&str]) -> Result<(), String> {
        let mut words = words(&format!("queue {} {}", verb.word(), names.join(" ")));
        match verb {
            Verb::Complete => words.push("--reason=x".to_owned()),
            Verb::Reprioritize(priority) => words.push(format!("--priority={priority}")),
            Verb::Cancel | Verb::Hold | Verb::Release | Verb::Retry | Verb::Remove => {}
        }
        let answer = self.type_(&words);
        let mut model = self.model.clone();
        let expected = model.command(verb, names);
        self.settle(&answer, expected, model)
    }

    /// Takes over what the reference has become, or what it was where the command was killed before it
    /// had done anything.
    fn settle(
        &mut self,
        answer: &Answer,
        expected: Result<(), Refused>,
        after: Model,
    ) -> Result<(), String> {
        if answer.code == 137 {
            if self.compare(&after).is_ok() {
                self.model = after;
            }
            return Ok(());
        }
        // 1: all was done, and somebody should know of something.
        let is_right = match expected {
            Ok(()) => matches!(answer.code, 0 | 1),
            Err(Refused) => answer.code == 2,
        };
        expect(answer, is_right)?;
        self.model = after;
        Ok(())
    }

    fn run(&mut self, slots: u8) -> Result<(), String> {
        let was_beside = self.active.is_some();
        let answer = if let Some(run) = self.active.take() {
            self.sandbox.file(&format!("go-{}", self.keepers), "");
            self.sandbox.answer_of(run)
        } else {
            self.type_(&words(&format!("run --no-progress -j {slots}")))
        };
        if answer.code == 137 {
            // Killed at one of its first commits: what it had begun is the next run's.
            return self.run(slots);
        }
        let (started, has_failed) = self.model.run();
        // Somebody may have called off what a run beside had nothing to do with.
        let is_held = self
            .model
            .tasks
            .iter()
            .any(|task| task.state == State::Held);
        let needs_person = i32::from(has_failed || is_held);
        let is_right = answer.code == needs_person || (was_beside && answer.code < 2);
        expect(&answer, is_right)?;
        self.started.extend(started);
        self.started.sort_unstable();
        let written = std::fs::read_to_string(self.sandbox.work().join("started"));
        let written = written.unwrap_or_default();
        let mut written: Vec<&str> = written.lines().collect();
        written.sort_unstable();
        if written == self.started {
            Ok(())
        } else {
            let expected = &self.started;
            Err(format!("started: expected {expected:?}, found {written:?}"))
        }
    }

    /// Adds a task that the reference does not know.
    fn keeper(&mut self, code: u8) {
        self.keepers += 1;
        let number = self.keepers;
        let (program, name) = (fake_task(), format!("keeper-{number}"));
        let begin = words("queue add --priority 1000 --name");
        let mut add = self.sandbox.command();
        add.args(begin).arg(name).arg("--").arg(program);
        if number > 1 {
            let (there, go) = (format!("there-{number}"), format!("go-{number}"));
            add.args(["record", &there, "x", "wait-for", &go]);
        }
        let added = self.sandbox.finish(add.args(["exit", &code.to_string()]));
        assert_eq!(added.code, 0, "{}", added.stderr);
    }

    fn begin(&mut self) {
        self.kill_at = None;
        self.keeper(0);
        self.active = Some(self.sandbox.start(&["run", "--no-progress", "-j", "1"]));
        let there = self.sandbox.work().join(format!("there-{}", self.keepers));
        wait_until("the slot is taken", || there.exists());
    }

    fn list(&self) -> Result<(), String> {
        let told = self.sandbox.run(["queue", "list", "--all", "--json"]);
        expect(&told, told.code == 0)?;
        let told = told.json();
        let tasks = told["tasks"].as_array().unwrap();
        for task in &self.model.tasks {
            let line = tasks.iter().find(|line| line["id"] == task.id);
            let status = line.and_then(|line| line["status"].as_str());
            let word = task.state.word();
            if status != Some(word) {
                return Err(format!(
                    "told of task {}: expected {word}, found {line:?}",
                    task.id
                ));
            }
        }
        Ok(())
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        if let Some(run) = self.active.take() {
            self.sandbox.file(&format!("go-{}", self.keepers), "");
            self.sandbox.answer_of(run);
        }
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn expect(answer: &Answer, is_right: bool) -> Result<(), String> {
    if is_right {
        return Ok(());
    }
    Err(format!(
        "exit code {}\n{}{}",
        answer.code, answer.stdout, answer.stderr
    ))
}

#[test]
fn no_sequence_of_typed_commands_makes_the_program_differ_from_its_reference() {
    let mut trials = Trials::of("T8 typed commands", 3, 500);
    let random = (0..trials.wanted).map(|_| {
        let length = trials.rng.usize(6..20);
        (0..length).map(|_| deed(&mut trials.rng)).collect()
    });
    let sequences: Vec<Vec<Deed>> = stories().into_iter().chain(random).collect();
    let mut deeds = 0;
    for (number, sequence) in (0..).zip(sequences.iter().cloned()) {
        deeds += sequence.len();
        let differs = |sequence: &[Deed]| {
            let tried = catch_unwind(AssertUnwindSafe(|| Typist::play(sequence)));
            tried.unwrap_or_else(|_| Err("it panicked".to_owned()))
        };
        if let Err(first) = differs(&sequence) {
            tell_shortest(number, sequence, first, differs);
        }
    }
    trials.tell(&[
        ("sequences", &sequences.len()),
        ("commands", &deeds),
        ("differences", &0),
    ]);
}
