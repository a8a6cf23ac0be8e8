//! Other programs that work through many commands, on the same no-op tasks: what each of them does
//! for it differs, so each is said to lack what it lacks.
//!
//! Only what is installed is measured; what is not is said. autoexec takes part as somebody would use
//! it instead: the tasks come from a file, are added durably and run.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::place::Place;
use crate::queue;
use crate::score::{Figure, Score, Target, Unit};
use crate::turns::{Contestant, Cost, in_turns, timed, walls};

const SLOTS: [usize; 3] = [1, 2, 8];

/// Adds every task by a call of its own, as users do, and waits for the last ones.
const SPOOL: &str = r#"set -e
"$0" -S "$1"
for number in $(seq "$2"); do "$0" true >/dev/null; done
for number in $(seq $(($2 > 16 ? $2 - 16 : 0)) $(($2 - 1))); do "$0" -w "$number"; done
"$0" -K"#;

/// The same with a daemon that is told everything through its client.
const PUEUE: &str = r#"set -e
pueued -c "$0" -d >/dev/null
until pueue -c "$0" status >/dev/null 2>&1; do sleep 0.01; done
pueue -c "$0" parallel "$1" >/dev/null
for number in $(seq "$2"); do pueue -c "$0" add -- true >/dev/null; done
pueue -c "$0" wait -q >/dev/null
pueue -c "$0" shutdown >/dev/null"#;

/// Another program: how it is known, and what it does not do.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Commands of which one must be there, and what its version says of itself.
    commands: &'static [&'static str],
    version: &'static str,
    says: &'static str,
    /// What one has to know of the comparison.
    pub(crate) differs: &'static str,
    run: Option<Go>,
}

/// One go of a program over all tasks, with so many slots.
type Go = fn(&Place, &Path, usize, &Tasks) -> Result<Cost>;

/// All that are known.
pub(crate) const PEERS: [Peer; 4] = [
    Peer {
        name: "xargs -P",
        commands: &["xargs"],
        version: "--version",
        says: "xargs",
        differs: "captures nothing, records nothing, tries nothing again",
        // Part of the figures of `no-op`.
        run: None,
    },
    Peer {
        name: "GNU parallel --joblog",
        commands: &["parallel"],
        version: "--version",
        says: "GNU parallel",
        differs: "captures the output in temporary files, and writes a line per ended task into its \
                  log, which it does not bring to the disk; what was started and not ended is not \
                  recorded",
        run: Some(parallel),
    },
    Peer {
        name: "task-spooler",
        commands: &["tsp", "ts"],
        version: "-V",
        says: "Task Spooler",
        differs: "keeps its queue in the memory of a server, and the output of each task in a file \
                  that it does not bring to the disk; nothing of the queue outlives the server",
        run: Some(spooler),
    },
    Peer {
        name: "pueue",
        commands: &["pueue"],
        version: "--version",
        says: "pueue",
        differs: "needs a daemon, which is told of each task by a call of its client; every task runs \
                  in a shell",
        run: Some(pueue),
    },
];

/// The same tasks in the form that each program takes.
pub(crate) struct Tasks {
    count: usize,
    lines: PathBuf,
    toml: PathBuf,
}

impl Peer {
    /// The command and the first line of its version; `None` where it is not installed.
    pub(crate) fn found(&self, place: &Place) -> Option<(PathBuf, String)> {
        self.commands.iter().find_map(|command| {
            let program = PathBuf::from(command);
            let mut asked = place.command(&program).ok()?;
            let output = asked
                .arg(self.version)
                .stdout(std::process::Stdio::piped())
                .output()
                .ok()?;
            let text = String::from_utf8_lossy(&output.stdout);
            let line = text.lines().next()?.trim();
            // More than one program is called `ts`.
            (line.starts_with(self.says)).then(|| (program, shortened(line)))
        })
    }
}

/// A version without what stands behind it.
fn shortened(line: &str) -> String {
    line.split(" - ").next().unwrap_or(line).to_owned()
}

pub(crate) fn measure(place: &Place, score: &mut Score) -> Result<()> {
    let tasks = Tasks::write(place, place.pick(300, 1_000))?;
    let present: Vec<_> = PEERS
        .iter()
        .filter_map(|peer| {
            let run = peer.run?;
            let found = peer.found(place);
            if found.is_none() {
                score.not_measured(peer.name, "it is not installed here");
            }
            found.map(|(program, _)| (peer, program, run))
        })
        .collect();
    for slots in SLOTS {
        let tasks = &tasks;
        let mut contestants: Vec<Contestant<'_>> =
            vec![Box::new(move || autoexec(place, slots, tasks))];
        for (_, program, run) in &present {
            contestants.push(Box::new(move || run(place, program, slots, tasks)));
        }
        let costs = in_turns(place.pick(3, 7), contestants)?;
        let Some((ours, others)) = costs.split_first() else {
            continue;
        };
        for ((peer, _, _), costs) in present.iter().zip(others) {
            score.add(&Figure {
                what: format!("no-op task, {slots} at once, added and run"),
                unit: Unit::Seconds,
                ours: walls(ours, tasks.count),
                beside: Some((peer.name, walls(costs, tasks.count))),
                target: Target::Known,
            });
        }
    }
    Ok(())
}

impl Tasks {
    fn write(place: &Place, count: usize) -> Result<Self> {
        let folder = place.fresh()?;
        let (mut lines, mut toml) = (String::new(), String::new());
        for number in 0..count {
            writeln!(lines, "{number}")?;
            write!(
                toml,
                "[[task]]\nname = \"task-{number}\"\ncommand = [\"true\"]\n\n"
            )?;
        }
        let tasks = Self {
            count,
            lines: folder.join("numbers"),
            toml: folder.join("tasks.toml"),
        };
        std::fs::write(&tasks.lines, lines)?;
        std::fs::write(&tasks.toml, toml)?;
        Ok(tasks)
    }
}

fn autoexec(place: &Place, slots: usize, tasks: &Tasks) -> Result<Cost> {
    let dir = place.state()?;
    queue::of_no_ops(&dir, 0)?;
    let mut add = place.autoexec(&dir)?;
    let added = timed(place, add.args(["queue", "add"]).arg(&tasks.toml))?;
    let mut run = place.autoexec(&dir)?;
    let ran = timed(place, run.args(["run", "-j", &slots.to_string()]))?;
    Ok(Cost {
        wall: added.wall + ran.wall,
        cpu: added.cpu + ran.cpu,
    })
}

fn parallel(place: &Place, program: &Path, slots: usize, tasks: &Tasks) -> Result<Cost> {
    let log = place.fresh()?.join("joblog");
    let mut command = place.command(program)?;
    command
        .args(["-j", &slots.to_string(), "--joblog"])
        .arg(log);
    // The number becomes an argument, as with `xargs`.
    command.args(["true"]).stdin(File::open(&tasks.lines)?);
    timed(place, &mut command)
}

fn spooler(place: &Place, program: &Path, slots: usize, tasks: &Tasks) -> Result<Cost> {
    let folder = place.fresh()?;
    let mut command = script(place, SPOOL, program.as_os_str(), slots, tasks)?;
    command
        .env("TMPDIR", &folder)
        .env("TS_SOCKET", folder.join("socket"));
    timed(place, &mut command)
}

fn pueue(place: &Place, _program: &Path, slots: usize, tasks: &Tasks) -> Result<Cost> {
    let folder = place.fresh()?;
    let shown = folder.display();
    let config = folder.join("pueue.yml");
    std::fs::write(
        &config,
        format!(
            "shared:\n  pueue_directory: {shown}\n  runtime_directory: {shown}\n  \
             use_unix_socket: true\n  unix_socket_path: {}\n",
            folder.join("socket").display()
        ),
    )?;
    timed(
        place,
        &mut script(place, PUEUE, config.as_os_str(), slots, tasks)?,
    )
}

fn script(
    place: &Place,
    script: &str,
    name: &std::ffi::OsStr,
    slots: usize,
    tasks: &Tasks,
) -> Result<Command> {
    let mut command = place.command(Path::new("sh"))?;
    command.args(["-c", script]).arg(name);
    command.args([slots.to_string(), tasks.count.to_string()]);
    Ok(command)
}
