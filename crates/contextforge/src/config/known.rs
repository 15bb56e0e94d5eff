//! Variables that are set and that nothing reads: an existing ContextForge `.env` keeps working, and a typing
//! mistake does not go unnoticed.

use domain::Env;

/// The names of ContextForge 1.0.8's settings, one a line.
const CONTEXTFORGE: &str = include_str!("known.txt");

/// What names of its other settings begin with: those of its plugins and of what its start script reads.
const FAMILIES: [&str; 4] = ["PLUGINS_", "PLUGIN_", "MCPGATEWAY_", "SSL_CONTEXT_CACHE_"];

/// One remark for every such variable; variables of other programs are passed over.
pub(super) fn remarks(env: &Env, set: &[String]) -> Vec<String> {
    let known: Vec<&str> = CONTEXTFORGE.lines().collect();
    let ours: Vec<&str> = super::docs::all().map(|(_, setting)| setting.env).collect();
    let unread = env.unasked().filter(|name| set.iter().any(|given| given == name));
    unread.filter_map(|name| remark(name, &known, &ours)).collect()
}

fn remark(name: &str, known: &[&str], ours: &[&str]) -> Option<String> {
    let accepted = || Some(format!("{name}: accepted, has no effect: {}", why(name)));
    if known.contains(&name) {
        return accepted();
    }
    // Only what looks like a slip of the fingers: one edit for short names, two for long ones.
    let allowed = if name.len() > 10 { 2 } else { 1 };
    let near = ours.iter().copied().map(|candidate| (distance(name, candidate), candidate)).min()?;
    if name.len() > 5 && near.0 <= allowed {
        return Some(format!("{name}: unknown; did you mean {}?", near.1));
    }
    if FAMILIES.iter().any(|family| name.starts_with(family)) { accepted() } else { None }
}

/// Why a setting of the Python gateway changes nothing here.
fn why(name: &str) -> &'static str {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["GUNICORN", "UVICORN", "RELOAD", "PRIMARY_WORKER"]) {
        "this gateway is one process"
    } else if name.starts_with("PLUGIN") {
        "plugins of the Python gateway do not run here; content is screened by the CONTENT_ settings"
    } else if has(&["CSRF_EXEMPT", "CSRF_COOKIE_"]) {
        "no path is exempt, and the cookie is always for scripts of this origin alone"
    } else if has(&["CSRF_TRUSTED"]) {
        "origins are trusted with ALLOWED_ORIGINS"
    } else if has(&["CACHE", "_TTL"]) {
        "lists and tokens are kept in memory and changed by push, so there is nothing to tune"
    } else if has(&["DB_", "SQLALCHEMY", "SQLITE"]) {
        "the database pool tunes itself; see DATABASE_URL and DB_POOL_SIZE"
    } else if has(&["HTTPX", "POOL"]) {
        "upstream connections are pooled per server without settings"
    } else if has(&["EXPERIMENTAL_RUST", "MCP_RUST"]) {
        "the whole gateway is the Rust runtime"
    } else {
        "this version does not have the feature"
    }
}

/// Edits (insert, delete, replace) from `a` to `b` (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("JWT_SECRET", "JWT_SECRET"), 0);
        assert_eq!(distance("JWT_SECRT", "JWT_SECRET"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn slips_are_named_and_strangers_are_not() {
        let ours = ["JWT_SECRET_KEY", "PORT"];
        assert_eq!(
            remark("JWT_SECRT_KEY", &[], &ours).as_deref(),
            Some("JWT_SECRT_KEY: unknown; did you mean JWT_SECRET_KEY?")
        );
        assert_eq!(remark("PATH", &[], &ours), None);
        let plugins = remark("PLUGINS_ENABLED", &[], &ours).unwrap();
        assert!(plugins.starts_with("PLUGINS_ENABLED: accepted, has no effect: plugins"), "{plugins}");
        assert!(
            remark("GUNICORN_WORKERS", &["GUNICORN_WORKERS"], &ours)
                .is_some_and(|r| r.contains("one process"))
        );
    }
}
