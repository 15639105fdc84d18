//! `more_set_input_headers` and `more_clear_input_headers`: headers of the request that are changed once the rewrite
//! directives are over (headers-more 0.37, `ngx_http_headers_more_headers_in.c`; measured).

use super::content::set_or_removed;
use super::levels::{LevelId, presence};
use super::server::{Compiler, State};
use crate::model::{Effect, EffectKind, Guard, Reason, Text};
use crate::syntax::nginx::{Directive, Word};

impl<'t> Compiler<'t> {
    /// The directives that count at a level, the outer ones first.
    fn inputs(&self, level: LevelId) -> Vec<&'t Directive> {
        let names = ["more_set_input_headers", "more_clear_input_headers"];
        let mut levels: Vec<Vec<&'t Directive>> =
            self.levels.outwards(level).map(|level| level.all_of(&names)).collect();
        levels.reverse();
        levels.concat()
    }

    /// What is done to the request before anything is handed on.
    pub fn rewritten_headers(&mut self, level: LevelId, state: &State) -> Vec<Effect> {
        let mut effects = Vec::new();
        for directive in self.inputs(level) {
            let replaces = directive.args.iter().any(|word| word.text == "-r");
            for (name, value) in directive.args.iter().filter_map(header) {
                let (text, hops) = match directive.is("more_clear_input_headers") {
                    true => (Text::literal(""), Vec::new()),
                    false => self.text(state, &value),
                };
                let there = if replaces { Guard::HasHeader(name.as_str().into()) } else { Guard::Always };
                let when = presence(directive).and(there);
                effects.extend(set_or_removed(&name, text, hops, when, directive.span, value.span));
            }
        }
        effects
    }

    /// A text that is put together once headers of the request were changed.
    pub fn as_rewritten(&self, level: LevelId, text: Text) -> Text {
        let changes = |directive: &&Directive| {
            directive.args.iter().filter_map(header).any(|(name, _)| text.mentions_header(&name))
        };
        match self.inputs(level).iter().find(|directive| changes(directive)) {
            Some(directive) => {
                let why = format!("{} changes the header before it is read", directive.name.text);
                Text::Unknown(Reason::new(why, directive.span))
            }
            None => text,
        }
    }

    /// Writes whose values are put together once headers of the request were changed.
    pub fn write_as_rewritten(&self, level: LevelId, effects: &mut [Effect]) {
        if self.inputs(level).is_empty() {
            return;
        }
        for effect in effects {
            if let EffectKind::Write(write) = &mut effect.kind {
                let values = std::mem::take(&mut write.values).into_iter();
                write.values = values.map(|text| self.as_rewritten(level, text)).collect();
            }
        }
    }
}

/// The name in lower case and the value of `Name: value`; options have none.
fn header(word: &Word) -> Option<(String, Word)> {
    let (name, value) = word.text.split_once(':').unwrap_or((word.text.as_str(), ""));
    let name = name.trim().to_ascii_lowercase();
    let value = Word { text: value.trim().to_owned(), ..word.clone() };
    (!name.is_empty() && !name.starts_with('-')).then_some((name, value))
}
