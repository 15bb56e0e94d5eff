//! How long the worst texts take. Meaningful with optimisation only; the growth is meaningful always.
//!
//! A time is the least of many: other work on the machine only ever adds to one. Runs go on until the least times of both
//! sizes have settled. On a machine that is busy all the while they may settle too high: measure on a quiet one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use content::{ContentSettings, Kind, Screen};

/// Pieces that, repeated, make the matchers, parsers and decoders work hardest.
/// The last one is ordinary prose.
const PIECES: [&str; 40] = [
    "<",
    "<!",
    "<!doctype",
    "<a ",
    "<a/b=",
    "<a/style=",
    "<a/href=",
    "<a b=\"c ",
    "<a b='",
    "<a b=\"<a b='",
    "<!--",
    "<?",
    "' or ",
    "'||(",
    "union ",
    "select a,",
    "; cat ",
    "$(",
    "`",
    "it's ",
    "{{",
    "${",
    "%25",
    "&#x",
    "\\u00",
    "../",
    "/*",
    "a@",
    "a@b.co ",
    "8.8.4.4 ",
    "1.1.",
    "1-",
    "+1 (",
    "[a](",
    "*_",
    "> ",
    "\u{200b}",
    "http://",
    "javascript:",
    "The gateway reads the file (see section 2), then it's updated; users of <b>teams</b> & groups select a server. ",
];

/// One text and the times for it once and doubled.
pub(super) struct Timing {
    pub(super) piece: &'static str,
    pub(super) once: Duration,
    pub(super) doubled: Duration,
}

/// The time for a description of one kilobyte.
pub(super) fn description(screen: &Screen) -> Duration {
    let text: String = PIECES.last().copied().unwrap_or_default().repeat(10);
    let run = || {
        let started = Instant::now();
        std::hint::black_box(screen.screen(Kind::Tool, None, &text));
        started.elapsed()
    };
    (0..200).map(|_| run()).min().unwrap_or_default()
}

/// Runs of which one in a hundred may be slower than what is given, and how often they are made.
const RUNS: usize = 100;
const SERIES: usize = 5;

/// The time that 99 of 100 screenings of 100 KB of prose keep to, as plain text or Markdown, whichever is slower. The
/// least of some series: a moment of other work falls on one of them.
pub(super) fn document(screen: &Screen) -> Duration {
    let piece = PIECES.last().copied().unwrap_or_default();
    let text = piece.repeat(100_000 / piece.len());
    let of = |mime: &str| {
        let run = || {
            let started = Instant::now();
            std::hint::black_box(screen.screen(Kind::Resource, Some(mime), &text));
            started.elapsed()
        };
        run();
        let series = || {
            let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
            times.sort_unstable();
            times.get(RUNS * 99 / 100 - 1).copied().unwrap_or_default()
        };
        (0..SERIES).map(|_| series()).min().unwrap_or_default()
    };
    of("text/plain").max(of("text/markdown"))
}

/// The time for a text that was seen before.
pub(super) fn cached() -> Result<Duration> {
    let mut env = domain::Env::default();
    let settings = ContentSettings::read(&mut env).context("the defaults are wrong")?;
    let (screen, _) = Screen::new(&settings);
    let text = "A description of one kilobyte is remembered. ".repeat(23);
    let run = || {
        let started = Instant::now();
        std::hint::black_box(screen.screen(Kind::Tool, None, &text));
        started.elapsed()
    };
    Ok((0..200).map(|_| run()).min().unwrap_or_default())
}

/// Runs of each size at most.
const MOST_ROUNDS: usize = 80;
/// Least times have settled when so many runs in a row have not made them smaller by more than [`SETTLED`].
const QUIET_ROUNDS: usize = 16;
/// What counts as smaller: a hundredth.
const SETTLED: f64 = 0.99;

/// Times 100 KB of every piece and 200 KB of it.
pub(super) fn measure(screen: &Screen) -> Vec<Timing> {
    PIECES.into_iter().map(|piece| timing(screen, piece)).collect()
}

/// The slower one of two media types. Sizes take turns, so that a busy moment counts for both.
fn timing(screen: &Screen, piece: &'static str) -> Timing {
    let [small, large] = [100_000, 200_000].map(|size| piece.repeat(size / piece.len()));
    let run = |mime: &str, text: &str| {
        let started = Instant::now();
        std::hint::black_box(screen.screen(Kind::Resource, Some(mime), text));
        started.elapsed()
    };
    let (mut once, mut doubled) = (Duration::ZERO, Duration::ZERO);
    for mime in ["text/plain", "text/markdown"] {
        let least = settled(|| (run(mime, &small), run(mime, &large)));
        if least.0 > once {
            (once, doubled) = least;
        }
    }
    Timing { piece, once, doubled }
}

/// The least times of both sizes, once more runs make them no smaller.
fn settled(mut run: impl FnMut() -> (Duration, Duration)) -> (Duration, Duration) {
    // The first run fills the automata.
    run();
    let mut least = run();
    let mut quiet = 0;
    for _ in 0..MOST_ROUNDS {
        let next = run();
        let smaller = |new: Duration, old: Duration| new.as_secs_f64() < old.as_secs_f64() * SETTLED;
        quiet = if smaller(next.0, least.0) || smaller(next.1, least.1) { 0 } else { quiet + 1 };
        least = (least.0.min(next.0), least.1.min(next.1));
        if quiet == QUIET_ROUNDS {
            break;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_moments_are_waited_for() {
        let mut round = 0_u64;
        let busy = || {
            round += 1;
            let slow = if round < 9 { 20 - round } else { 10 };
            (Duration::from_millis(slow), Duration::from_millis(20))
        };
        assert_eq!(settled(busy), (Duration::from_millis(10), Duration::from_millis(20)));
        assert_eq!(round, 25, "sixteen quiet runs after the last busy one");
        let mut endless = 1_000_000_000_u64;
        let sinking = || {
            endless -= endless / 50;
            (Duration::from_nanos(endless), Duration::from_nanos(endless))
        };
        assert!(settled(sinking).0 > Duration::ZERO, "it ends");
    }
}
