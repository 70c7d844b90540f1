//! The container's processes as `ps` shows them.
//!
//! The two ways that people ask for are answered here, since an image need not have a `ps`. For other arguments the image's own
//! is run.

use std::collections::HashMap;
use std::process::Command;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockerless_agent_protocol::process::Top;

use crate::process::of_agent;

/// What `ps` is asked for.
pub(crate) fn top(arguments: &str) -> Result<Top, String> {
    match arguments.trim() {
        "-ef" | "ef" => Ok(native(&["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])),
        "aux" | "-aux" => {
            Ok(native(&["USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"]))
        }
        other => by_ps(other),
    }
}

struct Facts {
    user: String,
    pid: i32,
    parent: String,
    state: String,
    terminal: String,
    /// Of user and kernel together.
    seconds: u64,
    started: Timestamp,
    cpu_percent: f64,
    memory_percent: f64,
    virtual_kib: u64,
    resident_kib: u64,
    command: String,
}

fn native(titles: &[&str]) -> Top {
    let machine = Machine::read();
    let rows = of_agent().into_iter().filter_map(|pid| facts(pid, &machine));
    let row = |facts: Facts| titles.iter().map(|title| field(&facts, title)).collect();
    Top { titles: titles.iter().map(|title| (*title).to_owned()).collect(), processes: rows.map(row).collect() }
}

fn field(facts: &Facts, title: &str) -> String {
    match title {
        "UID" | "USER" => facts.user.clone(),
        "PID" => facts.pid.to_string(),
        "PPID" => facts.parent.clone(),
        "C" => format!("{:.0}", facts.cpu_percent),
        "%CPU" => format!("{:.1}", facts.cpu_percent),
        "%MEM" => format!("{:.1}", facts.memory_percent),
        "VSZ" => facts.virtual_kib.to_string(),
        "RSS" => facts.resident_kib.to_string(),
        "STIME" | "START" => facts.started.to_zoned_datetime(TimeZone::UTC).strftime("%H:%M").to_string(),
        "TTY" => facts.terminal.clone(),
        "STAT" => facts.state.clone(),
        "TIME" => format!("{:02}:{:02}:{:02}", facts.seconds / 3600, facts.seconds / 60 % 60, facts.seconds % 60),
        _ => facts.command.clone(),
    }
}

/// What is the same for all processes.
struct Machine {
    booted: i64,
    ticks: u64,
    memory_kib: u64,
    users: HashMap<String, String>,
}

impl Machine {
    fn read() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let number = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
        };
        let user = |line: &str| {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?.to_owned(), fields.nth(1)?.to_owned());
            Some((uid, name))
        };
        let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten();
        Self {
            booted: i64::try_from(number(&read("/proc/stat"), "btime ")).unwrap_or_default(),
            ticks: ticks.and_then(|ticks| u64::try_from(ticks).ok()).filter(|ticks| *ticks > 0).unwrap_or(100),
            memory_kib: number(&read("/proc/meminfo"), "MemTotal:").max(1),
            users: read("/etc/passwd").lines().filter_map(user).collect(),
        }
    }
}

/// Nothing of a process that has gone in the meantime.
fn facts(pid: i32, machine: &Machine) -> Option<Facts> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let (name, rest) = stat.rsplit_once(") ")?;
    let (_, name) = name.split_once('(')?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ");
    let uid =
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next().map(str::to_owned))?;
    let resident_kib = number(21) * 4;
    let started = i64::try_from(number(19) / machine.ticks).unwrap_or_default() + machine.booted;
    let started = Timestamp::from_second(started).unwrap_or(Timestamp::UNIX_EPOCH);
    let seconds = (number(11) + number(12)) / machine.ticks;
    let age = Timestamp::now().since(started).unwrap_or_default().get_seconds().max(1);
    #[expect(clippy::cast_precision_loss, reason = "percentages for people")]
    let (cpu_percent, memory_percent) =
        (seconds as f64 * 100.0 / age as f64, resident_kib as f64 * 100.0 / machine.memory_kib as f64);
    Some(Facts {
        user: machine.users.get(&uid).cloned().unwrap_or(uid),
        pid,
        parent: fields.get(1).copied().unwrap_or_default().to_owned(),
        state: fields.first().copied().unwrap_or_default().to_owned(),
        terminal: terminal(number(4)),
        seconds,
        started,
        cpu_percent,
        memory_percent,
        virtual_kib: number(20) / 1024,
        resident_kib,
        command: if words.is_empty() { format!("[{name}]") } else { words },
    })
}

/// By the number of its device.
fn terminal(device: u64) -> String {
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xfff_ff00);
    match major {
        0 => "?".to_owned(),
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        _ => format!("{major}:{minor}"),
    }
}

fn by_ps(arguments: &str) -> Result<Top, String> {
    let output = Command::new("ps").args(arguments.split_whitespace()).output().map_err(|_| {
        format!("the image has no ps, so only `-ef` and `aux` are answered here, and not {arguments:?}")
    })?;
    if !output.status.success() {
        return Err(format!("ps: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mine: Vec<String> = of_agent().into_iter().map(|pid| pid.to_string()).collect();
    table(&text, &mine).ok_or_else(|| "Couldn't find PID field in ps output".to_owned())
}

/// Only the container's own processes. The last column may hold spaces.
fn table(text: &str, mine: &[String]) -> Option<Top> {
    let mut lines = text.lines();
    let titles: Vec<String> = lines.next()?.split_whitespace().map(str::to_owned).collect();
    let pid = titles.iter().position(|title| title == "PID")?;
    let row = |line: &str| {
        let mut fields: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if fields.len() > titles.len() {
            let last = fields.split_off(titles.len() - 1).join(" ");
            fields.push(last);
        }
        fields
    };
    let processes = lines.map(row).filter(|fields| fields.get(pid).is_some_and(|pid| mine.contains(pid))).collect();
    Some(Top { titles, processes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_ps_is_cut_down_to_the_container() {
        let text = "  PID TTY          TIME CMD\n    1 ?        00:00:00 init\n   42 pts/0    00:00:01 sh -c a  b\n";
        let top = table(text, &["42".to_owned()]).unwrap();
        assert_eq!(top.titles, ["PID", "TTY", "TIME", "CMD"]);
        assert_eq!(top.processes, [["42", "pts/0", "00:00:01", "sh -c a b"]]);
        assert!(table("USER CMD\n", &[]).is_none());
    }

    #[test]
    fn terminals_by_number() {
        assert_eq!((terminal(0).as_str(), terminal(136 << 8 | 3).as_str()), ("?", "pts/3"));
    }
}
