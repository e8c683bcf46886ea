//! The Windows event log: registering a source of events, and reporting one.
//!
//! The registry is written through the safe crate windows-registry. For the rest there is no safe crate that could
//! report under a source and message file of the user's choice, so these calls, and no others, are unsafe.
#![allow(unsafe_code)]

use super::kinds::EventType;
use std::io;
use std::ptr;
use windows_registry::{LOCAL_MACHINE, Type, Value};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

/// The message file of sources that name none of their own. Windows comes with it, and its messages 1 to 1000 are
/// nothing but the event's text, so the event viewer shows just that.
const PLAIN_TEXT: &str = r"%SystemRoot%\System32\EventCreate.exe";

/// The message that each event is; Python's handler has the same one.
const MESSAGE_ID: u32 = 1;

/// The longest text that an event can carry, in UTF-16 units.
const LONGEST_TEXT: usize = 31_839;

/// The key that every log has a key of its name in, and every source of a log one in that.
const LOGS: &str = r"SYSTEM\CurrentControlSet\Services\EventLog";

/// `ERROR_FILE_NOT_FOUND` as an HRESULT.
const NOT_FOUND: i32 = 0x8007_0002_u32.cast_signed();

/// Whether there is a log of this name. One that we may not look at, as `Security`, is there.
pub(crate) fn log_exists(log: &str) -> bool {
    !matches!(LOCAL_MACHINE.open(format!(r"{LOGS}\{log}")), Err(error) if error.code().0 == NOT_FOUND)
}

/// Registers `source` under the log (`Application`) with its message file, by default one that shows the text as it
/// is. What is registered already is left alone. An account that may not register leaves it to one that may: events are
/// reported all the same.
///
/// # Errors
/// What the registry answers, but for a refusal.
pub(crate) fn register(source: &str, message_file: Option<&str>, log: &str) -> io::Result<()> {
    match write(source, message_file, log) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Writes what the registry lacks.
fn write(source: &str, message_file: Option<&str>, log: &str) -> io::Result<()> {
    let path = format!(r"{LOGS}\{log}\{source}");
    let message_file = message_file.unwrap_or(PLAIN_TEXT);
    let types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    if let Ok(key) = LOCAL_MACHINE.open(&path)
        && key
            .get_value("EventMessageFile")
            .is_ok_and(|value| names(&value, message_file))
        && key
            .get_u32("TypesSupported")
            .is_ok_and(|found| found == u32::from(types))
    {
        return Ok(());
    }
    LOCAL_MACHINE
        .create(&path)
        .and_then(|key| {
            key.set_expand_string("EventMessageFile", message_file)?;
            key.set_u32("TypesSupported", types.into())
        })
        // An HRESULT, whose lower half is the error code that std knows kinds for.
        .map_err(|error| io::Error::from_raw_os_error(error.code().0 & 0xffff))
}

/// Whether a registry value is this text, to be expanded.
fn names(value: &Value, text: &str) -> bool {
    value.ty() == Type::ExpandString
        && String::from_utf16_lossy(value.as_wide()).trim_end_matches('\0') == text
}

/// Reports one event. A source that isn't registered will do: its events go to `Application`.
///
/// # Errors
/// What the event log answers.
pub(crate) fn report(source: &str, kind: EventType, text: &str) -> io::Result<()> {
    let source = Source::open(source)?;
    let text = event_text(text);
    let kind = match kind {
        EventType::Error => EVENTLOG_ERROR_TYPE,
        EventType::Warning => EVENTLOG_WARNING_TYPE,
        EventType::Information => EVENTLOG_INFORMATION_TYPE,
    };
    // SAFETY: the handle is open; there is one string, zero-terminated, and it lives until the call is over; there is
    // no user and no raw data.
    let reported = unsafe {
        ReportEventW(
            source.handle,
            kind,
            0,
            MESSAGE_ID,
            ptr::null_mut(),
            1,
            0,
            &text.as_ptr(),
            ptr::null(),
        )
    };
    if reported == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// A source that is open for reporting.
struct Source {
    /// As the event log knows it; ours to close.
    handle: HANDLE,
}

impl Source {
    /// Opens the source on this computer.
    fn open(name: &str) -> io::Result<Self> {
        let name: Vec<u16> = name
            .encode_utf16()
            .take_while(|&unit| unit != 0)
            .chain([0])
            .collect();
        // SAFETY: null means this computer; the name is zero-terminated and lives until the call is over.
        let handle = unsafe { RegisterEventSourceW(ptr::null(), name.as_ptr()) };
        if handle.is_null() {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self { handle })
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and this is the only place that closes it.
        unsafe {
            DeregisterEventSource(self.handle);
        }
    }
}

/// A text as an event can carry it: zero-terminated, without other zeros, not too long, and without `%1`, which the
/// event viewer would replace by the text itself: an invisible space comes between (`fe80::1%12`).
fn event_text(text: &str) -> Vec<u16> {
    let mut units = Vec::with_capacity(text.len() + 1);
    let mut after_percent = false;
    for character in text.chars() {
        if after_percent && character.is_ascii_digit() {
            units.push(0x200b);
        }
        after_percent = character == '%';
        let character = if character == '\0' {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        };
        let mut pair = [0; 2];
        let encoded = character.encode_utf16(&mut pair);
        if units.len() + encoded.len() > LONGEST_TEXT {
            break;
        }
        units.extend_from_slice(encoded);
    }
    units.push(0);
    units
}

/// What reaches the event log, without one.
#[cfg(test)]
mod tests {
    use super::*;

    /// What an event would carry, as text.
    fn carried(text: &str) -> String {
        let units = event_text(text);
        assert_eq!(
            units.iter().position(|&unit| unit == 0),
            Some(units.len() - 1)
        );
        String::from_utf16(&units[..units.len() - 1]).unwrap()
    }

    #[test]
    fn text_is_carried_as_it_is() {
        for text in [
            "",
            "host.example.com. → 192.0.2.1",
            "two\r\nlines",
            "100 % of 😀",
            "%s %% %",
        ] {
            assert_eq!(carried(text), text);
        }
    }

    #[test]
    fn nothing_is_left_for_the_event_viewer_to_insert() {
        assert_eq!(carried("fe80::1%12 %1"), "fe80::1%\u{200b}12 %\u{200b}1");
    }

    #[test]
    fn a_zero_does_not_end_the_text() {
        assert_eq!(carried("a\0b"), "a\u{fffd}b");
    }

    #[test]
    fn text_too_long_is_cut_between_characters() {
        assert_eq!(event_text(&"a".repeat(40_000)).len(), LONGEST_TEXT + 1);
        let cut = carried(&"😀".repeat(20_000));
        assert_eq!(cut.chars().count(), LONGEST_TEXT / 2);
    }

    #[test]
    fn registering_twice_changes_nothing_the_second_time() {
        let source = format!("dictconfig-test-{}", std::process::id());
        let path = format!(r"SYSTEM\CurrentControlSet\Services\EventLog\Application\{source}");
        register(&source, None, "Application").unwrap();
        let read = || {
            let key = LOCAL_MACHINE.open(&path).unwrap();
            (
                key.get_type("EventMessageFile").unwrap(),
                key.get_u32("TypesSupported").unwrap(),
            )
        };
        assert_eq!(read(), (Type::ExpandString, 7));
        register(&source, None, "Application").unwrap();
        assert_eq!(read(), (Type::ExpandString, 7));
        register(&source, Some(r"C:\own.dll"), "Application").unwrap();
        assert!(names(
            &LOCAL_MACHINE
                .open(&path)
                .unwrap()
                .get_value("EventMessageFile")
                .unwrap(),
            r"C:\own.dll"
        ));
        LOCAL_MACHINE.remove_tree(&path).unwrap();
    }

    #[test]
    fn the_usual_logs_exist_and_others_do_not() {
        assert!(log_exists("Application") && log_exists("system"));
        assert!(!log_exists("no such log"));
    }

    #[test]
    fn an_event_is_reported_under_a_source_that_is_not_registered() {
        for kind in [EventType::Error, EventType::Warning, EventType::Information] {
            report("dictconfig-unregistered", kind, "text").unwrap();
        }
    }
}
