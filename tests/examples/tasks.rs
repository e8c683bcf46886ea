//! `examples/tasksched/`: the jobs for the Windows Task Scheduler, read by the rules of its schema ([MS-TSCH] 2.5).

use std::time::Duration;

use roxmltree::{Document, Node};

use super::example;

/// The tasks, by the names of their files.
const TASKS: [&str; 3] = ["Normal", "Force", "Network"];

/// The schema's namespace.
const NAMESPACE: &str = "http://schemas.microsoft.com/windows/2004/02/mit/task";

/// A task file's text, out of the encoding that the Task Scheduler exports.
pub(crate) fn task(name: &str) -> String {
    let bytes =
        std::fs::read(example(&format!("tasksched/{name}.xml"))).expect("the task can be read");
    let (mark, bytes) = bytes.split_at(2);
    assert_eq!(
        mark,
        [0xff, 0xfe],
        "{name} begins with the mark of UTF-16LE"
    );
    assert_eq!(bytes.len() % 2, 0, "{name} is of whole units");
    let units: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).expect("the task is UTF-16")
}

/// How the children of an element are arranged.
#[derive(Clone, Copy, PartialEq)]
enum Model {
    /// Each at most once, in any order.
    All,
    /// Each at most once, in this order.
    Sequence,
    /// Any number of any.
    Choice,
}

/// What an element holds.
enum Content {
    /// Elements.
    Elements(Model, &'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A time like `PT10M`, at least and at most as many seconds.
    Duration(u64, u64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number from 0 to 10.
    Priority,
    /// Any text but none.
    Text,
}

/// The schema's say of an element, by its parent's name and its own.
fn rule(parent: &str, name: &str) -> Content {
    use Content::{Boolean, Duration, Elements, OneOf, Priority, Text};
    match (parent, name) {
        ("", "Task") => Elements(
            Model::All,
            &[
                "RegistrationInfo",
                "Triggers",
                "Settings",
                "Data",
                "Principals",
                "Actions",
            ],
        ),
        ("Task", "RegistrationInfo") => Elements(
            Model::All,
            &[
                "URI",
                "SecurityDescriptor",
                "Source",
                "Date",
                "Author",
                "Version",
                "Description",
                "Documentation",
            ],
        ),
        ("Task", "Triggers") => Elements(
            Model::Choice,
            &["BootTrigger", "RegistrationTrigger", "EventTrigger"],
        ),
        // Enabled has another place in what the Task Scheduler exports than in its documented schema, and is true when
        // left out, so that it is: this order is both.
        ("Triggers", "BootTrigger" | "RegistrationTrigger") => Elements(
            Model::Sequence,
            &[
                "StartBoundary",
                "EndBoundary",
                "Repetition",
                "ExecutionTimeLimit",
                "Delay",
            ],
        ),
        ("Triggers", "EventTrigger") => Elements(
            Model::Sequence,
            &[
                "StartBoundary",
                "EndBoundary",
                "Repetition",
                "ExecutionTimeLimit",
                "Subscription",
                "Delay",
                "PeriodOfOccurrence",
                "NumberOfOccurrences",
                "MatchingElement",
                "ValueQueries",
            ],
        ),
        ("BootTrigger" | "RegistrationTrigger", "Repetition") => {
            Elements(Model::All, &["Interval", "Duration", "StopAtDurationEnd"])
        }
        ("Repetition", "Interval") => Duration(60, 31 * 86400),
        ("Task", "Principals") => Elements(Model::Sequence, &["Principal"]),
        ("Principals", "Principal") => Elements(
            Model::All,
            &["UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"],
        ),
        ("Principal", "RunLevel") => OneOf(&["LeastPrivilege", "HighestAvailable"]),
        ("Task", "Settings") => Elements(
            Model::All,
            &[
                "AllowStartOnDemand",
                "RestartOnFailure",
                "MultipleInstancesPolicy",
                "DisallowStartIfOnBatteries",
                "StopIfGoingOnBatteries",
                "AllowHardTerminate",
                "StartWhenAvailable",
                "NetworkProfileName",
                "RunOnlyIfNetworkAvailable",
                "WakeToRun",
                "Enabled",
                "Hidden",
                "DeleteExpiredTaskAfter",
                "IdleSettings",
                "NetworkSettings",
                "ExecutionTimeLimit",
                "Priority",
                "RunOnlyIfIdle",
            ],
        ),
        ("Settings", "MultipleInstancesPolicy") => {
            OneOf(&["Parallel", "Queue", "IgnoreNew", "StopExisting"])
        }
        ("Settings", "ExecutionTimeLimit") | ("BootTrigger" | "EventTrigger", "Delay") => {
            Duration(0, u64::MAX)
        }
        ("Settings", "Priority") => Priority,
        ("Settings", "IdleSettings") => Elements(
            Model::All,
            &["Duration", "WaitTimeout", "StopOnIdleEnd", "RestartOnIdle"],
        ),
        ("Settings" | "IdleSettings", _) | ("Repetition", "StopAtDurationEnd") => Boolean,
        ("Task", "Actions") => Elements(Model::Choice, &["Exec"]),
        ("Actions", "Exec") => Elements(Model::All, &["Command", "Arguments", "WorkingDirectory"]),
        ("RegistrationInfo", "URI" | "Description")
        | ("Principal", "UserId")
        | ("EventTrigger", "Subscription")
        | ("Exec", "Command" | "Arguments" | "WorkingDirectory") => Text,
        other => panic!("the schema has no rule for {other:?}"),
    }
}

/// The attributes that an element may have.
fn attributes(name: &str) -> &'static [&'static str] {
    match name {
        "Task" => &["version"],
        "Principal" => &["id"],
        "Actions" => &["Context"],
        _ => &[],
    }
}

/// A duration out of its text; those of hours, minutes and seconds.
fn duration(text: &str) -> Duration {
    let mut rest = text.strip_prefix("PT").expect("a duration begins with PT");
    let mut seconds = 0;
    for (unit, length) in [('H', 3600), ('M', 60), ('S', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds += number
                .parse::<u64>()
                .expect("a number stands before the unit")
                * length;
            rest = after;
        }
    }
    assert!(rest.is_empty() && text != "PT", "{text} is a duration");
    Duration::from_secs(seconds)
}

/// Checks an element and all in it against the schema.
fn check(parent: &str, node: Node) {
    let name = node.tag_name().name();
    assert_eq!(node.tag_name().namespace(), Some(NAMESPACE), "{name}");
    for attribute in node.attributes() {
        assert!(
            attributes(name).contains(&attribute.name()),
            "{name} {}",
            attribute.name()
        );
    }
    let text = node.text().unwrap_or_default();
    let children: Vec<_> = node.children().filter(Node::is_element).collect();
    let is_text = match rule(parent, name) {
        Content::Elements(model, allowed) => {
            let places: Vec<_> = children
                .iter()
                .map(|child| {
                    let child = child.tag_name().name();
                    let place = allowed.iter().position(|&name| name == child);
                    place.unwrap_or_else(|| panic!("{name} has no {child}"))
                })
                .collect();
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert!(
                model != Model::Sequence || places == sorted,
                "{name}: the order is wrong"
            );
            sorted.dedup();
            assert!(
                model == Model::Choice || places.len() == sorted.len(),
                "{name}: something is there twice"
            );
            let between = node
                .children()
                .filter(Node::is_text)
                .filter_map(|node| node.text());
            assert!(
                between.into_iter().all(|text| text.trim().is_empty()),
                "{name} has text in it"
            );
            false
        }
        Content::Boolean => {
            assert!(matches!(text, "true" | "false"), "{name}: {text}");
            true
        }
        Content::Duration(least, most) => {
            let seconds = duration(text).as_secs();
            assert!((least..=most).contains(&seconds), "{name}: {text}");
            true
        }
        Content::OneOf(words) => {
            assert!(words.contains(&text), "{name}: {text}");
            true
        }
        Content::Priority => {
            assert!(
                (0..=10).contains(&text.parse::<u8>().unwrap()),
                "{name}: {text}"
            );
            true
        }
        Content::Text => {
            assert!(!text.is_empty(), "{name} is empty");
            true
        }
    };
    assert!(!is_text || children.is_empty(), "{name} has elements in it");
    for child in children {
        check(name, child);
    }
}

/// The text of the one element that a path leads to from the root.
fn at<'a>(document: &'a Document, path: &str) -> Option<&'a str> {
    let mut node = document.root_element();
    for name in path.split('/') {
        let mut found = node
            .children()
            .filter(|child| child.tag_name().name() == name);
        node = found.next()?;
        assert!(found.next().is_none(), "{path}: {name} is there twice");
    }
    Some(node.text().unwrap_or_default())
}

#[test]
fn tasks_are_utf16_with_crlf_byte_by_byte() {
    for name in TASKS {
        let text = task(name);
        assert!(
            text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task "),
            "{name}"
        );
        assert!(text.ends_with("</Task>\r\n"), "{name}");
        assert_eq!(
            text.matches('\r').count(),
            text.matches("\r\n").count(),
            "{name}"
        );
        assert_eq!(
            text.matches('\n').count(),
            text.matches("\r\n").count(),
            "{name}"
        );
        // And so every second byte is zero, all through the file.
        let is_plain = |c: char| matches!(c, '\r' | '\n' | ' '..='~');
        assert!(text.chars().all(is_plain), "{name}");
        let bytes = std::fs::read(example(&format!("tasksched/{name}.xml"))).unwrap();
        let expected: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.bytes().flat_map(|byte| [byte, 0]))
            .collect();
        assert_eq!(bytes, expected, "{name}");
    }
}

#[test]
fn a_clone_has_the_tasks_with_the_same_bytes() {
    let root = env!("CARGO_MANIFEST_DIR");
    let git = |words: &[&str]| {
        let output = std::process::Command::new("git")
            .args(["-C", root])
            .args(words)
            .output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| output.stdout)
    };
    for name in TASKS {
        let file = format!("examples/tasksched/{name}.xml");
        // What git keeps is UTF-8, and it makes the file out of that again. Not all who have the sources have git.
        let (Some(kept), Some(made)) = (
            git(&["cat-file", "blob", &format!(":{file}")]),
            git(&["cat-file", "--filters", &format!(":{file}")]),
        ) else {
            skip!("this is no clone, or git is not installed");
        };
        assert!(
            kept.starts_with(b"<?xml ") && !kept.contains(&b'\r'),
            "{name}"
        );
        assert!(made.starts_with(&[0xff, 0xfe, b'<', 0]), "{name}");
        assert!(
            made == std::fs::read(example(&format!("tasksched/{name}.xml"))).unwrap(),
            "{name} is not committed"
        );
    }
}

#[test]
fn tasks_keep_to_the_schema() {
    for name in TASKS {
        let text = task(name);
        let document = Document::parse(&text).expect("the task is XML");
        let root = document.root_element();
        assert_eq!(root.attribute("version"), Some("1.2"), "{name}");
        check("", root);
    }
}

#[test]
fn the_normal_job_runs_every_ten_minutes_from_its_registration_and_from_ten_minutes_after_boot_on()
{
    let text = task("Normal");
    let document = Document::parse(&text).unwrap();
    let trigger = |path: &str| at(&document, &format!("Triggers/BootTrigger/{path}"));
    assert_eq!(duration(trigger("Delay").unwrap()), Duration::from_mins(10));
    assert_eq!(
        duration(trigger("Repetition/Interval").unwrap()),
        Duration::from_mins(10)
    );
    // Left out, it goes on for ever.
    assert_eq!(trigger("Repetition/Duration"), None);
    assert_eq!(trigger("StartBoundary").or(trigger("EndBoundary")), None);
    let registered = |path: &str| at(&document, &format!("Triggers/RegistrationTrigger/{path}"));
    assert_eq!(
        duration(registered("Repetition/Interval").unwrap()),
        Duration::from_mins(10)
    );
    assert_eq!(registered("Repetition/Duration"), None);
    // At once, not only after a boot.
    assert_eq!(registered("Delay"), None);
    assert_eq!(at(&document, "Actions/Exec/Arguments"), None);
}

#[test]
fn the_force_job_runs_at_boot_and_after_a_fast_start_or_resume_with_the_option() {
    let text = task("Force");
    let document = Document::parse(&text).unwrap();
    assert_eq!(at(&document, "Triggers/BootTrigger"), Some(""));
    assert_eq!(at(&document, "Triggers/BootTrigger/Repetition"), None);
    assert_eq!(at(&document, "Actions/Exec/Arguments"), Some("-f"));
    // A fast start and a resume are no boot for the scheduler; the kernel's own events tell of them.
    let (log, events) = subscription(&document);
    assert_eq!(log, "System");
    for event in [
        "Provider[@Name='Microsoft-Windows-Kernel-Power'] and EventID=107",
        "Provider[@Name='Microsoft-Windows-Kernel-Boot'] and EventID=27",
    ] {
        assert!(events.contains(event), "{events}");
    }
}

#[test]
fn the_network_job_runs_some_seconds_after_a_connection_and_waits_for_its_turn() {
    let text = task("Network");
    let document = Document::parse(&text).unwrap();
    let (log, events) = subscription(&document);
    assert_eq!(log, "Microsoft-Windows-NetworkProfile/Operational");
    assert!(events.contains("EventID=10000"), "{events}");
    let delay = at(&document, "Triggers/EventTrigger/Delay").unwrap();
    assert_eq!(duration(delay), Duration::from_secs(10));
    assert_eq!(
        at(&document, "Settings/MultipleInstancesPolicy"),
        Some("Queue")
    );
    assert_eq!(at(&document, "Actions/Exec/Arguments"), None);
}

/// The log and the events that a task's one event trigger waits for: a query in XML within the XML.
fn subscription(document: &Document) -> (String, String) {
    let query = at(document, "Triggers/EventTrigger/Subscription").expect("an event trigger");
    let query = Document::parse(query).expect("the query is XML");
    let select = query
        .descendants()
        .find(|node| node.tag_name().name() == "Select")
        .expect("the query selects something");
    let path = select.attribute("Path").expect("of a log");
    let parent = select.parent().and_then(|node| node.attribute("Path"));
    assert_eq!(parent, Some(path));
    (
        path.to_owned(),
        select.text().unwrap_or_default().to_owned(),
    )
}

#[test]
fn all_jobs_run_as_local_service_on_battery_too_and_never_for_long() {
    for name in TASKS {
        let text = task(name);
        let document = Document::parse(&text).unwrap();
        let is = |path: &str, value: &str| {
            assert_eq!(at(&document, path), Some(value), "{name}: {path}");
        };
        is("RegistrationInfo/URI", &format!(r"\PyDynDNS\{name}"));
        is("Principals/Principal/UserId", "S-1-5-19");
        is("Principals/Principal/RunLevel", "LeastPrivilege");
        is(
            "Actions/Exec/Command",
            r"C:\Program Files\PyDynDNS\pydyndns.exe",
        );
        is(
            "Actions/Exec/WorkingDirectory",
            r"C:\Program Files\PyDynDNS",
        );
        is("Settings/Enabled", "true");
        let several = at(&document, "Settings/MultipleInstancesPolicy");
        assert!(matches!(several, Some("IgnoreNew" | "Queue")), "{name}");
        for setting in [
            "DisallowStartIfOnBatteries",
            "StopIfGoingOnBatteries",
            "RunOnlyIfNetworkAvailable",
            "RunOnlyIfIdle",
            "WakeToRun",
        ] {
            is(&format!("Settings/{setting}"), "false");
        }
        let limit = duration(at(&document, "Settings/ExecutionTimeLimit").unwrap());
        assert!(
            (60..600).contains(&limit.as_secs()),
            "{name} ends before it is due again"
        );
        // The account that the actions run as is the one principal.
        let named = |element: &str, attribute: &str| {
            let mut nodes = document
                .descendants()
                .filter(|node| node.tag_name().name() == element);
            let value = nodes
                .next()
                .and_then(|node| node.attribute(attribute))
                .map(str::to_owned);
            assert!(
                value.is_some() && nodes.next().is_none(),
                "{name}: {element}"
            );
            value
        };
        assert_eq!(
            named("Principal", "id"),
            named("Actions", "Context"),
            "{name}"
        );
    }
}
