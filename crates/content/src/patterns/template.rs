//! Template injection and the expression languages behind it; code of Node and Java that reaches the system.
//!
//! The contract allows template syntax in prompts, whose purpose it is, and refuses it in resources, where it waits for a
//! careless renderer. What reaches for the interpreter behind the template is refused in both.

use super::rule::{Rule, Sight, Tier, rules};
use crate::verdict::Family;

/// Names that lead from a template to the interpreter.
macro_rules! interpreter {
    () => {
        r"(?:__\w+__|\.\s*mro\b|subclasses|getattr\b|popen|\b(?:system|exec|eval)\s*\(|getruntime|getclass|forname|processbuilder|\{%-?\s*(?:import|include|extends|from)\b|lipsum|cycler\b|joiner\b|\bconstructor\b|\|\s*attr\s*\(|\brequest\s*(?:\.\s*(?:application|args|cookies|headers|values|form|query)|\[|\|)|\bself\s*\.\s*_|_self\b|registerundefined|\|\s*(?:filter|map|sort|reduce)\s*\(\s*\[?\s*['\x22]|java\s*[.:]|ognl|#context|freemarker|\bshell(?:_exec)?\s*\(|/etc/(?:passwd|shadow)|child_process|\bprocess\s*\.|\bglobals?\s*[.\[(]|url_for\s*\.|get_flashed|file\s*\.\s*(?:open|read)|\bopen\s*\(|\bio\.(?:popen|open)|readlines)"
    };
}

rules! { EXPRESSION: Template, Text, "Template syntax, which a renderer would evaluate";
    // `style={{ width: 1 }}` is an object of JSX: no template language has a pair there.
    "template/expression" Shape r"(?s)(?:^|[^=])\{\{.*?\}\}|=\{\{\s*(?:['\x22]?[\w-]+['\x22]?\s*[^\w\s:'\x22-]|[^\w\s'\x22-]).*?\}\}|\{%.*?%\}";
    "template/expression" Shape r"(?s)\$\{.*?\}";
}

rules! { TEMPLATE: Template, Text, "An expression that reaches the interpreter behind a template";
    "template/interpreter" Certain r"(?:\{\{|\{%|\$\{|#\{|<%|\*\{|@\{)[^}\n]*__(?:class|mro|bases?|subclasses|globals|builtins|import|init|getattribute)__";
    "template/interpreter" Shape concat!(r"(?:\{\{|\{%|\$\{|#\{|<%|\*\{|@\{)[^}\n]*", interpreter!());
    "template/lookup" Certain r"\$\{\s*(?:jndi:|lower:|upper:|::-|[^{}\n]*:-[a-z:]\})";
    "template/lookup" Shape r"\$\{\s*(?:env|sys|java|main|ctx|date|base64|script|url|dns):";
    "template/server_page" Shape r"<%[=@!#-]?\s*(?:[^%\n]*(?:\(|`|\bif\b|\bimport\b|\bexec\b|\d\s*\*\s*\d)|require)";
    "template/hash_expression" Shape r"[#*~]\{\s*[^}\n]*(?:\(|\d\s*[*+]\s*\d|\bt\(|\.\w+\.)[^}\n]*\}";
    "template/perl" Shape r"@\{\s*\[";
    "template/razor" Shape r"@\(\s*\d+\s*[*+/-]\s*\d+\s*\)|@\{\s*(?:var|int|string|system)\b|@system\.";
    "template/directive" Shape r"#set\s*\(\s*\$|#foreach\s*\(\s*\$|#evaluate\s*\(|<#(?:assign|list|include|import)\s|\?\s*new\s*\(\s*\)|\{php\}|\{/?literal\}|\{\s*\$smarty|\{\s*(?:system|exec|passthru|fetch|include)\s*[(=\s]|\{if\s+(?:system|phpinfo|exec)|\$class\.inspect|\[\[\s*\$\{|\[\(\s*\$\{|__\$\{";
    "template/arithmetic" Field r"\{\s*\d+\s*\*\s*'?\d+'?\s*\}|\[\[\s*\d+\s*\*\s*\d+|\{=\s*\d+\s*\*|\{@\d+\s*[*+]";
    "template/polyglot" Shape r"\$\{\{<%\[%";
    "template/java" Shape r"\bt\s*\(\s*java\.|java\.lang\.(?:runtime|processbuilder|system|class|reflect)|getruntime\s*\(\s*\)|class\.module\.classloader|#_memberaccess|@java\.lang|freemarker\.template\.utility|new\s+(?:java\.lang\.)?processbuilder|\bro0ab[xz\w]";
    "template/node" Shape r#"(?:require|import)\s*\(\s*['"`](?:node:)?(?:child_process|vm|fs)['"`]\s*\)\s*\.|process\s*\.\s*(?:mainmodule|binding\s*\(|dlopen|kill\s*\()|_\$\$nd_func\$\$_|constructor\s*\.\s*constructor\s*\(|global\s*\.\s*process|function\s*\(\s*\)\s*\{[^\n]*\}\s*\)?\s*\(\s*\)"#;
    "template/node" Field r"\brequire\s*\(|\bchild_process\b|\bprocess\s*\.\s*\w+\s*\(|while\s*\(\s*(?:true|1)\s*\)|\bthis\s*\.\s*constructor\b|new\s+function\s*\(|\bres\s*\.\s*(?:end|send|write)\s*\(";
    "template/statement" Field r#"^[^'"\n]{0,64}['"]\s*\)*\s*;\s*(?:return|var|let|const|throw|while\s*\(|if\s*\(|for\s*\(|function)\b"#;
    "template/prototype" Shape r#"(?:\[\s*['"]?__proto__['"]?\s*\]|\.__proto__\s*[.\[=]|\?__proto__|&__proto__|['"]__proto__['"]\s*:|constructor['"]?\s*\]?\s*(?:\.|\[\s*['"]?)\s*prototype['"]?\s*[\].])"#;
    "template/prototype" Field r"__proto__|constructor\s*(?:\.|\[)\s*prototype";
    "template/ruby" Field r#"(?:^|[^\w])(?:%x[\[({]|kernel\.|file\.(?:read|open)|io\.popen|process\.(?:spawn|exec|clock)|__send__|\.send\s*\(|\bsystem\s*\(?['"])|#\{[^}\n]+\}"#;
}
