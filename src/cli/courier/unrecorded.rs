//! Delivering without the outbox: when the queue cannot be written, and when somebody waits for it.

use std::io::Read as _;
use std::time::Duration;

use crate::cli::courier::surroundings;
use crate::cli::courier::words::{Desk, host_name, letter};
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::settings::Settings;
use crate::model::notice::{Notice, Occasion};
use crate::notify::{Letter, SendError, Target, send};
use crate::store::outbox::Waiting;
use crate::support::clock::Zone;

/// The largest message on standard input.
const LARGEST: u64 = 1024 * 1024;
/// Before each try; nobody notes anything, so there are few.
const TRIES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// Delivers the notice on standard input to everybody who wants to hear of such.
///
/// # Errors
/// When there is no notice.
pub fn deliver_unrecorded(settings: &Settings) -> Answer {
    let mut text = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST).read_to_end(&mut text);
    let notice: Option<Notice> = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    let Some(notice) = notice else {
        return Err(CliError::usage(
            "usage",
            "there is no message on standard input",
        ));
    };
    let host = host_name();
    let now = settings.clock.now();
    let message = Waiting {
        id: 0,
        message_id: uuid::Uuid::new_v4().to_string(),
        target: String::new(),
        target_name: String::new(),
        run: None,
        notice,
        tries: 1,
        created_at: now,
    };
    let desk = Desk {
        host: &host,
        queue: None,
        zone: Zone::Local,
        now,
    };
    let letter = letter(&message, desk);
    let mut left = targets_of(settings, letter.occasion);
    for pause in TRIES {
        if left.is_empty() {
            break;
        }
        std::thread::sleep(pause);
        let results = tell_at_once(settings, &left, &letter);
        left = left
            .into_iter()
            .zip(results)
            .filter_map(|(target, result)| result.is_err().then_some(target))
            .collect();
    }
    Ok(if left.is_empty() {
        Ending::Well
    } else {
        Ending::NeedsPerson
    })
}

/// The targets that want to hear of something.
pub fn targets_of(settings: &Settings, occasion: Occasion) -> Vec<&Target> {
    let targets = settings.config.notify.iter();
    targets
        .filter(|target| target.occasions.contains(&occasion))
        .collect()
}

/// Tells all of them at the same time, once; what became of it, in their order.
pub fn tell_at_once(
    settings: &Settings,
    targets: &[&Target],
    letter: &Letter,
) -> Vec<Result<(), SendError>> {
    let around = surroundings(settings);
    std::thread::scope(|scope| {
        let sending: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(move || send(target, letter, around)))
            .collect();
        sending
            .into_iter()
            .map(|thread| {
                let broken = || SendError::broken();
                thread.join().unwrap_or_else(|_| Err(broken()))
            })
            .collect()
    })
}
