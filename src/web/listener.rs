//! Connections of visitors: so many at once, and none that says nothing.
//!
//! A visitor who sends a request byte by byte, or none at all, would otherwise keep a connection for ever
//! (and with enough of them all descriptors of the server). What counts is seen from outside of HTTP:
//!
//! * from the first moment, and from the first byte of each further request, to the empty line behind
//!   its head: [`HEAD`];
//! * from there to the first byte of the answer: [`ANSWER`], which is longer than any answer may take;
//! * without a byte in either direction: [`IDLE`]. What is pushed to an open page is never silent for
//!   so long.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::Sleep;

/// The most connections at once; more wait until one of them ends.
pub(crate) const MOST: usize = 100;
/// How long the head of a request may take.
pub(crate) const HEAD: Duration = Duration::from_secs(10);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(45);
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_mins(2);
/// What ends the head of a request.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A listener that lets in so many.
#[derive(Debug)]
pub(crate) struct Gate {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Gate {
    /// Before a listener.
    pub(crate) fn before(listener: TcpListener) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(MOST)),
        }
    }
}

impl Listener for Gate {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Nobody closes the semaphore; without a place there would be no limit, and no harm.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Connection::new(stream, place), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A request comes in; so many bytes of the end of its head have come.
    Head { ending: usize },
    /// The request is being answered.
    Answer,
    /// An answer goes out, or has gone out.
    Idle,
}

/// A connection with a limit for what it is doing.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    phase: Phase,
    limit: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn new(stream: TcpStream, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            stream,
            phase: Phase::Head { ending: 0 },
            limit: Box::pin(tokio::time::sleep(HEAD)),
            _place: place,
        }
    }

    fn enter(&mut self, phase: Phase, limit: Duration) {
        self.phase = phase;
        self.limit.as_mut().reset(Instant::now() + limit);
    }

    /// Takes note of what was read.
    fn note(&mut self, bytes: &[u8]) {
        let mut ending = match self.phase {
            Phase::Head { ending } => ending,
            // The body of the request that is being answered, or the next one before its time.
            Phase::Answer => return,
            Phase::Idle => {
                self.enter(Phase::Head { ending: 0 }, HEAD);
                0
            }
        };
        for byte in bytes {
            ending = match HEAD_END.get(ending) {
                Some(wanted) if wanted == byte => ending + 1,
                _ => usize::from(*byte == b'\r'),
            };
            if ending == HEAD_END.len() {
                self.enter(Phase::Answer, ANSWER);
                return;
            }
        }
        self.phase = Phase::Head { ending };
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut own.stream).poll_read(context, buffer);
        if let Poll::Ready(result) = read {
            own.note(buffer.filled().get(before..).unwrap_or_default());
            if !matches!(own.phase, Phase::Head { .. }) {
                return Poll::Ready(result);
            }
            // Whoever drips has a limit, too.
            return match own.limit.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Ready(result),
            };
        }
        own.limit
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let own = self.get_mut();
        let written = Pin::new(&mut own.stream).poll_write(context, bytes);
        if written.is_ready() {
            own.enter(Phase::Idle, IDLE);
            return written;
        }
        // Somebody who does not read what was asked for.
        if own.limit.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    async fn pair() -> (TcpStream, Connection) {
        let mut gate = Gate::before(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let visitor = TcpStream::connect(gate.local_addr().unwrap())
            .await
            .unwrap();
        (visitor, gate.accept().await.0)
    }

    async fn end_of(connection: &mut Connection) -> io::ErrorKind {
        let mut buffer = [0; 64];
        loop {
            match connection.read(&mut buffer).await {
                Ok(0) => return io::ErrorKind::UnexpectedEof,
                Ok(_) => {}
                Err(error) => return error.kind(),
            }
        }
    }

    #[tokio::test]
    async fn who_drips_a_request_is_sent_away() {
        let (mut visitor, mut connection) = pair().await;
        visitor
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n")
            .await
            .unwrap();
        connection.readable_once().await;
        // No byte passes by the clock, only by the pauses between them.
        tokio::time::pause();
        tokio::time::advance(HEAD + Duration::from_secs(1)).await;
        assert_eq!(end_of(&mut connection).await, io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_limit_of_the_head_ends_with_it_however_it_is_cut() {
        let (_visitor, mut connection) = pair().await;
        for piece in ["GET / HTTP/1.1\r", "\nHost: x\r\n", "\r"] {
            connection.note(piece.as_bytes());
            assert!(matches!(connection.phase, Phase::Head { .. }), "{piece:?}");
        }
        connection.note(b"\n");
        assert_eq!(connection.phase, Phase::Answer);
        // A body is no head.
        connection.note(b"body");
        assert_eq!(connection.phase, Phase::Answer);
        connection.enter(Phase::Idle, IDLE);
        connection.note(b"GET /next");
        assert!(matches!(connection.phase, Phase::Head { .. }));
    }

    #[tokio::test]
    async fn there_are_so_many_places_and_each_is_given_back() {
        let mut gate = Gate::before(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = gate.local_addr().unwrap();
        let mut inside = Vec::new();
        let mut visitors = Vec::new();
        for _ in 0..MOST {
            visitors.push(TcpStream::connect(address).await.unwrap());
            inside.push(gate.accept().await.0);
        }
        visitors.push(TcpStream::connect(address).await.unwrap());
        let next = tokio::time::timeout(Duration::from_millis(50), gate.accept()).await;
        assert!(next.is_err(), "one too many was let in");
        inside.pop();
        gate.accept().await;
    }

    impl Connection {
        /// Reads what is there.
        async fn readable_once(&mut self) {
            let mut buffer = [0; 64];
            assert!(self.read(&mut buffer).await.unwrap() > 0);
        }
    }
}
