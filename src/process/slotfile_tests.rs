//! The ring: what may be overwritten when, and what a reader makes of it.

use super::*;
use crate::model::ids::ProcessIdentity;
use crate::model::message::NotStartedReason;
use crate::support::clock::Timestamp;
use proptest::prelude::*;

const QUEUE: QueueId = QueueId([1; 16]);
const BOOT: BootId = BootId([2; 16]);
const SELF: ProcessIdentity = ProcessIdentity { pid: 4, start: 5 };

fn starting() -> SlotEntry {
    SlotEntry::Starting { supervisor: SELF }
}

fn running(at: i64) -> SlotEntry {
    SlotEntry::Running {
        supervisor: SELF,
        process: SELF,
        at: Timestamp::from_millis(at),
        steps_done: 0,
    }
}

fn new_file(dir: &tempfile::TempDir) -> (PathBuf, SlotFile) {
    let path = dir.path().join("1-0");
    let file = SlotFile::create(&path, QUEUE, BOOT).unwrap();
    (path, file)
}

#[test]
fn five_attempts_fit_and_the_sixth_waits_for_an_acknowledgement() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut file) = new_file(&dir);
    for id in 1..=5 {
        assert!(file.has_room());
        file.write(AttemptId::new(id), starting(), Durability::Cached)
            .unwrap();
    }
    assert!(!file.has_room());
    assert!(matches!(
        file.write(AttemptId::new(6), starting(), Durability::Cached),
        Err(SlotFileError::Full { .. })
    ));
    // What is known of an old attempt can still change.
    file.write(AttemptId::new(1), running(1), Durability::Cached)
        .unwrap();
    file.acknowledge(AttemptId::new(3));
    assert!(file.has_room());
    file.write(AttemptId::new(6), starting(), Durability::Synced)
        .unwrap();
}

#[test]
fn the_starting_record_stands_until_the_attempt_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mut file) = new_file(&dir);
    let id = AttemptId::new(9);
    file.write(id, starting(), Durability::Cached).unwrap();
    for at in 0..5 {
        file.write(id, running(at), Durability::Cached).unwrap();
    }
    let pages = read_pages(&path).unwrap();
    let entries: Vec<&SlotEntry> = pages
        .iter()
        .filter_map(|page| match page {
            Page::Record(record) => Some(&record.entry),
            Page::Empty | Page::Unreadable => None,
        })
        .collect();
    assert_eq!(entries.len(), 3);
    assert!(entries.contains(&&starting()));
    assert_eq!(latest(&pages, QUEUE)[&id].entry, running(4));
}

#[test]
fn a_torn_page_leaves_the_record_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mut file) = new_file(&dir);
    let id = AttemptId::new(9);
    file.write(id, starting(), Durability::Cached).unwrap();
    file.write(id, running(1), Durability::Cached).unwrap();
    file.write(id, running(2), Durability::Cached).unwrap();
    let place = (0..PAGES)
        .find(|place| {
            let pages = read_pages(&path).unwrap();
            matches!(&pages[*place], Page::Record(record) if record.entry == running(2))
        })
        .unwrap();
    file.file
        .write_all_at(&[0xff; 512], (place * PAGE + 100) as u64)
        .unwrap();
    let pages = read_pages(&path).unwrap();
    assert_eq!(latest(&pages, QUEUE)[&id].entry, running(1));
}

#[test]
fn records_of_another_queue_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mut file) = new_file(&dir);
    let never = SlotEntry::NotStarted(NotStartedReason::Fenced);
    file.write(AttemptId::new(1), never, Durability::Cached)
        .unwrap();
    let pages = read_pages(&path).unwrap();
    assert_eq!(latest(&pages, QUEUE).len(), 1);
    assert!(latest(&pages, QueueId([3; 16])).is_empty());
}

#[test]
fn the_lock_tells_whether_the_supervisor_lives() {
    let dir = tempfile::tempdir().unwrap();
    let (path, file) = new_file(&dir);
    assert!(try_lock(&path).unwrap().is_none());
    let waiting = {
        let path = path.clone();
        std::thread::spawn(move || wait_lock(&path).unwrap())
    };
    drop(file);
    let guard = waiting.join().unwrap();
    assert!(try_lock(&path).unwrap().is_none());
    drop(guard);
    assert!(try_lock(&path).unwrap().is_some());
    assert!(try_lock(&dir.path().join("none")).is_err());
}

#[test]
fn a_file_that_holds_another_supervisors_records_is_not_reused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, file) = new_file(&dir);
    drop(file);
    assert!(matches!(
        SlotFile::create(&path, QUEUE, BOOT),
        Err(SlotFileError::Used { .. })
    ));
}

#[test]
fn a_file_of_which_nothing_was_written_reads_as_empty() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1-0");
    std::fs::write(&path, "").unwrap();
    let pages = read_pages(&path).unwrap();
    assert_eq!(pages.len(), PAGES);
    assert!(pages.iter().all(|page| *page == Page::Empty));
}

proptest! {
    /// Whatever is written, acknowledged and torn: the latest records of attempts that nobody
    /// acknowledged are those that were written last, and `starting` is always there.
    #[test]
    fn no_unacknowledged_record_is_ever_lost(steps in proptest::collection::vec((0..3_u8, 0..5_usize), 1..120)) {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut file) = new_file(&dir);
        let mut open: Vec<(AttemptId, Option<i64>)> = Vec::new();
        let mut next = 1;
        for (step, (kind, choice)) in steps.into_iter().enumerate() {
            match kind {
                0 if file.has_room() => {
                    let id = AttemptId::new(next);
                    next += 1;
                    file.write(id, starting(), Durability::Cached).unwrap();
                    open.push((id, None));
                }
                1 if choice < open.len() => {
                    let at = i64::try_from(step).unwrap();
                    file.write(open[choice].0, running(at), Durability::Cached).unwrap();
                    open[choice].1 = Some(at);
                }
                2 if choice < open.len() => file.acknowledge(open.remove(choice).0),
                _ => {}
            }
            prop_assert_eq!(file.has_unacknowledged(), !open.is_empty());
            prop_assert_eq!(file.has_room(), open.len() < 5);
        }
        let pages = read_pages(&path).unwrap();
        let found = latest(&pages, QUEUE);
        for (id, at) in open {
            prop_assert_eq!(&found[&id].entry, &at.map_or_else(starting, running));
            let starts = pages.iter().any(|page| matches!(
                page,
                Page::Record(record) if record.attempt == id && record.entry == starting()
            ));
            prop_assert!(starts);
        }
    }
}
