//! Command injection: something that ends a value and starts a command.
//!
//! Words that are no English (`whoami`) need only a separator before them. Words that are (`time`, `more`) need the shape
//! of an argument behind them as well: "a hero; more than" is prose, "; more /etc/hosts" is not.

use super::rule::{Rule, Sight, Tier, rules};
use crate::verdict::Family;

/// Programs of Unix and Windows whose names are no words of prose: those that catalogues of abused programs list.
macro_rules! sure {
    () => {
        concat!(
            r"(?:ba|z|k|c|tc|da|a|ya|sa|el)?sh|busybox|curl|wget|lwp-(?:download|request|mirror|dump)|ncat|netcat|nc|telnet|ssh|ssh-(?:agent|keygen|keyscan)|",
            r"sshpass|scp|s?ftp|tftp|lftp|ncftp|psftp|rsync|socat|whoami|uname|ifconfig|ipconfig|netstat|nslookup|nmap|tcpdump|tshark|iptables|nft|ls|lsof|lsblk|",
            r"lscpu|lspci|lsusb|pwd|tac|xxd|hexdump|hd|base(?:32|58|64|nc|z)|md5sum|sha\d+sum|cksum|[gmn]?awk|sed|[efrz]?grep|powershell|pwsh|cmd|certutil|certreq|",
            r"cmdkey|cmstp|bitsadmin|wmic|iwmi|iwr|iex|irm|rundll32|regsvr32|regsvcs|regasm|regini|regedit|mshta|msbuild|msiexec|msdt|mmc|csc|jsc|vbc|ilasm|cscript|",
            r"wscript|schtasks|tasklist|taskkill|systeminfo|bcdboot|bcdedit|diantz|diskshadow|dnscmd|esentutl|eventvwr|extexport|extrac32|findstr|forfiles|gpscript|",
            r"gpresult|gpupdate|ie4uinit|ieexec|installutil|makecab|mavinject|netsh|nltest|odbcconf|pcalua|pcwrun|pktmon|pnputil|printbrm|psr|rasautou|rpcping|",
            r"runonce|scriptrunner|tttracer|verclsid|vssadmin|wevtutil|wsl|wsreset|wuauclt|xwizard|icacls|takeown|fsutil|driverquery|getmac|qwinsta|quser|attrib|rm|",
            r"rmdir|mv|cp|mkdir|mkfifo|mknod|chmod|chown|chgrp|chattr|chroot|lsattr|useradd|adduser|usermod|groupadd|passwd|chpasswd|vipw|vigr|visudo|sudo|sudoedit|",
            r"pkexec|crontab|systemctl|loginctl|journalctl|timedatectl|hostnamectl|apt-get|aptitude|dpkg|rpm|rpm(?:db|query|verify|build)|yum|dnf|apk|opkg|zypper|",
            r"pacman|zcat|xargs|nohup|setsid|printenv|setenv|lastlog|lastb|dmesg|dmidecode|getent|getfacl|setfacl|printf|ansible[\w-]*|chef-[\w-]+|kubectl|gcloud|",
            r"mysqldump|mysqladmin|pg_dump|sqlite3|sqlmap|redis-cli|mongodump|strace|ltrace|mkfs|fdisk|debugfs|insmod|modprobe|rmmod|rmt-tar|[sg]tar|unalias|ngrep|",
            r"vimdiff|rvim|rview|gcc|g\+\+|c89|c99|cobc|nasm|objdump|readelf|ghci?|ioreg|osascript|csvtool|tclsh|eb|7z[ar]?|bzip2|bunzip2|gunzip|unrar|genisoimage|",
            r"unsquashfs|cpio|uuencode|uudecode|iconv|dos2unix|ascii-xfr|ascii85|arj|cupsfilter|enscript|exiftool|facter|fping|hping3|iftop|ionice|irb|jjs|",
            r"jrunscript|jq|ksu|latexmk|pdf(?:la)?tex|xe(?:la)?tex|lua(?:la)?tex|logsave|msfconsole|msg(?:attrib|cat|conv|filter|merge|uniq)|mtr|multitime|ncdu|",
            r"nroff|troff|nsenter|ntpdate|openvpn|openvt|pdksh|pexec|pidstat|pip3?|pry|ptx|rlogin|rlwrap|rtorrent|run-mailcap|run-parts|scanmem|scrot|setarch|",
            r"setlock|shuf|slsh|smbclient|softlimit|start-stop-daemon|stdbuf|sysctl|systemd-\w+|taskset|tasksh|tdbtool|tmate|tmux|torify|torsocks|unexpand|uniq|",
            r"unshare|update-alternatives|valgrind|virsh|w3m|lynx|whiptail|whois|xmodmap|xdotool|xelatex|zathura|zsoelim|cowsay|cowthink|bpftrace|busctl|capsh|",
            r"cdist|certbot|check_\w+|choom|clamscan|cpan|cpulimit|cscli|csplit|dmsetup|dosbox|dstat|dvips|easy_install|elvish|espeak|grc|gtester|ispell|joe|",
            r"ksshell|ld\.so|ldconfig|mosquitto|neofetch|perlbug|restic|shellcheck|tftpd|tic|volatility|wireshark|xpad|zip(?:note|cloak)|pkill|pgrep|killall|skill|",
            r"fuser|ifdown|ifup|ip6tables|ethtool|iwconfig|arping|tracer(?:oute|t)|pathping|hping|nbtstat|route(?:print)?|showmount|rpcinfo|rpcclient|snmpwalk|",
            r"ldapsearch|dig|host(?:id)|lastcomm|utmpdump",
        )
    };
}

/// Programs whose names are words as well, or languages that prose lists.
macro_rules! word {
    () => {
        concat!(
            r"cat|more|less|head|tail|sort|cut|find|which|who|whereis|top|htop|time|date|echo|kill|sleep|ping6?|touch|test|type|host|hostname|dig|last|file|history|",
            r"set|unset|export|alias|read|exec|eval|source|watch|split|join|paste|column|comm|fold|expand|fmt|look|man|mount|umount|route|at|atq|batch|screen|",
            r"script|trap|wait|finger|write|wall|mail|reboot|shutdown|halt|poweroff|copy|xcopy|robocopy|del|erase|move|ren|rename|net|net1|start|call|cd|pushd|reg|",
            r"id|w|ps|df|du|env|su|dir|vi|vim|ed|ex|nano|pico|emacs|tar|zip|unzip|gzip|xz|tee|od|nl|wc|tr|node|perl|python[\d.]*|ruby|php\d*|lua|java|javac|julia|",
            r"octave|docker|podman|git|npm|npx|yarn|pip|gem|bundle|cargo|go|apt|snap|brew|mysql|psql|openssl|make|cmake|rake|gdb|expect|bash|dash|fish|diff|cmp|dd|",
            r"install|ln|lp|lpr|rev|service|stat|strings|timeout|view|yes|ip|arp|ss|aria2c|axel|doas|runas|start-process|invoke-[\w-]+|get-[\w-]+|set-[\w-]+|",
            r"new-[\w-]+|aws|ar|as|bc|dc|perf|pic|pr|puppet|rc|red|sg|tbl|task|terraform|tex|ul|vagrant|xmore|yelp|composer|crash|dialog|dotnet|efax|eqn|flock|",
            r"genie|gimp|highlight|knife|latex|minicom|nice|pg|pkg|posh|wish|control|explorer|print|replace|tracker|sc|hh|tree|ver|assoc|ftype|cipher|popd|break|",
            r"return|logname|groups|users|uptime|jobs|bg|fg|umask|ulimit|true|false|login|logout|init",
        )
    };
}

/// What follows a program and is no prose: an option, a path, a redirection, a quoted or network argument.
macro_rules! argument {
    () => {
        r#"(?:\s+(?:--?[a-z0-9]|/|~|[a-z]:\\|\.{1,2}/|\$|["'][^"'\n]*["']|[\w.-]*/[\w.*-]|[\w-]+\.(?:sh|py|pl|php|txt|log|conf|cfg|exe|bat|ps1|js|db|sql|ini|cgi|zip)\b|\d+\.\d+\.\d+\.\d+|%[a-z]|\*|\d+\s*(?:[;|&`)]|$))|\s*(?:<|>|&&|\$\{?ifs))"#
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
    "command/chained" Field concat!(r"(?:;|\|\|?|&&|\$\(|`)\s*(?:", word!(), r")(?:\.exe)?\s*(?:\z|[;|`)]|&&|&\s)");
    "command/chained" Field concat!(r"^\s*(?:;|\|\|?|&&?)\s*(?:", word!(), r")(?:\.exe)?\s*(?:\z|\n)");
    "command/chained" Shape r"(?:;|\|\|?|&&?)\s*(?:echo|printf)\b[^\n;|&<>]*>{1,2}\s*[/~.\w]";
    "command/chained" Shape r"(?:;|\|\|?|&&?)\s*net1?\s+(?:user|localgroup|group|share|use|view|accounts|session|start|stop)\b";
    "command/word_built" Shape r"[a-z]\$\(\s*(?:echo|printf)\s[^)\n]*\)[a-z]|\$'[^'\n]*\\(?:x[0-9a-f]{2}|[0-7]{3})";
    "command/interpreter" Field r"(?:^|[\s;|&'\x22])(?:cmd|command)(?:\.exe|\.com)?\s+/[ck]\s|(?:^|[\s;|&'\x22/])(?:ba|z|k|da)?sh\s+-c\s";
    "command/line" Field concat!(r"(?:^|\n)\s*(?:", sure!(), ")", argument!());
    "command/line" Field concat!(r"(?:^|\n)\s*(?:", sure!(), "|", word!(), ")", argument!(), r"[^\n]*[;|&`]\s*\w");
    "command/line" Field concat!(r"(?:^|\n)\s*(?:", sure!(), "|", word!(), r")\s*(?:;|\|\|?|&&?)\s*(?:", sure!(), "|", word!(), r")\b");
    "command/line" Field concat!(r"^\s*(?:", sure!(), r")\s*[;|&`]");
    "command/condition" Field r"\bif\s+(?:/i\s+)?(?:not\s+)?(?:exist\s+\S|defined\s+\w+\s|errorlevel\s+\d|\S+\s*(?:==|\sequ\s|\sneq\s|\slss\s|\sgtr\s)\s*\S+\s)";
    "command/program_path" Field r#"(?:^|[;|&=`]|\$\()\s*['"]?/(?:usr/)?(?:local/)?s?bin/\w"#;
    "command/wildcards" Shape r"(?:/[\w*\[\]]*\?[\w?*\[\]]*){2,}";
    "command/mail" Field r"(?:\n|%0a)\s*(?:(?:rcpt\s+to|mail\s+from)\s*:|(?:ehlo|helo|vrfy|expn)\s+\S|(?:retr|dele|uidl)\s+\d|a\d+\s+(?:login|select|list|fetch|examine)\b)";
    "command/source" Field r#"(?:^|[^\w#]|\b\d{1,3});\s*\.\s?['"/\w]"#;
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
