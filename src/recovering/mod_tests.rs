//! Calls from begin to end, on a clock that goes on as soon as everybody waits.

use super::*;
use std::future::Ready;
use std::future::ready;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::model::layout::StateDir;
use crate::policy::breaker::BreakerState;
use crate::store::Access;
use crate::store::Store;
use crate::store::breakers::Kind;
use crate::support::clock::Clock;

const HOST: &str = "127.0.0.1";

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

/// Fails so often, then returns the number of its attempt.
fn fails(attempt: &Attempt, times: u32, error: io::Error) -> Ready<Result<u32, io::Error>> {
    ready(if attempt.number <= times {
        Err(error)
    } else {
        Ok(attempt.number)
    })
}

#[tokio::test(start_paused = true)]
async fn what_time_heals_is_tried_again_with_growing_pauses() {
    let policy = Policy::new().pauses(Duration::from_secs(2), Duration::from_mins(1));
    let done = recovering(&policy)
        .run(|attempt| fails(&attempt, 3, refused()))
        .await
        .unwrap();
    assert_eq!((done.value, done.attempts), (4, 4));
    // 2 + 4 + 8 s, each up to a fifth shorter.
    let range = Duration::from_millis(11_200)..=Duration::from_secs(14);
    assert!(range.contains(&done.waited), "{:?}", done.waited);
    let last = done.recoveries.last().unwrap();
    assert_eq!(last.state, RecoveryState::Helped);
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_cannot_help_ends_the_call_at_once() {
    for (category, end) in [
        (Category::Auth, End::Hopeless),
        (Category::NotFound, End::Hopeless),
        (Category::Validation, End::Hopeless),
        (Category::Logic, End::Hopeless),
        (Category::Unknown, End::UsedUp),
    ] {
        let gave_up = recovering(Policy::new())
            .run(|_| async move { Err::<(), _>(Failure::of(category)) })
            .await
            .unwrap_err();
        assert_eq!(gave_up.end, end, "{category}");
        let attempts = if category == Category::Unknown { 2 } else { 1 };
        assert_eq!(gave_up.attempts, attempts, "{category}");
        assert_eq!(gave_up.failure.unwrap().category, category);
        assert_eq!(gave_up.error, Some(Failure::of(category)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_is_kept() {
    let said = Failure::of(Category::RateLimit).retry_after(Duration::from_secs(100));
    let by_text = Failure::of_text("HTTP 429 Too Many Requests\nRetry-After: 100");
    for (failure, most) in [(said, 100), (by_text, 120)] {
        let done = recovering(Policy::new())
            .run(|attempt| {
                let failure = failure.clone();
                async move { (attempt.number > 1).then_some(()).ok_or(failure) }
            })
            .await
            .unwrap();
        let range = Duration::from_secs(100)..=Duration::from_secs(most);
        assert!(range.contains(&done.waited), "{failure}: {:?}", done.waited);
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_port_is_waited_for_until_somebody_answers() {
    // None of those that the kernel hands out to others.
    let port = (12_000..20_000)
        .find(|port| TcpListener::bind((HOST, *port)).is_ok())
        .unwrap();
    let policy = Policy::new().waits_for(HOST, port);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(40)).await;
        let _listener = TcpListener::bind((HOST, port)).unwrap();
        std::future::pending::<()>().await;
    });
    let done = recovering(policy)
        .run(|_| async move { tokio::net::TcpStream::connect((HOST, port)).await.map(drop) })
        .await
        .unwrap();
    assert_eq!(done.attempts, 2);
    let waited = &done.recoveries[0];
    assert_eq!(waited.strategy, "wait_for_reconnection");
    assert_eq!(
        waited.what,
        format!("wait_for_reconnection ({HOST}:{port})")
    );
    assert_eq!(waited.state, RecoveryState::Helped);
    assert!(waited.took >= Duration::from_secs(30), "{:?}", waited.took);
}

#[tokio::test(start_paused = true)]
async fn a_hook_runs_once_and_makes_a_refused_credential_worth_an_attempt() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let policy = Policy::new().recover(Hook::on(Category::Auth, move |failure| {
        assert_eq!(failure.category, Category::Auth);
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok(()) }
    }));
    let call = |times: u32| {
        recovering(&policy).run(move |attempt| async move {
            let refused = Failure::of(Category::Auth).because("HTTP 401 Unauthorized");
            (attempt.number > times).then_some(()).ok_or(refused)
        })
    };
    let done = call(1).await.unwrap();
    assert_eq!((done.attempts, runs.load(Ordering::Relaxed)), (2, 1));
    assert_eq!(done.recoveries[0].strategy, "refresh_credentials");
    assert_eq!(done.recoveries[0].state, RecoveryState::Helped);
    // The next call has its own uses; the same failure after it ends the call.
    let gave_up = call(2).await.unwrap_err();
    assert_eq!((gave_up.attempts, runs.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(gave_up.recoveries[0].state, RecoveryState::InVain);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_told_and_what_comes_next_is_tried() {
    let broken = Hook::on_match("(?-u:refused)", |_| async { Err("no token".into()) }).unwrap();
    let done = recovering(Policy::new().recover(broken))
        .run(|attempt| fails(&attempt, 1, refused()))
        .await
        .unwrap();
    assert_eq!(done.attempts, 2);
    let told: Vec<_> = done.recoveries.iter().map(|one| one.state).collect();
    assert_eq!(told, [RecoveryState::Failed, RecoveryState::Helped]);
    assert_eq!(done.recoveries[0].detail.as_deref(), Some("no token"));
}

#[tokio::test(start_paused = true)]
async fn in_the_mode_suggest_a_hook_is_named_and_does_not_run() {
    let hook = Hook::on(Category::Network, |_| async { panic!("it runs") });
    let done = recovering(Policy::new().recover(hook).mode(RecoverMode::Suggest))
        .run(|attempt| fails(&attempt, 1, refused()))
        .await
        .unwrap();
    assert_eq!(done.recoveries[0].state, RecoveryState::Suggested);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_dropped_and_the_next_has_twice_the_time() {
    let policy = Policy::new().attempt_timeout(Duration::from_secs(10));
    let done = recovering(policy)
        .run(|attempt| async move {
            tokio::time::sleep(Duration::from_secs(15)).await;
            Ok::<_, io::Error>(attempt.timeout)
        })
        .await
        .unwrap();
    assert_eq!(done.value, Some(Duration::from_secs(20)));
    assert_eq!(done.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_all_attempts_ends_an_attempt_and_every_wait() {
    let policy = Policy::new().total_timeout(Duration::from_secs(30));
    let before = Instant::now();
    let hangs = recovering(&policy)
        .run(|_| std::future::pending::<Result<(), io::Error>>())
        .await
        .unwrap_err();
    assert_eq!((hangs.end, hangs.attempts), (End::TimeIsUp, 1));
    assert_eq!(before.elapsed().as_secs(), 30);
    let slow = Failure::of(Category::RateLimit).retry_after(Duration::from_mins(1));
    let asked = recovering(&policy)
        .run(|_| async { Err::<(), _>(slow.clone()) })
        .await
        .unwrap_err();
    assert_eq!(asked.end, End::TimeIsUp);
    assert_eq!(asked.waited, Duration::ZERO, "a wait in vain is not begun");
}

fn down() -> Failure {
    Failure::of_text("HTTP/1.1 503 Service Unavailable")
}

fn fragile() -> Policy {
    let settings = BreakerSettings {
        failures: 3,
        open_for: Duration::from_mins(5),
        ..BreakerSettings::default()
    };
    Policy::new().service("api.example.com").breaker(settings)
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_policy_share_its_breakers() {
    let policy = fragile();
    let failing = recovering(policy.clone().max_attempts(3))
        .run(|_| async { Err::<(), _>(down()) })
        .await
        .unwrap_err();
    assert_eq!((failing.end, failing.attempts), (End::UsedUp, 3));
    // Another call does not even try, if it does not want to wait.
    let impatient = recovering(policy.clone().when_open(WhenOpen::GiveUp))
        .run(|_| async { Ok::<_, Failure>(()) })
        .await
        .unwrap_err();
    assert_eq!((impatient.end, impatient.attempts), (End::ServiceOpen, 0));
    // One that waits has its turn when the time of the probe has come, and closes it.
    let patient = recovering(&policy)
        .run(|_| async { Ok::<_, Failure>(()) })
        .await
        .unwrap();
    assert!(patient.waited >= Duration::from_secs(290));
    let free = recovering(policy.when_open(WhenOpen::GiveUp))
        .run(|_| async { Ok::<_, Failure>(()) })
        .await
        .unwrap();
    assert_eq!(free.waited, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_gives_its_turn_back() {
    let policy = fragile();
    let failing = recovering(policy.clone().max_attempts(3));
    let failed = failing.run(|_| async { Err::<(), _>(down()) }).await;
    failed.unwrap_err();
    tokio::time::sleep(Duration::from_secs(301)).await;
    let hanging = recovering(&policy).run(|_| std::future::pending::<Result<(), Failure>>());
    let dropped = tokio::time::timeout(Duration::from_secs(1), hanging).await;
    assert!(dropped.is_err());
    let next = recovering(policy.when_open(WhenOpen::GiveUp))
        .run(|_| async { Ok::<_, Failure>(()) })
        .await;
    assert!(next.is_ok(), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_ends_attempt_hook_and_wait_in_the_middle() {
    let alive = Arc::new(());
    for step in 0..3 {
        let held = Arc::clone(&alive);
        let in_hook = Arc::clone(&alive);
        let hook = Hook::on(Category::Auth, move |_| {
            let held = Arc::clone(&in_hook);
            async move {
                std::future::pending::<()>().await;
                drop(held);
                Ok(())
            }
        });
        let call = recovering(Policy::new().recover(hook)).run(move |_| {
            let held = Arc::clone(&held);
            async move {
                match step {
                    0 => std::future::pending::<()>().await,
                    1 => return Err(Failure::of(Category::Auth)),
                    _ => {}
                }
                drop(held);
                Err::<(), _>(Failure::of(Category::Network))
            }
        });
        let ended = tokio::time::timeout(Duration::from_millis(500), call).await;
        assert!(ended.is_err(), "{step}");
        assert_eq!(Arc::strong_count(&alive), 1, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_address_and_another_value_are_used_where_they_are_declared() {
    let policy = Policy::new()
        .endpoints("API", ["https://a.example.com", "https://b.example.com"])
        .fallback("REGION", "eu-1");
    let done = recovering(&policy)
        .run(|attempt| async move {
            match attempt.value("API") {
                Some("https://b.example.com") => Ok(()),
                _ => Err(refused()),
            }
        })
        .await
        .unwrap();
    let used: Vec<_> = done.recoveries.iter().map(|one| &one.strategy).collect();
    assert!(used.iter().any(|one| *one == "rotate_endpoint"), "{used:?}");
    let fallen_back = recovering(&policy)
        .run(|attempt| async move {
            match attempt.value("REGION") {
                Some("eu-1") => Ok(()),
                _ => Err(Failure::of(Category::Validation)),
            }
        })
        .await
        .unwrap();
    assert_eq!(fallen_back.attempts, 2);
}

#[tokio::test]
async fn breakers_of_a_state_directory_are_those_of_its_queue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let policy = fragile()
        .state_dir(&path)
        .pauses(Duration::from_millis(1), Duration::from_millis(1))
        .max_attempts(3);
    let failing = recovering(&policy).run(|_| async { Err::<(), _>(down()) });
    assert_eq!(failing.await.unwrap_err().attempts, 3);
    let dir = StateDir::at(&path);
    let open = |access| Store::open(&dir, access, Clock::System.now()).unwrap();
    let kept = open(Access::ReadOnly);
    let breaker = kept.breaker(Kind::Service, "api.example.com").unwrap();
    assert!(matches!(breaker.state, BreakerState::Open { .. }));
    // Another policy, as another program would have it, finds it open.
    let other = fragile().state_dir(&path).when_open(WhenOpen::GiveUp);
    let gave_up = recovering(&other).run(|_| async { Ok::<_, Failure>(()) });
    assert_eq!(gave_up.await.unwrap_err().end, End::ServiceOpen);
    // And a queue that closes it, closes it for all.
    open(Access::ReadWrite)
        .write(|tx| {
            let mut breaker = breaker.clone();
            breaker.reset();
            let now = Clock::System.now();
            crate::store::breakers::save(tx, Kind::Service, "api.example.com", &breaker, now)
        })
        .unwrap();
    let served = recovering(&other).run(|_| async { Ok::<_, Failure>(()) });
    served.await.unwrap();
}

#[tokio::test]
async fn a_queue_learns_from_what_helped_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let soon = Duration::from_millis(1);
    let policy = Policy::new().state_dir(&path).pauses(soon, soon);
    let call = recovering(&policy).run(|attempt| fails(&attempt, 1, refused()));
    let last = call.await.unwrap().recoveries.pop().unwrap();
    let store = Store::open(&StateDir::at(&path), Access::ReadOnly, Clock::System.now());
    let figures = store.unwrap().figures("connection_refused").unwrap();
    assert_eq!(figures.evidence.len(), 1);
    assert_eq!(figures.evidence[0].strategy, last.strategy);
    assert!(figures.evidence[0].helped);
}

#[tokio::test(start_paused = true)]
async fn any_error_will_do_where_somebody_says_what_it_is() {
    let done = recovering(Policy::new())
        .run_judged(
            |code: &u16| match code {
                503 => Failure::of(Category::ServerError),
                _ => Failure::of(Category::Logic),
            },
            |attempt| async move { (attempt.number > 1).then_some(()).ok_or(503_u16) },
        )
        .await
        .unwrap();
    assert_eq!(done.attempts, 2);
}

#[test]
fn a_call_may_be_spawned_and_its_error_handed_on() {
    fn needs_send<T: Send>(_: &T) {}
    let call = recovering(Policy::new()).run(|_| async { Ok::<_, io::Error>(()) });
    needs_send(&call);
    let gave_up = GaveUp {
        error: Some("the shop is closed"),
        failure: None,
        end: End::Hopeless,
        why: "a retry proves nothing".to_owned(),
        attempts: 2,
        recoveries: Vec::new(),
        waited: Duration::ZERO,
    };
    let handed_on: Box<dyn std::error::Error> = gave_up.into();
    assert_eq!(
        handed_on.to_string(),
        "gave up after 2 attempts: a retry proves nothing: the shop is closed"
    );
}
