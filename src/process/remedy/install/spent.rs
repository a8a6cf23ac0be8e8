//! Removing environments of tasks that left the queue.

use std::fs;
use std::path::Path;

use crate::model::remedy::task_of_environment;
use crate::process::remedy::install::LOCK;
use crate::process::remedy::install::MARK;

/// Removes the environments below `all` whose task `is_needed` does not know. To be called while no
/// supervisor lives: one may be built or used. Whatever cannot be removed stays.
pub fn tidy(all: &Path, mut is_needed: impl FnMut(&str) -> bool) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let Some(folder) = name.to_str().filter(|name| !name.ends_with(LOCK)) else {
            continue;
        };
        if task_of_environment(folder).is_none_or(&mut is_needed) {
            continue;
        }
        // CRASH: without its mark what is left counts as unfinished, and goes the next time.
        let _stays = fs::remove_file(path.join(MARK));
        if fs::remove_dir_all(&path).is_ok() {
            let _stays = fs::remove_file(all.join(format!("{folder}{LOCK}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_environments_of_tasks_that_left_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path();
        let kept = ["train-0123456789abcdef", "of-another-program", "train-x"];
        let spent = "old-one-0123456789abcdef";
        for name in kept.iter().chain([&spent]) {
            fs::create_dir_all(all.join(name).join("bin")).unwrap();
            fs::write(all.join(name).join(MARK), "").unwrap();
            fs::write(all.join(format!("{name}{LOCK}")), "").unwrap();
        }
        let mut asked = Vec::new();
        tidy(all, |task| {
            asked.push(task.to_owned());
            task == "train"
        });
        asked.sort();
        assert_eq!(asked, ["old-one", "train"]);
        for name in kept {
            assert!(all.join(name).join(MARK).exists(), "{name}");
        }
        assert_eq!(fs::read_dir(all).unwrap().count(), 2 * kept.len());
    }
}
