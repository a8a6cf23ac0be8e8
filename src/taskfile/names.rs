//! Names for tasks that were given none.

use std::collections::HashMap;
use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::model::ids::MAX_NAME;
use crate::model::ids::TaskName;
use crate::support::bytes::OsText;
use crate::support::bytes::to_hex;

/// How much of a program's name goes into the name of a task.
const LONGEST_STEM: usize = 40;
/// How many numbers are tried before chance decides: the names of a queue are asked one by one.
const NUMBERS_TRIED: u32 = 16;

/// The legal name that is most like a text.
pub(crate) fn legal_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        let legal = character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
        if legal {
            name.push(character);
        } else if !name.ends_with('-') {
            name.push('-');
        }
        if name.len() == MAX_NAME {
            break;
        }
    }
    let name = name.trim_start_matches(['.', '-']).trim_end_matches('-');
    if name.is_empty() {
        return "task".to_owned();
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        let kept: String = name.chars().take(MAX_NAME - 5).collect();
        return format!("task-{kept}");
    }
    name.to_owned()
}

/// Gives names that nobody else has.
pub(crate) struct Namer<T> {
    /// Whether an unfinished task of the queue has the name.
    taken: T,
    given: HashSet<String>,
    /// The number that the next task of the same command gets.
    next: HashMap<String, u32>,
}

impl<T: Fn(&str) -> bool> Namer<T> {
    /// Gives names for which `taken` says no.
    pub(crate) fn new(taken: T) -> Self {
        Self {
            taken,
            given: HashSet::new(),
            next: HashMap::new(),
        }
    }

    /// A name for a task that runs `program` as part of `command`: the program, and six digits of a
    /// hash, so that the same command can be recognised.
    pub(crate) fn name(&mut self, program: &OsText, command: &[u8]) -> Option<TaskName> {
        let file = program.as_path().file_name().unwrap_or_default();
        let stem: String = legal_name(&file.to_string_lossy())
            .chars()
            .take(LONGEST_STEM)
            .collect();
        let digits: String = to_hex(&Sha256::digest(command)).chars().take(6).collect();
        let base = format!("{stem}-{digits}");

        let first = self.next.get(&base).copied().unwrap_or(1);
        let numbered = (first..first.saturating_add(NUMBERS_TRIED)).map(|number| {
            let name = match number {
                1 => base.clone(),
                _ => format!("{base}-{number}"),
            };
            (name, number)
        });
        let by_chance = std::iter::repeat_with(|| {
            let chance = fastrand::u32(0x1000_0000..);
            (format!("{base}-{chance:x}"), first)
        });
        let (name, number) = numbered
            .chain(by_chance.take(64))
            .find(|(name, _)| !self.given.contains(name) && !(self.taken)(name))?;
        self.next.insert(base, number.saturating_add(1));
        self.given.insert(name.clone());
        TaskName::new(&name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_command_gets_numbered_names() {
        let mut namer = Namer::new(|_: &str| false);
        let first = namer.name(&"/usr/bin/rsync".into(), b"rsync a b").unwrap();
        let second = namer.name(&"/usr/bin/rsync".into(), b"rsync a b").unwrap();
        assert!(first.as_str().starts_with("rsync-"), "{first}");
        assert_eq!(second.to_string(), format!("{first}-2"));
    }

    #[test]
    fn a_name_that_the_queue_knows_is_not_given_again() {
        let mut namer = Namer::new(|_: &str| false);
        let first = namer.name(&"true".into(), b"true").unwrap();
        let taken = first.to_string();
        let mut namer = Namer::new(|name: &str| name == taken);
        assert_ne!(namer.name(&"true".into(), b"true").unwrap(), first);
    }

    #[test]
    fn chance_helps_when_the_queue_is_full_of_one_command() {
        let mut asked = 0;
        let asked_cell = std::cell::RefCell::new(&mut asked);
        let mut namer = Namer::new(|name: &str| {
            **asked_cell.borrow_mut() += 1;
            name.rsplit('-').next().is_some_and(|last| last.len() < 8)
        });
        assert!(namer.name(&"true".into(), b"true").is_some());
        assert!(asked < 20);
    }

    proptest! {
        #[test]
        fn every_text_has_a_legal_name(text in any::<String>()) {
            let name = legal_name(&text);
            prop_assert!(TaskName::new(&name).is_ok(), "{name}");
        }

        #[test]
        fn every_program_gets_a_name(program in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut namer = Namer::new(|_: &str| false);
            prop_assert!(namer.name(&OsText::new(program.clone()), &program).is_some());
        }
    }
}
