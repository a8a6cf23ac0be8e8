//! A fetch that fails twice, run with the retries and recoveries of a task:
//! `cargo run --example recovering`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::future::Ready;
use std::future::ready;
use std::time::Duration;

use autoexec::recovering::Category;
use autoexec::recovering::Failure;
use autoexec::recovering::Hook;
use autoexec::recovering::Policy;
use autoexec::recovering::recovering;

/// A shop that wants a new token first, and is busy then.
fn fetch(attempt: u32) -> Ready<Result<&'static str, Failure>> {
    ready(match attempt {
        1 => Err(Failure::of_text("HTTP/1.1 401 Unauthorized")),
        2 => Err(Failure::of(Category::RateLimit)
            .because("the shop is busy")
            .retry_after(Duration::from_secs(1))),
        _ => Ok("12 orders"),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = Policy::new()
        .service("shop.example.com:443")
        .total_timeout(Duration::from_mins(1))
        .recover(Hook::on(Category::Auth, |_| async {
            println!("fetching a new token");
            Ok(())
        }));
    let orders = recovering(&policy)
        .run(|attempt| fetch(attempt.number))
        .await?;
    println!("{} after {} attempts", orders.value, orders.attempts);
    for done in &orders.recoveries {
        println!("{}: {}", done.what, done.state.as_str());
    }
    Ok(())
}
