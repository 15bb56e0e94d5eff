//! Script outside of markup: URLs that run, handlers that break out of an attribute, calls in a short field.

use super::rule::{Rule, Sight, Tier, rules};
use crate::verdict::Family;

/// Events of HTML; a handler in running text counts only when the event exists.
macro_rules! events {
    () => {
        "abort|activate|afterprint|animation(?:start|end|iteration|cancel)|auxclick|before\\w+|begin|blur|bounce|cancel|canplay(?:through)?|\
change|click|close|contextmenu|copy|cuechange|cut|dataavailable|dblclick|deactivate|drag\\w*|drop|durationchange|emptied|end|ended|error|filterchange|finish|focus(?:in|out)?|\
formdata|fullscreen\\w*|gotpointercapture|hashchange|help|input|invalid|key(?:down|press|up)|languagechange|layoutcomplete|load\\w*|lostpointercapture|losecapture|\
message|mouse\\w+|move(?:end|start)?|offline|online|pagehide|pageshow|paste|pause|play(?:ing)?|pointer\\w+|popstate|progress|propertychange|ratechange|readystatechange|\
repeat|reset|resize|row\\w+|scroll\\w*|search|seek(?:ed|ing)?|select\\w*|show|stalled|start|stop|storage|submit|suspend|syncrestored|timeupdate|toggle|touch\\w+|\
transition\\w+|unload|volumechange|waiting|webkit\\w+|wheel|zoom"
    };
}

rules! { SCRIPT: Xss, Text, "Script that a browser would run";
    "xss/script_url" Certain r#"(?:java|vb|live)script:[^\s"'<>|`]+[(`=;]"#;
    "xss/script_url" Shape r#"(?:java|vb|live)script:(?:/[/*]|[\w\\({\[%&'"!+~$-])"#;
    "xss/html_data_url" Shape r"data:(?:text/(?:html|xml|javascript)|application/(?:javascript|xhtml\+xml))[;,]";
    "xss/handler" Shape concat!(r#"(?:^|["'`/\s])on(?:"#, events!(), r#")\s*=\s*(?:["'`]\s*)?(?:javascript:|[\w.$\[\]"'+]+\s*(?:\(|`|=[^=>]))"#);
    "xss/handler" Field r#"(?:^|["'`/\s])on[a-z]{3,32}=\s*[^\s>]"#;
    "xss/style_script" Shape r"(?:expression\s*\(\s*(?:javascript:)?\w+\s*\(|-moz-binding\s*:|behaviou?r\s*:\s*url\()";
    "xss/call" Field r"(?:^|[^\w.])(?:alert|prompt|confirm|eval|execscript|settimeout|setinterval|importscripts)\s*(?:\(|`|&lpar;)";
    "xss/call" Shape r#"(?:alert|prompt|confirm)(?:\(\s*(?:\d+|document\.|/\w+/|'xss'|"xss"|`)|\s*`\d)"#;
    "xss/sink" Field r"document\s*\.\s*(?:cookie|domain|write(?:ln)?)\b|\.innerhtml\s*=|\bwindow\s*\.\s*location\s*=|\.parentnode\b";
    "xss/declaration" Field r"<!--|<!\[cdata\[|<!(?:attlist|element|notation)\s|[^\s]\s*<\?xml\b|<xml:namespace\b|w3\.org/tr/wd-xsl";
    // What begins with the end of an element breaks out of one.
    "xss/closing_tag" Field r#"^[\s"'>]*</[a-z]"#;
    "xss/style_script" Field r"\bstyle\s*=[^>\n]*expression\s*\(";
    // Encodings that old browsers guess: UTF-7, and ASCII with the high bit set.
    "xss/charset" Shape r"\+ad[wy]-|&adw-|\xc2\xbc\s*/?\s*[a-z]+[^\n]*\xc2\xbe";
    "xss/brackets" Shape r"(?:[!+]\[\]|\[\]\[|\(!\[\]|\[\]\+){3,}";
    "xss/borrowed_call" Field r"\.(?:map|sort|reduce|find|filter|some|every|foreach|call|apply|bind)\s*(?:\.\s*(?:call|apply)\s*)?(?:\(|`)[^)\n]*\b(?:alert|eval|prompt|confirm)\b";
    "xss/sink" Hint r"document\s*\.\s*(?:cookie|domain|write|location)|\.innerhtml\s*=|(?:^|[^\w])location\s*(?:\.href\s*)?=|string\.fromcharcode\s*\(|\bwindow\s*\[|\btop\s*\[|\bself\s*\[|\bthis\s*\[";
    "xss/indirect_call" Field r#"(?:\[\s*["'`][^"'`\n]*["'`](?:\s*\+\s*["'`][^"'`\n]*["'`])*\s*\]\s*(?:\(|`))|(?:\b(?:window|top|self|this|parent|frames|globalthis)\s*\[[^\]\n]*\]\s*[(`])|constructor\s*(?:\(|\.constructor)|=\s*(?:alert|prompt|confirm|eval)\b|\bthrow\b[^\n]*onerror|onerror\s*=\s*\w+\s*;\s*throw"#;
    "xss/cookie_theft" Shape r"(?:location|\.src|fetch|\.open|sendbeacon)\b[^\n]*document\.cookie";
    "xss/server_include" Certain r"<!--\s*#\s*(?:exec|include|printenv)\b";
    "xss/server_include" Shape r"<!--\s*#\s*(?:echo|set|config|fsize|flastmod)\b";
}
