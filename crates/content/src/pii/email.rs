//! E-mail addresses: RFC 5321 mailboxes with a dot-atom or quoted local part and a domain that could resolve.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Value;

/// Domains that RFC 2606 and RFC 6761 keep for documentation and tests.
const RESERVED_TLDS: [&str; 5] = ["test", "example", "invalid", "localhost", "local"];
const RESERVED_DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];
/// Mailboxes of roles (RFC 2142 and custom): no person.
const ROLES: [&str; 22] = [
    "info",
    "support",
    "admin",
    "administrator",
    "webmaster",
    "postmaster",
    "hostmaster",
    "abuse",
    "security",
    "noreply",
    "no-reply",
    "sales",
    "contact",
    "help",
    "hello",
    "office",
    "team",
    "privacy",
    "legal",
    "press",
    "root",
    "git",
];
/// Names of files are no domains: `icon@2x.png`.
const FILES: [&str; 22] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "mjs", "css", "html", "json", "yaml", "yml",
    "toml", "md", "txt", "py", "rs", "sh", "zip", "lock",
];

pub(super) fn find(text: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let Some((start, local)) = local_part(text, at) else { continue };
        let Some((end, domain)) = domain_part(text, at + 1) else { continue };
        if found.last().is_none_or(|last| last.span.end <= start)
            && !in_url(text, start)
            && !remote(text, local, end)
        {
            found.push(Value { span: start..end, reserved: reserved(local, domain) });
        }
    }
    found
}

/// The local part that ends before `at`.
fn local_part(text: &str, at: usize) -> Option<(usize, &str)> {
    let before = text.get(..at)?;
    if let Some(quoted) = before.strip_suffix('"') {
        return quoted_part(text, quoted).map(|open| (open, text.get(open..at).unwrap_or_default()));
    }
    let length = before
        .bytes()
        .rev()
        .take(65)
        .take_while(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(b))
        .count();
    let mut start = at - length;
    // What emphasises or quotes an address is no part of it.
    while start < at && !text.as_bytes().get(start).is_some_and(u8::is_ascii_alphanumeric) {
        start += 1;
    }
    // A slash or an equals sign in front is of the text around it in practice.
    if let Some(cut) = text.get(start..at)?.rfind(['/', '=', '|', '`', '?', '&', '#']) {
        start += cut + 1;
    }
    let local = text.get(start..at)?;
    let well_formed =
        !local.is_empty() && local.len() <= 64 && !local.ends_with('.') && !local.contains("..");
    well_formed.then_some((start, local))
}

/// Where a quoted local part (RFC 5321 section 4.1.2, `Quoted-string`) begins that ends after `quoted`. Only printable
/// ASCII stands in one; a quote in it is escaped, and the one that closes it is not.
fn quoted_part(text: &str, quoted: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let escaped = |at: usize| {
        let slashes = bytes.get(..at).unwrap_or_default().iter().rev().take(66).take_while(|b| **b == b'\\');
        slashes.count() % 2 == 1
    };
    if escaped(quoted.len()) {
        return None;
    }
    for open in (quoted.len().saturating_sub(64)..quoted.len()).rev() {
        match bytes.get(open) {
            Some(b'"') if !escaped(open) => return (open + 1 < quoted.len()).then_some(open),
            Some(b' '..=b'~') => {}
            _ => return None,
        }
    }
    None
}

fn domain_part(text: &str, at: usize) -> Option<(usize, &str)> {
    let rest = text.get(at..)?;
    if let Some(body) = rest.strip_prefix('[') {
        let literal = body.get(..body.bytes().take(64).position(|b| b == b']')?)?;
        let v6 = literal.strip_prefix("ipv6:").is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
        return (v6 || literal.parse::<Ipv4Addr>().is_ok()).then(|| (at + literal.len() + 2, literal));
    }
    let length: usize = rest
        .chars()
        .take(254)
        .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        .map(char::len_utf8)
        .sum();
    let domain = rest.get(..length)?.trim_end_matches(['.', '-']);
    let (name, tld) = domain.rsplit_once('.')?;
    let labels = domain
        .split('.')
        .all(|label| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'));
    let top = tld.chars().count() >= 2
        && (tld.starts_with("xn--") || tld.chars().all(char::is_alphabetic))
        && !FILES.contains(&tld);
    (labels && top && !name.is_empty()).then_some((at + domain.len(), domain))
}

/// Whether what looks like a local part is the password of a URL.
fn in_url(text: &str, start: usize) -> bool {
    let before = text.get(super::ssn::floor(text, start.saturating_sub(128))..start).unwrap_or_default();
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.contains("://")
        && !word.contains("mailto:")
        && !word.rsplit("://").next().unwrap_or_default().contains(['/', '?'])
}

/// `git@host:path` names a repository.
fn remote(text: &str, local: &str, end: usize) -> bool {
    let after = text.get(end..).unwrap_or_default();
    local == "git" && after.starts_with([':', '/'])
}

fn reserved(local: &str, domain: &str) -> bool {
    let tld = domain.rsplit('.').next().unwrap_or_default();
    let under =
        |name: &&str| domain == *name || domain.strip_suffix(*name).is_some_and(|rest| rest.ends_with('.'));
    RESERVED_TLDS.contains(&tld) || RESERVED_DOMAINS.iter().any(under) || ROLES.contains(&local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|value| &text[value.span]).collect()
    }

    #[test]
    fn mailboxes_are_cut_out_of_their_text() {
        assert_eq!(found("**a.b+c@d-e.co.uk**, <x@y.io>."), ["a.b+c@d-e.co.uk", "x@y.io"]);
        assert_eq!(found("mailto:joe@corp.de?subject=x"), ["joe@corp.de"]);
        assert_eq!(
            found("\"a b\"@iana.org q@[192.0.2.1] q@[ipv6:::1]"),
            ["\"a b\"@iana.org", "q@[192.0.2.1]", "q@[ipv6:::1]"]
        );
        assert_eq!(
            found(r#"say "\""@iana.org, "a\"b"@iana.org"#),
            [r#""\""@iana.org"#, r#""a\"b"@iana.org"#]
        );
        assert!(found("\"\\\"@iana.org \"test\\\"@iana.org \"\"@iana.org \"x\u{e9}\"@iana.org").is_empty());
        assert_eq!(found("a@xn--hxajbheg2az3al.xn--jxalpdlp é@ö.de"), ["a@xn--hxajbheg2az3al.xn--jxalpdlp"]);
        assert!(found("@iana.org a..b@c.de a.@c.de a@.de a@-b.de a@b-.de a@b").is_empty());
    }
}
