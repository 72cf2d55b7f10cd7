//! How the roles talk: typed messages over socketpairs.
//!
//! A pair is a `SOCK_SEQPACKET` Unix socket: the kernel keeps the borders and the order of messages, and a
//! descriptor travels with the message that explains it. One message is one JSON text of at most
//! [`MESSAGE_BYTES`]; anything longer, cut or not of its type is an error, after which the peer is not listened to.

use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod message;
pub mod waiting;

/// Longest message, in bytes. Below the default send buffer of a Unix socket (208 KiB), so that the kernel takes
/// it whole; enough for one scanned item with every list full.
pub const MESSAGE_BYTES: usize = 192 * 1024;

/// One end of a pair: sends `Out`, receives `In`. Never blocks.
#[derive(Debug)]
pub struct Channel<Out, In> {
    socket: OwnedFd,
    buffer: Vec<u8>,
    words: PhantomData<fn(Out) -> In>,
}

/// What came in.
#[derive(Debug)]
pub enum Received<In> {
    /// A message, and the descriptor that came with it.
    Message(In, Option<OwnedFd>),
    /// Nothing now.
    Empty,
    /// The other end is closed; nothing will come any more.
    Closed,
}

/// A message that did not go out.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The other end has not read what was sent before: try again when writable.
    #[error("the other role does not keep up")]
    Full,
    /// The other end is closed.
    #[error("the other role is gone")]
    Closed,
    /// The message is longer than [`MESSAGE_BYTES`].
    #[error("a message of {0} bytes is over the bound")]
    TooLong(usize),
    /// It cannot be sent.
    #[error("cannot send to the other role")]
    Io(#[source] io::Error),
}

/// A pair of unconnected types of ends, to be given to two roles.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

impl<Out: Serialize, In: DeserializeOwned> Channel<Out, In> {
    /// The end of a pair that speaks these types.
    pub fn new(socket: OwnedFd) -> Self {
        // Pages of zeroed memory cost nothing until they are written to, so its size matters little.
        Self { socket, buffer: vec![0; MESSAGE_BYTES], words: PhantomData }
    }

    /// The socket, to be handed to another process.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Sends a message.
    pub fn send(&self, message: &Out) -> Result<(), SendError> {
        self.send_bytes(message, &[])
    }

    /// Sends a message with a descriptor; the sender keeps its own copy.
    pub fn send_with(&self, message: &Out, descriptor: BorrowedFd<'_>) -> Result<(), SendError> {
        self.send_bytes(message, &[descriptor])
    }

    fn send_bytes(&self, message: &Out, descriptors: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        let text = serde_json::to_vec(message).map_err(|error| SendError::Io(error.into()))?;
        if text.len() > MESSAGE_BYTES {
            return Err(SendError::TooLong(text.len()));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match rustix::net::sendmsg(&self.socket, &[IoSlice::new(&text)], &mut control, flags) {
            Ok(_) => Ok(()),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::NOBUFS) => Err(SendError::Full),
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET | rustix::io::Errno::NOTCONN) => {
                Err(SendError::Closed)
            }
            Err(error) => Err(SendError::Io(error.into())),
        }
    }

    /// Sends a message, waiting until the other end has room.
    pub fn send_waiting(&self, message: &Out) -> Result<(), SendError> {
        loop {
            match self.send(message) {
                Err(SendError::Full) => wait_writable(self.socket.as_fd()).map_err(SendError::Io)?,
                other => return other,
            }
        }
    }

    /// Receives what is there.
    pub fn receive(&mut self) -> io::Result<Received<In>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let mut parts = [IoSliceMut::new(&mut self.buffer)];
        let received = match rustix::net::recvmsg(&self.socket, &mut parts, &mut control, flags) {
            Ok(received) => received,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(Received::Empty),
            Err(rustix::io::Errno::CONNRESET) => return Ok(Received::Closed),
            Err(error) => return Err(error.into()),
        };
        let descriptor = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        if received.bytes == 0 {
            return Ok(Received::Closed);
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message over the bound was cut"));
        }
        let message = serde_json::from_slice(&self.buffer[..received.bytes])?;
        Ok(Received::Message(message, descriptor))
    }
}

impl<Out, In> AsFd for Channel<Out, In> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<Out, In> std::os::fd::AsRawFd for Channel<Out, In> {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        std::os::fd::AsRawFd::as_raw_fd(&self.socket)
    }
}

fn wait_writable(socket: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::from_borrowed_fd(socket, PollFlags::OUT)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    fn ends() -> (Channel<String, u32>, Channel<u32, String>) {
        let (one, other) = pair().unwrap();
        (Channel::new(one), Channel::new(other))
    }

    #[test]
    fn a_message_arrives_with_its_descriptor() {
        let (here, mut there) = ends();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello").unwrap();
        here.send_with(&"a file".to_owned(), file.as_fd()).unwrap();
        let Received::Message(text, Some(descriptor)) = there.receive().unwrap() else { panic!() };
        assert_eq!(text, "a file");
        let mut copy = std::fs::File::from(descriptor);
        copy.rewind().unwrap();
        let mut content = String::new();
        copy.read_to_string(&mut content).unwrap();
        assert_eq!(content, "hello");
    }

    #[test]
    fn what_was_sent_before_the_end_is_still_received() {
        let (here, mut there) = ends();
        here.send(&"last word".to_owned()).unwrap();
        drop(here);
        assert!(matches!(there.receive().unwrap(), Received::Message(text, None) if text == "last word"));
        assert!(matches!(there.receive().unwrap(), Received::Closed));
        assert!(matches!(there.send(&1), Err(SendError::Closed)));
    }

    #[test]
    fn a_full_channel_says_so_and_does_not_block() {
        let (here, _there) = ends();
        let text = "x".repeat(64 * 1024);
        let full = (0..1000).find_map(|_| here.send(&text).err());
        assert!(matches!(full, Some(SendError::Full)));
    }

    #[test]
    fn the_longest_message_passes_and_a_longer_one_is_refused() {
        let (here, mut there) = ends();
        here.send(&"x".repeat(MESSAGE_BYTES - 2)).unwrap();
        assert!(
            matches!(there.receive().unwrap(), Received::Message(text, None) if text.len() == MESSAGE_BYTES - 2)
        );
        assert!(matches!(here.send(&"x".repeat(MESSAGE_BYTES)), Err(SendError::TooLong(_))));
    }

    #[test]
    fn a_message_of_another_type_is_an_error() {
        let (one, other) = pair().unwrap();
        let here: Channel<String, u32> = Channel::new(one);
        let mut there: Channel<u32, u32> = Channel::new(other);
        here.send(&"no number".to_owned()).unwrap();
        assert!(there.receive().is_err());
    }
}
