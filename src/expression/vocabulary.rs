//! The words of the language beside Jinja's own operators; `docs/expressions.md` is generated
//! from this list.

use minijinja::Environment;

use super::{filter, test};

/// One filter or test.
pub struct Word {
    /// Filter or test.
    pub role: Role,
    /// As written in an expression.
    pub name: &'static str,
    /// One sentence for `docs/expressions.md`.
    pub summary: &'static str,
    pub(super) register: fn(&mut Environment<'static>, &'static str),
}

/// What a word is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `value | name`
    Filter,
    /// `value is name`
    Test,
}

/// Every filter and test there is. What is not here does not compile.
pub const VOCABULARY: &[Word] = &[
    filter("abs", "The number without its sign.", |it, name| it.add_filter(name, filter::abs)),
    filter("capitalize", "The first letter large, the others small.", |it, name| {
        it.add_filter(name, filter::capitalize);
    }),
    filter(
        "default",
        "`default(x)`: `x` where the value is missing; `default(x, true)` also where it is empty.",
        |it, name| it.add_filter(name, filter::default),
    ),
    filter("first", "The first element of a list, or letter of a text.", |it, name| {
        it.add_filter(name, filter::first);
    }),
    filter("float", "The number a text says; `float(x)`: `x` where it says none.", |it, name| {
        it.add_filter(name, filter::float);
    }),
    filter(
        "int",
        "The whole number a text says, or the whole part of a number; `int(x)`: `x` where there is none.",
        |it, name| it.add_filter(name, filter::int),
    ),
    filter("items", "The pairs of a mapping, for `for key, value in …`.", |it, name| {
        it.add_filter(name, filter::items);
    }),
    filter("join", "`join(', ')`: the elements of a list as one text.", |it, name| {
        it.add_filter(name, filter::join);
    }),
    filter("json", "Compact JSON.", |it, name| it.add_filter(name, filter::json)),
    filter("last", "The last element of a list, or letter of a text.", |it, name| {
        it.add_filter(name, filter::last);
    }),
    filter("length", "How many letters, elements or pairs there are.", |it, name| {
        it.add_filter(name, filter::length);
    }),
    filter("lower", "The text in small letters.", |it, name| it.add_filter(name, filter::lower)),
    filter("map", "`map('product')`: that field of each element.", |it, name| {
        it.add_filter(name, filter::map);
    }),
    filter("replace", "`replace('a', 'b')`: every `a` becomes `b`.", |it, name| {
        it.add_filter(name, filter::replace);
    }),
    filter("round", "The nearest number; `round(2)`: with two decimals.", |it, name| {
        it.add_filter(name, filter::round);
    }),
    filter("split", "`split(',')`: the parts of a text; without `','`: its words.", |it, name| {
        it.add_filter(name, filter::split);
    }),
    filter("string", "The value as text.", |it, name| it.add_filter(name, filter::string)),
    filter("title", "Each word's first letter large.", |it, name| {
        it.add_filter(name, filter::title);
    }),
    filter("tojson", "Compact JSON, as `json`.", |it, name| it.add_filter(name, filter::json)),
    filter("trim", "The text without spaces around it; `trim('.')`: without dots.", |it, name| {
        it.add_filter(name, filter::trim);
    }),
    filter("upper", "The text in large letters.", |it, name| it.add_filter(name, filter::upper)),
    filter("urlencode", "The text as it stands within a URL: `a b` is `a%20b`.", |it, name| {
        it.add_filter(name, filter::urlencode);
    }),
    is("boolean", "It is `true` or `false`.", |it, name| it.add_test(name, test::boolean)),
    is("containing", "`containing('x')`: `x` is in the text or list.", |it, name| {
        it.add_test(name, test::containing);
    }),
    is("defined", "It is there.", |it, name| it.add_test(name, minijinja::tests::is_defined)),
    is("endingwith", "`endingwith('x')`: the text ends with `x`.", |it, name| {
        it.add_test(name, test::ending_with);
    }),
    is("false", "It is `false`, not only empty.", |it, name| {
        it.add_test(name, minijinja::tests::is_false);
    }),
    is("in", "`in([1, 2])`: it is one of them.", |it, name| {
        it.add_test(name, minijinja::tests::is_in);
    }),
    is("mapping", "It has named fields.", |it, name| {
        it.add_test(name, minijinja::tests::is_mapping);
    }),
    is(
        "matching",
        "`matching('(?i)refund')`: the regular expression finds something in the text.",
        |it, name| it.add_test(name, test::matching),
    ),
    is("none", "It is `null`.", |it, name| it.add_test(name, minijinja::tests::is_none)),
    is("number", "It is a number.", |it, name| it.add_test(name, test::number)),
    is("sequence", "It is a list.", |it, name| it.add_test(name, test::sequence)),
    is("startingwith", "`startingwith('x')`: the text begins with `x`.", |it, name| {
        it.add_test(name, test::starting_with);
    }),
    is("string", "It is a text.", |it, name| it.add_test(name, minijinja::tests::is_string)),
    is("true", "It is `true`, not only present.", |it, name| {
        it.add_test(name, minijinja::tests::is_true);
    }),
    is("undefined", "It is missing.", |it, name| {
        it.add_test(name, minijinja::tests::is_undefined);
    }),
];

const fn filter(
    name: &'static str,
    summary: &'static str,
    register: fn(&mut Environment<'static>, &'static str),
) -> Word {
    Word { role: Role::Filter, name, summary, register }
}

const fn is(
    name: &'static str,
    summary: &'static str,
    register: fn(&mut Environment<'static>, &'static str),
) -> Word {
    Word { role: Role::Test, name, summary, register }
}

/// Whether a word is known.
pub(super) fn knows(role: Role, name: &str) -> bool {
    VOCABULARY.iter().any(|it| it.role == role && it.name == name)
}

/// The names of one role.
pub(super) fn names(role: Role) -> impl Iterator<Item = &'static str> {
    VOCABULARY.iter().filter(move |it| it.role == role).map(|it| it.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_is_sorted_and_says_what_each_word_does() {
        for role in [Role::Filter, Role::Test] {
            assert!(names(role).is_sorted(), "{role:?}");
        }
        for word in VOCABULARY {
            assert!(word.summary.ends_with('.'), "{}", word.name);
        }
    }
}
