//! Names of programs behind signs of a shell that do nothing there, or nothing that was not meant.
//!
//! What a program is given decides: an operand can be a file, an option can name a program. Both are taken from short
//! lists; what is not on them is an attack.

use std::ops::Range;

use super::{NEAR, line_after, line_before};

/// Words that follow the name of a program when a sentence speaks of it: "; ls is a command".
const SPOKEN: [&str; 18] = [
    "is", "are", "was", "were", "and", "or", "can", "will", "does", "has", "of", "that", "which", "command",
    "commands", "would", "should", "may",
];

/// Words that the sentence goes on with at least.
const GOES_ON: usize = 2;

/// "; ls is a command": a name alone, and a sentence of words behind it. A shell would take the words for operands, so
/// that what they could be, a path, an option, a number, an address, is no sentence.
pub(super) fn spoken_of(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let name = found.trim_matches([' ', ';', '|', '&', '`', ')', '(', '"', '\'']);
    let ticked = found.starts_with('`');
    let apart = !ticked
        || found.ends_with('`')
            && !text.get(..hit.start).unwrap_or_default().ends_with(|c: char| !c.is_whitespace() && c != '(');
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) || !apart {
        return false;
    }
    let line = line_after(text, hit.end);
    let mut words = line.trim_start_matches(' ').split(' ');
    let spoken = words.next().is_some_and(|word| SPOKEN.contains(&word.trim_end_matches([',', ':'])));
    let mut count = 0;
    for word in words {
        let ends = word.ends_with(['.', ',', ':', '?', '!', ')']);
        let plain = word.trim_end_matches(['.', ',', ':', '?', '!', ')', '\'', '"', '`']);
        let plain = plain.trim_start_matches(['(', '\'', '"', '`']);
        if !plain.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
            || plain.starts_with('-')
            || word.contains("$(")
        {
            return false;
        }
        count += usize::from(!plain.is_empty());
        if ends && count >= GOES_ON {
            break;
        }
    }
    spoken && count >= GOES_ON
}

/// A filter: how many operands it takes that are no files, and letters of options that name files or programs.
struct Filter(&'static str, usize, &'static str);

/// Programs that do nothing but give on what comes in, changed, as long as they are given no file.
const FILTERS: [Filter; 12] = [
    Filter("uniq", 0, ""),
    Filter("sort", 0, "oT"),
    Filter("wc", 0, ""),
    Filter("cut", 0, ""),
    Filter("tr", 2, ""),
    Filter("nl", 0, ""),
    Filter("column", 0, ""),
    Filter("jq", 1, "fLn"),
    Filter("grep", 1, "frRd"),
    Filter("egrep", 1, "frRd"),
    Filter("fgrep", 1, "frRd"),
    Filter("tac", 0, ""),
];

/// Long options that name no file and no program.
const LONG: [&str; 14] = [
    "--count",
    "--reverse",
    "--unique",
    "--numeric-sort",
    "--ignore-case",
    "--invert-match",
    "--lines",
    "--words",
    "--bytes",
    "--repeated",
    "--raw-output",
    "--compact-output",
    "--only-matching",
    "--table",
];

/// `| uniq -c`: a pipe into a filter without a file, a redirection or anything that a shell would expand.
pub(super) fn filters(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(program) = found.strip_prefix('|').filter(|rest| !rest.starts_with('|')) else { return false };
    let name = program.trim_start_matches(' ');
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let Some(filter) = name.get(..length).and_then(|name| FILTERS.iter().find(|filter| filter.0 == name))
    else {
        return false;
    };
    let from = hit.end - (name.len() - length);
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b" -_,:.[]".contains(b);
    let length = rest.iter().take(NEAR).take_while(|b| plain(b)).count();
    let arguments = text.get(from..from + length).unwrap_or_default();
    reads_no_file(filter, arguments) && ends(text, hit.start, from + length, !arguments.ends_with(' '))
}

fn reads_no_file(Filter(_, operands, naming): &Filter, arguments: &str) -> bool {
    let mut given = 0;
    let each = arguments.split(' ').filter(|word| !word.is_empty()).all(|word| {
        if word.starts_with("--") {
            return LONG.contains(&word);
        }
        if let Some(letters) = word.strip_prefix('-') {
            return !letters.is_empty() && !letters.contains(|c: char| naming.contains(c));
        }
        // The number of a field or of a line.
        if word.bytes().all(|b| b.is_ascii_digit() || b == b',') {
            return true;
        }
        given += 1;
        true
    });
    each && given <= *operands
}

/// Whether a command ends at a place: a shell reads on behind a quote that it takes for the beginning of one.
fn ends(text: &str, hit: usize, at: usize, glued: bool) -> bool {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    match rest {
        [] | [b'\n' | b'|' | b')', ..] => true,
        // The end of the quotes that the whole command stands in, also as JSON writes it.
        [quote @ (b'"' | b'\'' | b'`'), ..] | [b'\\', quote @ b'"', ..] => {
            let opened = line_before(text, hit).map(|line| line.matches(char::from(*quote)).count());
            glued && opened.is_some_and(|count| !count.is_multiple_of(2))
        }
        [b'\\', b'n' | b'r', rest @ ..] => {
            // A line of a JSON text. For a shell it would be a letter, with operands behind it.
            let line = rest.iter().take(NEAR).take_while(|b| **b != b'\n');
            let path = |pair: &[&u8]| matches!(pair, [b' ', b'/' | b'~' | b'.']);
            glued && !line.collect::<Vec<_>>().windows(2).any(path)
        }
        _ => false,
    }
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

/// What makes something else of them: an address to fetch from, a program as text, the files of the machine.
const FOREIGN: [&str; 12] = [
    "://",
    " -e ",
    " -e'",
    " -c ",
    "--eval",
    "--privileged",
    " /:/",
    "docker.sock",
    "$(",
    "`",
    "git+",
    "--config=",
];

/// `&& npm test`: how scripts of projects go on. With an option first, such as `node -e`, it may be anything.
pub(super) fn builds(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(program) = found.strip_prefix("&&") else { return false };
    let program = program.trim_start_matches(' ');
    let length = program.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let line = line_after(text, hit.end - (program.len() - length));
    let line = line.split(['"', ';', '|', '&']).next().unwrap_or_default();
    // To fetch a repository runs nothing of it.
    let clones = line.starts_with(" clone ") && !line.contains(" -c ") && !line.contains("::");
    program.get(..length).is_some_and(|name| BUILDERS.contains(&name))
        && line.trim_start_matches(' ').starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
        && (clones || !FOREIGN.iter().any(|word| line.contains(word)))
}

/// Programs that do nothing where they are given nothing, but are named in titles.
const IDLE: [&str; 26] = [
    "kubectl",
    "curl",
    "wget",
    "sed",
    "awk",
    "gawk",
    "grep",
    "egrep",
    "jq",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "gcc",
    "tmux",
    "rpm",
    "dpkg",
    "yum",
    "dnf",
    "apk",
    "pacman",
    "gcloud",
    "openvpn",
    "valgrind",
    "wireshark",
    "certbot",
];

/// "Helm & kubectl": two names with a single sign between, and no arguments.
pub(super) fn named_together(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let word = text.get(..hit.start).unwrap_or_default().strip_suffix(' ').unwrap_or_default();
    let rest = text.get(hit.end..).unwrap_or_default();
    let closed = found.ends_with(['"', '\'', ')']) || rest.is_empty() || rest.starts_with('\n');
    let name = found.trim_matches(['&', ' ', '"', '\'', ')', '\n']);
    found.starts_with("& ")
        && word.ends_with(|c: char| c.is_ascii_alphanumeric())
        && closed
        && IDLE.contains(&name)
}

/// Back-ticks that show code though no parser takes them for it, as in the markup of a document: a fence, or a pair on
/// one line with a blank or a bracket around it.
pub(super) fn shown(text: &str, hit: &Range<usize>) -> bool {
    let before = text.get(..hit.start).unwrap_or_default();
    if !text.get(hit.clone()).is_some_and(|found| found.starts_with('`')) {
        return false;
    }
    if before.ends_with("``") {
        // A fence begins its line; behind a word it would be a substitution.
        let line = line_before(text, hit.start).unwrap_or("x");
        return line.chars().all(|c| matches!(c, ' ' | '\t' | '`' | '>' | '*' | '-'));
    }
    let opens =
        before.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '>' | '"')) || before.is_empty();
    let inside = line_after(text, hit.start + 1).split_once('`');
    opens && inside.is_some_and(|(code, _)| !code.contains([';', '&', '$', '|', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn sentences_about_programs_are_words() {
        for (text, expected) in [
            ("; ls is a command that lists", true),
            ("; ls and many others. it", true),
            ("; ls is /etc a b", false),
            ("; ls is -la of it", false),
            ("; ls is", false),
            ("; ls is a", false),
            ("; ls may a.example get it", false),
            ("; ls /x is a command", false),
        ] {
            assert_eq!(spoken_of(text, &at(text, "; ls ")), expected && !text.contains("ls /x"), "{text}");
        }
        assert!(spoken_of("use `ls` and then another", &at("use `ls` and then another", "`ls`")));
        assert!(!spoken_of("x=`ls` and then another", &at("x=`ls` and then another", "`ls`")));
        assert!(!spoken_of("$(ls and then another", &at("$(ls and then another", "$(ls ")));
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
            ("x | uniq a b", false),
            ("x | uniq -c\"\" /etc/passwd", false),
            ("x | uniq -c\\n /etc/passwd", false),
            ("a | uniq -c\\nthen b", true),
        ] {
            let part = if text.contains("||") { "|| uniq " } else { "| uniq " };
            assert_eq!(filters(text, &at(text, part)), expected, "{text}");
        }
        for (text, expected) in [
            ("x | grep root", true),
            ("x | grep -i root", true),
            ("x | grep root passwd", false),
            ("x | grep -r root", false),
            ("x | grep -f keys", false),
            ("x | sort -k 2", true),
            ("x | sort -o keys", false),
            ("x | sort --compress-program sh", false),
            ("x | jq .", true),
            ("x | jq . config.json", false),
            ("x | cut -d, -f 1", true),
            ("x | cut -f1 .env", false),
            ("x | tr a-z A-Z", true),
        ] {
            let name = text.split(' ').nth(2).unwrap();
            assert_eq!(filters(text, &at(text, &format!("| {name} "))), expected, "{text}");
        }
    }

    #[test]
    fn chains_of_build_programs_do_no_harm() {
        for (text, hit, expected) in [
            ("tsc -p . && node dist/a.js", "&& node dist/a", true),
            ("npm ci && npm test", "&& npm test", true),
            ("x && git clone https://a.example/b.git", "&& git clone ", true),
            ("x && node -e 'f()'", "&& node -e", false),
            ("x && npm install https://e.example/x.tgz", "&& npm install ", false),
            ("x && docker run -v /:/h a", "&& docker run ", false),
            ("x && make x -e 'f'", "&& make x", false),
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
        assert!(!named_together("helm & whoami", &at("helm & whoami", "& whoami")));
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
            ("a `bash <x`", false),
            ("x ```bash```", false),
        ] {
            assert_eq!(shown(text, &at(text, "`bash")), expected, "{text}");
        }
    }
}
