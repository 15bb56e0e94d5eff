//! Matches that are no attack where they stand: sentences about commands, pipes into filters, chains of build programs,
//! comparisons of quoted words, code of documents that no parser takes for code.
//!
//! Only what the text around a match says counts, and in a short field that may be a value nothing but sentences does.

use std::ops::Range;

use super::{
    Mime,
    fingerprint::speaks,
    rule::{Place, Rule},
};
use crate::verdict::Family;

/// How far around a match is looked.
const NEAR: usize = 160;

/// Whether a match of a rule is harmless.
pub(super) fn harmless(rule: &Rule, (place, mime): (Place, Mime), text: &str, hit: &Range<usize>) -> bool {
    // A line that is called Markdown is read as a value might be, and may be prose all the same.
    let document = place != Place::Field || mime == Mime::Markdown;
    match rule.id {
        "command/chained" if document => {
            spoken_of(text, hit.end)
                || filters(text, hit)
                || builds(text, hit)
                || named_together(text, hit)
                || mime == Mime::Markdown && shown(text, hit)
        }
        "sql/tautology" => document && (compares(text, hit) || ends_at_tag(text, hit)),
        "sql/statement" => document && marked_as_code(text, hit),
        "sql/comment_end" => dashed(text, hit),
        _ => rule.family == Family::Command && spoken_of(text, hit.end),
    }
}

/// Words that follow the name of a program when a sentence speaks of it: "; ls is a command".
const SPOKEN: [&str; 18] = [
    "is", "are", "was", "were", "and", "or", "can", "will", "does", "has", "of", "that", "which", "command",
    "commands", "would", "should", "may",
];

fn spoken_of(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let word =
        rest.trim_start_matches(' ').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    rest.len() > word.len() && SPOKEN.contains(&word)
}

/// Programs that do nothing but give on what comes in, changed, as long as they are given no file.
const FILTERS: [&str; 12] =
    ["uniq", "sort", "wc", "cut", "tr", "nl", "column", "jq", "grep", "egrep", "fgrep", "tac"];

/// `| uniq -c`: a pipe into a filter without a file, a redirection or anything that a shell would expand.
fn filters(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(program) = found.strip_prefix('|').filter(|rest| !rest.starts_with('|')) else { return false };
    let name = program.trim_start_matches(' ');
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if !name.get(..length).is_some_and(|name| FILTERS.contains(&name)) {
        return false;
    }
    let from = hit.end - (name.len() - length);
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b" -_,:.[]".contains(b);
    let arguments = rest.iter().take(NEAR).take_while(|b| plain(b)).count();
    let glued = arguments == 0 || rest.get(arguments - 1) != Some(&b' ');
    match rest.get(arguments..).unwrap_or_default() {
        [] | [b'\n' | b'|' | b')', ..] => true,
        // The end of the quotes that the whole command stands in, also as JSON writes it.
        [b'"' | b'\'' | b'`', ..] | [b'\\', b'"' | b'n' | b'r', ..] => glued,
        _ => false,
    }
}

/// `a = "x" and b = "y"`: the quote that a condition goes on from closes a word that the text itself opened, and the
/// condition compares a name. Who breaks out of a value has no quote before it.
fn compares(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(quote) = found.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return false };
    let operand = found.get(1..).unwrap_or_default().trim_start();
    let named = ["and ", "or "].iter().find_map(|word| operand.strip_prefix(word)).is_some_and(|rest| {
        rest.trim_start().starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.contains(['(', '"', '\''])
    });
    let before = text.as_bytes().get(hit.start.saturating_sub(NEAR)..hit.start).unwrap_or_default();
    // JSON writes a backslash before a quote.
    let mut before = before.iter().rev().filter(|b| **b != b'\\').peekable();
    let word = before.peek().is_some_and(|b| b.is_ascii_alphanumeric());
    let mut outside = before.skip_while(|b| b.is_ascii_alphanumeric() || b"_.- ".contains(b));
    let opened = outside.next().is_some_and(|b| char::from(*b) == quote);
    let assigned = opened && matches!(outside.find(|b| **b != b' '), Some(b'='));
    named && word && assigned
}

/// Programs that build and test what a repository holds.
const BUILDERS: [&str; 19] = [
    "node",
    "npm",
    "npx",
    "pnpm",
    "yarn",
    "tsc",
    "make",
    "cmake",
    "cargo",
    "go",
    "git",
    "docker",
    "mvn",
    "gradle",
    "bundle",
    "rake",
    "composer",
    "dotnet",
    "terraform",
];

/// `&& npm test`: how scripts of projects go on. With an option first, such as `node -e`, it may be anything.
fn builds(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(program) = found.strip_prefix("&&") else { return false };
    let program = program.trim_start_matches(' ');
    let length = program.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let from = hit.end - (program.len() - length);
    let argument = text.get(from..).unwrap_or_default().trim_start_matches(' ');
    program.get(..length).is_some_and(|name| BUILDERS.contains(&name))
        && argument.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
}

/// "Helm & kubectl": two names with a single sign between, and no arguments.
fn named_together(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let word = text.get(..hit.start).unwrap_or_default().strip_suffix(' ').unwrap_or_default();
    let rest = text.get(hit.end..).unwrap_or_default();
    let closed = found.ends_with(['"', '\'', ')']) || rest.is_empty() || rest.starts_with('\n');
    found.starts_with("& ") && word.ends_with(|c: char| c.is_ascii_alphanumeric()) && closed
}

/// Back-ticks that show code though no parser takes them for it, as in the markup of a document: a fence, or a pair on
/// one line with a blank or a bracket around it.
fn shown(text: &str, hit: &Range<usize>) -> bool {
    let (before, from) =
        (text.get(..hit.start).unwrap_or_default(), text.get(hit.start + 1..).unwrap_or_default());
    if !text.get(hit.clone()).is_some_and(|found| found.starts_with('`')) {
        return false;
    }
    if before.ends_with("``") {
        return true;
    }
    let opens =
        before.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '>' | '"')) || before.is_empty();
    let line = from.get(..from.len().min(NEAR)).or_else(|| from.lines().next()).unwrap_or_default();
    let inside = line.lines().next().and_then(|line| line.split_once('`'));
    opens && inside.is_some_and(|(code, _)| !code.contains([';', '&', '$']))
}

/// What stands before the quotes that the quote at a place closes, if the text itself opened them around a word.
fn quoted_after(text: &str, at: usize, quote: char) -> Option<&str> {
    let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    let (before, word) = line.rsplit_once(quote)?;
    let opens =
        before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | ',' | '='));
    let whole = word.starts_with(|c: char| c.is_alphanumeric() || "{<$%/._#@[".contains(c));
    (opens && whole && before.matches(quote).count().is_multiple_of(2)).then_some(before)
}

/// `'user' or 'cloud'<br>`: what would be a comparison is the next tag.
fn ends_at_tag(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(quote) = found.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return false };
    let tag = text
        .get(hit.end..)
        .is_some_and(|rest| rest.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic()));
    found.ends_with('<') && tag && quoted_after(text, hit.start, quote).is_some()
}

/// A statement that begins where an element for code does.
fn marked_as_code(text: &str, hit: &Range<usize>) -> bool {
    let before = text.get(..hit.start).unwrap_or_default();
    let tag = before.strip_suffix('>').and_then(|before| before.rsplit('<').next()).unwrap_or_default();
    ["code", "pre", "samp"]
        .iter()
        .any(|name| tag == *name || tag.strip_prefix(name).is_some_and(|r| r.starts_with(' ')))
}

/// `"no" -- which is rare`: a dash in a sentence, behind a word that the sentence put into quotes.
fn dashed(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let at = hit.start + found.find(['"', '\'']).unwrap_or(0);
    let Some(quote) = text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| matches!(c, '"' | '\''))
    else {
        return false;
    };
    let rest = text.get(hit.end..).unwrap_or_default().lines().next().unwrap_or_default();
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '\''));
    found.ends_with("--")
        && rest.strip_prefix(' ').is_some_and(goes_on)
        && quoted_after(text, at, quote).is_some_and(|before| speaks(before) || speaks(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn pipes_into_filters_do_nothing() {
        for (text, expected) in [
            ("cut -f1 a.csv | sort | uniq -c", true),
            ("run(\"x | uniq -c\") gives lines", true),
            (r#"run(\"x | uniq -c\")"#, true),
            ("x | uniq /etc/passwd", false),
            ("x | uniq \"/etc/passwd\"", false),
            ("x | uniq \\/etc", false),
            ("x | uniq \\ /etc", false),
            ("x | uniq > a", false),
            ("x | uniq $(id)", false),
            ("x || uniq ", false),
        ] {
            assert_eq!(
                filters(text, &at(text, if text.contains("||") { "|| uniq " } else { "| uniq " })),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn chains_of_build_programs_do_no_harm() {
        for (text, hit, expected) in [
            ("tsc -p . && node dist/a.js", "&& node dist/a", true),
            ("npm ci && npm test", "&& npm test", true),
            ("x && node -e 'f()'", "&& node -e", false),
            ("x && curl http://e", "&& curl ", false),
            ("x; npm test/a", "; npm test/", false),
        ] {
            assert_eq!(builds(text, &at(text, hit)), expected, "{text}");
        }
        assert!(named_together(
            "install \"helm & kubectl\"",
            &at("install \"helm & kubectl\"", "& kubectl\"")
        ));
        assert!(!named_together("x & curl -o a", &at("x & curl -o a", "& curl ")));
        assert!(!named_together("'& whoami'", &at("'& whoami'", "& whoami'")));
    }

    #[test]
    fn code_that_is_shown_is_no_substitution() {
        for (text, expected) in [
            ("=== \"a\"\n    ```bash\n", true),
            ("<li>pipe to `bash ` here</li>", true),
            ("(`bash x`)", true),
            ("name`bash x`", false),
            ("a `bash x; id`", false),
            ("a `bash x\n`", false),
        ] {
            assert_eq!(shown(text, &at(text, "`bash")), expected, "{text}");
        }
        let page = "use <code>select * from t</code> or <pre class=a>select * from u";
        assert!(marked_as_code(page, &at(page, "select * from t")));
        assert!(marked_as_code(page, &at(page, "select * from u")));
        assert!(!marked_as_code("<b>select * from t", &at("<b>select * from t", "select")));
    }

    #[test]
    fn quotes_that_a_sentence_closes_end_no_value() {
        let said = "he said \"yes\" or \"no\" -- i do not recall which";
        assert!(dashed(said, &at(said, "\" --")));
        let asked = "ask the user at first: \"really?\" -- 'yes' or 'no'";
        assert!(dashed(asked, &at(asked, "\" --")));
        for text in
            ["admin\" -- i do not recall which", "x \"a\" --", "x \"a\" -- -", "\" or \"a\"=\"a\" -- b"]
        {
            assert!(!dashed(text, &at(text, "\" --")), "{text}");
        }
        let list = "can be 'user' or 'cloud'<br/>";
        assert!(ends_at_tag(list, &at(list, "' or 'cloud'<")));
        assert!(!ends_at_tag("x' or 'cloud'<br/>", &at("x' or 'cloud'<br/>", "' or 'cloud'<")));
    }

    #[test]
    fn comparisons_of_quoted_words_are_prose() {
        let hit = "\" and b =";
        for (text, expected) in [
            ("If a = \"12 x\" and b = \"y\", then", true),
            (r#"a = \"12\" and b = \"y\""#, true),
            ("x\" and b = \"y", false),
            ("say \"x\" and b = 3", false),
            ("a = \"\" and b = 3", false),
        ] {
            assert_eq!(compares(text, &at(text, hit)), expected, "{text}");
        }
    }
}
