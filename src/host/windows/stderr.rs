//! Whether anybody can read stderr. A task has a console, in a session that no user sees, and so has a program that was
//! started by a double click, whose window closes with it; a program without a console may have no stderr at all.

use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_DISK, FILE_TYPE_PIPE, GetFileType};
use windows_sys::Win32::System::Console::{GetConsoleMode, GetConsoleProcessList};
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;
use windows_sys::Win32::System::Threading::GetCurrentProcessId;

/// Where what is written to stderr goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// A file or a pipe, which somebody has put there to read it.
    Redirected,
    /// A console.
    Console {
        /// How many processes share it, this one included; 0 if the system does not tell.
        processes: u32,
        /// The session that it is in; services and tasks run in the first one, which is 0 and has no screen.
        session: u32,
    },
    /// `NUL`, another device, or nothing.
    Nowhere,
}

/// Whether somebody may read what is written to stderr. Nobody can be sure of a no: over SSH a console without a screen is
/// read all the same.
pub(crate) fn stderr_has_reader() -> bool {
    destination().has_reader()
}

impl Destination {
    /// Whether somebody may read what goes there.
    fn has_reader(self) -> bool {
        match self {
            Self::Redirected => true,
            // Windows made a console that nobody shares for this process alone, and closes it behind it.
            Self::Console { processes, session } => processes != 1 && session != 0,
            Self::Nowhere => false,
        }
    }
}

/// Where stderr leads.
fn destination() -> Destination {
    let handle = io::stderr().as_raw_handle();
    let (mut mode, mut processes, mut session) = (0, [0; 2], 0);
    // SAFETY: the calls take any value as a handle, and answer that it is none; the rest are places of ours, as long as the
    // calls are told.
    #[allow(unsafe_code)]
    unsafe {
        match GetFileType(handle) {
            FILE_TYPE_DISK | FILE_TYPE_PIPE => Destination::Redirected,
            _ if GetConsoleMode(handle, &raw mut mode) != 0 => Destination::Console {
                // More than there is room for are counted, but not listed.
                processes: GetConsoleProcessList(processes.as_mut_ptr(), 2),
                session: if ProcessIdToSessionId(GetCurrentProcessId(), &raw mut session) == 0 {
                    0
                } else {
                    session
                },
            },
            _ => Destination::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_read_if_it_is_shared_and_on_a_screen() {
        for (processes, session, expected) in [
            // A shell and this program.
            (2, 1, true),
            (5, 3, true),
            // The system does not tell.
            (0, 1, true),
            // A double click, or a task that runs while its user is logged on.
            (1, 1, false),
            // A task as Local Service, by itself or through a command processor.
            (1, 0, false),
            (2, 0, false),
        ] {
            let console = Destination::Console { processes, session };
            assert_eq!(console.has_reader(), expected, "{console:?}");
        }
    }

    #[test]
    fn a_file_or_a_pipe_is_read_and_nothing_is_not() {
        assert!(Destination::Redirected.has_reader());
        assert!(!Destination::Nowhere.has_reader());
    }
}
