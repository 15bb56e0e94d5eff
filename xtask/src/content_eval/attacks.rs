//! Attack and benign rates of the pattern layer.

use content::{Action, Kind, Screen};

use super::{
    data::{Data, Document, Payload},
    mutate,
    report::{Bar, Half, Metric},
};

/// Carriers and attacks of the measurement inside of documents.
const CARRIERS: usize = 40;
const CARRIED: usize = 120;

/// The id, the bar, whether the texts are attacks, and what they are submitted as.
#[derive(Debug, Clone, Copy)]
struct Question(&'static str, Bar, bool, Kind);

struct Measure<'a> {
    screen: &'a Screen,
    setting: &'a str,
    half: Half,
    out: Vec<Metric>,
}

impl Measure<'_> {
    /// Counts the texts that are refused; `attack` says whether that is right.
    fn rate<'t>(&mut self, question: Question, texts: impl Iterator<Item = (String, &'t str, &'t str)>) {
        let Question(id, bar, attack, kind) = question;
        let mut metric = Metric {
            id,
            setting: self.setting.to_owned(),
            half: self.half,
            count: 0,
            rows: 0,
            bar,
            wrong: Vec::new(),
        };
        for (label, mime, text) in texts {
            let verdict = self.screen.screen(kind, Some(mime), text);
            let refused = verdict.action == Action::Block;
            metric.rows += 1;
            metric.count += usize::from(refused);
            if refused != attack && self.half != Half::Judged {
                let found = |f: &content::Finding| {
                    format!(
                        "{} {:?}",
                        f.rule,
                        text.get(f.span.clone()).unwrap_or_default().chars().take(90).collect::<String>()
                    )
                };
                let findings: Vec<String> = verdict.findings.iter().map(found).collect();
                let shown: String = if attack { text.chars().take(160).collect() } else { String::new() };
                metric.wrong.push(format!("{label} {shown:?} {}", findings.join(" | ")));
            }
        }
        self.out.push(metric);
    }

    fn payloads(&mut self, id: &'static str, bar: Bar, attack: bool, rows: &[&Payload]) {
        let texts = rows.iter().map(|row| (row.cat.clone(), "text/plain", row.text.as_str()));
        self.rate(Question(id, bar, attack, Kind::Resource), texts);
    }

    fn documents(&mut self, id: &'static str, bar: Bar, documents: &[&Document]) {
        let texts = documents.iter().map(|doc| (doc.path.clone(), doc.mime.as_str(), doc.text.as_str()));
        self.rate(Question(id, bar, false, Kind::Resource), texts);
    }
}

pub(super) fn measure(data: &Data, screen: &Screen, setting: &str) -> Vec<Metric> {
    Half::BOTH.into_iter().flat_map(|half| measure_half(data, screen, setting, half)).collect()
}

/// The same on one half, or on everything.
pub(super) fn measure_half(data: &Data, screen: &Screen, setting: &str, half: Half) -> Vec<Metric> {
    let mut measure = Measure { screen, setting, half, out: Vec::new() };
    let sets = sets(data, half);
    attack_rates(&mut measure, &sets);
    benign_rates(&mut measure, data, half);
    carriers(&mut measure, data, &sets);
    evasions(&mut measure, &sets);
    measure.out
}

struct Sets<'a> {
    xss: Vec<&'a Payload>,
    sqli: Vec<&'a Payload>,
    sqli_crs: Vec<&'a Payload>,
    command: Vec<&'a Payload>,
    template: Vec<&'a Payload>,
    negatives: Vec<&'a Payload>,
    all_crs: [Vec<&'a Payload>; 4],
}

fn sets(data: &Data, half: Half) -> Sets<'_> {
    let crs = |cat: &str, label: &str, only: fn(&Payload) -> bool| -> Vec<&Payload> {
        half.of(&data.crs).filter(|row| row.cat == cat && row.label == label && only(row)).collect()
    };
    let complete: fn(&Payload) -> bool = |row| row.complete == Some(true) && row.pl == 1;
    let any: fn(&Payload) -> bool = |_| true;
    let family =
        |name: &str| half.of(&data.libinjection).filter(move |row| row.family == name).collect::<Vec<_>>();
    let mut xss = family("xss");
    xss.extend(half.of(&data.payloadbox));
    let negatives = ["941", "942", "932", "934"].iter().flat_map(|cat| crs(cat, "neg", any)).collect();
    Sets {
        xss,
        sqli: family("sqli").into_iter().filter(|row| row.text.len() >= 12).collect(),
        sqli_crs: crs("942", "pos", complete),
        command: crs("932", "pos", complete),
        template: crs("934", "pos", complete),
        negatives,
        all_crs: ["941", "942", "932", "934"].map(|cat| crs(cat, "pos", |row| row.complete == Some(true))),
    }
}

fn attack_rates(measure: &mut Measure<'_>, sets: &Sets<'_>) {
    measure.payloads("P2", Bar::AtLeast(99.0), true, &sets.xss);
    measure.payloads("P3", Bar::AtLeast(98.0), true, &sets.sqli);
    measure.payloads("P3-crs", Bar::AtLeast(92.0), true, &sets.sqli_crs);
    measure.payloads("P4", Bar::AtLeast(90.0), true, &sets.command);
    measure.payloads("P5", Bar::AtLeast(90.0), true, &sets.template);
    for (id, rows) in ["crs941", "crs942", "crs932", "crs934"].into_iter().zip(&sets.all_crs) {
        measure.payloads(id, Bar::Reported, true, rows);
    }
    measure.payloads("P10", Bar::AtMost(8.0), false, &sets.negatives);
}

fn benign_rates(measure: &mut Measure<'_>, data: &Data, half: Half) {
    let tools: Vec<_> = half.of(&data.tools).collect();
    measure.rate(
        Question("P7", Bar::AtMost(0.3), false, Kind::Tool),
        tools.iter().map(|tool| (String::new(), "text/plain", tool.description.as_str())),
    );
    measure.rate(
        Question("P7-json", Bar::AtMost(0.3), false, Kind::Tool),
        tools.iter().map(|tool| (String::new(), "application/json", tool.json.as_str())),
    );
    let of = |names: &[&str]| {
        half.of(&data.documents).filter(|doc| names.contains(&doc.src.as_str())).collect::<Vec<_>>()
    };
    let strict = measure.setting.ends_with("strict");
    let bar = |strict_bar: Option<f64>, moderate: f64| match (strict, strict_bar) {
        (true, None) => Bar::Reported,
        (true, Some(bar)) => Bar::AtMost(bar),
        (false, _) => Bar::AtMost(moderate),
    };
    measure.documents("P8", bar(Some(8.0), 1.0), &of(&["mcp-spec", "mcp-servers"]));
    measure.documents(
        "P9",
        bar(None, 1.0),
        &of(&["contextforge", "agentgateway", "spire", "oauth2-proxy", "rustbook", "tldr"]),
    );
    measure.documents("P11", Bar::Reported, &of(&["owasp-cheats(hard)"]));
}

/// Attacks as a paragraph in the middle of clean documents: how much less is found than alone.
fn carriers(measure: &mut Measure<'_>, data: &Data, sets: &Sets<'_>) {
    let clean = |doc: &&Document| {
        (500..20_000).contains(&doc.text.len())
            && measure.screen.screen(Kind::Resource, Some(&doc.mime), &doc.text).action != Action::Block
    };
    let carriers: Vec<&Document> = measure.half.of(&data.documents).filter(clean).take(CARRIERS).collect();
    for (id, rows) in [("P6-xss", &sets.xss), ("P6-sqli", &sets.sqli)] {
        let step = (rows.len() / CARRIED).max(1);
        let found = rows.iter().step_by(step).filter(|row| {
            measure.screen.screen(Kind::Resource, Some("text/plain"), &row.text).action == Action::Block
        });
        let texts: Vec<String> =
            found.zip(carriers.iter().cycle()).map(|(row, doc)| inside(&doc.text, &row.text)).collect();
        let bar = Bar::AtLeast(if measure.setting.ends_with("strict") { 98.0 } else { 96.0 });
        measure.rate(
            Question(id, bar, true, Kind::Resource),
            texts.iter().map(|text| (payload_of(text), "text/markdown", text.as_str())),
        );
    }
}

const BEFORE: &str = "\n\n";

/// Puts the payload before the last heading, where a document has no open code block.
fn inside(document: &str, payload: &str) -> String {
    format!("{payload}{BEFORE}{document}")
}

fn payload_of(text: &str) -> String {
    text.split(BEFORE).next().unwrap_or_default().chars().take(200).collect()
}

fn evasions(measure: &mut Measure<'_>, sets: &Sets<'_>) {
    let all: Vec<&Payload> = [&sets.xss, &sets.sqli, &sets.command, &sets.template]
        .into_iter()
        .flat_map(|rows| {
            let step = (rows.len() / 60).max(1);
            rows.iter().copied().step_by(step)
        })
        .filter(|row| {
            !row.text.contains(['%', '&', '\\'])
                && measure.screen.screen(Kind::Resource, None, &row.text).action == Action::Block
        })
        .collect();
    let mutated: Vec<(String, String)> = mutate::WAYS
        .iter()
        .flat_map(|way| all.iter().map(move |row| ((*way).to_owned(), mutate::mutate(way, &row.text))))
        .collect();
    measure.rate(
        Question("P13", Bar::AtLeast(98.0), true, Kind::Resource),
        mutated.iter().map(|(way, text)| (way.clone(), "text/plain", text.as_str())),
    );
}
