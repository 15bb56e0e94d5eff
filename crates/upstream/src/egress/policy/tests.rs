use domain::Env;

use super::*;

fn policy(vars: &[(&str, &str)]) -> Policy {
    let mut env = Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let settings = EgressSettings::read(&mut env);
    assert_eq!(env.problems, []);
    Policy::new(&settings.unwrap())
}

#[test]
fn no_notation_reaches_an_internal_address() {
    let policy = policy(&[]);
    for (url, denial) in [
        ("http://127.0.0.1/", Denial::Loopback),
        ("http://127.1/", Denial::Loopback),
        ("http://0x7f000001/", Denial::Loopback),
        ("http://0x7f.1/", Denial::Loopback),
        ("http://2130706433/", Denial::Loopback),
        ("http://017700000001/", Denial::Loopback),
        ("http://0177.0.0.1/", Denial::Loopback),
        ("http://127.0.0.1./", Denial::Loopback),
        ("http://①②⑦.0.0.1/", Denial::Loopback),
        ("http://127。0。0。1/", Denial::Loopback),
        ("http://%31%32%37.0.0.1/", Denial::Loopback),
        ("http://[::1]/", Denial::Loopback),
        ("http://[0:0::0:1]/", Denial::Loopback),
        ("http://[::ffff:127.0.0.1]/", Denial::Loopback),
        ("http://[::ffff:7f00:1]/", Denial::Loopback),
        ("http://[::127.0.0.1]/", Denial::Loopback),
        ("http://[64:ff9b::7f00:1]/", Denial::Loopback),
        ("http://[2002:7f00:1::]/", Denial::Loopback),
        ("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", Denial::Loopback),
        ("http://localhost/", Denial::Loopback),
        ("http://LOCALHOST./", Denial::Loopback),
        ("http://a.b.localhost:99/", Denial::Loopback),
        ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", Denial::Loopback),
        ("http://10.0.0.1/", Denial::Private),
        ("http://[fd12:3456::1]/", Denial::Private),
        ("http://[::ffff:10.0.0.1]/", Denial::Private),
        ("http://[64:ff9b:1::a00:1]/", Denial::Private),
        ("http://[::ffff:169.254.1.1]/", Denial::BlockedNetwork),
        ("http://169.254.1.1/", Denial::BlockedNetwork),
        ("http://[fe80::1]/", Denial::BlockedNetwork),
        ("http://100.64.0.1/", Denial::BlockedNetwork),
        ("http://169.254.169.254/latest", Denial::Metadata),
        ("http://[::ffff:a9fe:a9fe]/", Denial::Metadata),
        ("http://[64:ff9b::169.254.169.254]/", Denial::Metadata),
        ("http://2852039166/", Denial::Metadata),
        ("http://100.100.100.200/", Denial::Metadata),
        ("http://168.63.129.16/", Denial::Metadata),
        ("http://[fd00:ec2::254]/", Denial::Metadata),
        ("http://metadata.google.internal/", Denial::BlockedHost),
        ("http://METADATA.google.internal./", Denial::BlockedHost),
        ("http://0.0.0.0/", Denial::Reserved),
        ("http://0/", Denial::Reserved),
        ("http://[::]/", Denial::Reserved),
        ("http://198.18.0.1/", Denial::Reserved),
        ("http://[2001:db8::1]/", Denial::Reserved),
    ] {
        assert_eq!(policy.url(url), Err(denial), "{url}");
    }
}

#[test]
fn only_plain_http_urls_are_urls() {
    let policy = policy(&[]);
    for (url, denial) in [
        ("", Denial::Malformed),
        ("example.com/mcp", Denial::Malformed),
        ("http://", Denial::Malformed),
        ("http:///", Denial::Malformed),
        ("http://example.com:0/", Denial::Malformed),
        ("http://example.com:99999/", Denial::Malformed),
        (" http://example.com/", Denial::Malformed),
        ("http://exa\tmple.com/", Denial::Malformed),
        ("http://example.com/\r\nX: y", Denial::Malformed),
        ("http://evil\\@127.0.0.1/", Denial::Malformed),
        ("http:\\\\127.0.0.1/", Denial::Malformed),
        ("//127.0.0.1/", Denial::Malformed),
        ("http://1.2.3.4.5/", Denial::Malformed),
        ("http://[::1%25eth0]/", Denial::Malformed),
        ("file:///etc/passwd", Denial::Scheme),
        ("gopher://example.com/", Denial::Scheme),
        ("javascript:alert(1)", Denial::Scheme),
        ("ws://example.com/", Denial::Scheme),
        ("http://user@example.com/", Denial::UserInfo),
        ("http://user:secret@example.com/", Denial::UserInfo),
        ("http://:secret@example.com/", Denial::UserInfo),
        ("http://@example.com/", Denial::UserInfo),
        ("http:@example.com/", Denial::UserInfo),
        ("http://a@127.0.0.1/", Denial::UserInfo),
    ] {
        assert_eq!(policy.url(url), Err(denial), "{url}");
    }
    for (url, parsed) in [
        ("https://example.com/mcp?a=b@c#frag", "https://example.com/mcp?a=b@c"),
        ("http://EXAMPLE.com:80/a@b", "http://example.com/a@b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://8.8.8.8:8080/", "http://8.8.8.8:8080/"),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
    ] {
        assert_eq!(policy.url(url).map(String::from).as_deref(), Ok(parsed), "{url}");
    }
}

#[test]
fn allowing_localhost_opens_nothing_else() {
    let local = policy(&[("SSRF_ALLOW_LOCALHOST", "true")]);
    assert!(local.url("http://localhost:3000/mcp").is_ok() && local.url("http://[::1]/").is_ok());
    assert!(local.url("http://[::ffff:127.0.0.1]/").is_ok());
    assert_eq!(local.url("http://10.0.0.1/"), Err(Denial::Private));
    assert_eq!(local.url("http://0.0.0.0/"), Err(Denial::Reserved));
}

#[test]
fn allowing_private_networks_keeps_what_is_blocked() {
    let private =
        policy(&[("SSRF_ALLOW_PRIVATE_NETWORKS", "true"), ("SSRF_BLOCKED_NETWORKS", "10.9.0.0/16")]);
    assert!(private.url("http://10.0.0.1/").is_ok() && private.url("http://[fd12::1]/").is_ok());
    assert_eq!(private.url("http://10.9.0.1/"), Err(Denial::BlockedNetwork));
    assert_eq!(private.url("http://[::ffff:10.9.0.1]/"), Err(Denial::BlockedNetwork));
    assert_eq!(private.url("http://127.0.0.1/"), Err(Denial::Loopback));
    assert_eq!(private.url("http://169.254.169.254/"), Err(Denial::Metadata));
    assert_eq!(private.url("http://[fd00:ec2::254]/"), Err(Denial::Metadata));
}

#[test]
fn allowed_networks_open_what_they_name_and_nothing_more() {
    let listed =
        policy(&[("SSRF_ALLOWED_NETWORKS", "[\"10.1.0.0/16\", \"198.18.0.1\", \"169.254.0.0/16\"]")]);
    assert!(listed.url("http://10.1.2.3/").is_ok() && listed.url("http://198.18.0.1/").is_ok());
    assert_eq!(listed.url("http://10.2.2.3/"), Err(Denial::Private));
    assert_eq!(listed.url("http://198.18.0.2/"), Err(Denial::Reserved));
    assert_eq!(listed.url("http://169.254.3.3/"), Err(Denial::BlockedNetwork), "blocked wins");
    assert_eq!(listed.url("http://169.254.169.254/"), Err(Denial::Metadata));
}

#[test]
fn the_switch_turns_addresses_off_but_not_the_form() {
    let off = policy(&[("SSRF_PROTECTION_ENABLED", "false")]);
    assert!(off.url("http://169.254.169.254/").is_ok() && off.url("http://localhost/").is_ok());
    assert_eq!(off.url("file:///etc/passwd"), Err(Denial::Scheme));
    assert_eq!(off.url("http://a:b@localhost/"), Err(Denial::UserInfo));
}

#[test]
fn one_forbidden_address_forbids_a_name() {
    let policy = policy(&[]);
    let public: IpAddr = "8.8.8.8".parse().unwrap();
    let inside: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(policy.addresses(&[public]), Ok(()));
    assert_eq!(policy.addresses(&[public, inside]), Err(Denial::Loopback));
    assert_eq!(policy.addresses(&[inside, public]), Err(Denial::Loopback));
}

#[test]
fn unreadable_networks_are_reported() {
    let mut env = Env::new([("SSRF_ALLOWED_NETWORKS".to_owned(), "10.0.0.0/33".to_owned())]);
    assert!(EgressSettings::read(&mut env).is_none());
    assert!(env.problems[0].message.contains("10.0.0.0/33"), "{:?}", env.problems);
}
