//! Reading a document as a tree.
//!
//! **Invariant:** the tree is the one that signatures are verified on, and its text has passed
//! [`scan`](crate::scan). Attributes are read by their bare name: one in a namespace never answers for it.

use std::fmt::Write as _;

use uppsala::{Document, NodeId, NodeKind, Parser};

use crate::check::{Check, Rejection};

/// The namespaces of `xml:` and `xmlns:`, which no other prefix may have.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// A parsed document.
pub(crate) struct Tree<'x> {
    document: Document<'x>,
}

/// One element of a [`Tree`].
#[derive(Clone, Copy)]
pub(crate) struct Element<'t> {
    document: &'t Document<'t>,
    id: NodeId,
}

/// More than one child where one is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeated;

impl<'x> Tree<'x> {
    /// Parses what [`scan`](crate::scan::scan) returned.
    pub(crate) fn parse(text: &'x str) -> Result<Self, Rejection> {
        let parser = Parser::new().with_forbid_dtd(true).with_forbid_entities(true);
        let document =
            parser.parse(text).map_err(|error| Rejection::new(Check::WellFormed, error.to_string()))?;
        let tree = Self { document };
        tree.root()?.descendants().try_for_each(|element| element.check_namespaces())?;
        Ok(tree)
    }

    /// The root element.
    pub(crate) fn root(&self) -> Result<Element<'_>, Rejection> {
        let id = self.document.document_element();
        let id = id.ok_or_else(|| Rejection::new(Check::WellFormed, "there is no root element"))?;
        Ok(Element { document: &self.document, id })
    }

    /// The document as the signature core takes it.
    pub(crate) fn document(&self) -> &Document<'x> {
        &self.document
    }

    /// Indented text, for people.
    pub(crate) fn pretty(&self) -> String {
        self.document.to_xml_with_options(&uppsala::XmlWriteOptions::pretty("  "))
    }
}

impl<'t> Element<'t> {
    fn data(&self) -> Option<&'t uppsala::Element<'t>> {
        self.document.element(self.id)
    }

    /// Refuses declarations that XML namespaces 1.0 forbids (§3): parsers disagree on what they mean.
    fn check_namespaces(&self) -> Result<(), Rejection> {
        let declared = self.data().map(|data| data.namespace_declarations.as_slice()).unwrap_or_default();
        for (prefix, uri) in declared {
            let (prefix, uri) = (&**prefix, &**uri);
            let undeclares = uri.is_empty() && !prefix.is_empty();
            let reserved = prefix == "xmlns" || uri == XMLNS || ((prefix == "xml") != (uri == XML));
            if undeclares || reserved {
                let detail = format!("the prefix {prefix:?} must not be bound to {uri:?}");
                return Err(Rejection::new(Check::WellFormed, detail));
            }
        }
        Ok(())
    }

    /// The local name.
    pub(crate) fn local(&self) -> &'t str {
        self.data().map_or("", |data| &*data.name.local_name)
    }

    /// Whether the element has this name.
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        self.data().is_some_and(|data| data.matches_name_ns(namespace, local))
    }

    /// Whether the element is in a namespace.
    pub(crate) fn is_in(&self, namespace: &str) -> bool {
        self.data().is_some_and(|data| data.name.namespace_uri.as_deref() == Some(namespace))
    }

    /// An attribute that is in no namespace.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'t str> {
        let attributes = self.data().map(|data| data.attributes.as_slice()).unwrap_or_default();
        attributes
            .iter()
            .find(|attribute| {
                attribute.name.namespace_uri.is_none()
                    && attribute.name.prefix.is_none()
                    && *attribute.name.local_name == *name
            })
            .map(|attribute| &*attribute.value)
    }

    /// An attribute that is in a namespace.
    pub(crate) fn attribute_in(&self, namespace: &str, name: &str) -> Option<&'t str> {
        self.data()?.get_attribute_ns(namespace, name)
    }

    /// Every attribute: whether it is in a namespace, its local name, its value.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (bool, &'t str, &'t str)> + use<'t> {
        let attributes = self.data().map(|data| data.attributes.as_slice()).unwrap_or_default();
        attributes.iter().map(|attribute| {
            let qualified = attribute.name.namespace_uri.is_some() || attribute.name.prefix.is_some();
            (qualified, &*attribute.name.local_name, &*attribute.value)
        })
    }

    /// The element's `ID` attribute.
    pub(crate) fn id(&self) -> Option<&'t str> {
        self.attribute("ID")
    }

    /// The parent element.
    pub(crate) fn parent(&self) -> Option<Element<'t>> {
        let parent = Element { document: self.document, id: self.document.parent(self.id)? };
        parent.data().map(|_| parent)
    }

    /// Whether both are the same node of the same tree.
    pub(crate) fn same(&self, other: &Element<'_>) -> bool {
        self.id == other.id
    }

    /// The node, as the signature core names it.
    pub(crate) fn node(&self) -> NodeId {
        self.id
    }

    /// The child elements.
    pub(crate) fn children(&self) -> impl Iterator<Item = Element<'t>> + use<'t> {
        let document = self.document;
        document
            .children_iter(self.id)
            .map(move |id| Element { document, id })
            .filter(|child| child.data().is_some())
    }

    /// The child elements of this name.
    pub(crate) fn children_named<'n>(
        &self,
        namespace: &'n str,
        local: &'n str,
    ) -> impl Iterator<Item = Element<'t>> + use<'t, 'n> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// The only child of this name, if there is one.
    pub(crate) fn child(&self, namespace: &str, local: &str) -> Result<Option<Element<'t>>, Repeated> {
        let mut found = self.children_named(namespace, local);
        let first = found.next();
        if found.next().is_some() { Err(Repeated) } else { Ok(first) }
    }

    /// The first child of this name, for where a second is harmless.
    pub(crate) fn first(&self, namespace: &str, local: &str) -> Option<Element<'t>> {
        self.children_named(namespace, local).next()
    }

    /// The element and everything below it, in document order.
    pub(crate) fn descendants(&self) -> impl Iterator<Item = Element<'t>> + use<'t> {
        let document = self.document;
        let own = std::iter::once(self.id);
        own.chain(document.descendants(self.id))
            .map(move |id| Element { document, id })
            .filter(|element| element.data().is_some())
    }

    /// The whole text: text and CDATA joined, comments left out. `None` if there is an element in it.
    ///
    /// A comment must never split a text: `admin@a.example<!-- -->.evil.example` is one name.
    pub(crate) fn text(&self) -> Option<String> {
        let mut whole = String::new();
        for child in self.document.children_iter(self.id) {
            match self.document.node_kind(child) {
                Some(NodeKind::Text(text) | NodeKind::CData(text)) => whole.push_str(text),
                Some(NodeKind::Comment(_)) => {}
                _ => return None,
            }
        }
        Some(whole)
    }

    /// [`Element::text`] without the white space around it.
    pub(crate) fn trimmed(&self) -> Option<String> {
        self.text().map(|text| text.trim_matches([' ', '\t', '\r', '\n']).to_owned())
    }

    /// Whether there is a comment anywhere in the element.
    pub(crate) fn has_comment(&self) -> bool {
        let is_comment = |&id: &NodeId| matches!(self.document.node_kind(id), Some(NodeKind::Comment(_)));
        self.document.descendants(self.id).iter().any(is_comment)
    }

    /// The namespace declarations in scope, as attributes: ` xmlns:a="…" xmlns="…"`.
    pub(crate) fn scope(&self) -> String {
        let mut seen: Vec<&str> = Vec::new();
        let mut written = String::new();
        let mut at = Some(*self);
        while let Some(element) = at {
            let declared = element.data().map(|data| data.namespace_declarations.as_slice());
            for (prefix, uri) in declared.unwrap_or_default() {
                if seen.contains(&&**prefix) || &**prefix == "xml" {
                    continue;
                }
                seen.push(prefix);
                let colon = if prefix.is_empty() { "" } else { ":" };
                let _ = write!(written, " xmlns{colon}{prefix}=\"{}\"", crate::writer::escape(uri));
            }
            at = element.parent();
        }
        written
    }
}
