//! Changes as a unified diff, which `patch -p1` and `git apply` take.

use similar::TextDiff;

use super::Change;

/// The diff of some changes.
pub fn unified(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let diff = TextDiff::from_lines(change.before.as_str(), change.after.as_str());
        let (old, new) = (format!("a/{}", change.name), format!("b/{}", change.name));
        out.push_str(&diff.unified_diff().context_radius(3).header(&old, &new).to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_patch_wants_it() {
        let change =
            Change { path: "/p/a.js".into(), name: "a.js".into(), before: "a\nb\nc".into(), after: "a\nB\nc".into() };
        let expected = "--- a/a.js\n+++ b/a.js\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n\\ No newline at end of file\n";
        assert_eq!(unified(&[change]), expected);
    }
}
