//! Bars with parts, by their own name: one value that stands for them, and a verdict that is all of theirs.

use super::{Entry, order};

/// A bar, what its parts begin with, and the part whose value stands for it.
const WHOLE: [(&str, &str, &str); 7] = [
    ("P6", "P6-", "P6-xss-strict"),
    ("P8", "P8-", "P8-moderate"),
    ("P12", "P12-", "P12-p99-ms"),
    ("I1", "I1-", "I1-recall"),
    ("I2", "I2-", "I2-recall"),
    ("I3", "I3-", "I3-recall"),
    ("T4", "T4-", "T4-recall"),
];

/// The entries in their order, with those of bars that have parts.
pub(super) fn with(mut entries: Vec<Entry>) -> Vec<Entry> {
    let whole: Vec<Entry> = WHOLE.iter().filter_map(|whole| of(&entries, whole)).collect();
    entries.extend(whole);
    entries.sort_by_key(|entry| order(&entry.id));
    entries
}

fn of(entries: &[Entry], (id, beginning, standing): &(&str, &str, &str)) -> Option<Entry> {
    let first = entries.iter().find(|entry| entry.id == *standing)?;
    let mut verdicts = entries.iter().filter(|entry| entry.id.starts_with(beginning)).filter_map(Entry::ok);
    let parts = verdicts.clone().next().is_some().then(|| verdicts.all(|ok| ok));
    Some(Entry { id: (*id).to_owned(), value: first.value, rows: first.rows, bar: first.bar, parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: &str, value: Option<f64>) -> Entry {
        Entry {
            id: id.to_owned(),
            value,
            rows: usize::from(value.is_some()),
            bar: Some((1.0, false)),
            parts: None,
        }
    }

    #[test]
    fn a_bar_is_what_its_worst_part_is() {
        let verdict = |strict, moderate| {
            let entries = with(vec![part("P8-strict", strict), part("P8-moderate", moderate)]);
            let whole = entries.iter().find(|entry| entry.id == "P8").unwrap();
            (whole.value, whole.ok())
        };
        assert_eq!(verdict(Some(0.5), Some(0.2)), (Some(0.2), Some(true)));
        assert_eq!(verdict(Some(1.5), Some(0.2)), (Some(0.2), Some(false)));
        assert_eq!(verdict(None, None), (None, None));
        assert!(with(vec![part("P2", Some(1.0))]).iter().all(|entry| entry.id == "P2"));
    }
}
