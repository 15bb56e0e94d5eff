//! US social security numbers: three, two and four digits, with the areas and groups that were never issued left out.

use super::{Value, digits};

/// Numbers that the administration withdrew or that serve as examples.
const EXAMPLES: [&str; 4] = ["078051120", "219099999", "123456789", "457555462"];
/// How far before the digits a word may say what they are.
const NEAR: usize = 40;

pub(super) fn find(text: &str) -> Vec<Value> {
    let runs = digits::runs(text, b"- ").into_iter();
    let numbers = runs.filter(|run| {
        let written = run.groups == [3, 2, 4] && matches!(run.separators.as_str(), "--" | "  ");
        let said = || {
            let before = text
                .get(floor(text, run.span.start.saturating_sub(NEAR))..run.span.start)
                .unwrap_or_default();
            before.contains("ssn") || before.contains("social security")
        };
        (written || run.groups == [9] && said()) && issued(&run.digits)
    });
    numbers.map(|run| Value { reserved: EXAMPLES.contains(&run.digits.as_str()), span: run.span }).collect()
}

pub(super) fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn issued(digits: &str) -> bool {
    let (area, rest) = digits.split_at_checked(3).unwrap_or_default();
    let (group, serial) = rest.split_at_checked(2).unwrap_or_default();
    area != "000" && area != "666" && !area.starts_with('9') && group != "00" && serial != "0000"
}
