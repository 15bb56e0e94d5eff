//! SQL injection in short fields: the text as SQL words, read as if it stood inside a statement.
//!
//! A value ends its statement's quote, or has none, and goes on with an operator and an operand: that is a shape of
//! *word classes*, independent of the words. Only texts short enough to be interpolated values are read so.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

/// Longest text that is read.
pub(super) const LONGEST: usize = 512;
/// Words that are looked at; shapes are decided at their beginning.
const MOST_WORDS: usize = 48;

/// Word classes of a text, one letter each: `n` number, `s` string, `w` word, `v` variable, `f` function call,
/// `g` call of something else, `E` select,
/// `S` another verb, `U` union, `k` clause, `&` logic, `o` operator, `c` comment, and punctuation as itself.
fn classes(text: &str, quote: Option<char>) -> String {
    let mut out = String::new();
    let mut rest = text;
    if let Some(quote) = quote {
        // The value began inside of quotes: what stands before the closing one is a string.
        let Some((_, after)) = text.split_once(quote) else { return out };
        out.push('s');
        rest = after;
    }
    while let Some(c) = rest.chars().next() {
        if out.len() >= MOST_WORDS {
            break;
        }
        let (class, length) = next(rest, c);
        out.extend(class);
        rest = rest.get(length.max(c.len_utf8())..).unwrap_or_default();
    }
    out
}

fn next(rest: &str, c: char) -> (Option<char>, usize) {
    let bytes = rest.as_bytes();
    let run = |which: fn(&u8) -> bool| bytes.iter().take_while(|b| which(b)).count();
    match c {
        c if c.is_whitespace() || c == '+' && bytes.get(1).is_some_and(u8::is_ascii_alphanumeric) => {
            (None, c.len_utf8())
        }
        '\'' | '"' | '`' => {
            let body = rest.get(1..).unwrap_or_default();
            (Some('s'), body.find(c).map_or(rest.len(), |end| end + 2))
        }
        '-' if rest.starts_with("--") => (Some('c'), rest.find('\n').unwrap_or(rest.len())),
        '#' => (Some('c'), rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (Some('c'), rest.find("*/").map_or(rest.len(), |end| end + 2)),
        '0'..='9' => {
            (Some('n'), groups(bytes).unwrap_or_else(|| run(|b| b.is_ascii_alphanumeric() || *b == b'.')))
        }
        '.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => {
            (Some('n'), 1 + bytes.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric()).count())
        }
        '@' | '$' | ':' if bytes.get(1).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'@') => (
            Some('v'),
            1 + bytes
                .iter()
                .skip(1)
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'_' | b'.' | b'`'))
                .count(),
        ),
        '|' | '&' if bytes.get(1) == bytes.first() => (Some('&'), 2),
        '=' | '<' | '>' | '!' | '~' | '*' | '/' | '%' | '^' | '|' | '&' | '+' | '-' => {
            (Some('o'), run(|b| b"=<>!~*/%^|&+".contains(b)).max(1))
        }
        '(' | ')' | ',' | ';' | '{' | '}' | '.' | '\\' | '[' | ']' | ':' | '?' => (Some(c), 1),
        c if c.is_ascii_alphabetic() || c == '_' => {
            let length = run(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'));
            let word = rest.get(..length).unwrap_or_default();
            let calls = rest.get(length..).unwrap_or_default().trim_start().starts_with('(');
            (Some(word_class(word, calls)), length)
        }
        _ => (Some('x'), c.len_utf8()),
    }
}

/// The length of a number in three or more groups with hyphens between them, which is no arithmetic: the number of a
/// telephone, a card or an account, or a date.
fn groups(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'-').count();
    let groups = bytes.get(..length)?.split(|b| *b == b'-');
    let whole = groups.clone().all(|group| group.len() > 1);
    (whole && groups.count() > 2).then_some(length)
}

fn word_class(word: &str, calls: bool) -> char {
    match word {
        "or" | "and" | "xor" | "not" => '&',
        "union" | "intersect" | "except" | "minus" => 'U',
        "select" => 'E',
        "exec" | "execute" | "declare" | "waitfor" | "shutdown" => 'X',
        "insert" | "update" | "delete" | "drop" | "create" | "alter" | "truncate" | "replace" | "merge"
        | "grant" | "handler" | "call" | "set" | "begin" | "print" | "load" => 'S',
        "from" | "where" | "into" | "values" | "having" | "limit" | "order" | "group" | "procedure"
        | "when" | "then" | "else" | "end" | "case" | "as" | "outfile" | "dumpfile" | "table" | "all"
        | "distinct" | "offset" | "if" => 'k',
        "like" | "rlike" | "regexp" | "between" | "in" | "is" | "div" | "mod" | "glob" | "sounds"
        | "collate" | "binary" | "match" | "ilike" | "similar" | "escape" | "notnull" | "isnull" => 'o',
        "null" | "true" | "false" => 'n',
        _ if calls && FUNCTIONS.contains(&word) => 'f',
        _ if calls => 'g',
        "current_user" | "current_date" | "current_time" | "current_timestamp" | "localtime" => 'v',
        _ => 'w',
    }
}

/// Functions of the databases; other words before a bracket are words.
static FUNCTIONS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| super::sql::FUNCTIONS.split('|').chain(MORE).collect());

/// Functions that prose and code call as well.
const MORE: [&str; 30] = [
    "lower",
    "upper",
    "ucase",
    "lcase",
    "trim",
    "ltrim",
    "rtrim",
    "compress",
    "uncompress",
    "load_file",
    "avg",
    "sum",
    "min",
    "max",
    "count",
    "now",
    "sin",
    "cos",
    "tan",
    "pi",
    "power",
    "sqrt",
    "abs",
    "round",
    "if",
    "iif",
    "nvl",
    "to_char",
    "unistr",
    "pg_sleep",
];

/// Shapes of a value that stood in quotes: it closes them and goes on.
static QUOTED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    compile(&[
        // ' or 1=1, ' and f(, ' or 'a'='a, ') or not x is y
        r"^s\)*[;,]?&+[(o&]*[nsvfgw]\(*[^&]{0,6}[o=]",
        r"^s\)*&+[(o]*(?:[nv]\)*(?:$|[c;o&)])|[fg]\()",
        r"^s\)*&+[(o]*[sw]\)*(?:[c;&]|s?$)",
        r"^s\)*&+[(o]*[(]+(?:[SE]|k|f|g|&)",
        r"^s\)*&*\(*k?\(*(?:E|[SX][nsvkwfg(])",
        // an operator and an operand, then the end of the statement or the next quote
        r"^s\)*o+\(*[nvfgws]+[)nsvw]*(?:[c;&]|os|s$|o)",
        r"^s\)*o+\(*[nvsfg]\)*(?:[(]|$)",
        r"^s\)*o+\(*[SEX]",
        // comments and stacked statements
        r"^s\)*;?c",
        r"^s\)*;+(?:[SEX][nsvkwfgo(]|f|g)",
        r"^s\)*[;)]*(?:U\(*[Ek(]|k\(*(?:[Ek(nvfgs]|w[o,c(n]))",
        r"^s\)*,\(*(?:E|f|g|v)",
        r"^s\(*\)*[fg]\(",
        r"^sw?o[nsvfg]",
        r"^s\)*;$",
    ])
});

/// Shapes of a value that stood bare, mostly a number.
static BARE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    compile(&[
        r"^[o(]*[nv]\)*&+[(o&]*[nsvfw]\)*o+\(*[nsvfw(]",
        r"^[o(]*[nv]\)*&+[(o&]*(?:f\(|E|v|[(]+[nsfE])",
        r"^[o(]*[nvw]?\)*&+[(o&]*[ns]\)*[c;]",
        r"^[o(]*[nv]\)*(?:U[Ek(]|;[SE]|kk?n)",
        r"^[nv]k[sw]kw",
        r"^[o(]*[nvs]\)*[;)]*c$",
        r"^[o(]*[nv]?\)*o+\(*(?:E|f\([nsvf(E])",
        r"^[(o]*E\(*(?:[(nsvf]|o[,k(f])",
        r"^[(o]*E[nsvfwo,(){}.]*k[wsv(]*(?:k|c|;|$)",
        r"^[(o]*w?U\(*k*\(*[Ensv]",
        r"&[(o&]*[ns]\)*o+\(*[ns]",
        r"&[(o]*(?:f\(|[(]E)[^&]*[o&c]",
        r"^[(]*f\([(]*(?:E|f\()",
        r"^[(o]*[(][(o]*(?:E|[ns]\)*[&o])[^w]*c$",
        r"[oU&(,;]E[(ovf*]",
        r"^X\(*[vs(]",
        r"^[nv]\)*&+[(o]*g\([^&]*\)+(?:[oc;]|$)",
        r";X",
    ])
});

fn compile(shapes: &[&str]) -> Vec<Regex> {
    shapes.iter().filter_map(|shape| Regex::new(shape).ok()).collect()
}

/// Whether a short text, in small letters and without comments, goes on as SQL where a value should end.
pub(super) fn injects(text: &str) -> bool {
    let bare = classes(text, None);
    if BARE.iter().any(|shape| shape.is_match(&bare)) {
        return true;
    }
    ['\'', '"'].into_iter().any(|quote| {
        let quoted = classes(text, Some(quote));
        !balanced(text, quote) && QUOTED.iter().any(|shape| shape.is_match(&quoted))
    })
}

/// Whether the quotes of a text are those of prose: they open before a word and pair up, or follow a letter as in `dogs'`.
fn balanced(text: &str, quote: char) -> bool {
    let first = text.find(quote).unwrap_or(0);
    let before = text.get(..first).and_then(|part| part.chars().next_back());
    let within = text.get(first + 1..).and_then(|rest| rest.chars().next());
    let opens =
        before.is_none_or(|c| c.is_whitespace() || c == '(') && within.is_some_and(|c| !c.is_whitespace());
    let pairs = text.matches(quote).count().is_multiple_of(2);
    let quoted = within.is_some_and(|c| c.is_alphanumeric() || "/._$%~@#[{<-".contains(c));
    if opens && quoted && pairs && speaks(text.get(..first).unwrap_or_default()) {
        return true;
    }
    if text.contains(['=', '<', '>', ';', '|', '#']) || text.contains("--") {
        return false;
    }
    let owns = quote == '\'' && before == Some('s') && within == Some(' ') && !text.ends_with(quote);
    owns || opens && pairs
}

/// Whether a text has words enough to be a sentence. What is sent in place of a value is one or two.
pub(super) fn speaks(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 1);
    words.filter(|word| !matches!(word_class(word, false), '&' | 'U' | 'E' | 'X' | 'S' | 'k' | 'o')).count()
        >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_compile() {
        assert_eq!((QUOTED.len(), BARE.len()), (15, 18));
    }

    #[test]
    fn values_that_go_on_as_sql() {
        for text in [
            "1' or '1'='1",
            "admin'--",
            "x' and sleep(5) #",
            "1 or 1=1",
            "' is 9 = '",
            "a' sounds like '1",
            "1) and (select 1)",
            "' || (select 1) || '",
            "1; drop table t",
            "-1 union select 1,2",
            "x' order by 3--",
            "' div 2 or 'a",
            "1 and ascii(x)>1",
        ] {
            assert!(injects(text), "{text} {} {}", classes(text, None), classes(text, Some('\'')));
        }
    }

    #[test]
    fn values_that_are_words() {
        for text in [
            "o'connors union selected a few",
            "\"white\" and \"black\"",
            "rock 'n' roll",
            "2 or 4 metal buttons",
            "16\" or 18\"",
            "it is your parents' house",
            "select one of the options",
            "the dogs' and cats' food",
            "1950 or 1960",
            "a and b",
            "update the file",
            "what's new",
            "5 * 3",
            "don't -- really",
            "mats 5\" by 7\"",
            "in the file \"a/b.py\", line 12, in <main>",
            "not 000-12-3456, 666-12-3456, 912-12-3456 or 123-00-4567.",
        ] {
            assert!(
                !injects(text),
                "{text} {} {} {}",
                classes(text, None),
                classes(text, Some('\'')),
                classes(text, Some('"'))
            );
        }
    }
}
