//! How long the worst texts take. Meaningful with optimisation only; the growth is meaningful always.

use std::time::{Duration, Instant};

use content::{Kind, Screen};

/// Pieces that, repeated, make the matchers, parsers and decoders work hardest.
const PIECES: [&str; 30] = [
    "<",
    "<a ",
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
    "{{",
    "${",
    "%25",
    "&#x",
    "\\u00",
    "../",
    "/*",
    "a@",
    "1.1.",
    "1-",
    "+1 (",
    "[a](",
    "*_",
    "> ",
    "\u{200b}",
    "http://",
    "javascript:",
];

/// One text and the times for it once and doubled.
pub(super) struct Timing {
    pub(super) piece: &'static str,
    pub(super) once: Duration,
    pub(super) doubled: Duration,
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
