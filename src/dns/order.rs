//! In which order the name servers are asked one question, and whose answer counts.
//!
//! As libc does it, servers are asked in the order of the file, and what a later one says does not count while an earlier
//! one may still answer: in split DNS the first knows the inside and the second only the world. Unlike libc, a silent
//! server does not hold up the next for five seconds: that one starts after a *head start*, and its answer counts once
//! every earlier server has failed or been silent for its *share*. Rounds repeat while there is time.
//!
//! Pure: this decides, `resolver` sends and receives. Time is an argument.

use std::time::{Duration, Instant};

/// How long a silent server has before the next one is asked as well, at most.
const MAX_HEAD_START: Duration = Duration::from_secs(1);

/// How long it takes until failed servers are asked again, at first; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// And at most.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send the question to this server, for the first time or again.
    Ask(usize),
    /// Nothing until something arrives or this moment comes; without one, only something that arrives matters.
    Wait(Option<Instant>),
    /// This server's answer counts.
    Done(usize),
    /// Every server has failed, and asking again would not help.
    GiveUp,
}

/// Where one question stands with each server.
pub(crate) struct Order<A, F> {
    /// The servers in order.
    places: Vec<Place<A, F>>,
    /// How long a server may be silent before the next one is asked too. Twice that is its share: then the answer of a
    /// later server counts.
    head_start: Duration,
    /// When failed servers are asked again, once every one has had its turn.
    retry: Option<Instant>,
    /// The pause before that.
    pause: Duration,
    /// Whether every server has had its turn at least once.
    is_round_done: bool,
}

/// One server.
struct Place<A, F> {
    /// Where the question stands.
    state: State<A, F>,
    /// Whether it is known to be silent. Then neither the asking of later servers nor their answers wait for it.
    is_known_silent: bool,
}

/// Where a question stands with one server.
enum State<A, F> {
    /// It was not asked yet in this round.
    Waiting,
    /// It was asked.
    Asked {
        /// When, for the first time.
        since: Instant,
        /// When to ask again, because a packet may be lost.
        again: Instant,
    },
    /// It answered.
    Answered(A),
    /// It failed, and whether that may pass.
    Failed(F, bool),
}

impl<A, F> Order<A, F> {
    /// Before anybody is asked. One place for each server, true for one that is known to be silent: it is asked like the
    /// others, but nobody waits for it. `total` is the time that all questions together have.
    pub(crate) fn new(is_silent: impl IntoIterator<Item = bool>, total: Duration) -> Self {
        let place = |is_known_silent| Place {
            state: State::Waiting,
            is_known_silent,
        };
        Self {
            places: is_silent.into_iter().map(place).collect(),
            // With little time, what a silent server takes must leave most of it.
            head_start: MAX_HEAD_START.min(total / 6),
            retry: None,
            pause: FIRST_PAUSE,
            is_round_done: false,
        }
    }

    /// What to do at the moment `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Step {
        if let Some(server) = self.counting(now) {
            return Step::Done(server);
        }
        if let Some(server) = (0..self.places.len()).find(|&server| self.is_due(server, now)) {
            let place = &mut self.places[server];
            place.state = match place.state {
                State::Asked { since, .. } => State::Asked {
                    since,
                    // Ever more rarely: after a second, two, four.
                    again: now + (now - since).max(MAX_HEAD_START),
                },
                _ => State::Asked {
                    since: now,
                    again: now + MAX_HEAD_START,
                },
            };
            return Step::Ask(server);
        }
        if self.has_each_had_its_turn(now) {
            self.is_round_done = true;
            let is_final = |place: &Place<A, F>| matches!(place.state, State::Failed(_, false));
            if self.places.iter().all(is_final) {
                return Step::GiveUp;
            }
            let has_failed = self
                .places
                .iter()
                .any(|place| matches!(place.state, State::Failed(..)));
            match self.retry {
                None if has_failed => {
                    self.retry = Some(now + self.pause);
                    self.pause = (self.pause * 2).min(MAX_PAUSE);
                }
                Some(retry) if retry <= now => {
                    self.retry = None;
                    for place in &mut self.places {
                        if matches!(place.state, State::Failed(..)) {
                            place.state = State::Waiting;
                        }
                    }
                    return self.next(now);
                }
                _ => {}
            }
        }
        Step::Wait(self.wake(now))
    }

    /// The server has answered.
    pub(crate) fn answered(&mut self, server: usize, answer: A) {
        self.places[server].state = State::Answered(answer);
    }

    /// The server has failed, and whether that may pass.
    pub(crate) fn failed(&mut self, server: usize, failure: F, may_pass: bool) {
        self.places[server].state = State::Failed(failure, may_pass);
    }

    /// Whether every server has had its turn at least once, so that what is still open may stay so.
    pub(crate) fn is_round_done(&self) -> bool {
        self.is_round_done
    }

    /// Whether the server was asked and has been silent for its whole share.
    pub(crate) fn is_silent(&self, server: usize, now: Instant) -> bool {
        matches!(self.places[server].state, State::Asked { since, .. } if now >= since + self.share())
    }

    /// The answer of a server.
    pub(crate) fn answer(&self, server: usize) -> Option<&A> {
        match &self.places[server].state {
            State::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// The answer of a server.
    pub(crate) fn into_answer(mut self, server: usize) -> Option<A> {
        match self.places.swap_remove(server).state {
            State::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// For each server that was asked why it has given no answer; none where it was not heard of.
    pub(crate) fn into_failures(self) -> impl Iterator<Item = (usize, Option<F>)> {
        let failure = |(server, place): (usize, Place<A, F>)| match place.state {
            State::Failed(failure, _) => Some((server, Some(failure))),
            State::Asked { .. } => Some((server, None)),
            State::Waiting | State::Answered(_) => None,
        };
        self.places.into_iter().enumerate().filter_map(failure)
    }

    /// How long a silent server is waited for.
    fn share(&self) -> Duration {
        self.head_start * 2
    }

    /// The first server in order whose answer counts.
    fn counting(&self, now: Instant) -> Option<usize> {
        for (server, place) in self.places.iter().enumerate() {
            match place.state {
                State::Answered(_) => return Some(server),
                State::Failed(..) => {}
                State::Asked { since, .. }
                    if place.is_known_silent || now >= since + self.share() => {}
                State::Asked { .. } | State::Waiting => return None,
            }
        }
        None
    }

    /// Whether a server is to be asked now: for the first time if every earlier one failed or had its head start, or
    /// again.
    fn is_due(&self, server: usize, now: Instant) -> bool {
        match self.places[server].state {
            State::Waiting => self.places[..server].iter().all(|place| match place.state {
                State::Failed(..) => true,
                State::Asked { since, .. } => {
                    place.is_known_silent || now >= since + self.head_start
                }
                State::Waiting | State::Answered(_) => false,
            }),
            State::Asked { again, .. } => now >= again,
            State::Answered(_) | State::Failed(..) => false,
        }
    }

    /// Whether every server has failed or been silent for its share.
    fn has_each_had_its_turn(&self, now: Instant) -> bool {
        self.places.iter().all(|place| match place.state {
            State::Failed(..) => true,
            State::Asked { since, .. } => now >= since + self.share(),
            State::Waiting | State::Answered(_) => false,
        })
    }

    /// The next moment at which there is something to do.
    fn wake(&self, now: Instant) -> Option<Instant> {
        let moments = self.places.iter().flat_map(|place| match place.state {
            State::Asked { since, again } => {
                [since + self.head_start, since + self.share(), again].map(Some)
            }
            _ => [None; 3],
        });
        moments
            .flatten()
            .chain(self.retry)
            .filter(|&moment| moment > now)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A question under way, with a clock of its own.
    struct Play {
        /// The moment of the beginning.
        start: Instant,
        /// Milliseconds since then.
        now: u64,
        /// What is tested.
        order: Order<&'static str, &'static str>,
    }

    impl Play {
        /// So many servers, of which these are known to be silent.
        fn new(silent: &[bool]) -> Self {
            Self {
                start: Instant::now(),
                now: 0,
                order: Order::new(silent.iter().copied(), Duration::from_secs(30)),
            }
        }

        /// What is to be done at this millisecond: servers asked, and how it ends up.
        fn at(&mut self, now: u64) -> (Vec<usize>, Option<Step>) {
            self.now = now;
            let mut asked = Vec::new();
            loop {
                match self.order.next(self.start + Duration::from_millis(now)) {
                    Step::Ask(server) => asked.push(server),
                    Step::Wait(_) => return (asked, None),
                    end => return (asked, Some(end)),
                }
            }
        }

        /// In how many milliseconds it wants to be woken.
        fn wake(&mut self) -> u64 {
            match self
                .order
                .next(self.start + Duration::from_millis(self.now))
            {
                Step::Wait(Some(until)) => {
                    u64::try_from((until - self.start).as_millis()).unwrap() - self.now
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_first_server_alone_is_asked_and_its_answer_counts_at_once() {
        let mut play = Play::new(&[false; 3]);
        assert_eq!(play.at(0), (vec![0], None));
        assert_eq!(play.wake(), 1000);
        assert_eq!(play.at(999), (vec![], None));
        play.order.answered(0, "first");
        assert_eq!(play.at(999), (vec![], Some(Step::Done(0))));
        assert_eq!(play.order.into_answer(0), Some("first"));
    }

    #[test]
    fn a_failure_moves_on_at_once() {
        let mut play = Play::new(&[false; 3]);
        play.at(0);
        play.order.failed(0, "REFUSED", true);
        assert_eq!(play.at(1), (vec![1], None));
        play.order.failed(1, "SERVFAIL", true);
        assert_eq!(play.at(2), (vec![2], None));
        play.order.answered(2, "third");
        assert_eq!(play.at(3), (vec![], Some(Step::Done(2))));
    }

    #[test]
    fn silence_lets_the_next_start_but_its_answer_waits_for_the_first_ones_share() {
        let mut play = Play::new(&[false; 2]);
        play.at(0);
        // The packet may be lost, so the first is asked again, too.
        assert_eq!(play.at(1000), (vec![0, 1], None));
        play.order.answered(1, "second");
        assert_eq!(play.at(1010), (vec![], None));
        assert_eq!(play.wake(), 990);
        assert_eq!(play.at(2000), (vec![], Some(Step::Done(1))));
    }

    #[test]
    fn a_slow_first_server_wins_over_a_fast_second_one() {
        let mut play = Play::new(&[false; 2]);
        play.at(0);
        play.at(1000);
        play.order.answered(1, "second");
        assert_eq!(play.at(1500), (vec![], None));
        play.order.answered(0, "first");
        assert_eq!(play.at(1500), (vec![], Some(Step::Done(0))));
    }

    #[test]
    fn a_first_server_that_fails_late_lets_the_held_answer_count() {
        let mut play = Play::new(&[false; 2]);
        play.at(0);
        play.at(1000);
        play.order.answered(1, "second");
        play.order.failed(0, "SERVFAIL", true);
        assert_eq!(play.at(1200), (vec![], Some(Step::Done(1))));
    }

    #[test]
    fn each_silent_server_has_a_head_start_of_its_own() {
        let mut play = Play::new(&[false; 3]);
        assert_eq!(play.at(0).0, [0]);
        assert_eq!(play.at(1000).0, [0, 1]);
        assert_eq!(play.at(1999).0, [0; 0]);
        let (asked, _) = play.at(2000);
        assert!(asked.contains(&2), "{asked:?}");
        play.order.answered(2, "third");
        assert_eq!(play.at(2999).1, None);
        assert_eq!(play.at(3000).1, Some(Step::Done(2)));
    }

    #[test]
    fn nobody_waits_for_a_server_that_was_silent_before() {
        let mut play = Play::new(&[true, false]);
        assert_eq!(play.at(0), (vec![0, 1], None));
        play.order.answered(1, "second");
        assert_eq!(play.at(1).1, Some(Step::Done(1)));
    }

    #[test]
    fn a_server_that_was_silent_before_has_its_turn_all_the_same() {
        let mut play = Play::new(&[true]);
        assert_eq!(play.at(0), (vec![0], None));
        assert!(!play.order.is_round_done());
        play.at(1999);
        assert!(!play.order.is_round_done());
        play.at(2000);
        assert!(play.order.is_round_done());
    }

    #[test]
    fn failed_servers_are_asked_again_after_a_pause_that_grows() {
        let mut play = Play::new(&[false; 2]);
        let mut rounds = Vec::new();
        for now in (0..8000).step_by(10) {
            while let (asked, None) = play.at(now)
                && !asked.is_empty()
            {
                for server in asked {
                    if server == 0 {
                        rounds.push(now);
                    }
                    play.order.failed(server, "SERVFAIL", true);
                }
            }
        }
        assert_eq!(rounds, [0, 250, 750, 1750, 3750, 5750, 7750]);
        assert!(play.order.is_round_done());
        let failures: Vec<_> = play.order.into_failures().collect();
        assert_eq!(failures, [(0, Some("SERVFAIL")), (1, Some("SERVFAIL"))]);
    }

    #[test]
    fn a_silent_server_does_not_keep_a_failed_one_from_being_asked_again() {
        let mut play = Play::new(&[false; 2]);
        play.at(0);
        assert!(play.at(1000).0.contains(&1));
        play.order.failed(1, "SERVFAIL", true);
        assert_eq!(play.at(1999).1, None);
        assert!(!play.order.is_round_done());
        play.at(2000);
        assert!(
            play.order.is_round_done()
                && play.order.is_silent(0, play.start + Duration::from_secs(2))
        );
        assert!(play.at(2250).0.contains(&1));
    }

    #[test]
    fn what_cannot_pass_ends_once_every_server_has_said_so() {
        let mut play = Play::new(&[false; 2]);
        play.at(0);
        play.order.failed(0, "referral", false);
        assert_eq!(play.at(1), (vec![1], None));
        play.order.failed(1, "referral", false);
        assert_eq!(play.at(2).1, Some(Step::GiveUp));
    }

    #[test]
    fn with_little_time_nobody_takes_it_all() {
        let mut order = Order::<(), ()>::new([false; 2], Duration::from_secs(3));
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(order.next(at(0)), Step::Ask(0));
        assert_eq!(order.next(at(499)), Step::Wait(Some(at(500))));
        assert_eq!(order.next(at(500)), Step::Ask(1));
        order.answered(1, ());
        assert_eq!(order.next(at(999)), Step::Wait(Some(at(1000))));
        assert_eq!(order.next(at(1000)), Step::Done(1));
    }

    #[test]
    fn without_servers_there_is_nobody_to_wait_for() {
        let mut order = Order::<(), ()>::new([], Duration::from_secs(3));
        assert_eq!(order.next(Instant::now()), Step::GiveUp);
    }
}
