//! Recall and precision of the personal data layer, by overlap with marked spans.

use content::{Action, Kind, Screen};

use super::{
    data::{Data, Marked},
    report::{Bar, Half, Metric},
};

/// What is measured of one kind of personal data.
struct Measured {
    recall: (&'static str, f64),
    precision: (&'static str, f64),
    /// Kinds of the data and rules of ours.
    marked: &'static [&'static str],
    rules: &'static [&'static str],
}

const MEASURED: [Measured; 3] = [
    Measured {
        recall: ("I1-recall", 99.0),
        precision: ("I1-precision", 98.0),
        marked: &["EMAIL_ADDRESS", "US_SSN", "IP_ADDRESS"],
        rules: &["pii/email", "pii/ssn", "pii/ip_address"],
    },
    Measured {
        recall: ("I2-recall", 97.0),
        precision: ("I2-precision", 99.0),
        marked: &["CREDIT_CARD"],
        rules: &["pii/credit_card"],
    },
    Measured {
        recall: ("I3-recall", 70.0),
        precision: ("I3-precision", 85.0),
        marked: &["PHONE_NUMBER"],
        rules: &["pii/phone"],
    },
];

pub(super) fn measure(data: &Data, screen: &Screen, mode: &str) -> Vec<Metric> {
    Half::BOTH.into_iter().flat_map(|half| measure_half(data, screen, mode, half)).collect()
}

/// The same on one half, or on everything.
pub(super) fn measure_half(data: &Data, screen: &Screen, mode: &str, half: Half) -> Vec<Metric> {
    let mut out = Vec::new();
    if mode == "strict" {
        for measured in &MEASURED {
            out.extend(spans(half, half.of(&data.marked), screen, measured));
        }
    }
    out.extend(prevalence(data, half, screen, mode));
    out
}

fn spans<'a>(
    half: Half,
    rows: impl Iterator<Item = &'a Marked>,
    screen: &Screen,
    measured: &Measured,
) -> [Metric; 2] {
    let metric = |(id, bar): (&'static str, f64)| Metric {
        id,
        setting: "strict".to_owned(),
        half,
        count: 0,
        rows: 0,
        bar: Bar::AtLeast(bar),
        wrong: Vec::new(),
    };
    let (mut recall, mut precision) = (metric(measured.recall), metric(measured.precision));
    for row in rows {
        let places: Vec<usize> = row.text.char_indices().map(|(at, _)| at).chain([row.text.len()]).collect();
        let place = |at: usize| places.get(at).copied().unwrap_or(row.text.len());
        let gold: Vec<_> = row
            .spans
            .iter()
            .filter(|span| measured.marked.contains(&span.0.as_str()))
            .map(|span| place(span.1)..place(span.2))
            .collect();
        let verdict = screen.screen(Kind::Resource, None, &row.text);
        let found: Vec<_> = verdict
            .findings
            .iter()
            .filter(|f| measured.rules.contains(&f.rule.as_ref()))
            .map(|f| f.span.clone())
            .collect();
        let meets =
            |a: &std::ops::Range<usize>, b: &std::ops::Range<usize>| a.start < b.end && b.start < a.end;
        let around =
            |span: &std::ops::Range<usize>| row.text.get(span.clone()).unwrap_or_default().to_owned();
        for span in &gold {
            recall.rows += 1;
            if found.iter().any(|other| meets(span, other)) {
                recall.count += 1;
            } else {
                recall.wrong.push(format!("{:?} in {:?}", around(span), row.text));
            }
        }
        for span in &found {
            precision.rows += 1;
            if gold.iter().any(|other| meets(span, other)) {
                precision.count += 1;
            } else {
                precision.wrong.push(format!("{:?} in {:?}", around(span), row.text));
            }
        }
    }
    [recall, precision]
}

/// A metric, its texts with their media types, and its bar.
type Group<'a> = (&'static str, Vec<(&'a str, &'a str)>, Bar);

/// The share of benign texts that are refused.
fn prevalence(data: &Data, half: Half, screen: &Screen, mode: &str) -> Vec<Metric> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let bar = |value| if mode == "moderate" { Bar::AtMost(value) } else { Bar::Reported };
    let tools = half.of(&data.tools).map(|tool| ("text/plain", tool.description.as_str()));
    groups.push(("I6-tools", tools.collect(), bar(0.5)));
    for (id, sources, most) in
        [("I6-rustbook", &["rustbook"][..], 0.5), ("I6-mcp", &["mcp-spec", "mcp-servers"], 5.0)]
    {
        let documents = half.of(&data.documents).filter(|doc| sources.contains(&doc.src.as_str()));
        groups.push((id, documents.map(|doc| (doc.mime.as_str(), doc.text.as_str())).collect(), bar(most)));
    }
    let mut out = Vec::new();
    for (id, texts, bar) in groups {
        let mut metric = Metric {
            id,
            setting: mode.to_owned(),
            half,
            count: 0,
            rows: texts.len(),
            bar,
            wrong: Vec::new(),
        };
        for (mime, text) in texts {
            let verdict = screen.screen(Kind::Resource, Some(mime), text);
            if verdict.action == Action::Block {
                metric.count += 1;
                let values = verdict
                    .findings
                    .iter()
                    .map(|f| format!("{} {:?}", f.rule, text.get(f.span.clone()).unwrap_or_default()));
                metric.wrong.push(values.collect::<Vec<_>>().join(" | "));
            }
        }
        out.push(metric);
    }
    out
}
