//! From OpenMetrics, which the registry writes, to the older text format, which everything that
//! scrapes and lints understands.
//!
//! The two differ little: in the older one a counter is declared by the name of its samples, with
//! `_total`, and units and the end are not marked.

/// The same figures in the older format.
pub(super) fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help = "";
    for line in open.lines() {
        if let Some(declared) = line.strip_prefix("# HELP ") {
            help = declared;
        } else if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap_or((declared, "untyped"));
            let suffix = if kind == "counter" { "_total" } else { "" };
            let said = help.strip_prefix(name).unwrap_or_default();
            text.push_str(&format!("# HELP {name}{suffix}{said}\n"));
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::classic;

    #[test]
    fn a_counter_is_declared_by_the_name_of_its_samples() {
        let open = "# HELP a_b Things.\n# TYPE a_b counter\n# UNIT a_b bytes\n\
                    a_b_total{x=\"# no comment\"} 1\n# HELP c Depth.\n# TYPE c gauge\nc 2\n# EOF\n";
        let expect = "# HELP a_b_total Things.\n# TYPE a_b_total counter\n\
                      a_b_total{x=\"# no comment\"} 1\n# HELP c Depth.\n# TYPE c gauge\nc 2\n";
        assert_eq!(classic(open), expect);
    }
}
