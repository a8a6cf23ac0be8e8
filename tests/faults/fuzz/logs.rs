//! Kept output whose file was damaged: read as far as it goes, within bounds.

use std::fs;
use std::time::Duration;

use autoexec::model::ids::AttemptId;
use autoexec::model::ids::RunId;
use autoexec::model::outcome::OutputPlace;
use autoexec::process::Stream;
use autoexec::process::logfile::SlotLog;
use autoexec::process::logread;
use autoexec::process::logread::Piece;
use autoexec::report::log_text::LogText;
use autoexec::report::log_text::Reader;

use crate::fuzz::Heard;
use crate::fuzz::Target;

/// More pieces than this no file of a mebibyte can hold.
const MOST_PIECES: usize = 1024 * 1024;

/// Files as a slot leaves them: a small output, one that outgrew its segment, and one that was cut.
fn samples(is_own: bool) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SlotLog::new(folder.path(), RunId::new(1), 1);
    let mut files = Vec::new();
    for (number, (lines, cap)) in [(3, 1 << 20), (4_000, 1 << 20), (9_000, 16 * 1024)]
        .into_iter()
        .enumerate()
    {
        log.begin(AttemptId::new(i64::try_from(number).unwrap() + 1), cap);
        for line in 0..lines {
            let stream = [Stream::Stdout, Stream::Stderr, Stream::Remedy][line % 3];
            let text = format!("line {line} \u{1b}[31mred\u{1b}[0m\n");
            log.append(stream, Duration::from_millis(line as u64), text.as_bytes());
        }
        let place = log.finish();
        let name = place.file.unwrap();
        if name.contains(".log") == is_own {
            files.push(fs::read(folder.path().join(name)).unwrap());
        }
    }
    files
}

#[test]
fn damaged_output_is_read_as_far_as_it_goes() {
    for (name, is_own) in [
        ("segments of output", false),
        ("files of large output", true),
    ] {
        let samples = samples(is_own);
        assert!(!samples.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let file = if is_own { "7.log" } else { "1-1.seg" };
        let path = folder.path().join(file);
        Target {
            name,
            corpus: &samples,
            words: &[
                "AXBLOCK1",
                "AXLOG\0\0\u{1}",
                "\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}\u{ff}",
                "\0\0\0\0\0\0\0\0",
                "f\u{1}\0",
            ],
            trials: (120, 40_000),
            takes_monsters: true,
        }
        .feed(|input| {
            fs::write(&path, input).unwrap();
            let place = OutputPlace {
                file: Some(file.to_owned()),
                offset: 0,
                length: u64::try_from(input.len()).unwrap(),
                ..OutputPlace::default()
            };
            let mut output = 0;
            let mut shown = LogText::new(Reader::Terminal, None, Some(50));
            if let Ok(pieces) = logread::read(folder.path(), &place, None) {
                for (number, piece) in pieces.enumerate() {
                    assert!(number < MOST_PIECES);
                    let Ok(piece) = piece else { break };
                    if let Piece::Output { bytes, .. } = &piece {
                        output += bytes.len();
                    }
                    can_be_shown(&shown.push(&piece));
                }
            }
            can_be_shown(&shown.finish());
            assert!(output <= input.len(), "{output}");
            for stream in [Stream::Stdout, Stream::Stderr, Stream::Remedy] {
                let tail = logread::tail_bytes(folder.path(), &place, stream, 1_000);
                assert!(tail.is_ok_and(|tail| tail.len() <= 1_000) || output == 0);
            }
            let _either = logread::last_pieces(folder.path(), &place);
            // A place that a damaged database names.
            for (offset, length) in [(u64::MAX, u64::MAX), (1, u64::MAX), (u64::MAX - 3, 7)] {
                let place = OutputPlace {
                    offset,
                    length,
                    ..place.clone()
                };
                if let Ok(pieces) = logread::read(folder.path(), &place, None) {
                    assert!(pieces.take(MOST_PIECES + 1).count() <= MOST_PIECES);
                }
                let _either = logread::tail_bytes(folder.path(), &place, Stream::Stdout, 1_000);
            }
            Heard::of(output > 0)
        });
    }
}

#[track_caller]
fn can_be_shown(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let is_shown = |character: char| !character.is_control() || "\n\t".contains(character);
    assert!(text.chars().all(is_shown), "{text:?}");
}
