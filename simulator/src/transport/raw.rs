//! Requests broken off on purpose, written below the HTTP library on a connection of their own.

use std::time::Duration;

use pns_engine::FailureReason;
use rustls::ProtocolVersion;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::failure::Failure;
use super::injected::Break;
use super::wire::Stream;

/// How long the receiver may take to notice that a cut request is over.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// How much of what it says about it is read before the connection is closed for good.
const DRAIN_BYTES_MAX: u64 = 65_536;

/// How long the receiver may take to end its side of a TLS 1.3 handshake.
const SETTLE_LIMIT: Duration = Duration::from_millis(250);

/// How long the receiver is given to read a whole request before the connection is reset: a reset takes away what
/// was not read yet, and then it is as if nothing had been sent.
const READ_LIMIT: Duration = Duration::from_millis(20);

/// Waits until the receiver's side of the handshake is over, as far as that shows.
///
/// Under TLS 1.3 the sender is done first. A reset at once would end the receiver's handshake rather than a
/// request; what the receiver usually says next is its session tickets.
async fn settle(stream: &Stream) {
    if let Stream::Tls(tls) = stream
        && tls.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    {
        let _tickets_or_given_up = timeout(SETTLE_LIMIT, tls.get_ref().0.peek(&mut [0])).await;
    }
}

/// Writes as much as `broken` says and ends the connection; what the sender sees of it.
pub(super) async fn break_off(
    mut stream: Stream,
    head: &[u8],
    body: &[u8],
    broken: Break,
    send_limit: Duration,
) -> (Failure, Option<Duration>) {
    let part = match broken {
        Break::AfterHead => &body[..0],
        Break::AfterRequest => body,
        Break::MidBody => &body[..body.len() / 2],
    };
    settle(&stream).await;
    let write = async {
        stream.write_all(head).await?;
        stream.write_all(part).await?;
        stream.flush().await
    };
    match timeout(send_limit, write).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return (Failure::stream(&error, false), None),
        Err(_) => {
            let detail = format!("the receiver did not take the request within {send_limit:?}");
            return (Failure::new(FailureReason::SendTimeout, detail), Some(send_limit));
        }
    }
    if broken == Break::AfterRequest {
        // The beginning of an answer shows that it was read.
        let _answer_or_given_up = timeout(READ_LIMIT, stream.read(&mut [0])).await;
    }
    match broken {
        Break::AfterHead | Break::AfterRequest => {
            // Closing with no time to linger makes the kernel send RST.
            if let Err(error) = SockRef::from(stream.tcp()).set_linger(Some(Duration::ZERO)) {
                return (Failure::stream(&error, false), None);
            }
            (Failure::new(broken.reason(), "reset on purpose"), None)
        }
        Break::MidBody => {
            let goodbye = async {
                stream.shutdown().await?;
                // Closing with unread bytes would turn the orderly end into a reset.
                let mut sink = tokio::io::sink();
                tokio::io::copy(&mut (&mut stream).take(DRAIN_BYTES_MAX), &mut sink).await
            };
            let _end_or_given_up = timeout(DRAIN_LIMIT, goodbye).await;
            (Failure::new(broken.reason(), "closed on purpose after half of the body"), None)
        }
    }
}
