//! What is wrong with an expression, found before it is ever evaluated.
//!
//! The engine finds an unknown filter only when it gets there, which behind an `and` may be never.
//! So the tree is walked once: every name must be known, everything that grows is bounded.

use std::ops::Range;

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CallType, Expr, ForLoop, Spanned, Stmt};
use minijinja::machinery::{Span, Token, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::form::{Conjunct, Shape, chain, guards, leading, numeric, pieces, plain};
use super::limit::{JOINS, SOURCE, STATEMENTS, TOKENS};
use super::state::{LOOKUP, STATE};
use super::vocabulary::{Role, knows, names};
use super::{Error, Path, syntax, test};
use crate::event::paths::nearest;

/// What a walk found.
#[derive(Default)]
pub(super) struct Findings {
    /// The paths it reads, in order.
    pub(super) paths: Vec<Path>,
    /// The paths below `lookup`, in order.
    pub(super) lookups: Vec<Path>,
    /// Paths that are compared by order in a conjunct: where one is missing, the whole is false.
    pub(super) guards: Vec<Path>,
    /// The conjuncts it begins with that need no engine.
    pub(super) leading: Vec<Conjunct>,
    /// There is more than those.
    pub(super) more: bool,
}

/// What an expression sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    /// The event alone.
    Event,
    /// Also how its conversation stands: what is evaluated right before an attempt.
    State,
}

/// Checks a condition.
pub(super) fn condition(source: &str, sees: Sees) -> Result<Findings, Error> {
    bounded(source, true)?;
    let tree = parse_expr(source).map_err(|it| syntax::explain(source, &it, 0, true))?;
    // The expression parser drops a lexer's error that follows a text literal; the template
    // parser reports it.
    let wrapped = format!("{{{{ {source} }}}}");
    match parse(&wrapped, "<condition>", SyntaxConfig::default()) {
        Err(error) => return Err(syntax::explain(source, &error, 3, true)),
        Ok(Stmt::Template(it)) if matches!(&it.children[..], [Stmt::EmitExpr(_)]) => {}
        Ok(_) => return Err(Error::at("this is more than one expression", 0..source.len())),
    }
    let mut walk = Walk::over(source, "condition", sees);
    walk.expression(&tree)?;
    let mut findings = walk.findings;
    guards(&tree, &mut findings.guards);
    findings.more = !leading(&tree, &mut findings.leading);
    Ok(findings)
}

/// Checks a template.
pub(super) fn template(source: &str, sees: Sees) -> Result<(Findings, Shape), Error> {
    bounded(source, false)?;
    let tree = parse(source, "<template>", jinja())
        .map_err(|it| syntax::explain(source, &it, 0, false))?;
    let Stmt::Template(tree) = tree else { unreachable!("a template's root is a template") };
    let mut walk = Walk::over(source, "template", sees);
    walk.statements(&tree.children)?;
    let trimmed = source.trim();
    let blank = |it: &&Stmt<'_>| matches!(it, Stmt::EmitRaw(raw) if raw.raw.trim().is_empty());
    let said: Vec<_> = tree.children.iter().filter(|it| !blank(it)).collect();
    let shape = match &said[..] {
        [Stmt::EmitExpr(only)] if trimmed.starts_with("{{") && trimmed.ends_with("}}") => {
            let silent = matches!(&only.expr, Expr::IfExpr(it) if it.false_expr.is_none());
            Shape::Native { silent, plain: plain(&only.expr) }
        }
        _ => pieces(&tree.children).map_or(Shape::Text, Shape::Plain),
    };
    Ok((walk.findings, shape))
}

/// Jinja as it is, but the last line's end stays, as it does in a text without markup.
pub(super) fn jinja() -> SyntaxConfig {
    SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .expect("the usual delimiters are valid")
}

/// Bounds length, depth and statements before anything recurses over them.
fn bounded(source: &str, expression: bool) -> Result<(), Error> {
    let too_long = |what: &str| {
        Err(Error::at(format!("the {what} is too long"), 0..source.len())
            .hint("split it, or compute it in the receiver"))
    };
    if source.len() > SOURCE {
        return too_long("text");
    }
    let (mut tokens, mut statements) = (0, 0);
    let all = tokenize(source, expression, SyntaxConfig::default());
    for (token, _) in all.map_while(Result::ok) {
        match token {
            Token::VariableStart => tokens = 0,
            Token::BlockStart => (tokens, statements) = (0, statements + 1),
            Token::TemplateData(_)
            | Token::Comma
            | Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Float(_) => {}
            _ => tokens += 1,
        }
        if tokens > TOKENS {
            return too_long("expression");
        }
        if statements > STATEMENTS {
            return too_long("template");
        }
    }
    Ok(())
}

struct Walk<'s> {
    source: &'s str,
    what: &'static str,
    sees: Sees,
    /// Variables of the loops around.
    locals: Vec<String>,
    joins: usize,
    findings: Findings,
}

impl<'s> Walk<'s> {
    fn over(source: &'s str, what: &'static str, sees: Sees) -> Self {
        Self { source, what, sees, locals: Vec::new(), joins: 0, findings: Findings::default() }
    }

    fn statements(&mut self, statements: &[Stmt<'_>]) -> Result<(), Error> {
        statements.iter().try_for_each(|it| self.statement(it))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Result<(), Error> {
        match statement {
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::EmitExpr(it) => self.expression(&it.expr),
            Stmt::IfCond(it) => {
                self.expression(&it.expr)?;
                self.statements(&it.true_body)?;
                self.statements(&it.false_body)
            }
            Stmt::ForLoop(it) => self.for_loop(it),
            _ => Err(Error::at("this statement is not known here", 0..self.source.len())
                .hint("a template knows `{% if %}` and `{% for %}`")),
        }
    }

    fn for_loop(&mut self, it: &Spanned<ForLoop<'_>>) -> Result<(), Error> {
        let joins = self.joins;
        self.expression(&it.iter)?;
        let literal = match &it.iter {
            Expr::List(list) => list.as_const().is_none(),
            Expr::Tuple(_) | Expr::Map(_) => true,
            _ => false,
        };
        if it.recursive || literal || self.joins > joins {
            // Loops that bind what they put together could double it at every level.
            return Err(Error::at("this loop is not known here", range(it.iter.span()))
                .hint("a loop goes over a list as it is"));
        }
        let depth = self.locals.len();
        match &it.target {
            Expr::Var(name) => self.locals.push(name.id.to_owned()),
            Expr::Tuple(names) => names.items.iter().for_each(|it| self.local(it)),
            Expr::List(names) => names.items.iter().for_each(|it| self.local(it)),
            _ => {}
        }
        self.locals.push("loop".to_owned());
        it.filter_expr.as_ref().map_or(Ok(()), |it| self.expression(it))?;
        self.statements(&it.body)?;
        self.locals.truncate(depth);
        self.statements(&it.else_body)
    }

    fn local(&mut self, target: &Expr<'_>) {
        if let Expr::Var(name) = target {
            self.locals.push(name.id.to_owned());
        }
    }

    fn expression(&mut self, tree: &Expr<'_>) -> Result<(), Error> {
        if let Some(path) = chain(tree) {
            return self.path(path);
        }
        match tree {
            Expr::Var(_) | Expr::Const(_) => Ok(()),
            Expr::GetAttr(it) => self.expression(&it.expr),
            Expr::GetItem(it) => {
                self.expression(&it.expr)?;
                self.expression(&it.subscript_expr)
            }
            Expr::Slice(it) => {
                self.expression(&it.expr)?;
                [&it.start, &it.stop, &it.step]
                    .into_iter()
                    .flatten()
                    .try_for_each(|it| self.expression(it))
            }
            Expr::UnaryOp(it) => self.expression(&it.expr),
            Expr::BinOp(it) => {
                self.operator(it.op, &it.left, &it.right, tree.span())?;
                self.expression(&it.left)?;
                self.expression(&it.right)
            }
            Expr::Compare(it) => {
                self.expression(&it.expr)?;
                it.ops.iter().try_for_each(|it| self.expression(&it.expr))
            }
            Expr::IfExpr(it) => {
                self.expression(&it.test_expr)?;
                self.expression(&it.true_expr)?;
                it.false_expr.as_ref().map_or(Ok(()), |it| self.expression(it))
            }
            Expr::Filter(it) => {
                it.expr.as_ref().map_or(Ok(()), |it| self.expression(it))?;
                self.word(Role::Filter, it.name, tree.span())?;
                self.arguments(&it.args)
            }
            Expr::Test(it) => {
                self.expression(&it.expr)?;
                self.word(Role::Test, it.name, tree.span())?;
                if it.name == "matching" {
                    pattern(&it.args, range(tree.span()))?;
                }
                self.arguments(&it.args)
            }
            Expr::Call(it) => self.call(it, tree.span()),
            Expr::List(it) => it.items.iter().try_for_each(|it| self.expression(it)),
            Expr::Tuple(it) => it.items.iter().try_for_each(|it| self.expression(it)),
            Expr::Map(it) => {
                it.keys.iter().chain(&it.values).try_for_each(|it| self.expression(it))
            }
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Result<(), Error> {
        arguments.iter().try_for_each(|it| match it {
            CallArg::Pos(it)
            | CallArg::Kwarg(_, it)
            | CallArg::PosSplat(it)
            | CallArg::KwargSplat(it) => self.expression(it),
        })
    }

    /// The root of a path must be a loop's variable or `event`.
    fn path(&mut self, path: Path) -> Result<(), Error> {
        let root = path.name.split('.').next().unwrap_or_default();
        if self.locals.iter().any(|it| it == root) {
            return Ok(());
        }
        if root == "event" {
            self.findings.paths.push(path);
            return Ok(());
        }
        if self.sees == Sees::State && STATE.contains(&root) {
            if root == LOOKUP {
                self.findings.lookups.push(path);
            }
            return Ok(());
        }
        let range = path.range.start..path.range.start + root.len();
        let what = self.what;
        let error =
            Error::at(format!("`{root}` is not known here; a {what} sees only `event`"), range);
        Err(match root {
            _ if STATE.contains(&root) => {
                error.hint(format!("`{root}` is state, which belongs in `unless:`"))
            }
            _ => match nearest(root, ["event"].into_iter()) {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error,
            },
        })
    }

    fn word(&self, role: Role, name: &str, span: Span) -> Result<(), Error> {
        if knows(role, name) {
            return Ok(());
        }
        let word = match role {
            Role::Filter => "filter",
            Role::Test => "test",
        };
        let error = Error::at(format!("there is no {word} `{name}`"), self.find(name, span));
        Err(match nearest(name, names(role)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => {
                error.hint(format!("there are: {}", names(role).collect::<Vec<_>>().join(", ")))
            }
        })
    }

    fn call(&self, call: &Call<'_>, span: Span) -> Result<(), Error> {
        let (name, what) = match call.identify_call() {
            CallType::Function(name) => (name, "function"),
            CallType::Method(_, name) | CallType::Block(name) => (name, "method"),
            CallType::Object(_) => {
                return Err(Error::at("only filters and tests take arguments", range(span)));
            }
        };
        let error = Error::at(format!("there is no {what} `{name}`"), self.find(name, span));
        let name = name.replace('_', "");
        let name = match &*name {
            "startswith" => "startingwith",
            "endswith" => "endingwith",
            "contains" | "includes" => "containing",
            "match" | "matches" | "test" | "search" => "matching",
            "len" => "length",
            other => other,
        };
        Err(if knows(Role::Filter, name) {
            error.hint(format!("write it as a filter: `value | {name}`"))
        } else if knows(Role::Test, name) {
            error.hint(format!("write it as a test: `value is {name}(…)`"))
        } else {
            error.hint("there are filters (`value | lower`) and tests (`value is string`)")
        })
    }

    /// Bounds the operators by which texts and lists grow.
    fn operator(
        &mut self,
        op: BinOpKind,
        left: &Expr<'_>,
        right: &Expr<'_>,
        span: Span,
    ) -> Result<(), Error> {
        match op {
            BinOpKind::Mul if !(numeric(left) && numeric(right)) => {
                Err(Error::at("`*` multiplies numbers", range(span))
                    .hint("write `(… | float) * 2`"))
            }
            BinOpKind::Add | BinOpKind::Concat if self.joins == JOINS => {
                Err(Error::at("too many `+` and `~`", range(span))
                    .hint("write the text with several `{{ … }}` in it"))
            }
            BinOpKind::Add | BinOpKind::Concat => {
                self.joins += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Where a name stands within a span, as closely as can be told.
    fn find(&self, name: &str, span: Span) -> Range<usize> {
        let range = range(span);
        let within = self.source.get(range.clone()).unwrap_or_default();
        match within.find(name) {
            Some(at) => range.start + at..range.start + at + name.len(),
            None => range,
        }
    }
}

/// A pattern must be written down, so that it is compiled once and never comes from an event.
fn pattern(arguments: &[CallArg<'_>], whole: Range<usize>) -> Result<(), Error> {
    let [CallArg::Pos(Expr::Const(pattern))] = arguments else {
        return Err(Error::at("`matching` takes one pattern, written in quotes", whole)
            .hint("write `event.text is matching('(?i)refund')`"));
    };
    let Some(text) = pattern.value.as_str() else {
        return Err(Error::at("a pattern is a text", range(pattern.span())));
    };
    if text.contains('\u{8}') {
        // `'\b'` is a backspace in Jinja, and a word's border in a pattern.
        return Err(Error::at("`\\b` in quotes is a backspace", range(pattern.span()))
            .hint("write `'\\\\b'` for the border of a word"));
    }
    match test::regex(text) {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(Error::at("the pattern is too large", range(pattern.span())))
        }
        Err(error) => {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(Error::at(format!("the pattern is not valid: {reason}"), range(pattern.span())))
        }
    }
}

fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}
