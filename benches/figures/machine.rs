//! On what is measured: machine, system, disk, and the versions of all who take part.
//!
//! Names of machines, users and folders are left out, because the figures are published.

use std::path::Path;
use std::process::Stdio;

use autoexec::support::text;

use crate::peers::PEERS;
use crate::place::Place;
use crate::queue;

/// Facts, each with what it is about, in the order in which they are told.
pub(crate) fn facts(place: &Place) -> Vec<(&'static str, String)> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let model = value_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = value_of("/proc/meminfo", "MemTotal")
        .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map_or_else(|| "unknown".to_owned(), |kib| gibibytes(kib * 1024));
    let mut facts = vec![
        (
            "date",
            queue::now().utc().format("%Y-%m-%d %H:%M UTC").to_string(),
        ),
        ("autoexec", own_version(place)),
        (
            "processors",
            format!("{} ({model})", text::count(processors, "processor")),
        ),
        ("memory", memory),
        ("kernel", format!("Linux {}", kernel())),
        ("file system", file_system(place.root())),
        ("SQLite", rusqlite::version().to_owned()),
    ];
    for peer in &PEERS {
        let version = peer.found(place).map(|(_, version)| version);
        let version = version.unwrap_or_else(|| "not installed here, not measured".to_owned());
        facts.push((peer.name, version));
    }
    facts
}

/// The version, and the commit where the sources lie in a repository.
fn own_version(place: &Place) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let commit = place.command(Path::new("git")).ok().and_then(|mut git| {
        let asked = git
            .args(["-C", env!("CARGO_MANIFEST_DIR")])
            .args(["-c", "safe.directory=*"])
            .args(["rev-parse", "--short", "HEAD"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let output = asked.output().ok()?;
        let commit = String::from_utf8(output.stdout).ok()?;
        (output.status.success()).then(|| commit.trim().to_owned())
    });
    match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

fn kernel() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    kernel.trim().to_owned()
}

/// The value behind the first line with this name.
fn value_of(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The kind of the file system that holds a folder: that of the longest mount point above it.
fn file_system(folder: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (point, kind) = (words.next()?, words.next()?);
            folder
                .starts_with(point)
                .then(|| (point.len(), kind.to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind)
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
