//! Screening ends, never panics, and says the same about the same text.
#![no_main]

use std::sync::LazyLock;

use content::{ContentSettings, Kind, Screen};
use domain::Env;
use libfuzzer_sys::fuzz_target;

static SCREEN: LazyLock<Screen> = LazyLock::new(|| {
    let settings = ContentSettings::read(&mut Env::new([])).expect("the defaults");
    Screen::new(&settings).0
});

fuzz_target!(|input: (bool, &str, &str)| {
    let (prompt, mime, text) = input;
    let kind = if prompt { Kind::Prompt } else { Kind::Resource };
    let mime = (!mime.is_empty()).then_some(mime);
    let first = SCREEN.screen(kind, mime, text);
    assert_eq!(format!("{first:?}"), format!("{:?}", SCREEN.screen(kind, mime, text)));
});
