//! What a schema was compiled to: how to write a body, with nothing left to look up.

use std::sync::Arc;

use jsonschema::Validator;

use super::format::Format;
use super::pattern::Pattern;

/// A node of a plan. Plans of recursive schemas are graphs.
pub(super) type NodeId = usize;

/// How to write one value.
#[derive(Debug)]
pub(super) enum Node {
    /// Being compiled, or nothing at all fits.
    Never,
    /// This JSON text.
    Literal(Box<[u8]>),
    /// One of these JSON texts.
    Pick(Box<[Box<[u8]>]>),
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number(Number),
    /// Words, with a length in characters.
    Text { min: usize, max: usize },
    /// A text that matches a pattern.
    Pattern(Box<Pattern>),
    /// A text in a known format.
    Format(Format),
    /// The instant of publication.
    Published(Stamp),
    /// An array.
    Array(Box<Array>),
    /// An object.
    Object(Box<Object>),
    /// One of several.
    Choice(Box<[NodeId]>),
    /// Written again until the rest of the schema holds, a bounded number of times.
    Checked { inner: NodeId, checks: Box<[Arc<Validator>]> },
    /// A whole value without choices in its shape: the fast path.
    Steps(Box<[Step]>),
}

/// How the instant of publication is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// `"2016-11-01T12:00:00.000Z"`.
    Millis,
    /// `"2016-11-01T12:00:00Z"`.
    Seconds,
    /// Milliseconds since 1970, as a number.
    EpochMillis,
}

/// The numbers `k × step / 10^scale` with `min <= k <= max`: decimal fractions, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) min: i128,
    pub(super) max: i128,
    pub(super) step: i128,
    pub(super) scale: u32,
}

/// An array's elements.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) prefix: Vec<NodeId>,
    pub(super) rest: Option<NodeId>,
    /// Elements that must be among the others, each at a place of its own.
    pub(super) contains: Vec<Contained>,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) unique: bool,
}

/// `count` elements that satisfy a `contains`, as `node` writes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contained {
    pub(super) node: NodeId,
    pub(super) count: usize,
}

/// An object's members, in the order of the schema.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) members: Vec<Member>,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// One member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// `"name":`, escaped.
    pub(super) key: Box<[u8]>,
    pub(super) node: NodeId,
    pub(super) required: bool,
    /// Members (by place) that must be there when this one is.
    pub(super) needs: Vec<usize>,
}

/// A step of the fast path.
#[derive(Debug)]
pub(super) enum Step {
    /// These bytes.
    Bytes(Box<[u8]>),
    /// A version 4 UUID without quotes.
    Uuid,
    /// The instant of publication, with milliseconds, without quotes.
    Published,
    /// One of these.
    Pick(Box<[Box<[u8]>]>),
    /// What the node writes.
    Node(NodeId),
}

/// The plans of a pack: an arena, and what it takes at least to finish each node.
#[derive(Debug, Default)]
pub(super) struct Plans {
    pub(super) nodes: Vec<Node>,
    /// The least nesting below each node; `u32::MAX` where it never ends.
    pub(super) heights: Vec<u32>,
}

impl Plans {
    /// Whether `node` can be written at all.
    pub(super) fn ends(&self, node: NodeId) -> bool {
        self.heights[node] != u32::MAX
    }

    /// Computes the heights: the least fixed point over the graph.
    pub(super) fn measure(&mut self) {
        self.heights = vec![u32::MAX; self.nodes.len()];
        loop {
            let mut changed = false;
            for node in 0..self.nodes.len() {
                let height = self.height(node);
                if height < self.heights[node] {
                    self.heights[node] = height;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn height(&self, node: NodeId) -> u32 {
        let at = |id: &NodeId| self.heights[*id];
        let inner = match &self.nodes[node] {
            Node::Never => return u32::MAX,
            Node::Choice(among) => return among.iter().map(at).min().unwrap_or(u32::MAX),
            Node::Checked { inner, .. } => return at(inner),
            Node::Object(object) => {
                let required = object.members.iter().filter(|member| member.required);
                let optional =
                    object.members.iter().filter(|member| !member.required && self.ends(member.node));
                if object.members.iter().filter(|m| m.required).count() + optional.count() < object.min {
                    return u32::MAX;
                }
                required.map(|member| at(&member.node)).max()
            }
            Node::Array(array) => {
                let places = array.prefix.iter().take(array.min);
                let rest = array.rest.iter().take(usize::from(array.min > array.prefix.len()));
                let contained = array.contains.iter().map(|contained| &contained.node);
                places.chain(rest).chain(contained).map(at).max()
            }
            _ => None,
        };
        inner.map_or(0, |height| height.saturating_add(1))
    }

    /// Turns `node` into steps, where its shape leaves no choice; otherwise it stays as it is.
    pub(super) fn lower(&mut self, node: NodeId) -> NodeId {
        let mut steps = Vec::new();
        self.steps(node, &mut steps, 0);
        if let [Step::Node(same)] = steps.as_slice() {
            return *same;
        }
        self.nodes.push(Node::Steps(steps.into_boxed_slice()));
        self.heights.push(self.heights[node]);
        self.nodes.len() - 1
    }

    fn steps(&self, node: NodeId, steps: &mut Vec<Step>, depth: usize) {
        /// Deeper objects are written by the general path.
        const MAX_DEPTH: usize = 8;
        match &self.nodes[node] {
            Node::Literal(text) => push(steps, text),
            Node::Pick(among) => steps.push(Step::Pick(among.clone())),
            Node::Format(Format::Uuid) => {
                push(steps, b"\"");
                steps.push(Step::Uuid);
                push(steps, b"\"");
            }
            Node::Published(Stamp::Millis) => {
                push(steps, b"\"");
                steps.push(Step::Published);
                push(steps, b"\"");
            }
            Node::Object(object) if depth < MAX_DEPTH && object.members.iter().all(|m| m.required) => {
                push(steps, b"{");
                for (index, member) in object.members.iter().enumerate() {
                    if index > 0 {
                        push(steps, b",");
                    }
                    push(steps, &member.key);
                    self.steps(member.node, steps, depth + 1);
                }
                push(steps, b"}");
            }
            _ => steps.push(Step::Node(node)),
        }
    }
}

fn push(steps: &mut Vec<Step>, bytes: &[u8]) {
    if let Some(Step::Bytes(last)) = steps.last_mut() {
        *last = [last, bytes].concat().into_boxed_slice();
    } else {
        steps.push(Step::Bytes(bytes.into()));
    }
}
