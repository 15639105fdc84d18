//! Tells how answers differ from what was recorded.

use std::fmt::Write as _;

use super::Run;
use super::record::{File, Record, rows};
use super::stands::Stand;

/// Prints every difference; an error when there is one.
pub fn compare(file: &File, stands: &[Box<dyn Stand>], runs: &[Vec<Option<Run>>]) -> Result<(), String> {
    let (mut checked, mut wrong, mut report) = (0, 0, String::new());
    for (record, runs) in file.observations.iter().zip(runs) {
        for (run, stand) in runs.iter().zip(stands) {
            let Some(run) = run else { continue };
            checked += 1;
            let differences = differences(record, run, stand.as_ref());
            if !differences.is_empty() {
                wrong += 1;
                let _ = write!(report, "\n{} ({})\n{differences}", record.id, stand.title());
            }
        }
    }
    if wrong == 0 {
        eprintln!("{checked} runs, all as recorded");
        return Ok(());
    }
    Err(format!("{report}\n{wrong} of {checked} runs differ from what was recorded"))
}

fn differences(record: &Record, run: &Run, stand: &dyn Stand) -> String {
    let mut out = String::new();
    if record.startup != run.startup {
        let _ = writeln!(out, "  startup\n    - {}\n    + {}", record.startup, run.startup);
    }
    let recorded: Vec<(&String, Vec<String>)> = record
        .probes
        .iter()
        .flat_map(|row| {
            row.to.iter().map(|name| (name, lines(row.status, row.headers.as_deref(), row.error.as_deref())))
        })
        .collect();
    for (name, answer) in &run.answers {
        let row = rows(&[(name.clone(), answer.clone())]).remove(0);
        let now = lines(row.status, row.headers.as_deref(), row.error.as_deref());
        let Some((_, before)) = recorded.iter().find(|(known, _)| *known == name) else {
            let _ = writeln!(out, "  {name}: not recorded yet");
            continue;
        };
        if same(before, &now, stand) {
            continue;
        }
        let _ = writeln!(out, "  {name}");
        for (sign, from, other) in [('-', before, &now), ('+', &now, before)] {
            for line in from.iter().filter(|line| !other.contains(line)) {
                let _ = writeln!(out, "    {sign} {line}");
            }
        }
        if before.iter().all(|line| now.contains(line)) && before.len() == now.len() {
            let _ = writeln!(
                out,
                "    the order was\n      {}\n    and is\n      {}",
                before.join("\n      "),
                now.join("\n      ")
            );
        }
    }
    if run.answers.is_empty() && !recorded.is_empty() {
        let _ = writeln!(out, "  no longer answers");
    }
    out
}

/// Equal lines; a list that the server keeps as a set may come in any order.
fn same(before: &[String], now: &[String], stand: &dyn Stand) -> bool {
    let sorted = |line: &String| match line.split_once(": ") {
        Some((name, value)) if stand.unordered(name) => {
            let mut members: Vec<&str> = value.split(", ").collect();
            members.sort_unstable();
            format!("{name}: {}", members.join(", "))
        }
        _ => line.clone(),
    };
    before.len() == now.len() && before.iter().zip(now).all(|(before, now)| sorted(before) == sorted(now))
}

fn lines(status: Option<u16>, headers: Option<&[String]>, error: Option<&str>) -> Vec<String> {
    let status = status.map(|status| format!("status {status}"));
    let error = error.map(|error| format!("error {error}"));
    status.into_iter().chain(error).chain(headers.into_iter().flatten().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sets;

    impl Stand for Sets {
        fn package(&self) -> &str {
            "x"
        }
        fn version(&self) -> &str {
            "1"
        }
        fn versions(&self, _program: &str) -> Vec<(String, String)> {
            Vec::new()
        }
        fn varies(&self, _package: &str) -> bool {
            false
        }
        fn unordered(&self, header: &str) -> bool {
            header == "Allow"
        }
        fn start(&mut self, _program: &str, _file: &str) -> Result<super::super::stands::Started, String> {
            Err("not for starting".to_owned())
        }
        fn stop(&mut self) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn order_counts_but_inside_of_sets() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert!(same(&lines(&["status 200", "Allow: GET, PUT"]), &lines(&["status 200", "Allow: PUT, GET"]), &Sets));
        assert!(!same(&lines(&["Vary: A, B"]), &lines(&["Vary: B, A"]), &Sets));
        assert!(!same(&lines(&["A: 1", "B: 2"]), &lines(&["B: 2", "A: 1"]), &Sets));
        assert!(!same(&lines(&["A: 1"]), &lines(&["A: 1", "A: 1"]), &Sets));
    }
}
