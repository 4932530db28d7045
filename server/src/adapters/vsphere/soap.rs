//! SOAP as vSphere speaks it: requests written, answers and faults read. Pure.

use crate::adapters::http::{Failure, refusal};
use app::values::PortErrorKind;
use roxmltree::{Document, Node};

/// An object of vSphere, by its kind and its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    pub kind: String,
    pub value: String,
}

impl Reference {
    pub fn new(kind: &str, value: &str) -> Self {
        Self { kind: kind.into(), value: value.into() }
    }

    /// From an element like `<obj type="VirtualMachine">vm-9</obj>`.
    pub fn of(node: Node<'_, '_>) -> Option<Self> {
        // Beside it may stand the type of the element itself, in a namespace of its own.
        let kind = node.attributes().find(|attribute| attribute.name() == "type" && attribute.namespace().is_none())?;
        Some(Self::new(kind.value(), node.text()?))
    }

    pub fn element(&self, name: &str) -> String {
        format!("<{name} type=\"{}\">{}</{name}>", escaped(&self.kind), escaped(&self.value))
    }
}

/// Text as it may stand in XML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A call of a method of `this`; `rest` is the XML of its other parameters.
pub fn request(method: &str, this: &Reference, rest: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><Body>\
         <{method} xmlns=\"urn:vim25\">{}{rest}</{method}></Body></Envelope>",
        this.element("_this")
    )
}

/// What came back for a call.
#[derive(Debug, PartialEq)]
pub enum Fault {
    /// The session is over; a new one helps.
    NotAuthenticated,
    Other(Failure),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Fault::Other(failure)
    }
}

pub fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The text of an element some steps down.
pub fn text<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(node, |node, name| child(node, name))?.text()
}

/// The type an element says it has, without its prefix.
pub fn type_of<'a>(node: Node<'a, '_>) -> &'a str {
    let attribute = node.attributes().find(|attribute| attribute.name() == "type" && attribute.namespace().is_some());
    attribute.map_or("", |attribute| attribute.value().rsplit(':').next().unwrap_or_default())
}

/// Hands the answer's element to `read`, or says which fault came instead.
pub fn answer<T>(method: &str, status: u16, body: &[u8], read: impl FnOnce(Node<'_, '_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let garbage = |said: String| Fault::Other((PortErrorKind::Garbage, said));
    let text = std::str::from_utf8(body).map_err(|_| garbage("the answer is no text".into()))?;
    let document = match Document::parse(text) {
        Ok(document) => document,
        // 500 is what faults come with; without one it is as good as any page.
        Err(error) => {
            return Err(refusal(status)
                .filter(|_| status != 500)
                .map_or_else(|| garbage(format!("the answer is no XML: {error}")), Fault::Other));
        }
    };
    let body = child(document.root_element(), "Body").and_then(|body| body.first_element_child());
    let Some(body) = body else {
        return Err(refusal(status).map_or_else(|| garbage("the answer is no SOAP".into()), Fault::Other));
    };
    match body.tag_name().name() {
        "Fault" => Err(fault(body)),
        name if name.strip_suffix("Response") == Some(method) => read(body),
        other => Err(garbage(format!("it answered {other} to {method}"))),
    }
}

fn fault(fault: Node<'_, '_>) -> Fault {
    let said = text(fault, &["faultstring"]).unwrap_or("no reason given").split_whitespace().collect::<Vec<_>>().join(" ");
    let kind = child(fault, "detail").and_then(|detail| detail.first_element_child()).map_or("", type_of);
    match kind {
        "NotAuthenticated" => Fault::NotAuthenticated,
        // A view belongs to its session, and is gone with it.
        "ManagedObjectNotFound" => Fault::NotAuthenticated,
        "InvalidLogin" => Fault::Other((PortErrorKind::Denied, "it does not know this user with this password".into())),
        "NoPermission" | "RestrictedVersion" => Fault::Other((PortErrorKind::Denied, format!("it refuses us: {said}"))),
        "" => Fault::Other((PortErrorKind::Failed, said)),
        kind => Fault::Other((PortErrorKind::Failed, format!("{kind}: {said}"))),
    }
}
