//! Wildcards of file names: which paths of a folder a declared pattern such as `cache/*.tmp` means.
//!
//! `*` stands for any part of a name, `?` for one character, `**` for any number of folders; everything
//! else stands for itself. A pattern that ends with `/` means all that is in the folders that it
//! names. Hidden names need a dot in the pattern, except below such a folder. Pure: nothing is looked
//! up here, and so no link is followed; who walks asks for one folder after the other.
//!
//! INVARIANT: a pattern is relative, never leads upwards, and names something: one that consists of
//! wildcards only would mean everything, and what it means is deleted.

/// The most bytes of a pattern.
const LONGEST: usize = 4096;

/// A pattern for paths below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    parts: Vec<Part>,
    /// It means what is in the folders that it names.
    contents: bool,
}

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of folders.
    Folders,
    /// One name.
    Name(Vec<u8>),
}

/// Why a pattern means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WildcardError {
    /// It is empty.
    #[error("the pattern is empty")]
    Empty,
    /// It is longer than any path.
    #[error("the pattern is longer than {LONGEST} bytes")]
    TooLong,
    /// It begins with a slash.
    #[error("the pattern must be relative to the `workdir`")]
    Absolute,
    /// It leads upwards.
    #[error("the pattern must not hold `..`")]
    Upwards,
    /// It holds control characters.
    #[error("the pattern holds a control character")]
    Control,
    /// It has no letter of its own.
    #[error("the pattern would match everything; name a folder or an ending")]
    Everything,
}

impl Wildcard {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it could mean something outside of the folder, or everything in it.
    pub fn parse(text: &str) -> Result<Self, WildcardError> {
        if text.is_empty() {
            return Err(WildcardError::Empty);
        }
        if text.len() > LONGEST {
            return Err(WildcardError::TooLong);
        }
        if text.starts_with('/') {
            return Err(WildcardError::Absolute);
        }
        if text.chars().any(char::is_control) {
            return Err(WildcardError::Control);
        }
        let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        let parts: Vec<Part> = names
            .map(|name| match name {
                ".." => Err(WildcardError::Upwards),
                "**" => Ok(Part::Folders),
                name => Ok(Part::Name(name.as_bytes().to_vec())),
            })
            .collect::<Result<_, _>>()?;
        let is_wild = |part: &Part| match part {
            Part::Folders => true,
            Part::Name(name) => name.iter().all(|byte| matches!(byte, b'*' | b'?' | b'.')),
        };
        if parts.iter().all(is_wild) {
            return Err(WildcardError::Everything);
        }
        Ok(Self {
            parts,
            contents: text.ends_with('/') || text.ends_with("/."),
        })
    }

    /// Whether it means the file at a path, given by its names from the folder on.
    pub fn matches<N: AsRef<[u8]>>(&self, path: &[N]) -> bool {
        let Some((_, folders)) = path.split_last() else {
            return false;
        };
        if self.contents {
            return self.means_contents_of(folders);
        }
        self.after(path).last() == Some(&true)
    }

    /// Whether it means all that is in the folder at a path, however deep.
    pub fn means_contents_of<N: AsRef<[u8]>>(&self, folder: &[N]) -> bool {
        self.contents
            && (1..=folder.len()).any(|count| {
                let above = folder.get(..count).unwrap_or_default();
                self.after(above).last() == Some(&true)
            })
    }

    /// Whether it may mean something that is in the folder at a path.
    pub fn may_match_below<N: AsRef<[u8]>>(&self, folder: &[N]) -> bool {
        self.means_contents_of(folder)
            || self
                .after(folder)
                .split_last()
                .is_some_and(|(_, places)| places.contains(&true))
    }

    /// The places in the pattern where one can stand behind these names; the last one is its end.
    fn after<N: AsRef<[u8]>>(&self, names: &[N]) -> Vec<bool> {
        let mut places = vec![false; self.parts.len() + 1];
        if let Some(first) = places.first_mut() {
            *first = true;
        }
        self.pass_folders(&mut places);
        for name in names {
            let name = name.as_ref();
            let mut next = vec![false; places.len()];
            for (place, part) in self.parts.iter().enumerate() {
                if places.get(place) != Some(&true) {
                    continue;
                }
                let to = match part {
                    Part::Folders if !name.starts_with(b".") => place,
                    Part::Name(pattern) if name_matches(pattern, name) => place + 1,
                    Part::Folders | Part::Name(_) => continue,
                };
                if let Some(to) = next.get_mut(to) {
                    *to = true;
                }
            }
            self.pass_folders(&mut next);
            places = next;
        }
        places
    }

    /// `**` may stand for no folder at all.
    fn pass_folders(&self, places: &mut [bool]) {
        for (place, part) in self.parts.iter().enumerate() {
            if *part == Part::Folders
                && places.get(place) == Some(&true)
                && let Some(next) = places.get_mut(place + 1)
            {
                *next = true;
            }
        }
    }
}

/// Whether a name is one of those that a pattern without slashes means.
fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with(b".") {
        return false;
    }
    let (mut at, mut in_name) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: the `*` takes one byte more.
    let mut retry: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, in_name));
            }
            Some(b'?') => {
                at += 1;
                in_name += character(name, in_name);
            }
            Some(byte) if name.get(in_name) == Some(byte) => {
                at += 1;
                in_name += 1;
            }
            Some(_) | None => {
                let Some((behind, taken)) = retry else {
                    return false;
                };
                (at, in_name) = (behind, taken + 1);
                retry = Some((behind, taken + 1));
            }
        }
    }
    let rest = pattern.get(at..).unwrap_or_default();
    rest.iter().all(|byte| *byte == b'*')
}

/// The bytes of the character at a place of a name, which need not be UTF-8.
fn character(name: &[u8], at: usize) -> usize {
    let rest = name.get(at + 1..).unwrap_or_default();
    let is_inner = |byte: &&u8| (**byte & 0b1100_0000) == 0b1000_0000;
    1 + rest.iter().take(3).take_while(is_inner).count()
}

#[cfg(test)]
#[path = "wildcard_tests.rs"]
mod tests;
