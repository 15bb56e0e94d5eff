//! Command injection: something that ends a value and starts a command.
//!
//! Words that are no English (`whoami`) need only a separator before them. Words that are (`time`, `more`) need the shape
//! of an argument behind them as well: "a hero; more than" is prose, "; more /etc/hosts" is not.

use super::rule::{Rule, Sight, Tier, rules};
use crate::verdict::Family;

/// Programs whose names are no words of prose.
macro_rules! sure {
    () => {
        "(?:ba|z|k|c|tc|da|a)?sh|busybox|curl|wget|lwp-(?:download|request)|ncat|netcat|nc|telnet|ssh|scp|sftp|ftp|tftp|rsync|socat|whoami|uname|ifconfig|ipconfig|netstat|\
nslookup|nmap|tcpdump|iptables|ls|lsof|lsblk|lscpu|lspci|pwd|tac|xxd|hexdump|base32|base64|md5sum|sha\\d+sum|[gm]?awk|sed|[efrz]?grep|powershell|pwsh|cmd|certutil|\
bitsadmin|wmic|iwmi|iwr|iex|rundll32|regsvr32|mshta|cscript|wscript|schtasks|tasklist|taskkill|systeminfo|bcdboot|rm|rmdir|mv|cp|mkdir|mkfifo|mknod|chmod|chown|chgrp|\
chattr|useradd|adduser|usermod|passwd|sudo|crontab|systemctl|apt-get|yum|dnf|zcat|xargs|nohup|printenv|lastlog|lastb|dmesg|getent|printf|ansible[\\w-]+|chef-[\\w-]+|\
kubectl|mysqldump|sqlite3|redis-cli|strace|ltrace|mkfs|fdisk|insmod|rmt-tar|[sg]tar|setenv|unalias|shellcheck|ngrep|vimdiff|gcc|ioreg|osascript|csvtool|tclsh|zypper|eb"
    };
}

/// Programs whose names are words as well, or languages that prose lists.
macro_rules! word {
    () => {
        "cat|more|less|head|tail|sort|cut|find|which|who|top|time|date|echo|kill|sleep|ping6?|touch|test|type|host|hostname|dig|last|file|history|set|export|alias|read|exec|\
eval|source|watch|split|join|paste|column|man|mount|route|at|screen|script|trap|wait|finger|wall|mail|reboot|shutdown|halt|poweroff|copy|del|erase|move|net|start|call|cd|\
reg|id|w|ps|df|du|env|su|dir|vi|vim|ed|ex|nano|emacs|tar|zip|unzip|gzip|tee|od|nl|node|perl|python[\\d.]*|ruby|php\\d*|lua|java|docker|git|npm|pip3?|gem|go|apt|apk|mysql|psql|openssl|\
make|gdb|expect|bash|dash|fish|diff|cmp|dd|install|ln|lp|rev|service|stat|strings|timeout|view|xz|yes|ip|arp|aria2c|axel|busctl|doas|runas|start-process|invoke-\\w+|get-\\w+"
    };
}

/// What follows a program and is no prose: an option, a path, a redirection, a quoted or network argument.
macro_rules! argument {
    () => {
        r#"(?:\s+(?:--?[a-z]|/|~|\.{1,2}/|\$|["'][^"'\n]*["']|[\w.-]*/[\w.*-]|[\w-]+\.(?:sh|py|pl|php|txt|log|conf|cfg|exe|bat|ps1|js|db|sql|ini|cgi|zip)\b|\d+\.\d+\.\d+\.\d+|%[a-z]|\*|\d+\s*(?:[;|&`)]|$))|\s*(?:<|>|\|\s*\w|&&|\$\{?ifs))"#
    };
}

/// What ends a value and starts a command, and what may stand before its name.
macro_rules! start {
    () => {
        r#"(?:;|\|\|?|&&?|\$\(|`|[<>]\(|%0a)[\s('"{!]*(?:sudo\s+|env\s+|nohup\s+|time\s+|\w+=\S*\s+)?(?:/?(?:usr/)?(?:local/)?s?bin/|[a-z]:\\windows\\(?:system32\\)?)?"#
    };
}

rules! { SHELL: Command, Shell, "A shell command";
    "command/chained" Shape concat!("(?m)", start!(), "(?:", sure!(), r#")(?:\.exe)?(?:$|[\s;|&`)<>"'])"#);
    "command/chained" Shape concat!("(?m)", start!(), "(?:", word!(), r")(?:\.exe)?", argument!());
    "command/chained" Field concat!(r"(?:;|\|\|?|&&|\$\(|`)\s*(?:", word!(), r")(?:\.exe)?\s*(?:\z|[;|&`)])");
    "command/line" Field concat!(r"(?:^|\n)\s*(?:", sure!(), ")", argument!());
    "command/line" Field concat!(r"(?:^|\n)\s*(?:", sure!(), "|", word!(), ")", argument!(), r"[^\n]*[;|&`]\s*\w");
    "command/line" Field concat!(r"(?:^|\n)\s*(?:", sure!(), "|", word!(), r")\s*(?:;|\|\|?|&&?)\s*(?:", sure!(), "|", word!(), r")\b");
    "command/source" Field r#";\s*\.\s?['"/\w]"#;
    "command/remove_root" Certain r#"\brm\s+(?:-[\w-]+\s+)*-[a-z]*[rf][a-z]*\s+(?:--\S+\s+)*(?:/|~|\*|\$home|/\*|\.)(?:$|[\s"';|&`)])"#;
    "command/fork_bomb" Certain r"(?::|\b\w{1,16})\s*\(\s*\)\s*\{\s*(?::|\w{1,16})\s*[|&]\s*(?::|\w{1,16})\s*&?\s*;?\s*\}";
    "command/fork_bomb" Field r"\w+\s*\(\s*\)\s*\{\s*\w+\s*[|&]\s*\w+\s*&";
    "command/shellshock" Certain r"\(\s*\)\s*\{\s*(?:_|:)?\s*;[^}]*\}\s*(?:;|>)";
    "command/reverse_shell" Certain r"/dev/(?:tcp|udp)/|\b(?:ba|z|k)?sh\s+-i\s*(?:>|<|[0-9]>)|\bn(?:c|cat|etcat)\b[^\n|;]*\s-[a-z]*[ec]\s*\S*(?:sh|cmd|powershell)\b|\bpty\.spawn\s*\(|\bos\.dup2\s*\(|fsockopen\s*\([^\n]*exec\s*\(";
    "command/download_run" Shape r"\b(?:curl|wget|fetch|lwp-download)\b[^\n|;]*(?:\|\s*(?:sudo\s+)?(?:-\w+\s+)*(?:(?:ba|z|k|da)?sh|python[\d.]*|perl|ruby|php|node)\b)";
    "command/download_run" Certain r"\b(?:iex|invoke-expression)\b[^\n]*(?:downloadstring|net\.webclient|invoke-webrequest|\biwr\b)|\bcertutil\b[^\n]*-urlcache|\bpowershell\b[^\n]*\s-e(?:nc|ncodedcommand)?\s+[a-z0-9+/=]{24}|\bbitsadmin\b[^\n]*/transfer";
    "command/loop" Shape r#"\bfor\s+(?:/[a-z]\s+)?(?:\\*"[^"\n]*"\s*)?%{1,2}\S\s+in\s*\("#;
    "command/alias" Shape r#"\balias\s+['"]?\w+['"]?=[^\s;&]+\s*[;&\n]\s*\w"#;
    "command/here_string" Shape concat!(r"\b(?:", sure!(), r"|cat)\s*<<<");
    "command/environment" Certain r"\$\{?ifs\b";
    "command/call" Shape r#"(?:^|[^\w.>])(?:system|shell_exec|passthru|popen|proc_open|pcntl_exec)\s*\(\s*['"`$][^'"`\n]*['"`)]"#;
    "command/call" Field r#"\b(?:exec|eval|assert|spawn|os\.system|os\.popen|subprocess\.\w+)\s*\(\s*['"`\[$]"#;
    "command/read_secrets" Certain r"\b(?:cat|tac|nl|less|more|head|tail|type|strings|base64|xxd|od|vim?|grep|awk|sed|curl|column|base32)\b[^\n;|]*/etc/(?:passwd|shadow|gshadow|sudoers|master\.passwd)";
    "command/read_secrets" Field r"\b(?:cd\s+/?etc|base32\s+passwd|column\s+passwd)\b";
    "command/empty_expansion" Field r"\w(?:``|\$\(\)|\$@|\$\*|\$!|\$\$)[\w\s]|\b[a-z]+\$[a-z!]{1,3}\\*/?[a-z]";
    "command/variable" Field r#"\b\w+=['"]?\w*['"]?\s*[;&]\s*\w*\$\w+"#;
}
