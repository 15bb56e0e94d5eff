//! Layer 6: pages run nothing but what they bring, and what is no page is never taken for one.

use crate::app::App;

const COMPAT: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' cdn.jsdelivr.net unpkg.com; \
                      style-src 'self' 'unsafe-inline' cdn.jsdelivr.net";

/// Whether every inline script and style of a page has the nonce, and no element an inline handler or style.
fn inline_has(page: &str, nonce: &str) -> bool {
    let marked = |tag: &str| {
        page.matches(&format!("<{tag}")).count() == page.matches(&format!("<{tag} nonce=\"{nonce}\"")).count()
    };
    let handlers = page.split('<').skip(1).filter_map(|tag| tag.split('>').next());
    let mut attributes = handlers.flat_map(|tag| tag.split_ascii_whitespace().skip(1));
    marked("script") && marked("style") && !attributes.any(|a| a.starts_with("on") || a.starts_with("style="))
}

#[tokio::test]
async fn every_page_has_a_strict_policy_with_its_own_nonce() {
    let app = App::start().await;
    let admin = app.admin();
    let document = app.get("/openapi.json", &admin).await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    let plain = paths.iter().filter(|(path, verbs)| verbs["get"].is_object() && !path.contains('{'));
    let mut pages = 0;
    let listed: Vec<&str> = plain.map(|(path, _)| path.as_str()).collect();
    // Streams never end, so that they are no pages to wait for.
    let ends = |path: &&str| !["sse", "events", "mcp", "ws"].iter().any(|word| path.contains(word));
    for path in listed.into_iter().filter(ends).chain(["/docs", "/redoc"]) {
        let reply = app.get(path, &admin).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        let policy = reply.header("content-security-policy").to_owned();
        assert!(!policy.contains("unsafe") && !policy.is_empty(), "{path}: {policy}");
        if !reply.header("content-type").starts_with("text/html") {
            assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
            continue;
        }
        pages += 1;
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        assert!(nonce.len() >= 22 && inline_has(&String::from_utf8_lossy(&reply.body), nonce), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
        let again = app.get(path, &admin).await;
        assert_ne!(again.header("content-security-policy"), policy, "{path}: a nonce is used once");
    }
    assert!(pages >= 2, "{pages}");
}

#[tokio::test]
async fn compat_is_the_header_of_the_contract_to_the_letter() {
    let app = App::with(&[("CSP_MODE", "compat"), ("X_FRAME_OPTIONS", "SAMEORIGIN")], &[]).await;
    let admin = app.admin();
    let page = app.get("/docs", &admin).await;
    assert_eq!((page.status.as_u16(), page.header("content-security-policy")), (200, COMPAT));
    let data = app.get("/v1/tools", &admin).await;
    assert_eq!(data.header("content-security-policy"), "default-src 'none'; frame-ancestors 'self'");
    let refused = app.get("/docs", "").await;
    assert_eq!(refused.status.as_u16(), 401);
    assert!(refused.header("content-security-policy").starts_with("default-src 'none'"));
}
