//! What processes leave for each other: slot records, messages, result files, words about progress,
//! alerts, the lock and the epoch.

use std::fs;
use std::time::Duration;

use autoexec::host::alerts;
use autoexec::model::attempt::Assignment;
use autoexec::model::ids::AttemptId;
use autoexec::model::ids::ProcessIdentity;
use autoexec::model::layout::StateDir;
use autoexec::model::message;
use autoexec::model::message::Force;
use autoexec::model::message::FrameReader;
use autoexec::model::message::FromSupervisor;
use autoexec::model::message::NotStartedReason;
use autoexec::model::message::Progress;
use autoexec::model::message::ToSupervisor;
use autoexec::model::outcome::StopReason;
use autoexec::model::slot::PAGE;
use autoexec::model::slot::Page;
use autoexec::model::slot::SlotRecord;
use autoexec::process::epoch;
use autoexec::process::resultfile;
use autoexec::process::runlock;
use autoexec::process::slotfile;
use autoexec::process::telling;
use autoexec::support::clock::Timestamp;
use fastrand::Rng;

use crate::fuzz::Heard;
use crate::fuzz::Target;
use crate::fuzz::is_one_line;
use crate::fuzz::samples::QUEUE;
use crate::fuzz::samples::hostile;
use crate::fuzz::samples::outcome;
use crate::fuzz::samples::record;

const JSON: &[&str] = &[
    "{\"",
    "\":",
    "\"}",
    "[{",
    "}]",
    "\\ud800",
    "\\u0000",
    "1e308",
    "-1e-308",
    "{\"a\":{\"a\":",
    "[[[[[[[[",
    "\"attempt\":",
    "\"process\":{\"pid\":1,\"start\":2}",
    "{\"ended\":{",
    "\"retire\"",
    "\"percent\":",
    "\"message\":\"",
    "\"retry_after\":",
    "\"category\":\"network\"",
    "\"retryable\":\"after_fix\"",
    "\"timestamp\":\"2026-11-22T02:00:00Z\"",
    "\"level\":\"CRITICAL\"",
    "\"details\":",
];

#[test]
fn slot_records_come_back_as_they_were_or_not_at_all() {
    let mut rng = Rng::with_seed(1);
    let written: Vec<SlotRecord> = (0..64).map(|_| record(&mut rng)).collect();
    let whole: Vec<&SlotRecord> = written
        .iter()
        .filter(|record| record.encode().is_some())
        .collect();
    assert!(whole.len() > 32);
    let corpus: Vec<Vec<u8>> = whole
        .chunks(4)
        .map(|part| {
            part.iter()
                .flat_map(|record| record.encode().unwrap())
                .collect()
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1-1.slot");
    Target {
        name: "slot files",
        corpus: &corpus,
        words: &["AXSL", "\u{1}\0\0\0"],
        trials: (600, 300_000),
        takes_monsters: true,
    }
    .feed(|input| {
        fs::write(&path, input).unwrap();
        let pages = slotfile::read_pages(&path).unwrap();
        let mut taken = false;
        for page in &pages {
            if let Page::Record(record) = page {
                taken = true;
                // Nothing that was not written is ever believed.
                assert!(whole.contains(&record), "{record:?}");
            }
        }
        for (attempt, latest) in slotfile::latest(&pages, QUEUE) {
            let newest = pages.iter().filter_map(|page| match page {
                Page::Record(record) if record.attempt == attempt => Some(record.sequence),
                Page::Record(_) | Page::Empty | Page::Unreadable => None,
            });
            assert_eq!(newest.max(), Some(latest.sequence));
        }
        Heard::of(taken)
    });
}

/// A page whose checksum is right and whose content is junk: of another version, for instance.
#[test]
fn a_sound_page_of_senseless_content_is_no_record() {
    use sha2::Digest as _;
    let mut rng = Rng::with_seed(2);
    let corpus: Vec<Vec<u8>> = (0..32)
        .filter_map(|_| record(&mut rng).encode().map(|page| page.to_vec()))
        .collect();
    Target {
        name: "pages of slot files",
        corpus: &corpus,
        words: JSON,
        trials: (800, 400_000),
        takes_monsters: false,
    }
    .feed(|input| {
        let mut content = input.to_vec();
        content.resize(PAGE - 16, 0);
        let sum = sha2::Sha256::digest(&content);
        content.extend_from_slice(&sum[..16]);
        let page: [u8; PAGE] = content.try_into().unwrap();
        match SlotRecord::decode(&page) {
            Page::Record(record) => {
                let again = record.encode().map(|page| SlotRecord::decode(&page));
                // One that came shorter than we write it may not fit any more.
                assert!(again.is_none_or(|again| again == Page::Record(record)));
                Heard::Taken
            }
            Page::Empty | Page::Unreadable => Heard::Refused,
        }
    });
}

fn messages(rng: &mut Rng) -> (Vec<ToSupervisor>, Vec<FromSupervisor>) {
    let attempt = AttemptId::new(rng.i64(..));
    let process = ProcessIdentity { pid: 4, start: 5 };
    let progress = Progress {
        step: Some(hostile(rng)),
        percent: Some(rng.u8(..)),
        message: Some(hostile(rng)),
        silent_for: Some(Duration::from_millis(rng.u64(..) >> 12)),
        ..Progress::default()
    };
    let to = vec![
        ToSupervisor::Stop {
            attempt,
            reason: StopReason::Held,
            force: Force::Kill,
        },
        ToSupervisor::Acknowledge { attempt },
        ToSupervisor::Retire,
    ];
    let from = vec![
        FromSupervisor::Ready {
            supervisor: process,
        },
        FromSupervisor::Started {
            attempt,
            process,
            at: Timestamp::from_millis(rng.i64(..)),
        },
        FromSupervisor::Progress { attempt, progress },
        FromSupervisor::NotStarted {
            attempt,
            reason: NotStartedReason::Stopped,
        },
        FromSupervisor::Ended {
            attempt,
            outcome: Box::new(outcome(rng)),
        },
    ];
    (to, from)
}

#[test]
fn messages_come_back_however_they_are_cut_and_junk_ends_the_talk() {
    let mut rng = Rng::with_seed(3);
    let mut corpus = Vec::new();
    for _ in 0..16 {
        let (to, from) = messages(&mut rng);
        let to: Vec<u8> = to
            .iter()
            .flat_map(|one| message::encode(one).unwrap())
            .collect();
        let mut stream = Vec::new();
        for one in &from {
            let frame = message::encode(one).unwrap();
            let mut reader = FrameReader::default();
            reader.push(&frame);
            assert_eq!(
                reader.next_message::<FromSupervisor>().unwrap().as_ref(),
                Some(one)
            );
            stream.extend(frame);
        }
        corpus.extend([to, stream]);
    }
    Target {
        name: "messages",
        corpus: &corpus,
        words: JSON,
        trials: (800, 400_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let whole = told::<FromSupervisor>(input, input.len().max(1));
        // However the pipe cuts it.
        for piece in [1, 7, 4096] {
            if input.len() / piece < 10_000 {
                assert_eq!(told::<FromSupervisor>(input, piece), whole);
            }
        }
        let orders = told::<ToSupervisor>(input, input.len().max(1));
        Heard::of(!whole.0.is_empty() || !orders.0.is_empty())
    });
}

/// The messages of a stream that comes in pieces, and whether it came to a bad end.
fn told<M: serde::de::DeserializeOwned>(input: &[u8], piece: usize) -> (Vec<M>, bool) {
    let mut reader = FrameReader::default();
    let mut found = Vec::new();
    for part in input.chunks(piece) {
        reader.push(part);
        loop {
            match reader.next_message() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}

/// A definition that a supervisor gets must come back whole, too.
#[test]
fn an_assignment_that_is_junk_is_none() {
    let sample = br#"{"assign":{"attempt":1}}"#.to_vec();
    let mut frame = u32::try_from(sample.len()).unwrap().to_le_bytes().to_vec();
    frame.extend(sample);
    let mut reader = FrameReader::default();
    reader.push(&frame);
    assert!(reader.next_message::<ToSupervisor>().is_err());
    assert!(serde_json::from_slice::<Assignment>(b"{}").is_err());
}

#[test]
fn what_tasks_leave_in_files_is_used_field_by_field_or_passed_over() {
    let corpus = [
        &br#"{"message":"quota","category":"rate_limit","retry_after":30,"retryable":true,"result":{"rows":7}}"#[..],
        br#"{"percent":40,"message":"half way"}"#,
        br#"{"message":1,"category":"odd","retry_after":-1,"retryable":"no"}"#,
        br#"{"timestamp":"2026-11-22T02:00:00Z","level":"WARNING","component":"queue","message":"x","details":{"a":1}}
"#,
        br#"{"process":{"pid":1,"start":2},"since":1700000000000,"run":3}
"#,
        b"00000000000000000017 00000000000000000017\n",
    ]
    .map(<[u8]>::to_vec);
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let path = folder.path().join("file");
    Target {
        name: "result files, progress, alerts, lock and epoch",
        corpus: &corpus,
        words: JSON,
        trials: (600, 200_000),
        takes_monsters: true,
    }
    .feed(|input| {
        fs::write(&path, input).unwrap();
        let found = resultfile::read(&path);
        let said = found.as_ref().and_then(|found| found.said.as_ref());
        if let Some(said) = said {
            assert!(
                said.message
                    .as_ref()
                    .is_none_or(|text| text.chars().count() <= 300)
            );
            let year = Duration::from_hours(366 * 24);
            assert!(said.retry_after.is_none_or(|wait| wait <= year));
        }
        for note in found.iter().flat_map(|found| &found.notes) {
            is_one_line(note);
        }
        if let Some(whole) = resultfile::whole(&path) {
            serde_json::from_str::<serde_json::Value>(&whole).unwrap();
            assert!(!whole.contains('\n'));
        }
        let told = telling::read(&path);
        if let Some(told) = &told {
            assert!(told.percent <= 100);
            assert!(
                told.message
                    .as_ref()
                    .is_none_or(|text| text.chars().count() <= 160)
            );
        }
        let _whoever_lives = runlock::read_holder(&path).unwrap();
        let epoch = epoch::read(&path);
        fs::write(dir.alerts(), input).unwrap();
        let alerts = alerts::read::newest(&dir, &alerts::read::Wanted::newest(50)).unwrap();
        assert!(alerts.alerts.len() <= 50);
        for alert in &alerts.alerts {
            alert.timestamp.to_rfc3339();
        }
        Heard::of(said.is_some() || told.is_some() || epoch.is_ok() || !alerts.alerts.is_empty())
    });
}
