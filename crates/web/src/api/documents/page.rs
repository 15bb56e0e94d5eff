//! The documentation page: every route with what it demands, as plain HTML.

use std::fmt::Write as _;

use crate::{pages::NONCE, routes::RouteInfo};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>ContextForge API</title>\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style nonce=\"{nonce}\">\n\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1b1f; background: #fff; }\n\
table { border-collapse: collapse; width: 100%; }\n\
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; }\n\
code { font: 14px ui-monospace, monospace; }\n\
@media (prefers-color-scheme: dark) { body { color: #e6e6ea; background: #17171b; } th, td { border-color: #38383f; } a { color: #8ab4ff; } }\n\
</style>\n</head>\n<body>\n<h1>ContextForge API</h1>\n\
<p>Send <code>Authorization: Bearer TOKEN</code>. The machine-readable description is \
<a href=\"openapi.json\"><code>openapi.json</code></a>. The MCP endpoints are <code>/mcp</code> and \
<code>/servers/{id}/mcp</code>.</p>\n\
<table>\n<thead><tr><th scope=\"col\">Method</th><th scope=\"col\">Path</th><th scope=\"col\">Demands</th></tr></thead>\n<tbody>\n";

pub(super) fn html(table: &[RouteInfo]) -> String {
    let mut out = HEAD.replace("{nonce}", NONCE);
    for route in table.iter().filter(|route| !route.alias) {
        let (method, path, access) = (&route.method, &route.path, route.access);
        // Writing to a string does not fail. All three are texts of this program, free of markup.
        let _written = writeln!(
            out,
            "<tr><td>{method}</td><td><code>{path}</code></td><td><code>{access}</code></td></tr>"
        );
    }
    out.push_str("</tbody>\n</table>\n</body>\n</html>\n");
    out
}
