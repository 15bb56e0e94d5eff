//! Which tags would run script, load foreign code or take over the page.
//!
//! Names alone say little (`List<object>` is no object element): a tag counts with the attributes that make it dangerous.

use super::{
    html::{Tag, Tags},
    rule::{Place, Tier},
};
use crate::verdict::{Family, Finding};

/// A rule id with its weight.
type Hit = (&'static str, Tier, &'static str);

/// Attributes whose value a browser loads or goes to.
const URLS: [&str; 22] = [
    "href",
    "src",
    "action",
    "formaction",
    "data",
    "background",
    "poster",
    "xlink:href",
    "to",
    "from",
    "values",
    "code",
    "codebase",
    "dynsrc",
    "lowsrc",
    "srcset",
    "folder",
    "content",
    "cite",
    "classid",
    "by",
    "manifest",
];

/// Looks at every tag and declaration of a view.
pub(super) fn scan(text: &str, place: Place, found: &mut Vec<Finding>) {
    let mut tags = Tags::new(text);
    for tag in tags.by_ref() {
        for (rule, tier, message) in judge(&tag) {
            push(found, (rule, tier, message), place, tag.span.clone());
        }
    }
    if let Some(at) = tags.given_up() {
        let hit = ("xss/nested_tags", Tier::Certain, "Tags within tags, more often than can be read");
        push(found, hit, place, at..at);
    }
    // An entity that stands in the declaration of a document begins like any other.
    if let Some(at) = text.find("<!entity") {
        let hit = ("xss/xml_entity", Tier::Shape, "An XML entity, which a parser would resolve");
        let line = text.get(at..).map_or(0, |rest| head(rest).len());
        push(found, hit, place, at..at + line);
    }
    for (at, _) in text.match_indices("<?") {
        let rest = text.get(at + 2..).unwrap_or_default();
        if ["import", "xml-stylesheet", "php", "="].iter().any(|name| rest.starts_with(name)) {
            let hit = ("xss/processing", Tier::Shape, "A processing instruction that loads or runs code");
            push(found, hit, place, at..at + 2);
        }
    }
}

/// Longest declaration that is shown.
const DECLARATION: usize = 512;

fn head(rest: &str) -> &str {
    let end = rest.bytes().take(DECLARATION).position(|b| b == b'\n').unwrap_or(DECLARATION.min(rest.len()));
    let cut = (0..=end).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(0);
    rest.get(..cut).unwrap_or_default()
}

fn push(found: &mut Vec<Finding>, (rule, tier, message): Hit, place: Place, span: std::ops::Range<usize>) {
    let Some(severity) = tier.severity(place) else { return };
    if found.iter().any(|known| known.rule == rule) {
        return;
    }
    found.push(Finding { family: Family::Xss, rule: rule.into(), severity, span, message: message.into() });
}

fn judge(tag: &Tag<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    hits.extend(element(tag));
    hits.extend(bound(tag));
    if tag.attributes.iter().any(|(name, value)| handler(name, value)) {
        hits.push(("xss/event_handler", Tier::Certain, "A tag with an event handler"));
    }
    if tag.attributes.iter().any(|(name, value)| URLS.contains(name) && runs(value)) {
        hits.push(("xss/attribute_url", Tier::Certain, "A tag with a URL that runs script"));
    }
    if tag.attributes.iter().any(|(name, value)| *name == "style" && styled(value)) {
        hits.push(("xss/style_attribute", Tier::Shape, "A style that loads or runs something"));
    }
    let foreign = |(name, value): &(&str, &str)| *name == "xlink:href" && !value.starts_with('#');
    if tag.attributes.iter().any(foreign) {
        hits.push(("xss/foreign_link", Tier::Shape, "A link in foreign markup"));
    }
    if tag.has("srcdoc") {
        hits.push(("xss/frame", Tier::Certain, "A frame with a document of its own"));
    }
    hits
}

/// `on` and a name of letters. Values in braces are properties of JSX only after a name of two words; tags come in small
/// letters, so a handler is a handler.
fn handler(name: &str, value: &str) -> bool {
    let event = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let letters =
        event.strip_prefix("on").map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_alphabetic).count());
    (3..=40).contains(&letters) && !value.is_empty()
}

/// Whether a browser would run this value as script, read as browsers read URLs: without white space and controls.
pub(super) fn runs(value: &str) -> bool {
    let compact: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .take(4096)
        .collect::<String>()
        .to_ascii_lowercase();
    let bare = compact.replace('\\', "");
    let script =
        ["javascript:", "vbscript:", "livescript:", "jscript:", "mocha:", "wyciwyg:", "feed:javascript"];
    let data = [
        "data:text/html",
        "data:text/xml",
        "data:text/javascript",
        "data:application/",
        "data:,",
        "data:;",
        "data:image/svg+xml",
        "data:text/css",
    ];
    let begins = |word: &&str| bare.starts_with(*word) || bare.starts_with(&format!("url({word}"));
    script.iter().any(begins)
        || script.iter().any(|word| {
            bare.contains(&format!("url={word}"))
                || bare.contains(&format!(";{word}"))
                || bare.contains(&format!("{word}a"))
        })
        || data.iter().any(|word| {
            bare.starts_with(word) && !bare.starts_with("data:image/svg+xml;utf8,<svgxmlns")
                || bare.contains(&format!("url={word}"))
        })
}

/// Whether a style does more than style.
fn styled(value: &str) -> bool {
    if value.starts_with("{{") {
        // An object of JSX; its members are no CSS.
        return false;
    }
    let compact: String = value.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect();
    let words = [
        "expression(",
        "behavior:",
        "behaviour:",
        "-moz-binding",
        "javascript:",
        "vbscript:",
        "@import",
        "url(",
        "-o-link",
        "\u{2f}*",
        "</",
        "animation",
        "transition",
        "x:e",
    ];
    words.iter().any(|word| compact.contains(word)) || value.contains(['\\', '{', '}', '<'])
}

fn element(tag: &Tag<'_>) -> Option<Hit> {
    let loads = || {
        tag.has("src")
            || tag.has("data")
            || tag.has("code")
            || tag.has("classid")
            || tag.has("href")
            || tag.has("codebase")
    };
    let hit: Hit = match tag.name {
        name if name.starts_with("script") && name.len() < 24 && !name.contains(['.', '-', '_']) => {
            ("xss/script_element", Tier::Certain, "A script element")
        }
        "iframe" | "frame" | "frameset" | "vmlframe" | "ilayer" | "layer" if frame(tag) => {
            ("xss/frame", Tier::Shape, "A frame")
        }
        "object" | "embed" | "applet" | "bgsound" | "xml" | "event-source" | "import" if loads() => {
            ("xss/embedded_object", Tier::Shape, "An embedded object")
        }
        "applet" | "embed" if tag.closed => ("xss/embedded_object", Tier::Field, "An embedded object"),
        "base" if tag.has("href") => ("xss/base", Tier::Shape, "A base address for every link of the page"),
        "meta" if tag.has("http-equiv") => {
            ("xss/meta", Tier::Shape, "A meta element that redirects or sets headers")
        }
        "link" if tag.has("rel") || tag.has("href") => {
            ("xss/link", Tier::Shape, "A linked style sheet or document")
        }
        "style" if tag.closed || !tag.attributes.is_empty() => {
            ("xss/style_element", Tier::Shape, "A style element")
        }
        "animate" | "set" | "animatemotion" | "animatetransform"
            if tag.has("attributename") || tag.has("to") || tag.has("values") =>
        {
            ("xss/animation", Tier::Shape, "An animation of an attribute")
        }
        "use" | "handler" | "listener" if tag.has("xlink:href") || tag.has("href") => {
            ("xss/foreign_link", Tier::Shape, "A link in foreign markup")
        }
        "form" if tag.has("action") => ("xss/form", Tier::Shape, "A form that sends to a foreign place"),
        "isindex" | "marquee" | "blink" | "plaintext" | "noembed" => {
            ("xss/obsolete_element", Tier::Field, "An element that only attacks use")
        }
        "math" | "svg" => {
            ("xss/foreign_markup", Tier::Field, "Foreign markup, in which other rules for script hold")
        }
        "html" | "head" | "body" | "title" | "meta" => {
            ("xss/page_element", Tier::Field, "An element of a page in a value")
        }
        "a" | "image" | "img" if tag.has("language") || tag.value("dynsrc").is_some() => {
            ("xss/obsolete_element", Tier::Field, "An element that only attacks use")
        }
        _ if tag.has("xmlns") && tag.has("schemalocation") || tag.has("xsi:schemalocation") => {
            ("xss/xml_entity", Tier::Shape, "An XML schema, which a parser would load")
        }
        _ => return None,
    };
    Some(hit)
}

/// What takes its behaviour or its values from attributes that few elements have.
fn bound(tag: &Tag<'_>) -> Option<Hit> {
    let field = matches!(tag.name, "input" | "button" | "select" | "textarea");
    if tag.has("ev:handler") || tag.has("ev:event") {
        Some(("xss/event_handler", Tier::Certain, "A tag with an event handler"))
    } else if tag.has("datasrc") && tag.has("dataformatas") {
        Some(("xss/bound_data", Tier::Shape, "Markup that is taken from bound data"))
    } else if field && tag.closed && (tag.has("name") || tag.has("value")) {
        Some(("xss/form", Tier::Field, "A field of a form in a value"))
    } else {
        None
    }
}

/// Frames of a secure address or of the same place are how documents show films; the sanitiser takes them out when it renders.
fn frame(tag: &Tag<'_>) -> bool {
    match tag.value("src") {
        Some(src) => !["https://", "./", "../"].iter().any(|harmless| src.trim().starts_with(harmless)),
        None => !tag.attributes.is_empty() && tag.name != "frame",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        scan(text, Place::Prose, &mut found);
        found.into_iter().map(|finding| finding.rule.into_owned()).collect()
    }

    #[test]
    fn tags_that_run_script() {
        for (text, rule) in [
            ("<script>x</script>", "xss/script_element"),
            ("<script/src=//e>", "xss/script_element"),
            ("<x:script src=a>", "xss/script_element"),
            ("<img src=x onerror=f()>", "xss/event_handler"),
            ("<svg/onload='f'>", "xss/event_handler"),
            ("<a href=\"java\tscript:f()\">", "xss/attribute_url"),
            ("<a href=' javascript:f()'>", "xss/attribute_url"),
            ("<iframe src=\"data:text/html,x\">", "xss/attribute_url"),
            ("<div style='width: expression(f())'>", "xss/style_attribute"),
            ("<meta http-equiv=refresh content=0>", "xss/meta"),
            ("<object data=x>", "xss/embedded_object"),
            ("<!entity % a system 'x'>", "xss/xml_entity"),
            ("<!doctype a [<!entity b system 'x'>]>", "xss/xml_entity"),
            (&"<a/href=".repeat(20_000), "xss/nested_tags"),
        ] {
            assert!(rules(text).iter().any(|found| found == rule), "{text}: {:?}", rules(text));
        }
    }

    #[test]
    fn tags_that_documents_have() {
        for text in [
            "<p align=\"center\"><img src=\"https://a.example/b.png\" width=1></p>",
            "<details><summary>more</summary></details>",
            "dictionary<string, object> and vec<script_id>",
            "<iframe src=\"https://www.youtube.com/embed/x\" width=\"5\"></iframe>",
            "<div style=\"text-align: center\">",
            "a < b and c > d, <https://example.com>, <br/>",
            "<option one> <onlyname>",
        ] {
            assert!(rules(text).is_empty(), "{text}: {:?}", rules(text));
        }
    }
}
