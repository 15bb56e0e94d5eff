//! How long the worst texts take. Meaningful with optimisation only; the growth is meaningful always.

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

/// Runs of each size; other work on the machine only makes some of them slower.
const ROUNDS: usize = 7;

/// Times 100 KB of every piece and 200 KB of it.
pub(super) fn measure(screen: &Screen) -> Vec<Timing> {
    PIECES.into_iter().map(|piece| timing(screen, piece)).collect()
}

/// The slower one of two media types, by the fastest runs. Sizes take turns, so that a busy moment counts for both.
fn timing(screen: &Screen, piece: &'static str) -> Timing {
    let [small, large] = [100_000, 200_000].map(|size| piece.repeat(size / piece.len()));
    let run = |mime: &str, text: &str| {
        let started = Instant::now();
        std::hint::black_box(screen.screen(Kind::Resource, Some(mime), text));
        started.elapsed()
    };
    let (mut once, mut doubled) = (Duration::ZERO, Duration::ZERO);
    for mime in ["text/plain", "text/markdown"] {
        // The first run fills the automata.
        let rounds = (0..ROUNDS).map(|_| (run(mime, &small), run(mime, &large)));
        let least = rounds.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))).unwrap_or_default();
        if least.0 > once {
            (once, doubled) = least;
        }
    }
    Timing { piece, once, doubled }
}
