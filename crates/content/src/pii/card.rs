//! Payment cards: an issuer that exists, a length that it uses, and Luhn's check digit. 12 to 19 digits.

use super::{Value, digits};

/// Ranges of leading digits with the lengths that are in use (ISO/IEC 7812 issuers).
const ISSUERS: [(&str, &str, &[usize]); 29] = [
    ("4", "4", &[13, 16, 18, 19]),
    ("51", "55", &[16]),
    ("2221", "2720", &[16]),
    ("34", "34", &[15]),
    ("37", "37", &[15]),
    ("300", "305", &[14, 15, 16, 17, 18, 19]),
    ("3095", "3095", &[14, 15, 16, 17, 18, 19]),
    ("36", "36", &[14, 15, 16, 17, 18, 19]),
    ("38", "39", &[14, 15, 16, 17, 18, 19]),
    ("6011", "6011", &[16, 17, 18, 19]),
    ("622126", "622925", &[16, 17, 18, 19]),
    ("644", "649", &[16, 17, 18, 19]),
    ("65", "65", &[16, 17, 18, 19]),
    ("35", "35", &[16, 17, 18, 19]),
    ("1800", "1800", &[15]),
    ("2131", "2131", &[15]),
    ("62", "62", &[16, 17, 18, 19]),
    ("81", "82", &[16, 17, 18, 19]),
    ("2200", "2205", &[16, 17, 18, 19]),
    ("60", "60", &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("50", "50", &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("56", "58", &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("63", "63", &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("67", "67", &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("6304", "6304", &[12, 13, 14, 15, 16, 17, 18, 19]),
    ("9792", "9792", &[16]),
    ("506099", "506198", &[16, 18, 19]),
    ("636", "636", &[16, 17, 18, 19]),
    ("357111", "357111", &[16]),
];

/// Numbers that payment services publish for tests.
const TEST_NUMBERS: [&str; 22] = [
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "5105105105105100",
    "5200828282828210",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "378734493671000",
    "6011111111111117",
    "6011000990139424",
    "6011981111111113",
    "30569309025904",
    "38520000023237",
    "36227206271667",
    "3530111333300000",
    "3566002020360505",
    "6200000000000005",
    "5019717010103742",
];

pub(super) fn find(text: &str) -> Vec<Value> {
    // A dot between groups is looked for by itself: one behind a card ends its sentence.
    let dotted = digits::runs(text, b".").into_iter().filter(|run| run.groups.len() > 1);
    let runs = digits::runs(text, b" -").into_iter().chain(dotted);
    let cards = runs.filter(|run| grouped(&run.groups, &run.separators) && valid(&run.digits));
    cards.map(|run| Value { reserved: TEST_NUMBERS.contains(&run.digits.as_str()), span: run.span }).collect()
}

/// Cards are written without separators or in groups of three to six with one kind of separator.
fn grouped(groups: &[usize], separators: &str) -> bool {
    let one_kind =
        separators.chars().all(|c| separators.starts_with(c)) && separators.len() + 1 == groups.len();
    groups.len() == 1
        || one_kind
            && groups.iter().all(|length| (1..=8).contains(length))
            && groups.first().is_some_and(|first| *first >= 3)
}

fn valid(digits: &str) -> bool {
    let issued = ISSUERS.iter().any(|(from, to, lengths)| {
        let head = digits.get(..from.len()).unwrap_or_default();
        lengths.contains(&digits.len()) && head >= *from && head <= *to
    });
    issued && luhn(digits) && digits.bytes().any(|b| digits.as_bytes().first() != Some(&b))
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte.saturating_sub(b'0'));
            let doubled = if index % 2 == 1 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_the_table() {
        for number in [
            "676770000009",
            "4222222222222",
            "30569309025904",
            "378282246310005",
            "180012345678908",
            "213112345678905",
        ] {
            assert!(luhn(number) == valid(number), "{number}");
        }
        assert_eq!(find("3782 822463 10005 and 4539-1488-0343-6467").len(), 2);
        assert!(find("4539148803436468 4539 1488-0343 6467 0000000000000000").is_empty());
    }
}
