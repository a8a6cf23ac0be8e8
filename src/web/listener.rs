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
//!
//! These limits alone would let a hundred half requests keep everybody else out for as long as they
//! last. So whoever comes when all places are taken gets one at once: of those who have not sent a
//! whole request the one who came first is sent away, and where there is none, who was silent longest.
//! Only who is being answered is left alone, and that does not last.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::Sleep;

use crate::support::crash;

/// The most connections at once.
pub(crate) const MOST: usize = 100;
/// How long the head of a request may take.
pub(crate) const HEAD: Duration = Duration::from_secs(5);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(45);
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_mins(2);
/// What ends the head of a request.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The turn of who is being answered: it never comes.
const BUSY: u64 = u64::MAX;
/// Who has sent whole requests has a turn behind all who have not.
const SERVED: u64 = 1 << 62;

/// A listener that lets in so many.
#[derive(Debug)]
pub(crate) struct Gate {
    listener: TcpListener,
    places: Arc<Semaphore>,
    hall: Arc<Hall>,
    /// Who is inside.
    inside: Vec<Guest>,
}

/// What those inside have in common.
#[derive(Debug, Default)]
struct Hall {
    /// Counts what happens, to tell what was earlier.
    turns: AtomicU64,
    /// Somebody has come to an end of what he was doing.
    changed: Notify,
}

/// Somebody inside, as the gate sees him.
#[derive(Debug)]
struct Guest {
    /// Who has the lowest is sent away first.
    turn: Arc<AtomicU64>,
    leave: oneshot::Sender<()>,
}

impl Gate {
    /// Before a listener.
    pub(crate) fn before(listener: TcpListener) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(MOST)),
            hall: Arc::default(),
            inside: Vec::new(),
        }
    }

    /// A place for one more, which somebody may have to leave.
    async fn place(&mut self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        loop {
            let changed = self.hall.changed.notified();
            let place = Arc::clone(&self.places).acquire_owned();
            if Self::send_away(&mut self.inside) {
                // Nobody closes the semaphore; without a place there would be no limit, and no harm.
                return place.await.ok();
            }
            tokio::select! {
                place = place => return place.ok(),
                () = changed => {}
            }
        }
    }

    /// Sends away who can be missed most; whether there is anybody.
    fn send_away(inside: &mut Vec<Guest>) -> bool {
        inside.retain(|guest| !guest.leave.is_closed());
        let turns = inside
            .iter()
            .map(|guest| guest.turn.load(Ordering::Relaxed))
            .enumerate();
        let next = turns
            .min_by_key(|(_, turn)| *turn)
            .filter(|(_, turn)| *turn != BUSY);
        // Who has left in the same moment has made room, too.
        next.is_some_and(|(index, _)| {
            let _told = inside.swap_remove(index).leave.send(());
            true
        })
    }
}

impl Listener for Gate {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let place = self.place().await;
        if self.inside.len() >= 2 * MOST {
            self.inside.retain(|guest| !guest.leave.is_closed());
        }
        let (leave, told) = oneshot::channel();
        let connection = Connection::new(stream, place, &self.hall, told);
        self.inside.push(Guest {
            turn: Arc::clone(&connection.turn),
            leave,
        });
        (connection, address)
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
    hall: Arc<Hall>,
    turn: Arc<AtomicU64>,
    /// Until it has been heard.
    told_to_leave: Option<oneshot::Receiver<()>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn new(
        stream: TcpStream,
        place: Option<OwnedSemaphorePermit>,
        hall: &Arc<Hall>,
        told_to_leave: oneshot::Receiver<()>,
    ) -> Self {
        let turn = hall.turns.fetch_add(1, Ordering::Relaxed);
        Self {
            stream,
            phase: Phase::Head { ending: 0 },
            limit: Box::pin(tokio::time::sleep(crash::patience(HEAD))),
            hall: Arc::clone(hall),
            turn: Arc::new(AtomicU64::new(turn)),
            told_to_leave: Some(told_to_leave),
            _place: place,
        }
    }

    fn enter(&mut self, phase: Phase, limit: Duration) {
        self.phase = phase;
        self.limit.as_mut().reset(Instant::now() + limit);
        let turn = match phase {
            Phase::Answer => BUSY,
            Phase::Head { .. } => self.hall.turns.fetch_add(1, Ordering::Relaxed),
            Phase::Idle => SERVED + self.hall.turns.fetch_add(1, Ordering::Relaxed),
        };
        if self.turn.swap(turn, Ordering::Relaxed) == BUSY && turn != BUSY {
            self.hall.changed.notify_one();
        }
    }

    /// Why nothing more is read or written, if there is a reason.
    fn is_over(&mut self, context: &mut Context<'_>) -> Option<io::Error> {
        if let Some(told) = &mut self.told_to_leave
            && let Poll::Ready(told) = Pin::new(told).poll(context)
        {
            self.told_to_leave = None;
            if told.is_ok() {
                return Some(io::ErrorKind::ConnectionAborted.into());
            }
        }
        let late = self.limit.as_mut().poll(context);
        late.is_ready().then(|| io::ErrorKind::TimedOut.into())
    }

    /// Takes note of what was read.
    fn note(&mut self, bytes: &[u8]) {
        let mut ending = match self.phase {
            Phase::Head { ending } => ending,
            // The body of the request that is being answered, or the next one before its time.
            Phase::Answer => return,
            Phase::Idle => {
                self.enter(Phase::Head { ending: 0 }, crash::patience(HEAD));
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
            return Poll::Ready(own.is_over(context).map_or(result, Err));
        }
        own.is_over(context)
            .map_or(Poll::Pending, |over| Poll::Ready(Err(over)))
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
        own.is_over(context)
            .map_or(Poll::Pending, |over| Poll::Ready(Err(over)))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
