//! Who gets the lock, and what the next one learns.

use super::*;
use std::sync::Mutex;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const PATIENCE: Duration = Duration::from_millis(30);

/// The note for signal handlers is one per process, so tests that hold the lock take turns.
static TURN: Mutex<()> = Mutex::new(());

fn acquire(path: &Path) -> RunLock {
    RunLock::acquire(path, NOW, PATIENCE).unwrap()
}

#[test]
fn the_second_is_refused_and_learns_who_is_first() {
    let _turn = TURN.lock().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.lock");
    let mut first = acquire(&path);
    first.announce(RunId::new(7)).unwrap();
    let Err(RunLockError::Held { holder }) = RunLock::acquire(&path, NOW, Duration::from_mins(1))
    else {
        panic!("two holders");
    };
    let holder = holder.unwrap();
    assert_eq!(holder.run, Some(RunId::new(7)));
    assert_eq!(holder.since, NOW);
    assert_eq!(read_holder(&path).unwrap(), Some(holder));
    drop(first);
    assert_eq!(read_holder(&path).unwrap(), None);
    let second = acquire(&path);
    assert_eq!(second.left_note(), None);
}

#[test]
fn a_command_in_passing_is_waited_for() {
    let _turn = TURN.lock().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.lock");
    let command = acquire(&path);
    assert!(RunLock::acquire(&path, NOW, PATIENCE).is_err());
    let waiting = {
        let path = path.clone();
        std::thread::spawn(move || RunLock::acquire(&path, NOW, Duration::from_mins(1)).map(drop))
    };
    drop(command);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_dead_holder_leaves_its_name_and_its_note() {
    let _turn = TURN.lock().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.lock");
    for crashed in [false, true] {
        let lock = acquire(&path);
        lock.note(AttemptId::new(41)).unwrap();
        lock.clear_note().unwrap();
        // No note stands: nothing to mark.
        mark_crashed();
        lock.note(AttemptId::new(42)).unwrap();
        if crashed {
            mark_crashed();
        }
        let holder = lock.holder.clone();
        die(lock);

        assert_eq!(read_holder(&path).unwrap(), Some(holder));
        let next = acquire(&path);
        let death = if crashed {
            Death::Crashed
        } else {
            Death::Unknown
        };
        let attempt = AttemptId::new(42);
        assert_eq!(next.left_note(), Some(Note { attempt, death }));
        // It is still there for a third one, until it was counted.
        die(next);
        let third = acquire(&path);
        assert_eq!(third.left_note(), Some(Note { attempt, death }));
        third.clear_note().unwrap();
        die(third);
        assert_eq!(acquire(&path).left_note(), None);
    }
}

/// Lets go of the lock as a killed process does: without writing anything.
fn die(lock: RunLock) {
    let descriptor = lock.file.try_clone().unwrap();
    descriptor.unlock().unwrap();
    std::mem::forget(lock);
}

#[test]
fn a_torn_or_foreign_file_is_no_note_and_no_holder() {
    let _turn = TURN.lock().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.lock");
    for junk in [
        vec![0_u8; 300],
        vec![b'!'; 600],
        b"{\"process\"".to_vec(),
        {
            let mut torn = vec![b' '; 256];
            torn.extend_from_slice(b"? 00000000000000000012 00000000000000000013\n");
            torn
        },
    ] {
        std::fs::write(&path, junk).unwrap();
        let lock = acquire(&path);
        assert_eq!(lock.left_note(), None);
    }
}

#[test]
fn a_lock_whose_file_was_moved_away_is_not_taken_for_the_lock() {
    let _turn = TURN.lock().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.lock");
    let lock = acquire(&path);
    assert!(is_at(&lock.file, &path));
    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    assert!(!is_at(&lock.file, &path));
}

#[test]
fn a_pipe_in_the_place_of_the_lock_keeps_nobody_who_looks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.lock");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
    assert_eq!(read_holder(&path).unwrap(), None);
}
