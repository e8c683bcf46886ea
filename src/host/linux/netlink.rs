//! rtnetlink (RFC 3549), as far as it takes to list addresses and interfaces: questions for all of a kind, and the
//! kernel's answers, one message after the other.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::io;

/// The octets of a message's header: length, type, flags, sequence number, port.
const HEADER: usize = size_of::<libc::nlmsghdr>();
/// How many octets of an answer are taken at one go. The kernel fills as much as it was once offered on a socket, but never
/// less than this.
const ROOM: usize = 8 << 10;
/// An interface with all its names can be one message of up to this.
const LARGEST_MESSAGE: usize = 128 << 10;
/// How often to ask if something changes meanwhile each time.
const TRIES: usize = 10;

/// What to ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Every address.
    Addresses,
    /// Every interface. To count what it has received takes the kernel longest, so that is left out where possible.
    Interfaces,
}

/// A line to the kernel.
pub(super) struct Netlink {
    /// The socket.
    socket: OwnedFd,
    /// Room for what arrives at one go. It never becomes less: what the kernel was offered once, it may fill ever after,
    /// and what does not fit is lost.
    room: Vec<u8>,
}

impl Netlink {
    /// Opens it: `NETLINK_ROUTE` is netlink's protocol 0, the one that goes without saying.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            socket: net::socket_with(
                AddressFamily::NETLINK,
                SocketType::RAW,
                SocketFlags::CLOEXEC,
                None,
            )?,
            room: Vec::new(),
        })
    }

    /// Asks the kernel, and gives what `read` makes of each message without its header.
    pub(super) fn ask<T>(
        &mut self,
        question: Question,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        let message = question.message();
        self.room.clear();
        self.room.reserve_exact(match question {
            Question::Addresses => ROOM,
            Question::Interfaces => LARGEST_MESSAGE,
        });
        for _ in 0..TRIES {
            retry_on_intr(|| net::send(&self.socket, &message, SendFlags::empty()))?;
            if let Some(found) = self.answer(&read)? {
                return Ok(found);
            }
        }
        Err(io::Error::other("they change all the time"))
    }

    /// Takes the kernel's answer; none if something changed meanwhile.
    fn answer<T>(&mut self, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Option<Vec<T>>> {
        let malformed = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the kernel's answer makes no sense",
            )
        };
        let mut found = Vec::new();
        let mut is_whole = true;
        loop {
            self.room.clear();
            retry_on_intr(|| {
                net::recv(
                    &self.socket,
                    rustix::buffer::spare_capacity(&mut self.room),
                    RecvFlags::empty(),
                )
            })?;
            let mut rest = &*self.room;
            while !rest.is_empty() {
                let length = number(rest, 0).and_then(|length| usize::try_from(length).ok());
                let message = length
                    .and_then(|length| rest.get(HEADER..length))
                    .ok_or_else(malformed)?;
                let kind = i32::from(u16::from_ne_bytes([rest[4], rest[5]]));
                let flags = i32::from(u16::from_ne_bytes([rest[6], rest[7]]));
                is_whole &= flags & libc::NLM_F_DUMP_INTR == 0;
                if matches!(kind, libc::NLMSG_DONE | libc::NLMSG_ERROR) {
                    // A number below zero is an error's.
                    return match number(message, 0).map_or(0, u32::cast_signed) {
                        0.. => Ok(is_whole.then_some(found)),
                        error => match Errno::from_raw_os_error(error.saturating_neg()) {
                            // How a newer kernel says that something changed.
                            Errno::INTR => Ok(None),
                            error => Err(error.into()),
                        },
                    };
                }
                found.extend(read(message));
                rest = rest
                    .get((HEADER + message.len()).next_multiple_of(4)..)
                    .unwrap_or_default();
            }
        }
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Question {
    /// The request for all there are.
    fn message(self) -> Vec<u8> {
        let kind = match self {
            Self::Addresses => libc::RTM_GETADDR,
            Self::Interfaces => libc::RTM_GETLINK,
        };
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP).cast_unsigned();
        let mut message = vec![0; HEADER];
        match self {
            // The family, of which zero is every one, and what aligns it.
            Self::Addresses => message.extend([0; 4]),
            Self::Interfaces => {
                message.extend([0; size_of::<libc::ifinfomsg>()]);
                message.extend(8_u16.to_ne_bytes());
                message.extend(libc::IFLA_EXT_MASK.to_ne_bytes());
                message.extend(libc::RTEXT_FILTER_SKIP_STATS.to_ne_bytes());
            }
        }
        let length = u32::try_from(message.len()).unwrap_or_default();
        message[..4].copy_from_slice(&length.to_ne_bytes());
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message[6..8].copy_from_slice(&flags.to_ne_bytes()[..2]);
        message
    }
}

/// The content of the first attribute of a kind.
pub(super) fn attribute(attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    Attributes(attributes)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, content)| content)
}

/// Attributes, one after the other: each has a length, which counts itself and the kind, and a kind.
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[a, b, c, d, ..] = self.0 else {
            return None;
        };
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let content = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        // The two highest bits say how the content is encoded.
        Some((u16::from_ne_bytes([c, d]) & 0x3fff, content))
    }
}

/// The number in four octets.
pub(super) fn number(octets: &[u8], at: usize) -> Option<u32> {
    let octets = octets.get(at..at + 4)?;
    octets.try_into().ok().map(u32::from_ne_bytes)
}
