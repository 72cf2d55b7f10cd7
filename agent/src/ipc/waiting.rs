//! A channel that the runtime waits for.
#![expect(unsafe_code, reason = "tokio asks for a promise about the descriptor it watches")]

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::unix::AsyncFd;

use super::{Channel, Received};

/// A message and the descriptor that came with it; `None` when the other end is closed.
pub type Incoming<In> = Option<(In, Option<OwnedFd>)>;

/// One end of a pair, under the runtime.
pub struct AsyncChannel<Out, In>(AsyncFd<Channel<Out, In>>);

impl<Out: Serialize, In: DeserializeOwned> AsyncChannel<Out, In> {
    /// Watches a channel. Must be called inside the runtime.
    pub fn new(channel: Channel<Out, In>) -> io::Result<Self> {
        // SAFETY: a `Channel` owns its socket from its making to its drop, and has no way to replace or close it in between.
        let watched = unsafe { AsyncFd::register(channel) };
        Ok(Self(watched.map_err(|error| error.into_parts().1)?))
    }

    /// The next message.
    pub fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Incoming<In>>> {
        loop {
            let mut guard = match self.0.poll_read_ready_mut(context) {
                Poll::Ready(guard) => guard?,
                Poll::Pending => return Poll::Pending,
            };
            match guard.get_inner_mut().receive()? {
                Received::Message(message, descriptor) => {
                    return Poll::Ready(Ok(Some((message, descriptor))));
                }
                Received::Closed => return Poll::Ready(Ok(None)),
                Received::Empty => guard.clear_ready(),
            }
        }
    }

    /// The channel, to send over.
    pub fn channel(&self) -> &Channel<Out, In> {
        self.0.get_ref()
    }
}
