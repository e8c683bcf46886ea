//! The cache's promise as a model: all orders of the steps of two runs, of a server that answers late or never, of kills
//! at every instant, and of somebody who removes lock files. In none does the cache confirm what the zone has not.
//!
//! The steps are those of `src/cache.rs` and `src/cache/lock.rs`, a system call each where another run can see it. What is
//! taken for granted of the server: it works off requests in the order in which they were sent, or not at all. Without
//! that, as without each of the rules, the model finds what goes wrong, which shows that it would notice.

use std::collections::HashSet;

/// What a run registers; 0 is what the zone has before.
type Value = u8;

/// A file's identity.
type Inode = usize;

/// More files than come about.
const FILES: usize = 12;

/// The two names that are locked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Name {
    /// `cache.lock`.
    Lock,
    /// `cache.new`.
    Draft,
}

use Name::{Draft, Lock};

/// What the program, the server and others are assumed to do.
#[derive(Clone, Copy)]
struct Rules {
    /// The draft is locked too.
    locks_draft: bool,
    /// The entry is removed before the update is sent.
    forgets_first: bool,
    /// The server works off requests in their order.
    in_order: bool,
}

/// As it is.
const REAL: Rules = Rules {
    locks_draft: true,
    forgets_first: true,
    in_order: true,
};

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Read,
    Open(Name),
    Try(Name),
    Look(Name),
    ReadAgain,
    Forget,
    Send,
    Await,
    Fill,
    LookBeforeRename(Name),
    Rename,
    LookAfterFailure(Name),
    ForgetAgain,
    LookAtDraft,
    RemoveDraft,
    Close,
    Ended,
}

/// A run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Run {
    at: At,
    /// The files it has open: lock and draft.
    open: [Option<Inode>; 2],
    /// Whether its update was applied, so that the answer is there.
    is_answered: bool,
}

/// The whole world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    /// What the names lead to.
    names: [Option<Inode>; 2],
    /// Who has the lock of each file.
    locked: [Option<usize>; FILES],
    /// What each file says.
    texts: [Option<Value>; FILES],
    /// How many files there have been.
    files: usize,
    cache: Option<Value>,
    zone: Value,
    /// Updates that were sent and not yet applied: by whom.
    sent: Vec<usize>,
    runs: [Run; 2],
    /// What others may still remove.
    removals: Vec<Name>,
}

/// What a run registers.
fn wanted(run: usize) -> Value {
    u8::try_from(run).unwrap() + 1
}

impl World {
    fn new(removals: &[Name]) -> Self {
        let run = Run {
            at: At::Read,
            open: [None; 2],
            is_answered: false,
        };
        Self {
            names: [None; 2],
            locked: [None; FILES],
            texts: [None; FILES],
            files: 0,
            cache: Some(0),
            zone: 0,
            sent: Vec::new(),
            runs: [run; 2],
            removals: removals.to_vec(),
        }
    }

    /// Whether a name still leads to the file that the run has open under it.
    fn names_own(&self, run: usize, name: Name) -> bool {
        self.names[name as usize].is_some()
            && self.names[name as usize] == self.runs[run].open[name as usize]
    }

    /// Closes a file, which frees its lock.
    fn close(&mut self, run: usize, name: Name) {
        if let Some(inode) = self.runs[run].open[name as usize].take()
            && self.locked[inode] == Some(run)
        {
            self.locked[inode] = None;
        }
    }

    /// One step of a run.
    fn step(&mut self, run: usize, rules: Rules) {
        let next = match self.runs[run].at {
            At::Read if self.cache == Some(wanted(run)) => At::Ended,
            At::Read => At::Open(Lock),
            At::Open(name) => {
                self.close(run, name);
                if self.names[name as usize].is_none() {
                    self.names[name as usize] = Some(self.files);
                    self.files += 1;
                }
                self.runs[run].open[name as usize] = self.names[name as usize];
                At::Try(name)
            }
            At::Try(name) => {
                let inode = self.runs[run].open[name as usize].unwrap();
                if self.locked[inode].is_some() {
                    At::Open(name)
                } else {
                    self.locked[inode] = Some(run);
                    At::Look(name)
                }
            }
            At::Look(name) if !self.names_own(run, name) => At::Open(name),
            At::Look(Lock) if rules.locks_draft => At::Open(Draft),
            At::Look(_) => At::ReadAgain,
            At::ReadAgain if self.cache == Some(wanted(run)) => At::LookAtDraft,
            At::ReadAgain if rules.forgets_first => At::Forget,
            At::ReadAgain => At::Send,
            At::Forget => {
                self.cache = None;
                At::Send
            }
            At::Send => {
                self.sent.push(run);
                At::Await
            }
            // Without an answer; with one see `after`.
            At::Await => At::LookAfterFailure(Lock),
            At::Fill => {
                if let Some(draft) = self.runs[run].open[1] {
                    self.texts[draft] = Some(wanted(run));
                }
                At::LookBeforeRename(Lock)
            }
            At::LookBeforeRename(name) if !self.names_own(run, name) => At::LookAfterFailure(Lock),
            At::LookBeforeRename(Lock) if rules.locks_draft => At::LookBeforeRename(Draft),
            At::LookBeforeRename(_) => At::Rename,
            At::Rename if !rules.locks_draft => {
                self.cache = Some(wanted(run));
                At::Close
            }
            At::Rename => match self.names[1].take() {
                Some(inode) => {
                    self.cache = self.texts[inode];
                    At::Close
                }
                None => At::LookAfterFailure(Lock),
            },
            At::LookAfterFailure(name) if !self.names_own(run, name) => At::ForgetAgain,
            At::LookAfterFailure(Lock) if rules.locks_draft => At::LookAfterFailure(Draft),
            At::LookAfterFailure(_) => At::LookAtDraft,
            At::ForgetAgain => {
                self.cache = None;
                At::LookAtDraft
            }
            At::LookAtDraft if self.names_own(run, Draft) => At::RemoveDraft,
            At::LookAtDraft => At::Close,
            At::RemoveDraft => {
                self.names[1] = None;
                At::Close
            }
            At::Close => {
                self.close(run, Lock);
                self.close(run, Draft);
                At::Ended
            }
            At::Ended => At::Ended,
        };
        self.runs[run].at = next;
    }

    /// Every world that can be the next one.
    fn after(&self, rules: Rules) -> Vec<Self> {
        let mut after = Vec::new();
        let mut push = |change: &dyn Fn(&mut Self)| {
            let mut world = self.clone();
            change(&mut world);
            after.push(world);
        };
        for run in 0..2 {
            if self.runs[run].at == At::Ended {
                continue;
            }
            push(&|world| world.step(run, rules));
            if self.runs[run].at == At::Await && self.runs[run].is_answered {
                push(&|world| world.runs[run].at = At::Fill);
            }
            // It is killed.
            push(&|world| {
                world.close(run, Lock);
                world.close(run, Draft);
                world.runs[run].at = At::Ended;
            });
        }
        let reachable = if rules.in_order {
            self.sent.len().min(1)
        } else {
            self.sent.len()
        };
        for index in 0..reachable {
            let run = self.sent[index];
            push(&|world| {
                world.sent.remove(index);
                world.zone = wanted(run);
                world.runs[run].is_answered = true;
            });
            push(&|world| {
                world.sent.remove(index);
            });
        }
        for index in 0..self.removals.len() {
            let name = self.removals[index];
            push(&|world| {
                world.removals.remove(index);
                world.names[name as usize] = None;
            });
        }
        after
    }

    /// Whether the cache says what the zone has, or nothing.
    fn is_right(&self) -> bool {
        self.cache.is_none_or(|value| value == self.zone)
    }
}

/// Goes through everything that can happen; how many worlds there are, or the first wrong one.
fn explore(rules: Rules, removals: &[Name]) -> Result<usize, Box<World>> {
    let mut seen = HashSet::new();
    let mut open = vec![World::new(removals)];
    while let Some(world) = open.pop() {
        if !world.is_right() {
            return Err(Box::new(world));
        }
        if seen.insert(world.clone()) {
            open.extend(world.after(rules));
        }
    }
    Ok(seen.len())
}

#[test]
fn in_no_order_of_two_runs_does_the_cache_confirm_what_the_zone_has_not() {
    for removals in [&[][..], &[Lock], &[Lock, Lock], &[Draft], &[Draft, Draft]] {
        match explore(REAL, removals) {
            Ok(worlds) => println!("{worlds} worlds with {removals:?} removed: all right"),
            Err(world) => panic!("with {removals:?} removed: {world:?}"),
        }
    }
}

#[test]
fn without_each_of_the_rules_something_goes_wrong() {
    for (what, rules, removals) in [
        (
            "only the lock file is locked",
            Rules {
                locks_draft: false,
                ..REAL
            },
            &[Lock][..],
        ),
        (
            "the entry stays while the update is sent",
            Rules {
                forgets_first: false,
                ..REAL
            },
            &[],
        ),
        (
            "the server works off requests in any order",
            Rules {
                in_order: false,
                ..REAL
            },
            &[],
        ),
    ] {
        assert!(explore(rules, removals).is_err(), "{what}");
    }
}
