//! Where from and when a token may be used, and how often: read once when a token is verified, checked on every
//! request, also when the token is remembered.
//!
//! Closed where it cannot be understood: an address that cannot be read matches nothing, and a token with a
//! restriction that this program does not know, or with networks of which it can read none, is no credential (401): no
//! other address or time would make it one. What a token says and what its row in the catalogue says
//! are both checked. Writing such restrictions into the catalogue goes through [`problems`], which is stricter still.

mod window;

use std::net::IpAddr;

use domain::{Error, Problem, Result, Timestamp};
use ipnet::{IpNet, Ipv4Net};
use serde_json::{Map, Value};

use self::window::Window;
use crate::policy::Restriction;

/// Said of a token whose limits nobody can check.
const UNREADABLE: Error = Error::Unauthenticated("The token has a restriction that cannot be read");

/// The restrictions of a token, ready to be checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restrictions {
    /// The client's address has to be in each of these groups.
    networks: Vec<Vec<IpNet>>,
    /// The time has to be in each of these.
    windows: Vec<Window>,
    /// Requests in an hour and in a day.
    pub(crate) usage: UsageLimits,
}

/// How often a token may be used, by clock hours and days (UTC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UsageLimits {
    pub(crate) hourly: Option<u64>,
    pub(crate) daily: Option<u64>,
}

impl UsageLimits {
    pub(crate) fn any(self) -> bool {
        self.hourly.is_some() || self.daily.is_some()
    }
}

impl Restrictions {
    /// Adds what a token or its row says. What cannot be understood refuses the token.
    pub(crate) fn add(
        &mut self,
        networks: &[String],
        times: &Map<String, Value>,
        usage: &Map<String, Value>,
    ) -> Result<()> {
        let refuse = |problem: Problem| {
            tracing::warn!(%problem, "a token with a restriction that cannot be enforced was refused");
            UNREADABLE
        };
        if !networks.is_empty() {
            let read: Vec<IpNet> = networks.iter().filter_map(|text| network(text)).collect();
            if read.is_empty() {
                let message = "none of them can be read".to_owned();
                return Err(refuse(Problem { field: "ip_restrictions".to_owned(), message }));
            }
            self.networks.push(read);
        }
        self.windows.extend(Window::read(times).map_err(refuse)?);
        let usage = usage_limits(usage).map_err(refuse)?;
        let lower = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.usage = UsageLimits {
            hourly: lower(self.usage.hourly, usage.hourly),
            daily: lower(self.usage.daily, usage.daily),
        };
        Ok(())
    }

    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        !self.networks.is_empty() || !self.windows.is_empty() || self.usage.any()
    }

    /// Checks the client's address and the time; says what stands against the request.
    pub(crate) fn check(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<(), Restriction> {
        let ip = ip.map(|ip| ip.to_canonical());
        let inside = |group: &Vec<IpNet>| ip.is_some_and(|ip| group.iter().any(|net| net.contains(&ip)));
        if !self.networks.iter().all(inside) {
            return Err(Restriction::Network);
        }
        if self.windows.iter().all(|window| window.contains(now)) { Ok(()) } else { Err(Restriction::Time) }
    }
}

/// What is wrong with restrictions that are to be written, each with its field.
pub(crate) fn problems(
    networks: &[String],
    times: &Map<String, Value>,
    usage: &Map<String, Value>,
) -> Vec<Problem> {
    let unreadable = |(n, text): (usize, &String)| {
        let message = "must be an address or a network: 192.0.2.7, 10.0.0.0/8, 2001:db8::/32".to_owned();
        network(text).is_none().then_some(Problem { field: format!("ip_restrictions[{n}]"), message })
    };
    let mut problems: Vec<Problem> = networks.iter().enumerate().filter_map(unreadable).collect();
    problems.extend(Window::read(times).err());
    match usage_limits(usage) {
        Err(problem) => problems.push(problem),
        Ok(limits) => {
            if limits.hourly == Some(0) || limits.daily == Some(0) {
                let message = "must be 1 or more; switch the token off instead".to_owned();
                problems.push(Problem { field: "usage_limits".to_owned(), message });
            }
        }
    }
    problems
}

/// A network, or an address alone. IPv4 written as IPv6 (`::ffff:10.0.0.0/104`) is IPv4.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let IpNet::V6(six) = net else { return Some(net) };
    let mapped = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    match mapped {
        Some((four, prefix)) => Ipv4Net::new(four, prefix).ok().map(IpNet::V4),
        None => Some(net),
    }
}

fn usage_limits(given: &Map<String, Value>) -> Result<UsageLimits, Problem> {
    let mut limits = UsageLimits::default();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let field = || format!("usage_limits.{name}");
        let number = || {
            let message = "must be a whole number of requests".to_owned();
            value.as_u64().ok_or_else(|| Problem { field: field(), message })
        };
        match name.as_str() {
            "requests_per_hour" => limits.hourly = Some(number()?),
            "requests_per_day" => limits.daily = Some(number()?),
            _ => {
                let message = "is not known; there are requests_per_hour and requests_per_day".to_owned();
                return Err(Problem { field: field(), message });
            }
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
    fn of(networks: &[&str], times: Value, usage: Value) -> Result<Restrictions> {
        let networks: Vec<String> = networks.iter().map(|text| (*text).to_owned()).collect();
        let mut restrictions = Restrictions::default();
        restrictions.add(&networks, times.as_object().unwrap(), usage.as_object().unwrap())?;
        Ok(restrictions)
    }

    fn from(networks: &[&str], ip: &str) -> bool {
        let ip = ip.parse().unwrap();
        of(networks, json!({}), json!({})).unwrap().check(Some(ip), Timestamp(0)).is_ok()
    }

    #[test]
    fn addresses_are_in_networks_of_both_families() {
        assert!(from(&["10.0.0.0/8"], "10.9.8.7") && !from(&["10.0.0.0/8"], "11.0.0.1"));
        assert!(from(&["10.1.2.3/8"], "10.9.8.7"), "bits of the host do not count");
        assert!(from(&["192.0.2.7"], "192.0.2.7") && !from(&["192.0.2.7"], "192.0.2.8"));
        assert!(from(&["2001:db8::/32"], "2001:db8:1::1") && !from(&["2001:db8::/32"], "2001:db9::1"));
        assert!(from(&["::1"], "::1") && !from(&["::1"], "127.0.0.1"));
        assert!(from(&["x", "10.0.0.0/8"], "10.0.0.1"), "one of them is enough");
    }

    #[test]
    fn version_four_written_as_version_six_is_version_four() {
        for net in ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1"] {
            assert!(from(&[net], "::ffff:10.0.0.1") && from(&[net], "10.0.0.1"), "{net}");
        }
        assert!(!from(&["::/0"], "10.0.0.1"), "all of IPv6 is not IPv4");
    }

    #[test]
    fn what_cannot_be_read_matches_nothing() {
        for net in ["", "*", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.1-10.0.0.9", "fe80::1%eth0"] {
            assert!(matches!(of(&[net], json!({}), json!({})), Err(Error::Unauthenticated(_))), "{net:?}");
            assert!(!from(&[net, "192.0.2.7"], "10.0.0.1"), "{net:?}");
        }
        let limited = of(&["10.0.0.0/8"], json!({}), json!({})).unwrap();
        assert!(limited.check(None, Timestamp(0)).is_err(), "no address at all");
        assert!(Restrictions::default().check(None, Timestamp(0)).is_ok());
    }

    #[test]
    fn every_group_counts_and_the_lower_limit_wins() {
        let mut both = of(&["10.0.0.0/8"], json!({}), json!({ "requests_per_hour": 9 })).unwrap();
        let usage = json!({ "requests_per_hour": 5, "requests_per_day": 7 });
        both.add(&["10.1.0.0/16".to_owned()], &Map::new(), usage.as_object().unwrap()).unwrap();
        assert!(both.check("10.1.0.1".parse().ok(), Timestamp(0)).is_ok());
        assert!(both.check("10.2.0.1".parse().ok(), Timestamp(0)).is_err());
        assert_eq!(both.usage, UsageLimits { hourly: Some(5), daily: Some(7) });
    }

    #[test]
    fn unknown_restrictions_refuse_the_token() {
        let unknown = of(&[], json!({ "moon_phase": "full" }), json!({}));
        assert!(matches!(unknown, Err(Error::Unauthenticated(_))), "the token counts nowhere");
        assert!(of(&[], json!({}), json!({ "requests_per_minute": 1 })).is_err());
        assert!(of(&[], json!({}), json!({ "requests_per_hour": "many" })).is_err());
        assert!(of(&[], json!({}), json!({ "requests_per_hour": null })).is_ok_and(|all| !all.any()));
    }

    #[test]
    fn what_is_to_be_written_is_checked_with_its_field() {
        let networks = ["10.0.0.0/8".to_owned(), "nowhere".to_owned()];
        let times = json!({ "days": ["Someday"] });
        let usage = json!({ "requests_per_day": 0 });
        let problems = problems(&networks, times.as_object().unwrap(), usage.as_object().unwrap());
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["ip_restrictions[1]", "time_restrictions.days", "usage_limits"]);
    }

    #[test]
    fn a_token_is_restricted_by_any_of_them() {
        assert!(!Restrictions::default().any());
        let (none, hour, day) =
            (json!({}), json!({ "requests_per_hour": 1 }), json!({ "requests_per_day": 1 }));
        assert!(of(&["10.0.0.0/8"], none.clone(), none.clone()).unwrap().any());
        assert!(of(&[], json!({ "weekdays_only": true }), none.clone()).unwrap().any());
        for usage in [hour, day] {
            assert!(of(&[], none.clone(), usage.clone()).unwrap().any());
            let limits = usage_limits(usage.as_object().unwrap()).unwrap();
            assert!(limits.any());
            let nothing = json!({ usage.as_object().unwrap().keys().next().unwrap(): 0 });
            let problems = problems(&[], &Map::new(), nothing.as_object().unwrap());
            assert_eq!(problems.len(), 1, "{nothing}");
            assert!(self::problems(&[], &Map::new(), usage.as_object().unwrap()).is_empty());
        }
        assert!(!UsageLimits::default().any());
    }
}
