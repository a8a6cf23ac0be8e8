//! A disk that forgets: what was written and never synced, and what may be left of it when power goes.
//!
//! Stricter than the file systems that are in use: a synced file whose folder was not synced has no
//! name, and unsynced changes of names survive in any selection. Not modelled: disks that lie about
//! a sync, and damage to what was synced.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastrand::Rng;

/// What a disk writes as a whole.
const SECTOR: u64 = 512;

/// A file or a folder, whatever it is called.
pub(crate) type Node = usize;

/// What happened to one node.
#[derive(Debug, Clone)]
enum Change {
    Write(u64, Arc<[u8]>),
    Cut(u64),
    Grow(u64),
    /// A name in a folder, and what it stands for from now on.
    Name(OsString, Option<Node>),
    /// Everything of the node before that moment is on the disk.
    Sync(usize),
}

#[derive(Debug)]
struct Step {
    node: Node,
    change: Change,
    /// Steps of one call share it: they survive together or not at all.
    call: usize,
}

/// How much of what was not synced is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing.
    All,
    /// A random part of the writes, each as a whole.
    Some,
    /// A random part of the sectors.
    Torn,
}

/// What is left after a loss of power.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Image {
    folders: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Everything that was ever done below one folder.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    steps: Vec<Step>,
    /// The names as they are now, for each node; `None` for a file.
    names: Vec<Option<BTreeMap<OsString, Node>>>,
    sizes: Vec<u64>,
    calls: usize,
}

impl Disk {
    /// An empty folder of that path.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            steps: Vec::new(),
            names: vec![Some(BTreeMap::new())],
            sizes: vec![0],
            calls: 0,
        }
    }

    /// How many steps there were: a place in time.
    pub(crate) fn length(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && path != self.root
    }

    pub(crate) fn find(&self, path: &Path) -> Option<Node> {
        let inner = path.strip_prefix(&self.root).ok()?;
        inner.iter().try_fold(0, |node, name| {
            self.names.get(node)?.as_ref()?.get(name).copied()
        })
    }

    pub(crate) fn size(&self, node: Node) -> u64 {
        self.sizes.get(node).copied().unwrap()
    }

    pub(crate) fn write(&mut self, node: Node, at: u64, data: Arc<[u8]>) {
        let end = at + data.len() as u64;
        let size = self.sizes.get_mut(node).unwrap();
        *size = end.max(*size);
        self.step(node, Change::Write(at, data));
    }

    pub(crate) fn cut(&mut self, node: Node, size: u64) {
        *self.sizes.get_mut(node).unwrap() = size;
        self.step(node, Change::Cut(size));
    }

    pub(crate) fn grow(&mut self, node: Node, size: u64) {
        if size > self.size(node) {
            *self.sizes.get_mut(node).unwrap() = size;
            self.step(node, Change::Grow(size));
        }
    }

    pub(crate) fn sync(&mut self, node: Node, since: usize) {
        self.step(node, Change::Sync(since));
    }

    pub(crate) fn make_file(&mut self, path: &Path) {
        if self.find(path).is_none() {
            self.make(path, None);
        }
    }

    pub(crate) fn make_folder(&mut self, path: &Path) {
        if self.holds(path) {
            self.make(path, Some(BTreeMap::new()));
        }
    }

    fn make(&mut self, path: &Path, names: Option<BTreeMap<OsString, Node>>) {
        let node = self.names.len();
        self.names.push(names);
        self.sizes.push(0);
        self.calls += 1;
        self.name(path, Some(node));
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        if self.holds(path) {
            self.calls += 1;
            self.name(path, None);
        }
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(node) = self.find(from) {
            self.calls += 1;
            self.name(to, Some(node));
            self.name(from, None);
        }
    }

    fn name(&mut self, path: &Path, node: Option<Node>) {
        let folder = self.find(path.parent().unwrap()).unwrap();
        let name = path.file_name().unwrap().to_owned();
        let names = self.names.get_mut(folder).unwrap().as_mut().unwrap();
        match node {
            Some(node) => names.insert(name.clone(), node),
            None => names.remove(&name),
        };
        self.steps.push(Step {
            node: folder,
            change: Change::Name(name, node),
            call: self.calls,
        });
    }

    fn step(&mut self, node: Node, change: Change) {
        self.calls += 1;
        let call = self.calls;
        self.steps.push(Step { node, change, call });
    }

    /// From now on a sync of what is or was called so has done nothing.
    pub(crate) fn lie_about(&mut self, name: &str) {
        let mut lied_about = HashSet::new();
        for step in &self.steps {
            if let Change::Name(own, Some(node)) = &step.change
                && own == name
            {
                lied_about.insert(*node);
            }
        }
        for step in &mut self.steps {
            if let Change::Sync(since) = &mut step.change
                && lied_about.contains(&step.node)
            {
                *since = 0;
            }
        }
    }

    /// The places behind a sync, where something has just become certain.
    pub(crate) fn syncs(&self) -> Vec<usize> {
        let is_sync = |step: &Step| matches!(step.change, Change::Sync(_));
        (1..=self.steps.len())
            .filter(|place| self.steps.get(place - 1).is_some_and(is_sync))
            .collect()
    }

    /// What is left when power goes at a place in time.
    pub(crate) fn image(&self, end: usize, loss: Loss, rng: &mut Rng) -> Image {
        let steps = self.steps.get(..end).unwrap();
        let mut synced = vec![0; self.names.len()];
        for step in steps {
            if let Change::Sync(since) = step.change {
                let known = synced.get_mut(step.node).unwrap();
                *known = since.max(*known);
            }
        }
        // Some nodes were written back by the system as a whole, others not at all.
        let shares: Vec<f64> = (0..self.names.len())
            .map(|_| *rng.choice(&[0.5, 0.5, 0.5, 0.0, 1.0]).unwrap())
            .collect();
        let mut dropped = HashSet::new();
        let mut kept = HashSet::new();
        let mut left = Left::of(self);
        for (place, step) in steps.iter().enumerate() {
            if place < *synced.get(step.node).unwrap() {
                left.apply(step, |_| true);
                continue;
            }
            let share = *shares.get(step.node).unwrap();
            // Both names of a renamed file change together.
            let is_kept = loss != Loss::All
                && !dropped.contains(&step.call)
                && (kept.contains(&step.call) || rng.f64() < share);
            match (loss, &step.change) {
                (Loss::Torn, Change::Write(..)) => left.apply(step, |_| rng.f64() < share),
                _ if is_kept => {
                    kept.insert(step.call);
                    left.apply(step, |_| true);
                }
                _ => {
                    dropped.insert(step.call);
                }
            }
        }
        left.image()
    }

    /// Whether everything is there as it really is: else the trace did not tell all.
    pub(crate) fn agrees_with(&self, root: &Path) {
        let mut left = Left::of(self);
        for step in &self.steps {
            left.apply(step, |_| true);
        }
        let image = left.image();
        for (path, content) in &image.files {
            // Shared memory is written past the system, and the ballast is not followed.
            let is_followed =
                !path.to_string_lossy().ends_with("-shm") && !path.ends_with("ballast");
            let real = fs::read(root.join(path)).unwrap();
            assert!(
                !is_followed || &real == content,
                "{} differs",
                path.display()
            );
        }
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    let inner = path.strip_prefix(root).unwrap();
                    assert!(
                        image.files.contains_key(inner),
                        "{} is unknown",
                        path.display()
                    );
                }
            }
        }
    }
}

/// The nodes after some of the steps.
struct Left<'disk> {
    disk: &'disk Disk,
    contents: Vec<Vec<u8>>,
    names: Vec<BTreeMap<OsString, Node>>,
}

impl<'disk> Left<'disk> {
    fn of(disk: &'disk Disk) -> Self {
        Self {
            disk,
            contents: vec![Vec::new(); disk.names.len()],
            names: vec![BTreeMap::new(); disk.names.len()],
        }
    }

    fn apply(&mut self, step: &Step, mut is_kept: impl FnMut(u64) -> bool) {
        let content = self.contents.get_mut(step.node).unwrap();
        let index = |place: u64| usize::try_from(place).unwrap();
        match &step.change {
            Change::Write(at, data) => {
                let mut done = 0;
                while done < data.len() {
                    let start = at + done as u64;
                    let next = (start / SECTOR + 1) * SECTOR;
                    let part = index(next - start).min(data.len() - done);
                    if is_kept(start) {
                        let (from, to) = (index(start), index(start) + part);
                        content.resize(content.len().max(to), 0);
                        let piece = data.get(done..done + part).unwrap();
                        content.get_mut(from..to).unwrap().copy_from_slice(piece);
                    }
                    done += part;
                }
            }
            Change::Cut(size) => content.resize(index(*size), 0),
            Change::Grow(size) => content.resize(content.len().max(index(*size)), 0),
            Change::Name(name, node) => {
                let names = self.names.get_mut(step.node).unwrap();
                match node {
                    Some(node) => names.insert(name.clone(), *node),
                    None => names.remove(name),
                };
            }
            Change::Sync(_) => {}
        }
    }

    fn image(mut self) -> Image {
        let mut image = Image::default();
        let mut folders = vec![(PathBuf::new(), 0)];
        while let Some((path, folder)) = folders.pop() {
            for (name, node) in self.names.get(folder).unwrap() {
                let inner = path.join(name);
                if self.disk.names.get(*node).unwrap().is_some() {
                    folders.push((inner.clone(), *node));
                    image.folders.push(inner);
                } else {
                    let content = self.contents.get_mut(*node).unwrap();
                    image.files.insert(inner, content.clone());
                }
            }
        }
        image.folders.sort();
        image
    }
}

impl Image {
    /// Makes files of it, for this user alone as the program makes them.
    pub(crate) fn write_to(&self, root: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(root).unwrap();
        for folder in &self.folders {
            let path = root.join(folder);
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        for (path, content) in &self.files {
            let path = root.join(path);
            fs::write(&path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}
