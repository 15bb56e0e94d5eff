//! Twelve ways of writing the same attack differently, as evasion tools do.

/// The names of the ways.
pub(super) const WAYS: [&str; 12] = [
    "case",
    "entities",
    "hex_entities",
    "bare_entities",
    "percent",
    "double_percent",
    "unicode_escape",
    "nul",
    "zero_width",
    "full_width",
    "white_space",
    "bidi",
];

/// Rewrites a payload in one of the ways.
pub(super) fn mutate(way: &str, payload: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation();
    let each = |f: &dyn Fn(char) -> String| payload.chars().map(f).collect::<String>();
    let when = |c: char, written: String| if special(c) { written } else { c.to_string() };
    match way {
        "case" => payload
            .chars()
            .enumerate()
            .map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect(),
        "entities" => each(&|c| when(c, format!("&#{};", u32::from(c)))),
        "hex_entities" => each(&|c| when(c, format!("&#x{:x};", u32::from(c)))),
        "bare_entities" => each(&|c| when(c, format!("&#{:07}", u32::from(c)))),
        "percent" => each(&|c| when(c, format!("%{:02X}", u32::from(c)))),
        "double_percent" => each(&|c| when(c, format!("%25{:02x}", u32::from(c)))),
        "unicode_escape" => each(&|c| when(c, format!("\\u{:04x}", u32::from(c)))),
        "nul" => inside(payload, '\0'),
        "zero_width" => inside(payload, '\u{200b}'),
        "bidi" => inside(payload, '\u{202e}'),
        "full_width" => each(&|c| {
            if c.is_ascii_graphic() {
                char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c).to_string()
            } else {
                c.to_string()
            }
        }),
        _ => payload.replace(' ', "\t\n"),
    }
}

/// Puts a character between the letters of every word.
fn inside(payload: &str, mark: char) -> String {
    let mut out = String::new();
    let mut letter = false;
    for c in payload.chars() {
        if letter && c.is_ascii_alphabetic() {
            out.push(mark);
        }
        letter = c.is_ascii_alphabetic();
        out.push(c);
    }
    out
}
