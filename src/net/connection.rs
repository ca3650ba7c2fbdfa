//! One connection: a task that reads and writes until an end comes from either side.

use std::io;
use std::pin::pin;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{FIRST_READ_BYTES, LINGER, News, READ_BYTES, WRITE_BYTES};
use crate::session::{Input, LinkId};

/// Moves bytes over `stream` until it ends, or until `closing` does: then what is still to be sent
/// gets [`LINGER`].
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    link: LinkId,
    mut to_send: UnboundedReceiver<Vec<u8>>,
    closing: oneshot::Receiver<()>,
    tell: Sender<News<S>>,
) {
    let (reader, writer) = tokio::io::split(stream);
    let mut reader = pin!(reader);
    let mut writing = pin!(write(writer, link, &mut to_send, &tell));
    let why = tokio::select! {
        biased;
        _ = closing => {
            // What the other end still sends is read and dropped: closing with unread bytes would
            // reset the connection and could take our last words with it.
            let _ = timeout(LINGER, async { tokio::join!(writing, drain(reader)) }).await;
            return;
        }
        why = read(reader.as_mut(), link, &tell) => why,
        why = &mut writing => why,
    };
    let why = why.map_or_else(
        |error| in_words(&error),
        |()| "it was closed by the other side".into(),
    );
    // Nobody listens any more once the program ends.
    let _ = tell.send(News::Input(Input::Closed { link, why })).await;
}

async fn read<S>(
    mut from: impl AsyncRead + Unpin,
    link: LinkId,
    tell: &Sender<News<S>>,
) -> io::Result<()> {
    let mut buffer = vec![0; FIRST_READ_BYTES];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let bytes = buffer[..count].to_vec();
        if tell
            .send(News::Input(Input::Received { link, bytes }))
            .await
            .is_err()
        {
            return Ok(());
        }
        if count == buffer.len() {
            buffer.resize(READ_BYTES, 0);
        }
    }
}

/// Writes what is to be sent, and ends the stream when no more can come.
async fn write<S>(
    to: impl AsyncWrite,
    link: LinkId,
    to_send: &mut UnboundedReceiver<Vec<u8>>,
    tell: &Sender<News<S>>,
) -> io::Result<()> {
    let mut to = pin!(to);
    while let Some(mut bytes) = to_send.recv().await {
        // What one turn has to say goes in one piece: one call here, one waking there.
        while bytes.len() < WRITE_BYTES
            && let Ok(more) = to_send.try_recv()
        {
            bytes.extend(more);
        }
        to.write_all(&bytes).await?;
        // While the program ends nobody wants to know, but the last words are still written.
        let _ = tell
            .send(News::Input(Input::Flushed {
                link,
                bytes: bytes.len(),
            }))
            .await;
    }
    to.shutdown().await
}

async fn drain(mut from: impl AsyncRead + Unpin) {
    let mut buffer = vec![0; FIRST_READ_BYTES];
    while from.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

/// What happened, to follow "the connection ended:" or "was reached, but".
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "the connection was broken off by the other side".to_owned()
        }
        io::ErrorKind::TimedOut => "the connection broke: no answer".to_owned(),
        _ => format!("the connection broke: {error}"),
    }
}
