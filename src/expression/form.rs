//! What an expression is by its form: one path, a number, a comparison.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};

use super::Path;

/// The shape of a template.
pub(super) enum Shape {
    /// Exactly one `{{ … }}`; `silent` when it may have no value: `{{ x if y }}`.
    Native { silent: bool, plain: Option<Path> },
    /// Literals and plain paths only.
    Plain(Vec<Piece>),
    /// Anything else.
    Text,
}

/// A part of a template.
pub(super) enum Piece {
    Literal(String),
    Path(Path),
}

/// A conjunct that needs no engine.
pub(super) enum Conjunct {
    /// `path`
    There(Path),
    /// `path == 'text'`
    Equal(Path, String),
    /// `path is matching('pattern')`
    Matching(Path, String),
}

/// The conjuncts that stand before the first one that needs the engine; `true` when none does.
pub(super) fn leading(tree: &Expr<'_>, found: &mut Vec<Conjunct>) -> bool {
    if let Some(path) = plain(tree) {
        found.push(Conjunct::There(path));
        return true;
    }
    if let Expr::Test(it) = tree
        && it.name == "matching"
        && let ([CallArg::Pos(Expr::Const(pattern))], Some(path)) = (&it.args[..], plain(&it.expr))
        && let Some(pattern) = pattern.value.as_str()
    {
        found.push(Conjunct::Matching(path, pattern.to_owned()));
        return true;
    }
    let Expr::BinOp(it) = tree else { return false };
    match (it.op, &it.right) {
        (BinOpKind::ScAnd, right) => leading(&it.left, found) && leading(right, found),
        (BinOpKind::Eq, Expr::Const(text)) => {
            let (Some(path), Some(text)) = (plain(&it.left), text.value.as_str()) else {
                return false;
            };
            found.push(Conjunct::Equal(path, text.to_owned()));
            true
        }
        _ => false,
    }
}

/// A template of literals and plain paths.
pub(super) fn pieces(children: &[Stmt<'_>]) -> Option<Vec<Piece>> {
    let piece = |it: &Stmt<'_>| match it {
        Stmt::EmitRaw(raw) => Some(Piece::Literal(raw.raw.to_owned())),
        Stmt::EmitExpr(it) => plain(&it.expr).map(Piece::Path),
        _ => None,
    };
    children.iter().map(piece).collect()
}

/// `event.a.b` and nothing else.
pub(super) fn plain(tree: &Expr<'_>) -> Option<Path> {
    let path = chain(tree)?;
    (path.name.starts_with("event.") && !path.indexed).then_some(path)
}

/// A variable and the constant steps below it.
pub(super) fn chain(tree: &Expr<'_>) -> Option<Path> {
    let mut steps = Vec::new();
    let mut at = tree;
    let mut indexed = false;
    loop {
        match at {
            Expr::Var(it) => {
                steps.push(it.id.to_owned());
                break;
            }
            Expr::GetAttr(it) => {
                steps.push(it.name.to_owned());
                at = &it.expr;
            }
            Expr::GetItem(it) => {
                let Expr::Const(step) = &it.subscript_expr else { return None };
                let text = step.value.as_str().filter(|it| !it.is_empty() && !it.contains('.'));
                let index = step.value.as_usize().map(|it| it.to_string());
                steps.push(text.map(str::to_owned).or(index)?);
                indexed = true;
                at = &it.expr;
            }
            _ => return None,
        }
    }
    steps.reverse();
    // Spans of nested lookups begin at their own dot: the variable's is where all of it begins.
    let range = at.span().start_offset as usize..tree.span().end_offset as usize;
    Some(Path { name: steps.join("."), range, indexed })
}

/// Paths compared by `<` and its kin, in the conjuncts of a condition.
pub(super) fn guards(tree: &Expr<'_>, found: &mut Vec<Path>) {
    let Expr::BinOp(it) = tree else { return };
    match it.op {
        BinOpKind::ScAnd => {
            guards(&it.left, found);
            guards(&it.right, found);
        }
        BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte => {
            let sides = [&it.left, &it.right].into_iter().filter_map(chain);
            found.extend(sides.filter(|it| it.name.starts_with("event.")));
        }
        _ => {}
    }
}

/// Whether an expression is a number by its form.
pub(super) fn numeric(tree: &Expr<'_>) -> bool {
    match tree {
        Expr::Const(it) => it.value.is_number(),
        Expr::UnaryOp(it) => numeric(&it.expr),
        Expr::Filter(it) => matches!(it.name, "int" | "float" | "length" | "round" | "abs"),
        Expr::BinOp(it) => match it.op {
            BinOpKind::Add | BinOpKind::Mul => numeric(&it.left) && numeric(&it.right),
            BinOpKind::Sub
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => true,
            _ => false,
        },
        _ => false,
    }
}
