//! SQL injection: the shapes that end a value and go on as SQL. Short fields are also read by `fingerprint`.
//!
//! A statement alone is no attack in code; in prose it needs the grammar of SQL, so that "select one from the list" passes.

use super::rule::{Rule, Sight, Tier, rules};
use crate::verdict::Family;

macro_rules! compare {
    () => {
        r"(?:<=>|<>|!=|=|<|>|\bnot\s+like\b|\bn?like\b|\brlike\b|\bregexp\b|\bbetween\b|\bin\s*\(|\bis\s+(?:not\s+)?(?:null|true|false)|\bglob\b|\bsounds\s+like\b|\bdiv\b|\bxor\b)"
    };
}

/// Functions that conditions of attacks call and prose does not.
macro_rules! functions {
    () => {
        "sleep|benchmark|ascii|substr|substring|mid|ord|char|chr|concat|concat_ws|group_concat|hex|unhex|ifnull|isnull|nullif|coalesce|cast|convert|length|char_length|user|version|\
database|schema|current_user|system_user|session_user|row_count|json_keys|json_extract|exp|geometrycollection|multipoint|polygon|multipolygon|linestring|name_const|elt|make_set|\
conv|floor|rand|md5|sha1|strcmp|find_in_set|locate|instr|position|lpad|rpad|greatest|least|field|crc32|bin|oct|reverse|left|right|row|exists|gtid_subset|quote|randomblob|like"
    };
}

/// The same, for `fingerprint`.
pub(super) const FUNCTIONS: &str = functions!();

macro_rules! item {
    () => {
        r"(?:\*|[\w.`@\[\]$]+(?:\s*\([^()\n]*\))?(?:\s+as\s+\w+)?|'[^'\n]*'|\x22[^\x22\n]*\x22|\([^()\n]*\))"
    };
}

rules! { SQL: Sql, Sql, "SQL that breaks out of a statement";
    "sql/union" Certain r"\bunion\b[\s(+]*(?:all\b|distinct\b|distinctrow\b)?[\s(+]*select\b";
    "sql/tautology" Shape concat!(r#"(?:\b(?:or|and|xor)\b|\|\||&&)[\s(!~+-]*(?:not[\s(]+)?['"]?\d+(?:\.\d+)?['"]?[\s)]*"#, compare!(), r#"[\s(]*['"]?-?(?:\d|null\b|\(?select\b)"#);
    "sql/tautology" Shape concat!(r#"['"`]\s*\)*\s*(?:\b(?:or|and|xor|having|where)\b|\|\||&&|\^)[\s(!~]*(?:not[\s(]+)?(?:['"`][^'"`\n]*['"`]?|[\w@.]+(?:\([^)\n]*\))?(?:\s*[*/%+-]\s*\d+)?)[\s)]*"#, compare!());
    "sql/tautology" Shape r#"['"]\s*\)*\s*(?:or|and)\s+\(*\s*(?:not\s+)?(?:true|false|null|\d+)\s*\)*\s*(?:--|#|/\*|;|$)"#;
    "sql/condition" Shape concat!(r#"(?:['"\d)]\s*(?:\b(?:or|and|xor|having|rlike|like|regexp|div)\b|\|\||&&|[,=<>^*+-]))[\s(!~+-]*(?:"#, functions!(), r")\s*\(");
    "sql/subselect" Shape r#"\(\s*select\s*(?:[\d'"*@(]|\w+\s*\(|\w+\s+from\b|\w+\s*,\s*\w|\w+\s*\)\s*(?:=|--))"#;
    "sql/delay" Certain r#"\bpg_sleep\s*\(|\bbenchmark\s*\(\s*\d{4,}\s*,|\bwaitfor\s+(?:delay|time)\s*['"@]|\bdbms_(?:pipe|lock)\.\w+\s*\("#;
    "sql/delay" Field r#"(?:^|[^\w.])sleep\s*\(\s*['"(]?\s*\d"#;
    "sql/catalogue" Shape r"\binformation_schema\b\s*\.|\bsys(?:objects|columns|databases|users|logins)\b|\bsqlite_(?:master|version|compileoption\w*|source_id)\b|\bpg_(?:catalog|shadow|read_file|ls_dir)\b|\bmysql\.(?:user|db)\b|\bmsysobjects\b|\bv\$(?:version|session|database)|\bxp_(?:cmdshell|dirtree|reg\w+|fileexist|availablemedia)|\bsp_(?:oacreate|executesql|password|makewebtask|addsrvrolemember|configure|helptext|adduser)|\butl_(?:http|inaddr|smtp|file)\b|\bopen(?:rowset|datasource|query)\s*\(|\binto\s+(?:out|dump)file\b|\bload_file\s*\(|\bload\s+data\s+(?:local\s+)?infile|\bprocedure\s+analyse\b|@@(?:version\w*|global|hostname|datadir|servername|basedir)|\b(?:all|user|dba)_(?:tables|users|tab_columns)\b[^\n]*\bwhere|\bdb_name\s*\(|\bextractvalue\s*\(|\bupdatexml\s*\(|\bxmltype\s*\(|\bname_const\s*\(|\bgroup_concat\s*\(|\bconcat_ws\s*\(\s*(?:0x|')";
    "sql/stacked" Shape r#";\s*(?:(?:drop|alter|create|truncate)\s+(?:table|database|view|schema|user|index|procedure|function|login|trigger|role)\b|delete\s+from\b|insert\s*(?:into)?\s+\w+\s*(?:\(|values)|update\s+\S+\s+set\b|replace\s+into\b|exec(?:ute)?\s*(?:\(|master|xp_|sp_|immediate|@|['"])|declare\s+@|shutdown\b\s*(?:;|--|$|with)|grant\s+\w+\s+(?:on|to)\b|waitfor\b|set\s+@|select[\s(*@]+(?:\*|@@|\d|null\b|\(|'|[\w.]+\s*(?:,|\(|\s+from\b))|merge\s+into\b|handler\s+\w+\s+(?:open|read)|copy\s+\w+\s+from|begin\s+(?:declare|transaction|dbms))"#;
    "sql/statement" Shape concat!(r"\bselect\s*(?:all\s+|distinct\s+|top\s+\d+\s+)?(?:\*|[\w.]+\s*\([^()\n]*\)|", item!(), r"(?:\s*,\s*", item!(), r#")+)\s*\bfrom\b\s*[\w(`"\[.@]"#);
    "sql/statement" Shape r#"\bselect\s+[\w.]+\s+from\s+[\w.`"]+\s+(?:where\s+[\w.]+\s*(?:=|<|>|like\b|in\s*\(|is\b)|limit\s+\d|order\s+by\b|union\b|--|;)"#;
    "sql/statement" Shape r"\binsert\s+into\s+\S+\s*(?:\([^()\n]*\))?\s*(?:values\s*\(|select\b)|\bdelete\s+from\s+\w+\s*(?:where\s+\S+\s*(?:=|<|>|like\b|in\b)|;|--|\z)|\bupdate\s+\w+\s+set\s+\w+\s*=|\bdrop\s+(?:table|database|schema)\s+(?:if\s+exists\s+)?\w+\s*(?:;|--|#|/\*|\z)|\balter\s+table\s+\w+\s+(?:add|drop|modify)\b|\bcreate\s+(?:table\s+\w+\s*\(|user\s+\S+\s+identified)";
    "sql/comment_end" Shape r#"(?m)[\w)%]['"][ \t]*\)*[ \t]*;?[ \t]*(?:--|#|/\*)[ \t\r+-]*$"#;
    "sql/comment_end" Field r#"(?:['"]\s*\)*|\d\s*\)+|^\s*\d+\s*|\)\s*);?\s*(?:--|#|/\*)"#;
    "sql/order_probe" Shape r#"['"\d)]\s*\)*\s+(?:order|group)\s+by\s+\(*\d+\s*(?:--|#|/\*|,\s*\d|\z)|\bhaving\s+\d+\s*=\s*\d"#;
    "sql/order_probe" Field r"\b(?:order|group)\s+by\s+\d+";
    "sql/case" Shape r"\bcase\s+when\b[^\n]*\bthen\b[^\n]*\b(?:else|end)\b|\bif\s*\(\s*\(?\s*(?:select\b|ascii\s*\(|substr\w*\s*\(|\d+\s*[=<>])|\bif\s+exists\s*\(\s*select\b|\biif\s*\(";
    "sql/document_operator" Shape r#"\[\s*\$(?:ne|eq|gte?|lte?|nin|in|mod|all|size|exists|type|or|and|nor|not|regex|where|expr)\s*\]|['"{,]\s*\$(?:ne|eq|gte?|lte?|nin|in|regex|where|expr|exists)['"]?\s*:"#;
    "sql/json_path" Shape r#"['"`]\s*(?:[<>=!]{1,2}|[-#]>>?|@>|<@)\s*['"]\$[.\[]"#;
    "sql/scientific" Shape r"\b\d+\.e[\s(.)]*(?:\(|,|\w+\s*\()";
    "sql/overflow" Field r"^\s*-?(?:2\.22507385850720(?:11|07)e-308|4294967296|2147483648|9223372036854775808)\s*$";
    "sql/routine" Shape r"\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\s+\w+\s*(?:\(|returns\b|as\b)|\bexecute\s+immediate\b|\bmatch\s*\([^()\n]*\)\s*against\s*\(|\balter\s+\w+\s+(?:character\s+set|charset)";
    "sql/collate" Shape r#"['"]\s*(?:collate\s+\S+\s*(?:--|#|$)|sounds\s+like|rlike|regexp|div\s|glob\s)|::(?:jsonb?|int|text|regclass)\b\s*(?:#|-|@|\?|<|>|=)"#;
}

rules! { SQL_RAW: Sql, Text, "SQL hidden in a conditional comment";
    "sql/conditional_comment" Certain r"/\*!\s*(?:\d{5}|(?:or|and|union|select|from|where|all|insert|update|delete|concat|group_concat)\b)";
}
