//! Writing and reading together: what goes in comes out, up to the cap.

use super::*;
use crate::process::logfollow::Follower;
use crate::process::logread::Piece;
use crate::process::logread::read;
use crate::process::logread::tail_bytes;
use proptest::prelude::*;

const RUN: RunId = RunId::new(3);
const CAP: u64 = 64 * 1024 * 1024;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn all(logs: &Path, place: &OutputPlace, stream: Option<Stream>) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let mut gap = 0;
    for piece in read(logs, place, stream).unwrap() {
        match piece.unwrap() {
            Piece::Output { bytes: part, .. } => bytes.extend(part),
            Piece::Gap { bytes } => gap += bytes,
        }
    }
    (bytes, gap)
}

#[test]
fn small_outputs_share_a_file_and_silent_attempts_have_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(dir.path(), RUN, 0);
    log.begin(AttemptId::new(1), CAP);
    assert_eq!(log.finish(), OutputPlace::default());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    log.begin(AttemptId::new(2), CAP);
    log.append(Stream::Stdout, ms(5), b"out ");
    log.append(Stream::Stderr, ms(7), b"err");
    log.append(Stream::Stdout, ms(9), b"end");
    let second = log.finish();
    log.begin(AttemptId::new(3), CAP);
    log.append(Stream::Stdout, ms(1), b"third");
    let third = log.finish();

    assert_eq!(second.file.as_deref(), Some("3-0.seg"));
    assert_eq!(third.file, second.file);
    assert_eq!((second.stdout_bytes, second.stderr_bytes), (7, 3));
    assert_eq!(
        (second.first_after, second.last_after),
        (Some(ms(5)), Some(ms(9)))
    );
    assert_eq!(all(dir.path(), &second, None).0, b"out errend");
    assert_eq!(all(dir.path(), &second, Some(Stream::Stdout)).0, b"out end");
    assert_eq!(all(dir.path(), &third, None).0, b"third");
    let tail = tail_bytes(dir.path(), &second, Stream::Stdout, 4).unwrap();
    assert_eq!(tail, b" end");
}

#[test]
fn a_large_output_moves_to_its_own_file_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(dir.path(), RUN, 0);
    log.begin(AttemptId::new(8), CAP);
    let mut written = Vec::new();
    for number in 0..40_000_u32 {
        let line = format!("line {number}\n");
        written.extend_from_slice(line.as_bytes());
        log.append(Stream::Stdout, ms(u64::from(number)), line.as_bytes());
    }
    let place = log.finish();
    assert_eq!(place.file.as_deref(), Some("8.log"));
    assert_eq!(place.dropped_bytes, 0);
    assert_eq!(all(dir.path(), &place, None), (written.clone(), 0));
    let tail = tail_bytes(dir.path(), &place, Stream::Stdout, 300_000).unwrap();
    assert_eq!(tail, written[written.len() - 300_000..]);
    // The next small one is in the segment again.
    log.begin(AttemptId::new(9), CAP);
    log.append(Stream::Stderr, ms(0), b"small");
    let small = log.finish();
    assert_eq!(small.file.as_deref(), Some("3-0.seg"));
    assert_eq!(all(dir.path(), &small, None).0, b"small");
}

#[test]
fn output_that_cannot_be_written_is_counted_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(&dir.path().join("missing"), RUN, 0);
    log.begin(AttemptId::new(1), CAP);
    log.append(Stream::Stdout, ms(0), b"lost");
    log.append(Stream::Stdout, ms(0), b"lost too");
    let place = log.finish();
    assert!(place.write_failed);
    assert_eq!(place.stdout_bytes, 12);
    assert_eq!(place.file, None);
}

#[test]
fn half_a_frame_at_the_end_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(dir.path(), RUN, 0);
    log.begin(AttemptId::new(1), CAP);
    log.append(Stream::Stdout, ms(0), b"whole");
    log.append(Stream::Stdout, ms(0), b"half of it");
    let place = log.finish();
    let path = dir.path().join("3-0.seg");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 3).unwrap();
    assert_eq!(all(dir.path(), &place, None).0, b"whole");
}

#[test]
fn a_follower_sees_every_byte_once_while_the_output_grows_and_moves() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(dir.path(), RUN, 1);
    let other = AttemptId::new(20);
    log.begin(other, CAP);
    log.append(Stream::Stdout, ms(0), b"another attempt");
    log.finish();
    let attempt = AttemptId::new(21);
    let mut follower = Follower::new(dir.path(), RUN, attempt);
    assert!(follower.poll().unwrap().is_empty());
    log.begin(attempt, CAP);
    let mut written = Vec::new();
    let mut seen = Vec::new();
    for number in 0..30_000_u32 {
        let line = format!("line {number}\n");
        written.extend_from_slice(line.as_bytes());
        log.append(Stream::Stdout, ms(0), line.as_bytes());
        if number % 97 == 0 {
            take(&mut follower, &mut seen);
        }
    }
    take(&mut follower, &mut seen);
    assert!(log.is_large());
    assert_eq!(seen.len(), written.len());
    assert!(seen == written);
    // One who comes late sees the same.
    let mut late = Vec::new();
    take(&mut Follower::new(dir.path(), RUN, attempt), &mut late);
    assert!(late == written);
    // A small one ends where the next attempt begins.
    let mut small = Vec::new();
    take(&mut Follower::new(dir.path(), RUN, other), &mut small);
    assert_eq!(small, b"another attempt");
}

fn take(follower: &mut Follower, seen: &mut Vec<u8>) {
    for piece in follower.poll().unwrap() {
        match piece {
            Piece::Output { bytes, .. } => seen.extend(bytes),
            Piece::Gap { bytes } => panic!("a gap of {bytes} bytes"),
        }
    }
}

#[test]
fn a_follower_that_was_overtaken_says_so_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(dir.path(), RUN, 1);
    let attempt = AttemptId::new(5);
    log.begin(attempt, 200_000);
    let mut follower = Follower::new(dir.path(), RUN, attempt);
    for _ in 0..100 {
        log.append(Stream::Stdout, ms(0), &[b'x'; 1000]);
    }
    assert!(!follower.poll().unwrap().is_empty());
    for _ in 0..2000 {
        log.append(Stream::Stdout, ms(0), &[b'y'; 1000]);
    }
    log.append(Stream::Stdout, ms(0), b"the end");
    let pieces = follower.poll().unwrap();
    assert!(
        pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Gap { .. }))
    );
    let Some(Piece::Output { bytes, .. }) = pieces.last() else {
        panic!("no output");
    };
    assert!(bytes.ends_with(b"the end"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever is written in whatever pieces: what is kept is the beginning and the end of it, the
    /// gap is as large as is said, and the file is hardly larger than the cap.
    #[test]
    fn the_head_and_the_tail_are_kept_and_the_rest_is_counted(
        cap in 0..300_000_u64,
        sizes in proptest::collection::vec(1..40_000_usize, 0..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = SlotLog::new(dir.path(), RUN, 0);
        log.begin(AttemptId::new(1), cap);
        let mut written = Vec::new();
        for (index, size) in sizes.iter().enumerate() {
            let part: Vec<u8> = (0..*size).map(|at| u8::try_from((at * 7 + index * 31) % 251).unwrap()).collect();
            log.append(Stream::Stdout, ms(0), &part);
            written.extend(part);
        }
        let place = log.finish();
        prop_assert_eq!(place.stdout_bytes, written.len() as u64);
        prop_assert!(!place.write_failed);
        let (kept, gap) = all(dir.path(), &place, None);
        prop_assert_eq!(gap, place.dropped_bytes);
        prop_assert_eq!(kept.len() as u64 + gap, written.len() as u64);
        if gap == 0 {
            prop_assert!(kept == written);
        } else {
            let common = kept.iter().zip(&written).take_while(|(a, b)| a == b).count();
            prop_assert!(written.ends_with(&kept[common.min(kept.len())..]));
            // Headers take their share of small blocks.
            prop_assert!(common as u64 >= cap / 2 * 8 / 10);
            prop_assert!(place.length <= cap + cap / 4 + 3000);
        }
        let most = 5000;
        let tail = tail_bytes(dir.path(), &place, Stream::Stdout, most).unwrap();
        prop_assert!(written.ends_with(&tail));
        if gap == 0 {
            prop_assert_eq!(tail.len(), most.min(written.len()));
        }
    }
}
