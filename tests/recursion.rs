//! A shape of recursion that optimised builds get wrong, which tests of debug builds cannot notice.
//!
//! A private function that calls itself and hands a later parameter down in an earlier place
//! (`walk(next, last, it)` in `walk(node, before, last)`) loses the earlier one when the first call
//! gives both as constants: LLVM 21 and 22 (rustc 1.94 to 1.97) go on with the constant, at every
//! optimisation level but 0. Their pass `ipsccp` visits the call, learns first that `before` is what
//! `last` is, then that `last` varies, and does not look at the call again.

use std::fs;
use std::path::Path;

use crate::tidy::files;

/// A parameter that a function hands down to itself in an earlier place.
fn shifted(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let starts = code.match_indices("fn ").map(|(at, word)| at + word.len());
    for start in starts {
        let rest = &code[start..];
        let name: String =
            rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
        let line = code[..start].rfind('\n').map_or(0, |it| it + 1);
        let indent = code[line..].len() - code[line..].trim_start_matches(' ').len();
        // As rustfmt writes it, a function ends with a brace below its beginning.
        let end = format!("\n{}}}", " ".repeat(indent));
        let whole = &rest[..rest.find(&end).unwrap_or(rest.len())];
        let Some((_, whole)) = whole.split_once('(') else { continue };
        let (parameters, body) = list(whole);
        let parameters: Vec<&str> = parameters.iter().map(|it| parameter(it)).collect();
        let parameters = parameters.strip_prefix(&["self"]).unwrap_or(&parameters);
        for (at, call) in body.match_indices(&format!("{name}(")) {
            let before = &body[..at];
            let is_own = ["self.", "Self::"].iter().any(|it| before.ends_with(it))
                || !before.ends_with(|it: char| it.is_alphanumeric() || "_.:".contains(it));
            if !is_own || name.is_empty() {
                continue;
            }
            let (arguments, _) = list(&body[at + call.len()..]);
            for (place, argument) in arguments.iter().enumerate() {
                let argument = argument.trim_start_matches(['&', '*']);
                if parameters.iter().skip(place + 1).any(|it| *it == argument) {
                    found.push(format!("`{name}` hands `{argument}` down"));
                }
            }
        }
    }
    found
}

/// What stands between commas up to the closing parenthesis, and what comes after that.
fn list(text: &str) -> (Vec<&str>, &str) {
    let (mut open, mut start, mut found, mut last) = (Vec::new(), 0, Vec::new(), ' ');
    for (at, it) in text.char_indices() {
        let closes = it == ')' && open.is_empty();
        if closes || (it == ',' && open.is_empty()) {
            found.push(text[start..at].trim());
            start = at + 1;
        }
        match it {
            ')' if closes => return (found, &text[start..]),
            '(' | '[' | '{' => open.push(it),
            // Of a type; a comparison has a blank before it.
            '<' if last.is_alphanumeric() || last == ':' => open.push(it),
            '>' if open.last() != Some(&'<') || last == '-' => {}
            ')' | ']' | '}' | '>' => drop(open.pop()),
            _ => {}
        }
        last = it;
    }
    (found, "")
}

/// The name in `mut name: Type`; `self` however it is taken.
fn parameter(text: &str) -> &str {
    let name = text.split(':').next().unwrap_or_default().trim();
    name.rsplit([' ', '&']).next().unwrap_or_default()
}

#[test]
fn no_function_hands_a_later_parameter_to_itself_in_an_earlier_place() {
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), ".rs") {
        let found = shifted(&fs::read_to_string(&path).unwrap());
        assert!(
            found.is_empty(),
            "{}: {found:?} in an earlier place, and release builds lose it; let the parameter that \
             takes it come after it, or keep it in `self`",
            path.display(),
        );
    }
}

#[test]
fn the_shape_is_found_however_it_is_written() {
    let function = |parameters: &str, call: &str| {
        format!("impl It {{\n    fn walk({parameters}) {{\n        {call};\n    }}\n}}\n")
    };
    let parameters = "&mut self, value: &mut Map<K, V>, within: &str, key: &str";
    for call in ["self.walk(field, key, name)", "Self::walk(self.at(1, 2), &*key, f(key))"] {
        assert_eq!(shifted(&function(parameters, call)).len(), 1, "{call}");
    }
    for call in [
        "self.walk(value, within, key)",
        "self.walk(value, within, name)",
        "self.walk(value, f(key), name)",
        "self.inner.walk(value, key, name)",
        "other::walk(value, key, name)",
        "sidewalk(value, key, name)",
    ] {
        assert!(shifted(&function(parameters, call)).is_empty(), "{call}");
    }
    assert_eq!(shifted("fn walk(a: u8, b: u8) {\n    walk(b, a)\n}\n"), ["`walk` hands `b` down"]);
    assert!(shifted("fn walk(a: u8) {\n}\nfn run(b: u8) {\n    walk(b)\n}\n").is_empty());
}
