//! What is read of errors.

use super::*;

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot fetch the orders")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_causes_of_an_error_are_read_with_the_words_of_the_system() {
    let error = Outer(io::ErrorKind::ConnectionRefused.into());
    let failure = error.failure();
    let lines: Vec<&str> = failure.text().lines().collect();
    assert_eq!(lines[0], "Error: cannot fetch the orders");
    assert!(lines[3].ends_with("Connection refused (os error 111)"));
    assert_eq!(failure.said(), None);
    let of_the_system = io::Error::from_raw_os_error(28).failure();
    assert_eq!(
        of_the_system.text(),
        "No space left on device (os error 28)"
    );
}

#[test]
fn the_author_is_heard_from_anywhere_in_a_chain() {
    let told = Failure::of(Category::RateLimit).retry_after(Duration::from_secs(7));
    let wrapped = Outer(io::Error::other(told.clone()));
    let boxed: Box<dyn Error + Send + Sync> = Box::new(wrapped);
    assert_eq!(boxed.failure().said(), told.said());
    assert!(boxed.failure().text().starts_with("Error: cannot fetch"));
    let with_context = anyhow::Error::new(told.clone()).context("cannot fetch");
    assert_eq!(with_context.failure().said(), told.said());
}
