//! Paths that leave their folder, and addresses that make a server call itself or its cloud.
//!
//! `../../docs/a.md` is how documents link to each other; what counts is where the path ends, or that it hides its dots.

use super::rule::{Rule, Sight, Tier, rules};
use crate::verdict::Family;

rules! { PATHS: Path, Text, "A path that leaves its folder or names the system's secrets";
    "path/traversal" Certain r"(?:\.\.[/\\]+){2,}(?:etc|proc|sys|windows|winnt|boot\.ini|win\.ini|root|var[/\\](?:log|www)|usr[/\\]|home[/\\]|\.ssh|\.aws|\.env\b|web-inf)";
    "path/traversal" Shape r"(?:\.\.\\){2,}\w|(?:\.\.\./){2,}|(?:\.\.[/\\]{2,}){2,}|(?:\.{4,}//){1,}|\.\.;/";
    "path/hidden_dots" Shape r"(?:\.|%2e|%252e){2}(?:%2f|%5c|%252f|%255c|%c0%af|%c1%9c|%e0%80%af|%u2215|%u2216)|(?:%2e|%252e|%c0%ae){2}[/\\]";
    "path/null_byte" Shape r"%00\.?(?:jpe?g|png|gif|html?|txt|php|pdf)\b";
    "path/system_file" Shape r"(?:^|[^\w./-])(?:/{1,2}|file:/{1,3})etc/(?:passwd|shadow|gshadow|sudoers|master\.passwd)\b|/proc/self/(?:environ|cmdline|maps|fd)|[\s'\x22=(/]c:[/\\]+(?:boot\.ini|windows[/\\]+(?:win\.ini|system32[/\\]+(?:config|drivers)))|\bweb-inf/web\.xml|%systemroot%\\";
    "path/system_file" Certain r"/etc/(?:\S*[?*\[\\$'\x22{]\S*(?:sswd|swd|wd|dow|shadow|hosts)|pas\S*[?*\[]|\?\?)";
    "path/stream" Shape r"\b(?:php://(?:filter|input|fd|memory)|phar://|expect://|zip://|compress\.zlib://|glob://|data://text/plain;base64)";
}

rules! { REQUESTS: Request, Text, "An address by which a server would call itself or its cloud";
    "ssrf/cloud_metadata" Shape r"https?:/{1,2}(?:[^\s/@]*@)?(?:169\.254\.169\.254|metadata\.google\.internal|metadata\.packet\.net|metadata\.(?:tencentyun|nicevps|azure)\S*|100\.100\.100\.200|192\.0\.0\.192|\[?fd00:ec2::254|instance-data\b|rancher-metadata|169\.254\.170\.2)";
    "ssrf/cloud_metadata" Field r"(?:169\.254\.169\.254|metadata\.google\.internal)\S*/\S|/latest/(?:meta-data|user-data|dynamic)\b";
    "ssrf/hidden_address" Shape r"https?:/{1,2}(?:[^\s/@]*@)?(?:0x[0-9a-f]{8}\b|(?:0x[0-9a-f]{1,2}\.){1,3}0x[0-9a-f]+|0[0-7]{3,}(?:\.0*[0-7]+){0,3}\b|\d{8,10}(?:[/:?#\s]|$)|\[(?:::|0*:0*:0*:)[0-9a-f:.%\w]*\]|\[fe80:[^\]\s]*\]|\[::ffff:[^\]\s]*\]|(?:\d+\.){3}\d+\.(?:nip|xip|sslip)\.io)";
    "ssrf/hidden_address" Shape r"https?:/{1,2}[^\s/]*(?:&|#|\\)[^\s]*@\S*(?:127\.|10\.|192\.168\.|169\.254|localhost|0\.0\.0\.0)|https?://[^\s]+\s+&?@|https?:/{1,2}(?:\\+\w){3}|https?:/{1,2}[^\s/]*(?:①|②|⑦|⓪|。)";
    "ssrf/scheme" Shape r"\b(?:gopher|dict|netdoc|jar:https?|ldapi?|sftp|tftp)://[\w\[]";
}
