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

/// Times 100 KB of every piece and 200 KB of it.
pub(super) fn measure(screen: &Screen) -> Vec<Timing> {
    let time = |piece: &str, size: usize| {
        let text = piece.repeat(size / piece.len());
        let mime = ["text/plain", "text/markdown"];
        let run = |mime| {
            let started = Instant::now();
            std::hint::black_box(screen.screen(Kind::Resource, Some(mime), &text));
            started.elapsed()
        };
        // The first run fills the automata.
        mime.into_iter().map(|mime| run(mime).min(run(mime)).min(run(mime))).max().unwrap_or_default()
    };
    PIECES
        .into_iter()
        .map(|piece| Timing { piece, once: time(piece, 100_000), doubled: time(piece, 200_000) })
        .collect()
}
