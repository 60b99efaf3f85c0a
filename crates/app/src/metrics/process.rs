//! The process itself, from `/proc`. On a system without one, nothing is said of it.

use std::fs;

/// What the system knows of this process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: f64,
    pub(super) virtual_bytes: f64,
    pub(super) threads: f64,
    pub(super) open_fds: Option<f64>,
    pub(super) max_fds: Option<f64>,
    pub(super) start_seconds: f64,
}

/// Linux counts the time of processes in hundredths of a second, whatever its own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the present figures.
pub(super) fn process_read() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold anything; figures follow the last bracket.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Numbered as in proc(5), where the field after the name is the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot_seconds: f64 = boot.lines().find_map(|it| it.strip_prefix("btime "))?.parse().ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|it| it.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    };
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let max_fds = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max open files"))
        .and_then(|it| it.split_ascii_whitespace().next()?.parse().ok());
    Some(Process {
        cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
        resident_bytes: kibibytes("VmRSS:")? * 1024.0,
        virtual_bytes: kibibytes("VmSize:")? * 1024.0,
        threads: field(20)?,
        // The folder itself is open while it is counted.
        open_fds: fs::read_dir("/proc/self/fd").ok().map(|it| it.count().saturating_sub(1) as f64),
        max_fds,
        start_seconds: boot_seconds + field(22)? / TICKS_PER_SECOND,
    })
}

#[cfg(test)]
mod tests {
    use super::process_read;

    #[test]
    fn the_process_knows_itself() {
        let it = process_read().expect("there is a /proc here");
        assert!(it.resident_bytes > 100_000.0 && it.virtual_bytes >= it.resident_bytes, "{it:?}");
        assert!(it.threads >= 1.0 && it.open_fds.is_some_and(|count| count >= 3.0), "{it:?}");
        assert!(it.max_fds >= it.open_fds, "{it:?}");
        let year_2024_seconds = 1.7e9;
        assert!(it.start_seconds > year_2024_seconds && it.cpu_seconds >= 0.0, "{it:?}");
    }
}
