//! How well this process knows what was revoked, and what that allows.
//!
//! | `AUTH_REVOCATION_FAIL_MODE` | the database cannot be asked                                                        |
//! |-----------------------------|-------------------------------------------------------------------------------------|
//! | `bounded`                   | tokens seen before are served for `AUTH_REVOCATION_MAX_STALENESS` seconds, then 503 |
//! | `open`                      | tokens seen before are served for as long as it takes, and every minute says so      |
//! | `closed`                    | 503 at once                                                                         |
//!
//! In every mode what is known to be revoked stays refused, a token that was not seen before is 503, and so is what
//! needs the database itself: every administrative or state-changing request does. Ages are measured with the
//! monotonic clock, so that setting the time does not stretch them.

use std::{
    collections::VecDeque,
    str::FromStr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Error, Result};

use crate::settings::AuthSettings;

/// What happens while nobody can say what was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailMode {
    /// Served for a time.
    Bounded,
    /// Served.
    Open,
    /// Refused.
    Closed,
}

impl FromStr for FailMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "bounded" => Ok(Self::Bounded),
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("must be bounded, open or closed".to_owned()),
        }
    }
}

impl domain::settings::Value for FailMode {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        raw.unwrap_or_default().trim().parse()
    }
}

/// When this process last knew everything.
#[derive(Debug)]
pub(crate) struct Standing {
    mode: FailMode,
    limit: Duration,
    began: Instant,
    /// Milliseconds after `began`.
    synced: AtomicU64,
    failing: AtomicBool,
    /// A change of our own that could not be read back: nothing is trusted until it is.
    distrusted: AtomicBool,
    /// Moves of the identity sequence within the limit: its number before, and when it moved.
    moves: Mutex<VecDeque<(i64, Instant)>>,
}

impl Standing {
    pub(super) fn new(settings: &AuthSettings) -> Self {
        Self {
            mode: settings.revocation_fail_mode,
            limit: Duration::from_secs(settings.revocation_max_staleness),
            began: Instant::now(),
            synced: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            distrusted: AtomicBool::new(false),
            moves: Mutex::default(),
        }
    }

    /// Everything is known as of `asked`.
    pub(super) fn synced(&self, asked: Instant) {
        let millis = asked.saturating_duration_since(self.began).as_millis();
        self.synced.fetch_max(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::AcqRel);
        self.failing.store(false, Ordering::Release);
        self.distrusted.store(false, Ordering::Release);
    }

    /// The database could not be asked.
    pub(super) fn failed(&self) {
        self.failing.store(true, Ordering::Release);
    }

    /// The database holds something that this process did itself and could not read back.
    pub(super) fn distrust(&self) {
        self.distrusted.store(true, Ordering::Release);
    }

    /// How old the knowledge is.
    pub(super) fn age(&self) -> Duration {
        self.age_at(Instant::now())
    }

    fn age_at(&self, now: Instant) -> Duration {
        let synced = Duration::from_millis(self.synced.load(Ordering::Acquire));
        now.saturating_duration_since(self.began).saturating_sub(synced)
    }

    /// Whether the knowledge is older than allowed.
    pub(super) fn overdue(&self) -> bool {
        self.overdue_at(Instant::now())
    }

    fn overdue_at(&self, now: Instant) -> bool {
        self.distrusted.load(Ordering::Acquire) || self.age_at(now) > self.limit
    }

    pub(super) fn mode(&self) -> FailMode {
        self.mode
    }

    /// Whether credentials may be accepted at all on what is known.
    pub(crate) fn admits(&self) -> Result<()> {
        self.admits_at(Instant::now())
    }

    fn admits_at(&self, now: Instant) -> Result<()> {
        let refused = match self.mode {
            FailMode::Open => false,
            FailMode::Bounded => self.overdue_at(now),
            FailMode::Closed => self.failing.load(Ordering::Acquire) || self.overdue_at(now),
        };
        if refused {
            return Err(Error::Unavailable("it cannot be said which credentials were revoked".to_owned()));
        }
        Ok(())
    }

    /// Whether what was read when the identity sequence was at `seq` may be used without asking again. What one person
    /// may do is followed exactly (`Revocations::check`); this is for roles and teams that changed as a whole.
    pub(crate) fn tolerates(&self, seq: i64) -> bool {
        self.mode != FailMode::Closed
            && (self.mode == FailMode::Open || self.tolerates_at(seq, Instant::now()))
    }

    fn tolerates_at(&self, seq: i64, now: Instant) -> bool {
        // The first move that the reader missed says since when it has been wrong.
        let moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = moves.iter().find(|(before, _)| *before >= seq);
        missed.is_none_or(|(_, at)| now.saturating_duration_since(*at) <= self.limit)
    }

    /// Notes that the identity sequence moved on from `before`.
    pub(crate) fn moved(&self, before: i64) {
        self.moved_at(before, Instant::now());
    }

    fn moved_at(&self, before: i64, now: Instant) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.push_back((before, now));
        // Of those beyond the limit the last is kept: it stands for all before it.
        while let Some((_, second)) = moves.get(1)
            && now.saturating_duration_since(*second) > self.limit
        {
            moves.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(mode: &str) -> Standing {
        let vars =
            [("JWT_SECRET_KEY", "x"), ("AUTH_ENCRYPTION_SECRET", "x"), ("AUTH_REVOCATION_FAIL_MODE", mode)];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Standing::new(&AuthSettings::read(&mut domain::Env::new(vars)).unwrap())
    }

    #[test]
    fn each_mode_admits_for_as_long_as_it_says() {
        let later = |standing: &Standing, seconds| standing.began + Duration::from_secs(seconds);
        for (mode, fresh, old) in [("bounded", true, false), ("open", true, true), ("CLOSED", false, false)] {
            let standing = standing(mode);
            assert!(standing.admits_at(later(&standing, 1)).is_ok(), "{mode}");
            standing.failed();
            assert_eq!(standing.admits_at(later(&standing, 300)).is_ok(), fresh, "{mode}");
            assert_eq!(standing.admits_at(later(&standing, 301)).is_ok(), old, "{mode}");
            standing.synced(later(&standing, 301));
            assert!(standing.admits_at(later(&standing, 302)).is_ok(), "{mode}: it is over");
        }
    }

    /// One that began some time ago, as the clock says.
    fn begun_before(mode: &str, seconds: u64) -> Standing {
        let mut standing = standing(mode);
        standing.began = standing.began.checked_sub(Duration::from_secs(seconds)).unwrap();
        standing
    }

    #[test]
    fn ages_are_those_of_this_moment() {
        let (young, old) = (begun_before("bounded", 100), begun_before("bounded", 400));
        assert!(young.age() >= Duration::from_secs(100) && young.age() < Duration::from_secs(250));
        assert!(!young.overdue() && young.admits().is_ok());
        assert!(old.overdue() && old.admits().is_err());
        old.synced(Instant::now());
        assert!(!old.overdue() && old.age() < Duration::from_secs(100));
    }

    #[test]
    fn each_mode_tolerates_what_it_says() {
        let long_ago = Instant::now().checked_sub(Duration::from_secs(400)).unwrap();
        for (mode, current, fresh, old) in
            [("bounded", true, true, false), ("open", true, true, true), ("closed", false, false, false)]
        {
            let standing = standing(mode);
            assert_eq!(standing.tolerates(1), current, "{mode}");
            standing.moved(1);
            assert_eq!(standing.tolerates(1), fresh, "{mode}");
            standing.moves.lock().unwrap().clear();
            standing.moved_at(1, long_ago);
            assert_eq!(standing.tolerates(1), old, "{mode}");
            assert_eq!(standing.tolerates(2), current, "{mode}");
        }
        let noted = standing("bounded");
        noted.moved(7);
        assert_eq!(noted.moves.lock().unwrap().front().map(|(before, _)| *before), Some(7));
    }

    #[test]
    fn a_move_is_forgotten_when_the_next_one_is_beyond_the_limit() {
        let standing = standing("bounded");
        let at = |seconds| standing.began + Duration::from_secs(seconds);
        for (before, seconds) in [(1, 10), (2, 20), (3, 320)] {
            standing.moved_at(before, at(seconds));
        }
        assert!(!standing.tolerates_at(1, at(320)), "the second is at the limit, not beyond it");
        standing.moved_at(4, at(321));
        assert_eq!(standing.moves.lock().unwrap().len(), 3);
    }

    #[test]
    fn a_change_that_was_not_read_back_is_not_trusted() {
        let standing = standing("bounded");
        standing.distrust();
        assert!(standing.admits().is_err());
        standing.synced(Instant::now());
        assert!(standing.admits().is_ok());
    }

    #[test]
    fn rights_that_changed_long_ago_are_not_tolerated() {
        let standing = standing("bounded");
        let at = |seconds| standing.began + Duration::from_secs(seconds);
        assert!(standing.tolerates_at(1, at(1)));
        standing.moved_at(1, at(10));
        standing.moved_at(2, at(400));
        assert!(standing.tolerates_at(3, at(500)), "current");
        assert!(standing.tolerates_at(2, at(500)) && !standing.tolerates_at(2, at(701)));
        assert!(!standing.tolerates_at(1, at(500)), "it missed the first move, 490 seconds ago");
        standing.moved_at(3, at(1000));
        assert!(!standing.tolerates_at(1, at(1001)) && !standing.tolerates_at(2, at(1001)));
        assert!(standing.tolerates_at(3, at(1001)));
    }
}
