//! What a program did to the disk, as strace tells it, one call after the other.
//!
//! Not for reading any trace: the calls are those of [`CALLS`], and every text is in hexadecimal
//! digits (`-xx`), so that commas and brackets never stand in one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, Node};

/// What is traced: everything by which the contents or the names of files change, syncs, and what
/// tells which program acts.
pub(crate) const CALLS: &str = "execve,open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,\
    ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,\
    linkat,symlink,symlinkat,fsync,fdatasync,syncfs,sync,lseek,copy_file_range,sendfile,exit_group";

/// Something that the world saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A line was printed.
    Said(String),
    /// A program was started.
    Began(Vec<String>),
    /// A program ended.
    Ended(Vec<String>, i32),
}

/// One traced call.
struct Call<'line> {
    thread: &'line str,
    name: &'line str,
    arguments: Vec<&'line str>,
    result: i64,
    /// What stands behind the number: the file of a new descriptor.
    result_file: Option<PathBuf>,
}

/// Reads traces into a disk and into what was seen of the program meanwhile.
pub(crate) struct Reader<'disk> {
    disk: &'disk mut Disk,
    /// Where the program's words go.
    voice: PathBuf,
    seen: &'disk mut Vec<(usize, Seen)>,
    programs: HashMap<String, Vec<String>>,
    /// Where the next `write` of a descriptor goes; `None` for the end of the file.
    places: HashMap<(String, String), Option<u64>>,
}

impl<'disk> Reader<'disk> {
    pub(crate) fn new(
        disk: &'disk mut Disk,
        seen: &'disk mut Vec<(usize, Seen)>,
        voice: &Path,
    ) -> Self {
        Self {
            disk,
            voice: voice.to_owned(),
            seen,
            programs: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// Reads a whole trace.
    pub(crate) fn read(&mut self, trace: &str) {
        // A call counts when it returns; what a sync covers is settled when it begins.
        let mut open: HashMap<&str, (&str, usize)> = HashMap::new();
        for line in trace.lines() {
            let Some((thread, rest)) = line.split_once(' ') else {
                continue;
            };
            let rest = rest.trim_start();
            let now = self.disk.length();
            if let Some(code) = rest
                .strip_prefix("+++ exited with ")
                .and_then(|rest| rest.strip_suffix(" +++"))
            {
                if let Some(program) = self.programs.remove(thread) {
                    self.see(Seen::Ended(program, code.parse().unwrap()));
                }
            } else if rest.starts_with("+++") || rest.starts_with("---") {
            } else if let Some(begin) = rest.strip_suffix(" <unfinished ...>") {
                open.insert(thread, (begin, now));
            } else if let Some((_, end)) = rest
                .strip_prefix("<... ")
                .and_then(|rest| rest.split_once(" resumed>"))
            {
                let (begin, since) = open.remove(thread).unwrap();
                let whole = format!("{begin}{end}");
                self.take(thread, &whole, since);
            } else {
                self.take(thread, rest, now);
            }
        }
    }

    fn take(&mut self, thread: &str, text: &str, since: usize) {
        // `exit_group` never returns.
        let Some(call) = parse(thread, text) else {
            return;
        };
        if call.result < 0 {
            return;
        }
        self.carry_out(&call, since);
    }

    fn carry_out(&mut self, call: &Call<'_>, since: usize) {
        let argument = |number: usize| call.arguments.get(number).copied().unwrap();
        let number = |place: usize| argument(place).parse::<u64>().unwrap();
        match call.name {
            "execve" => {
                let words: Vec<String> = list(argument(1)).map(text).collect();
                self.programs.insert(call.thread.to_owned(), words.clone());
                self.see(Seen::Began(words));
            }
            "open" => self.open(call, &PathBuf::from(text(argument(0))), argument(1)),
            "openat" => self.open(call, &at(argument(0), argument(1)), argument(2)),
            "write" | "writev" => self.write(call),
            "pwrite64" => self.change(argument(0), |disk, node| {
                disk.write(node, number(3), bytes_of(argument(1), call.result));
            }),
            "ftruncate" => self.change(argument(0), |disk, node| disk.cut(node, number(1))),
            "fallocate" => {
                // The ballast is sixteen mebibytes of nothing.
                let is_ballast = file(argument(0)).is_some_and(|path| path.ends_with("ballast"));
                if !is_ballast && !argument(1).contains("FALLOC_FL_KEEP_SIZE") {
                    let end = number(2) + number(3);
                    self.change(argument(0), |disk, node| disk.grow(node, end));
                }
            }
            "fsync" | "fdatasync" => {
                self.change(argument(0), |disk, node| disk.sync(node, since));
            }
            "mkdir" => self.disk.make_folder(Path::new(&text(argument(0)))),
            "mkdirat" => self.disk.make_folder(&at(argument(0), argument(1))),
            "unlink" | "rmdir" => self.disk.remove(Path::new(&text(argument(0)))),
            "unlinkat" => self.disk.remove(&at(argument(0), argument(1))),
            "rename" => self
                .disk
                .rename(Path::new(&text(argument(0))), Path::new(&text(argument(1)))),
            "renameat" | "renameat2" => self
                .disk
                .rename(&at(argument(0), argument(1)), &at(argument(2), argument(3))),
            "lseek" => {
                let place = u64::try_from(call.result).unwrap();
                let key = (call.thread.to_owned(), descriptor(argument(0)).to_owned());
                if let Some(old) = self.places.get_mut(&key)
                    && old.is_some()
                {
                    *old = Some(place);
                }
            }
            "exit_group" => {}
            // Nothing that the program uses on its own files; a new use has to be thought about.
            other => assert!(
                !call.arguments.iter().any(|word| self.concerns(word)),
                "nobody has thought of `{other}`"
            ),
        }
    }

    fn concerns(&self, word: &str) -> bool {
        file(word).is_some_and(|path| self.disk.holds(&path))
            || (word.starts_with('"') && self.disk.holds(Path::new(&text(word))))
    }

    fn open(&mut self, call: &Call<'_>, path: &Path, flags: &str) {
        let path = call.result_file.as_deref().unwrap_or(path);
        if !self.disk.holds(path) || flags.contains("O_PATH") || flags.contains("O_TMPFILE") {
            return;
        }
        assert!(!flags.contains("SYNC"), "nobody has thought of {flags}");
        let is_appended = flags.contains("O_APPEND");
        let key = (call.thread.to_owned(), call.result.to_string());
        self.places.insert(key, (!is_appended).then_some(0));
        if flags.contains("O_CREAT") {
            self.disk.make_file(path);
        }
        if flags.contains("O_TRUNC")
            && let Some(node) = self.disk.find(path)
        {
            self.disk.cut(node, 0);
        }
    }

    fn write(&mut self, call: &Call<'_>) {
        let target = call.arguments.first().copied().unwrap();
        let Some(path) = file(target) else { return };
        let data = call.arguments.get(1).copied().unwrap();
        if path == self.voice {
            let said = bytes_of(data, call.result);
            for line in String::from_utf8_lossy(&said).lines() {
                self.see(Seen::Said(line.to_owned()));
            }
        }
        let Some(node) = self.disk.find(&path) else {
            return;
        };
        let key = (call.thread.to_owned(), descriptor(target).to_owned());
        // A descriptor of another thread, or one that was inherited: only files that grow have such.
        let place = self.places.entry(key).or_default();
        let start = place.unwrap_or_else(|| self.disk.size(node));
        let data = bytes_of(data, call.result);
        if let Some(place) = place {
            *place += data.len() as u64;
        }
        self.disk.write(node, start, data);
    }

    fn change(&mut self, target: &str, change: impl FnOnce(&mut Disk, Node)) {
        if let Some(path) = file(target)
            && let Some(node) = self.disk.find(&path)
        {
            change(self.disk, node);
        }
    }

    fn see(&mut self, what: Seen) {
        self.seen.push((self.disk.length(), what));
    }
}

/// `name(argument, argument) = result`.
fn parse<'line>(thread: &'line str, line: &'line str) -> Option<Call<'line>> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(") ")?;
    let result = result.trim_start().strip_prefix("= ")?;
    let digits = result.split(['<', ' ']).next()?;
    Some(Call {
        thread,
        name,
        arguments: split(arguments),
        // `?` of what never returned.
        result: digits.parse().ok()?,
        result_file: file(result),
    })
}

/// At the commas that stand in no bracket.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut depth) = (Vec::new(), 0, 0);
    for (place, letter) in text.bytes().enumerate() {
        match letter {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(text.get(begin..place).unwrap().trim());
                begin = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..).unwrap().trim());
    parts
}

/// The texts of `["…", "…"]`, or of a list of `{iov_base="…", iov_len=…}`.
fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// The bytes that were written, of one text or of several.
fn bytes_of(argument: &str, count: i64) -> Arc<[u8]> {
    let mut all: Vec<u8> = list(argument).flat_map(decode).collect();
    let count = usize::try_from(count).unwrap();
    all.truncate(count);
    assert_eq!(all.len(), count, "the trace was cut off");
    all.into()
}

fn text(argument: &str) -> String {
    let inner = argument.trim_matches('"');
    String::from_utf8_lossy(&decode(inner)).into_owned()
}

/// `\x2f\x74` → `/t`.
fn decode(text: &str) -> Vec<u8> {
    text.split("\\x")
        .filter(|digits| !digits.is_empty())
        .map(|digits| u8::from_str_radix(digits, 16).unwrap())
        .collect()
}

/// `3<\x2f…>` → 3.
fn descriptor(argument: &str) -> &str {
    argument.split('<').next().unwrap()
}

/// The file of a descriptor, if it has a name.
fn file(argument: &str) -> Option<PathBuf> {
    let (_, name) = argument.split_once('<')?;
    let name = name.split_once('>')?.0;
    // What was removed is marked behind the name, not in hexadecimal digits by every version.
    let whole = name.split("\\x").all(|digits| digits.len() <= 2);
    (whole && name.starts_with("\\x2f")).then(|| PathBuf::from(text(name)))
}

fn at(folder: &str, name: &str) -> PathBuf {
    file(folder).unwrap_or_default().join(text(name))
}
