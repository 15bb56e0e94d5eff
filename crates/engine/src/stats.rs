//! Counters for `/metrics/prometheus`. Handles are resolved once; counting is an atomic addition.

use std::time::Duration;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The program's metrics.
#[derive(Debug)]
pub struct Stats {
    registry: Registry,
    calls: IntCounterVec,
    durations: HistogramVec,
    registered: IntGaugeVec,
    logins: IntCounterVec,
    requests: IntCounterVec,
    denials: IntCounterVec,
    revocation_age: IntGaugeVec,
    reloads: IntCounterVec,
    streams: IntGaugeVec,
    streams_ended: IntCounterVec,
    held: IntGaugeVec,
    content: IntCounterVec,
}

impl Default for Stats {
    fn default() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| counter(&registry, name, help, labels);
        let calls = counter(
            "contextforge_calls_total",
            "Calls to upstreams by MCP method and outcome",
            &["method", "outcome"],
        );
        let logins = counter("contextforge_logins_total", "Password logins by outcome", &["outcome"]);
        let requests =
            counter("contextforge_http_requests_total", "HTTP answers by status class", &["status"]);
        let denials = counter("contextforge_denials_total", "Refused requests (403) by reason", &["reason"]);
        let reloads =
            counter("contextforge_catalogue_reloads_total", "Times that the catalogue was built", &[]);
        let content = counter(
            "contextforge_content_violations_total",
            "Findings of content security by family and what was done",
            &["family", "action"],
        );
        let buckets =
            vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let options = HistogramOpts::new(
            "contextforge_call_duration_seconds",
            "Time until an upstream's answer was complete",
        );
        let durations =
            HistogramVec::new(options.buckets(buckets), &["method"]).unwrap_or_else(|_| unreachable!());
        let registered = gauge(
            &registry,
            "contextforge_registered",
            "Registered things that are switched on, by kind",
            &["kind"],
        );
        let revocation_age = gauge(
            &registry,
            "contextforge_revocation_age_seconds",
            "Seconds since the database last said which credentials were revoked",
            &[],
        );
        let (streams, streams_ended, held) = of_clients(&registry);
        register(&registry, Box::new(durations.clone()));
        Self {
            registry,
            calls,
            durations,
            registered,
            logins,
            requests,
            denials,
            revocation_age,
            reloads,
            streams,
            streams_ended,
            held,
            content,
        }
    }
}

/// What is open and kept for clients: streams, streams that were ended, and what waits for them to come back.
fn of_clients(registry: &Registry) -> (IntGaugeVec, IntCounterVec, IntGaugeVec) {
    let streams = gauge(registry, "contextforge_streams", "Open streams to clients by kind", &["kind"]);
    let ended = counter(
        registry,
        "contextforge_streams_ended_total",
        "Streams to clients that the gateway ended, by reason",
        &["reason"],
    );
    let held = gauge(
        registry,
        "contextforge_held",
        "What this process keeps for clients that are to come back: sessions, questions, parked_calls",
        &["kind"],
    );
    (streams, ended, held)
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    // Names and labels are constants above, valid by inspection and by the test below.
    let counter = IntCounterVec::new(Opts::new(name, help), labels).unwrap_or_else(|_| unreachable!());
    register(registry, Box::new(counter.clone()));
    counter
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let gauge = IntGaugeVec::new(Opts::new(name, help), labels).unwrap_or_else(|_| unreachable!());
    register(registry, Box::new(gauge.clone()));
    gauge
}

fn register(registry: &Registry, collector: Box<dyn prometheus::core::Collector>) {
    if let Err(error) = registry.register(collector) {
        tracing::error!(%error, "a metric could not be registered");
    }
}

impl Stats {
    /// Counts a call that ended.
    pub(crate) fn call(&self, method: &'static str, outcome: &'static str, elapsed: Duration) {
        self.calls.with_label_values(&[method, outcome]).inc();
        self.durations.with_label_values(&[method]).observe(elapsed.as_secs_f64());
    }

    /// Counts a login: `success`, `failure` or `locked`.
    pub fn login(&self, outcome: &'static str) {
        self.logins.with_label_values(&[outcome]).inc();
    }

    /// Counts a refusal by its reason, one of the words of `policy::Reason`.
    pub(crate) fn denied(&self, reason: &'static str) {
        self.denials.with_label_values(&[reason]).inc();
    }

    /// Counts a finding of content security by its family.
    pub(crate) fn violation(&self, family: &str, action: &'static str) {
        self.content.with_label_values(&[family, action]).inc();
    }

    /// Counts an HTTP answer by its status.
    pub fn answered(&self, status: u16) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[class]).inc();
    }

    /// Notes that a stream to a client was opened (`1`) or is over (`-1`).
    pub fn stream(&self, kind: &'static str, change: i64) {
        self.streams.with_label_values(&[kind]).add(change);
    }

    /// Counts a stream that the gateway ended.
    pub fn stream_ended(&self, reason: &'static str) {
        self.streams_ended.with_label_values(&[reason]).inc();
    }

    /// Notes how many things of a kind are kept for clients.
    pub fn held(&self, kind: &'static str, count: usize) {
        self.held.with_label_values(&[kind]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a catalogue that was built.
    pub(crate) fn reloaded(&self) {
        self.reloads.with_label_values::<&str>(&[]).inc();
    }

    /// Notes how many things of a kind are registered.
    pub(crate) fn registered(&self, kind: &'static str, count: usize) {
        self.registered.with_label_values(&[kind]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Notes how old the knowledge of revocations is.
    pub(crate) fn revocation_age(&self, age: Duration) {
        let no_labels: [&str; 0] = [];
        self.revocation_age
            .with_label_values(&no_labels)
            .set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }

    /// The text of the Prometheus exposition format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut out = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(%error, "metrics could not be rendered");
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let stats = Stats::default();
        stats.call("tools/call", "success", Duration::from_millis(3));
        stats.login("failure");
        stats.answered(204);
        stats.denied("token_cap");
        stats.registered("tool", 7);
        let text = stats.render();
        assert!(
            text.contains(r#"contextforge_calls_total{method="tools/call",outcome="success"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"contextforge_call_duration_seconds_count{method="tools/call"} 1"#));
        assert!(text.contains(r#"contextforge_logins_total{outcome="failure"} 1"#));
        assert!(text.contains(r#"contextforge_http_requests_total{status="2xx"} 1"#));
        assert!(text.contains(r#"contextforge_registered{kind="tool"} 7"#));
        assert!(text.contains(r#"contextforge_denials_total{reason="token_cap"} 1"#));
    }
}
