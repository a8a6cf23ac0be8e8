//! Who is sent away, and when.

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
    // It is read only when the clock stands: a machine that stalls is no visitor who drips.
    connection.stream.readable().await.unwrap();
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
async fn who_has_sent_half_a_request_makes_room_and_who_is_answered_stays() {
    let mut gate = Gate::before(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = gate.local_addr().unwrap();
    let mut inside = Vec::new();
    let mut visitors = Vec::new();
    for _ in 0..MOST {
        visitors.push(TcpStream::connect(address).await.unwrap());
        let mut connection = gate.accept().await.0;
        connection.note(HEAD_END);
        inside.push(connection);
    }
    // One of them waits for a next request, and two have not sent one.
    let mut idle = inside.remove(0);
    idle.enter(Phase::Idle, IDLE);
    let mut halves = inside.split_off(MOST - 3);
    for half in &mut halves {
        half.enter(Phase::Head { ending: 0 }, IDLE);
    }
    for mut leaving in halves.into_iter().chain([idle]) {
        visitors.push(TcpStream::connect(address).await.unwrap());
        let (mut next, end) = tokio::join!(gate.accept(), async {
            let end = end_of(&mut leaving).await;
            drop(leaving);
            end
        });
        assert_eq!(end, io::ErrorKind::ConnectionAborted);
        next.0.note(HEAD_END);
        inside.push(next.0);
    }
    assert_eq!(inside.len(), MOST);
    // All are being answered: one more waits for the first that is done.
    visitors.push(TcpStream::connect(address).await.unwrap());
    let mut done = inside.remove(5);
    let (_next, end) = tokio::join!(gate.accept(), async {
        done.enter(Phase::Idle, IDLE);
        let end = end_of(&mut done).await;
        drop(done);
        end
    });
    assert_eq!(end, io::ErrorKind::ConnectionAborted);
}
