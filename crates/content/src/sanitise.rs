//! Layer 4: sanitising where text is rendered. Stored bytes are never altered; these functions make a copy for a page.
//!
//! HTML goes through ammonia's parser with its allow-list; Markdown goes through a real CommonMark parser first, with raw
//! HTML in it sanitised like any other. What comes out is stable: sanitising it again changes nothing.

use std::{collections::HashSet, sync::LazyLock};

use pulldown_cmark::{Options, Parser, html::push_html};

/// Deepest nesting that is rendered; a text with more is shown as text.
const DEEPEST: usize = 256;

static SANITISER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::default();
    builder
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer nofollow"))
        .rm_tags(["map", "area"])
        .strip_comments(true);
    builder
});

/// Makes HTML of unknown origin harmless: no script, style, frame, form or handler, and only web and mail links.
pub fn html(untrusted: &str) -> String {
    if too_deep(untrusted) {
        return crate::encode::html(untrusted);
    }
    // Cleaning can leave what reads differently when parsed again, as nested tables and foreign markup do; twice is stable.
    let once = SANITISER.clean(untrusted).to_string();
    SANITISER.clean(&once).to_string()
}

/// Renders Markdown of unknown origin to harmless HTML.
pub fn markdown(untrusted: &str) -> String {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS;
    let mut rendered = String::with_capacity(untrusted.len() * 2);
    push_html(&mut rendered, Parser::new_ext(untrusted, options));
    html(&rendered)
}

/// The text of HTML or Markdown for a place that has no markup, such as a title.
pub fn text(untrusted: &str) -> String {
    crate::encode::html(untrusted)
}

/// Whether tags nest, or could, deeper than a parser should follow. Counts openings, so that it never misses.
fn too_deep(untrusted: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let bytes = untrusted.as_bytes();
    for (at, _) in untrusted.match_indices('<') {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b) if b.is_ascii_alphabetic() && !void(untrusted.get(at + 1..).unwrap_or_default()) => {
                depth += 1;
            }
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest > DEEPEST
}

/// Elements that hold nothing, and those that close by themselves.
fn void(rest: &str) -> bool {
    let name: String =
        rest.chars().take_while(char::is_ascii_alphanumeric).take(8).collect::<String>().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "br" | "hr" | "img" | "input" | "wbr" | "col" | "p" | "li" | "td" | "th" | "tr" | "dt" | "dd"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_goes_and_formatting_stays() {
        assert_eq!(html("<p onclick=x>a <b>b</b><script>f()</script></p>"), "<p>a <b>b</b></p>");
        for bad in [
            "<a href=\"javascript:f()\">x</a>",
            "<a href=\"jav&#x09;ascript:f()\">x</a>",
            "<svg><style><img src=x onerror=f()></style></svg>",
            "<math><mi><table><mglyph><style><img src=x onerror=f()>",
            "<iframe srcdoc=\"<script>f()</script>\"></iframe>",
            "<form action=//e><button formaction=javascript:f()>x</button></form>",
            "<img src=x onerror=f()>",
            "<noscript><p title=\"</noscript><img src=x onerror=f()>\">",
        ] {
            let clean = html(bad);
            for word in ["script:", "onerror=", "<script", "<style", "<iframe", "<form", "srcdoc"] {
                assert!(!clean.contains(word), "{bad} -> {clean}");
            }
        }
    }

    #[test]
    fn markdown_is_rendered_and_its_code_is_inert() {
        let page = markdown(
            "# T\n\n`<script>f()</script>`\n\n```\n<img onerror=f()>\n```\n\n[x](javascript:f()) [y](https://a.example)\n",
        );
        assert!(
            page.contains("<h1>T</h1>")
                && page.contains("&lt;script&gt;")
                && page.contains("https://a.example"),
            "{page}"
        );
        assert!(!page.contains("<img") && !page.contains("javascript:"), "{page}");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "<div>".repeat(100_000);
        assert!(html(&deep).starts_with("&lt;div&gt;"));
        assert!(html(&"<p>a".repeat(1_000)).contains("<p>"));
        assert!(!markdown(&"> ".repeat(50_000)).contains("<script"));
    }

    proptest::proptest! {
        #[test]
        fn sanitising_again_changes_nothing(text in "(<(/?)(p|a|b|svg|math|style|table|tr|select|title|noscript|script|mi|!--)( (href|onerror|title)=(\"[a-z:<>]{0,9}\"|[a-z:]{0,5}))?>|[a-z &;<>\"'`]|--&gt;|-->){0,24}") {
            let once = html(&text);
            proptest::prop_assert_eq!(html(&once), once.clone());
            let tags = once.split('<').skip(1).filter_map(|part| part.split('>').next());
            for tag in tags {
                proptest::prop_assert!(!tag.starts_with("script") && !tag.contains("onerror="), "{}", tag);
            }
        }

        #[test]
        fn markdown_never_gives_script(text in "[a-z#*_`~\\[\\]()<>!/:\"=\n -]{0,80}") {
            let page = markdown(&text);
            proptest::prop_assert_eq!(html(&page), page.clone());
        }
    }
}
