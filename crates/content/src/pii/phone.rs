//! Telephone numbers: E.164 with an assigned country code, the North American form, and national forms where a word
//! beside the digits says that they are a telephone.
//!
//! The tables of the `phonenumber` library are not used: they would only *reject* numbers of a known region, the region of
//! a text is not known, and they cost megabytes and a slow first use. What is used of them is the list of country codes.

use super::{Value, digits, ssn::floor};

/// Assigned country codes (ITU-T E.164), by their first digits.
const COUNTRY_CODES: &str = " 1 7 20 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 \
248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269 27 290 291 297 298 299 30 31 32 33 34 350 351 352 353 354 355 356 357 358 359 36 370 371 \
372 373 374 375 376 377 378 379 380 381 382 383 385 386 387 389 39 40 41 420 421 423 43 44 45 46 47 48 49 500 501 502 503 504 505 506 507 508 509 51 52 53 54 55 56 57 58 590 591 \
592 593 594 595 596 597 598 599 60 61 62 63 64 65 66 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 81 82 84 850 852 853 855 856 86 \
870 878 880 881 882 883 886 888 90 91 92 93 94 95 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 98 992 993 994 995 996 998 ";

/// Words that say so, before the digits and behind them.
const BEFORE: [&str; 23] = [
    "phone",
    "tel:",
    "tel.",
    "tel ",
    "telephone",
    "mobile",
    "cell",
    "fax",
    "call ",
    "call me",
    "calling",
    "contact",
    "reach",
    "desk:",
    "desk ",
    "whatsapp",
    "sms",
    "dial",
    "hotline",
    "answering",
    "messages to",
    "registered",
    "helpline",
];
const AFTER: [&str; 8] = [" office", " fax", " mobile", "-office", "-fax", "-mobile", " (mobile", " home"];
const NEAR: usize = 40;

pub(super) fn find(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for run in digits::runs(text, b" .-()/") {
        let (start, sign) = opening(text, run.span.start);
        let (end, _) = extension(text, run.span.end);
        let digits = run.digits.as_str();
        let spread = run.groups.len() > 1;
        let plausible = (7..=15).contains(&digits.len()) || (end > run.span.end && digits.len() >= 7);
        // A date with a sign is a line of a comparison; with so many digits it is none.
        let date = dated(&run) && !(sign && digits.len() >= 10);
        if !plausible || date {
            continue;
        }
        let north = north_american(&run, start < run.span.start && !sign);
        let known = sign && assigned(digits)
            || !sign
                && digits.strip_prefix("00").is_some_and(|rest| spread && assigned(rest) && rest.len() >= 9);
        if known || north || (digits.len() <= 13 && said(text, start, end) && !run.separators.contains('/')) {
            found.push(Value { span: start..end, reserved: fictitious(digits) });
        }
    }
    found
}

/// Where the number starts with its `+` or `(`, and whether there is a `+`.
fn opening(text: &str, digit: usize) -> (usize, bool) {
    let before = text.get(..digit).unwrap_or_default();
    let open = before.strip_suffix('(').unwrap_or(before);
    let plus = open.strip_suffix('+');
    let start = plus.map_or(open.len(), str::len);
    let glued =
        text.get(..start).and_then(|part| part.chars().next_back()).is_some_and(char::is_alphanumeric);
    if glued && plus.is_some() { (open.len(), false) } else { (start, plus.is_some()) }
}

/// Where the number ends with its extension (`x123`).
fn extension(text: &str, end: usize) -> (usize, bool) {
    let after = text.get(end..).unwrap_or_default();
    let mark = ["x", " x", " ext. ", " ext "].iter().find(|mark| after.starts_with(**mark));
    let length = mark.map_or(0, |mark| {
        let digits = after.bytes().skip(mark.len()).take(6).take_while(u8::is_ascii_digit).count();
        if digits == 0 { 0 } else { mark.len() + digits }
    });
    (end + length, length > 0)
}

fn assigned(digits: &str) -> bool {
    (1..=3)
        .any(|length| digits.get(..length).is_some_and(|code| COUNTRY_CODES.contains(&format!(" {code} "))))
}

/// `(212) 736-5000`, `212-736-5000`, `1-212-736-5000`: grouped, with an area and exchange that exist.
fn north_american(run: &digits::Run, bracketed: bool) -> bool {
    let groups = run.groups.as_slice();
    let national = match groups {
        [3, 3, 4] => run.digits.as_str(),
        [1, 3, 3, 4] => run.digits.strip_prefix('1').unwrap_or_default(),
        [3, 7] if bracketed => run.digits.as_str(),
        _ => return false,
    };
    let first = |at: usize| national.as_bytes().get(at).is_some_and(|b| (b'2'..=b'9').contains(b));
    let separated = bracketed || run.separators.contains(['-', '.']);
    separated && first(0) && first(3)
}

/// Dates and version-like numbers: `2024-01-15`, `1.2.3.4`.
fn dated(run: &digits::Run) -> bool {
    let (groups, separators) = (run.groups.as_slice(), run.separators.as_str());
    let century = run.digits.starts_with("19") || run.digits.starts_with("20") || groups.first() != Some(&4);
    let day = matches!(
        groups,
        [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4] | [4, 2, 2, 2] | [4, 2, 2, 2, 2] | [4, 2, 2, 2, 2, 2]
    );
    let years = matches!(groups, [4, 4]) && separators == "-";
    let address = groups.len() == 4 && separators == "...";
    (day && century && !separators.contains('(')) || years || address
}

fn said(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(floor(text, start.saturating_sub(NEAR))..start).unwrap_or_default();
    let after = text.get(end..floor(text, (end + 12).min(text.len()))).unwrap_or_default();
    BEFORE.iter().any(|word| before.contains(word)) || AFTER.iter().any(|word| after.starts_with(word))
}

/// Numbers kept for fiction: 555-0100 to 555-0199, and the British drama ranges.
fn fictitious(digits: &str) -> bool {
    let local = digits.get(digits.len().saturating_sub(7)..).unwrap_or_default();
    local.starts_with("55501")
        || ["442079460", "447700900", "441632960"].iter().any(|range| digits.starts_with(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|value| &text[value.span]).collect()
    }

    #[test]
    fn numbers_in_every_form() {
        assert_eq!(found("+41 (0)38 549 02 90, +4930123456"), ["+41 (0)38 549 02 90", "+4930123456"]);
        assert_eq!(found("(898)666-3621x0135, 001-755-329-4431"), ["(898)666-3621x0135", "001-755-329-4431"]);
        assert_eq!(found("mobile: 0490 39 07 81"), ["0490 39 07 81"]);
        assert_eq!(found("9885 1152-office"), ["9885 1152"]);
        assert!(found("2024-01-15 10.20.30.40 order 1234567 +999 123 4567 a+4930123456").is_empty());
    }
}
