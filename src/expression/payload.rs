//! Payloads: JSON of the configuration whose strings are templates.

use serde_json::Value;

use super::{Error, Path, Subject, Template};

/// What a route gives to a destination instead of its default payload.
#[derive(Debug)]
pub struct Payload(Node);

#[derive(Debug)]
enum Node {
    /// A number, a boolean or null.
    Fixed(Value),
    Text(Box<Template>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Payload {
    /// Compiles a payload. Keys are taken as they are; every string below them is a template.
    ///
    /// # Errors
    /// What is wrong, with the place it stands at (`data.customerName`).
    pub fn compile(value: &Value) -> Result<Self, Error> {
        Node::compile(value, &mut Vec::new()).map(Self)
    }

    /// The paths it reads, each with the place of the template that reads it.
    pub fn paths(&self) -> Vec<(String, Path)> {
        let mut paths = Vec::new();
        self.0.paths(&mut Vec::new(), &mut paths);
        paths
    }

    /// The payload for a subject.
    ///
    /// # Errors
    /// Why it could not be rendered, with the place.
    pub fn render(&self, subject: &Subject) -> Result<Value, Error> {
        self.0.render(subject, &mut Vec::new())
    }
}

impl Node {
    fn compile(value: &Value, place: &mut Vec<String>) -> Result<Self, Error> {
        Ok(match value {
            Value::String(text) => {
                Self::Text(Box::new(Template::on_state(text).map_err(|it| named(it, place))?))
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, it)| {
                    below(place, index.to_string(), |place| Self::compile(it, place))
                });
                Self::List(items.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, it)| {
                    let node = below(place, name, |place| Self::compile(it, place))?;
                    Ok((name.clone(), node))
                });
                Self::Object(fields.collect::<Result<_, Error>>()?)
            }
            fixed => Self::Fixed(fixed.clone()),
        })
    }

    fn render(&self, subject: &Subject, place: &mut Vec<String>) -> Result<Value, Error> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(template) => template.render(subject).map_err(|it| named(it, place)),
            Self::List(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, it)| {
                        below(place, index.to_string(), |place| it.render(subject, place))
                    })
                    .collect()
            }
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, it)| {
                    let value = below(place, name, |place| it.render(subject, place))?;
                    Ok((name.clone(), value))
                });
                fields.collect::<Result<_, _>>().map(Value::Object)
            }
        }
    }

    fn paths(&self, place: &mut Vec<String>, paths: &mut Vec<(String, Path)>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template) => {
                paths.extend(template.paths().iter().map(|it| (place.join("."), it.clone())));
            }
            Self::List(items) => {
                for (index, it) in items.iter().enumerate() {
                    below(place, index.to_string(), |place| it.paths(place, paths));
                }
            }
            Self::Object(fields) => {
                for (name, it) in fields {
                    below(place, name, |place| it.paths(place, paths));
                }
            }
        }
    }
}

/// Does something one step further down.
fn below<T>(
    place: &mut Vec<String>,
    step: impl Into<String>,
    inner: impl FnOnce(&mut Vec<String>) -> T,
) -> T {
    place.push(step.into());
    let value = inner(place);
    place.pop();
    value
}

fn named(error: Error, place: &[String]) -> Error {
    if place.is_empty() {
        return error;
    }
    Error { message: format!("`{}`: {}", place.join("."), error.message), ..error }
}
