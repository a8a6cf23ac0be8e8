//! Looking for planted secrets: the needles, made by other hands than the code that hides them, and
//! what was searched for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;

use crate::sandbox::Sandbox;
use crate::wild::{Kind, processes};

pub(crate) fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = |upper: bool| -> Vec<u8> {
        let one = |byte: &u8| {
            if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        };
        secret.iter().map(one).collect::<String>().into_bytes()
    };
    let percent: String = secret
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let json = serde_json::to_string(&String::from_utf8_lossy(secret)).unwrap();
    let mut forms = vec![
        ("raw", secret.to_vec()),
        ("hex", hex(false)),
        ("HEX", hex(true)),
        ("percent", percent.into_bytes()),
        ("json", json.trim_matches('"').as_bytes().to_vec()),
        // Most of one is as good as all of it.
        ("beginning", secret[..secret.len() * 3 / 4].to_vec()),
        ("end", secret[secret.len() / 4..].to_vec()),
    ];
    for (name, padding) in [("base64", 0), ("base64+1", 1), ("base64+2", 2)] {
        let padded = [vec![b'x'; padding], secret.to_vec(), vec![b'x'; 2]].concat();
        let encoded = base64(&padded);
        // Without what its neighbours have a part in.
        forms.push((name, encoded[4..encoded.len() - 5].to_vec()));
    }
    forms
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..=three.len() {
            text.push(letters[(bits >> (18 - 6 * place)) as usize & 63]);
        }
    }
    text
}

/// Everything that left the program.
#[derive(Default)]
pub(crate) struct Sightings {
    pub(crate) needles: Vec<(String, Vec<u8>)>,
    pub(crate) searched: u64,
    pub(crate) bytes: u64,
    pub(crate) hits: Vec<String>,
    search: Option<AhoCorasick>,
}

impl Sightings {
    /// Of these needles.
    pub(crate) fn of(needles: Vec<(String, Vec<u8>)>) -> Self {
        Self {
            needles,
            ..Self::default()
        }
    }

    pub(crate) fn search(&mut self, place: &str, bytes: &[u8]) {
        self.search_but(place, bytes, &[]);
    }

    /// Without the canaries of places that rightly are here.
    pub(crate) fn search_but(&mut self, place: &str, bytes: &[u8], but: &[&str]) {
        self.searched += 1;
        self.bytes += bytes.len() as u64;
        let search = self.search.get_or_insert_with(|| {
            let needles = self.needles.iter().map(|(_, needle)| needle);
            AhoCorasick::new(needles).unwrap()
        });
        let mut found = BTreeSet::new();
        for hit in search.find_overlapping_iter(bytes) {
            let name = &self.needles[hit.pattern().as_usize()].0;
            if but.iter().any(|other| name.starts_with(other)) || !found.insert(name.clone()) {
                continue;
            }
            let from = hit.start().saturating_sub(60);
            let until = bytes.len().min(hit.end() + 20);
            let around = String::from_utf8_lossy(&bytes[from..until]);
            self.hits.push(format!("{name} in {place}: {around:?}"));
        }
    }

    pub(crate) fn search_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let name = entry.path();
            self.search("the name of a file", name.as_os_str().as_encoded_bytes());
            if kind.is_dir() {
                self.search_folder(&name);
            } else if kind.is_file() && entry.file_name() != "ballast" {
                let bytes = fs::read(&name).unwrap_or_default();
                self.search(&name.display().to_string(), &bytes);
            }
        }
    }

    /// The arguments of our processes, and their environment but for what they were started with.
    pub(crate) fn search_processes(&mut self, sandbox: &Sandbox) {
        for process in processes(sandbox) {
            if process.kind == Kind::Task {
                continue;
            }
            let of =
                |name: &str| fs::read(format!("/proc/{}/{name}", process.pid)).unwrap_or_default();
            self.search("the arguments of our process", &of("cmdline"));
            self.search_but(
                "the environment of our process",
                &of("environ"),
                &["environment", "lines", "token", "header"],
            );
        }
    }
}
