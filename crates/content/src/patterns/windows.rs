//! Where a rewritten text has to be read again: around what was rewritten.
//!
//! What does not touch a rewritten place stands in the text before it as well, and was read there. A match that does
//! touch one may reach far, over white space without end; so a window ends at a line's end, [`REACH`] bytes that are no
//! white space beyond the place. Rules without an end of their own read the whole text (`Rule::endless`).

use std::ops::Range;

/// How much text besides white space a match may have on either side of a rewritten place.
const REACH: usize = 4 * 1024;

/// The windows of a text around its seams, in order and apart from each other.
pub(super) fn windows(text: &str, seams: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for place in seams {
        if let Some(last) = found.last_mut()
            && place.start <= last.end
        {
            // It lies in what is read already; the window goes on where it ends too near.
            if place.end + REACH / 2 > last.end {
                last.end = after(text, place.end.max(last.end));
            }
            continue;
        }
        let (start, end) =
            (before(text, place.start, found.last().map_or(0, |last| last.end)), after(text, place.end));
        match found.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => found.push(start..end),
        }
    }
    found
}

/// Whether a match touches a seam. Seams are in order and apart from each other.
pub(super) fn touches(seams: &[Range<usize>], found: &Range<usize>) -> bool {
    let first = seams.partition_point(|seam| seam.end < found.start);
    seams.get(first).is_some_and(|seam| seam.start <= found.end)
}

fn before(text: &str, at: usize, least: usize) -> usize {
    let bytes = text.as_bytes().get(least..at).unwrap_or_default();
    let mut left = REACH;
    let mut start = bytes.len();
    while start > 0 {
        match bytes.get(start - 1) {
            Some(b'\n') if left == 0 => break,
            Some(byte) if !byte.is_ascii_whitespace() => left = left.saturating_sub(1),
            _ => {}
        }
        start -= 1;
    }
    least + start
}

fn after(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    let mut left = REACH;
    let end = bytes.iter().position(|byte| {
        left = left.saturating_sub(usize::from(!byte.is_ascii_whitespace()));
        left == 0 && *byte == b'\n'
    });
    end.map_or(text.len(), |end| at + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_lines_around_seams_and_pass_over_white_space() {
        let line = "words of a line\n".repeat(1_000);
        let text = format!("{line}; {}cat\n{line}", "\n".repeat(100_000));
        let at = line.len();
        let seam = at..at + 1;
        let found = windows(&text, std::slice::from_ref(&seam));
        assert_eq!(found.len(), 1);
        let window = &text[found[0].clone()];
        assert!(window.contains("cat") && window.starts_with("words") && window.ends_with("line"));
        assert!(window.len() < 100_000 + 3 * REACH, "{}", window.len());
        assert_eq!(windows("short; text", &[5..6, 8..8]), vec![0..11]);
        let (first, last) = (0..1, text.len() - 3..text.len());
        assert_eq!(windows(&text, &[first, last]).len(), 2);
    }

    #[test]
    fn what_touches_a_seam_is_known() {
        let seams = [3..5, 9..9];
        for (found, expected) in
            [(0..2, false), (0..3, true), (5..7, true), (6..8, false), (6..9, true), (10..12, false)]
        {
            assert_eq!(touches(&seams, &found), expected, "{found:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_seam_is_in_one_window(ends in proptest::collection::vec(1_usize..6_000, 0..12), text in "[a-z \n]{0,80}") {
            let text = text.repeat(600);
            let mut at = 0;
            let mut seams = Vec::new();
            for step in ends {
                at += step;
                if at < text.len() { seams.push(at..at + 1); }
            }
            let windows = windows(&text, &seams);
            for pair in windows.windows(2) {
                proptest::prop_assert!(pair[0].end < pair[1].start);
            }
            for seam in &seams {
                proptest::prop_assert!(windows.iter().any(|w| w.start <= seam.start && seam.end <= w.end), "{seam:?} {windows:?}");
            }
        }
    }
}
