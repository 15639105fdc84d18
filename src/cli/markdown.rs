//! The rule pages' Markdown on a terminal: headings, paragraphs, lists and blocks of code, which is all they have.

use crate::report::{Paint, Style};

/// `body` laid out in `width` columns.
pub(super) fn render(body: &str, paint: Paint, width: usize) -> String {
    let mut page = Page { paint, width, paragraph: String::new(), out: String::new() };
    let mut in_code = false;
    for line in body.lines() {
        if let Some(info) = line.strip_prefix("```") {
            page.flush();
            in_code = !in_code;
            if in_code {
                page.caption(info);
            } else {
                page.out.push('\n');
            }
        } else if in_code {
            page.code(line);
        } else if let Some(title) = line.strip_prefix("## ") {
            page.flush();
            page.out.push_str(&format!("{}\n", paint.paint(Style::Bold, title)));
        } else if line.trim().is_empty() {
            page.flush();
        } else {
            if line.starts_with("- ") {
                page.flush();
            }
            page.paragraph.push_str(line);
            page.paragraph.push(' ');
        }
    }
    page.flush();
    while page.out.ends_with("\n\n") {
        page.out.pop();
    }
    page.out
}

struct Page {
    paint: Paint,
    width: usize,
    paragraph: String,
    out: String,
}

impl Page {
    /// Ends the paragraph.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        let (indent, rest) = if text.starts_with("- ") { ("  ", "    ") } else { ("  ", "  ") };
        let lines = crate::report::wrap(&text, self.width.saturating_sub(rest.len()));
        if lines.is_empty() {
            return;
        }
        for (at, line) in lines.iter().enumerate() {
            self.out.push_str(if at == 0 { indent } else { rest });
            self.out.push_str(&line.replace("**", ""));
            self.out.push('\n');
        }
        self.out.push('\n');
    }

    /// What stands above a block: `js express bad file=server.js`.
    fn caption(&mut self, info: &str) {
        let mut words = info.split_whitespace();
        let (_, framework, role) = (words.next(), words.next().unwrap_or(""), words.next().unwrap_or(""));
        let file =
            words.find_map(|word| word.strip_prefix("file=")).map(|file| format!(" ({file})")).unwrap_or_default();
        let style = if role == "bad" { Style::Red } else { Style::Green };
        self.out.push_str(&format!("  {}\n", self.paint.paint(style, &format!("{framework}, {role}{file}"))));
    }

    fn code(&mut self, line: &str) {
        let bar = self.paint.paint(Style::Dim, "|");
        match line.split_once("finds: ") {
            // The expectation of the test reads as a remark.
            Some((code, rule)) => {
                let remark = self.paint.paint(Style::Red, &format!("<- {rule}"));
                let code = code.trim_end().trim_end_matches(['/', '#']).trim_end();
                self.out.push_str(&format!("    {bar} {code}  {remark}\n"));
            }
            None => self.out.push_str(format!("    {bar} {line}").trim_end()),
        }
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_laid_out() {
        let body = "## What\none **two**\nthree\n\n- a\n- b\n\n```js express bad file=x.js\nfoo(); // finds: rule\n\nbar();\n```\n";
        assert_eq!(
            render(body, Paint { on: false }, 80),
            "What\n  one two three\n\n  - a\n\n  - b\n\n  express, bad (x.js)\n    | foo();  <- rule\n    |\n    | bar();\n"
        );
    }
}
