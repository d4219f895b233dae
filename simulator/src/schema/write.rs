//! Writing a body from its plan.

use pns_engine::Timestamp;
use serde_json::Value;

use super::draws::Draws;
use super::format;
use super::pack::MAX_BODY_BYTES;
use super::plan::{Array, Node, NodeId, Number, Object, Plans, Stamp, Step};

/// Below this nesting a body is kept as small as its schema allows: recursive schemas end.
const FULL_DEPTH: usize = 6;
/// Deeper nesting is not written at all.
const MAX_DEPTH: usize = 128;
/// How often a part is written again until the rest of its schema holds.
const PART_TRIES: usize = 32;
/// How often parts are written again in one body, all together: checked parts may lie in each other.
pub(super) const EFFORT: u32 = 256;
/// How often an element of a `uniqueItems` array is drawn again.
const UNIQUE_TRIES: usize = 24;
/// How many elements an array has beyond what it must.
const USUAL_ELEMENTS: usize = 3;

/// One body being written.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) plans: &'a Plans,
    pub(super) draws: Draws,
    pub(super) published: Timestamp,
    /// How many rejected parts may still be written again.
    pub(super) effort: u32,
    pub(super) out: &'a mut Vec<u8>,
}

/// The body grew or nested beyond its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Writer<'_> {
    /// Appends what `node` says.
    pub(super) fn write(&mut self, node: NodeId, depth: usize) -> Result<(), TooLarge> {
        match &self.plans.nodes[node] {
            Node::Steps(steps) => self.steps(steps, depth)?,
            Node::Never => return Err(TooLarge),
            Node::Literal(text) => self.out.extend_from_slice(text),
            Node::Pick(among) => self.out.extend_from_slice(&among[self.draws.index(among.len())]),
            Node::Boolean => {
                let text: &[u8] = if self.draws.next() & 1 == 0 { b"false" } else { b"true" };
                self.out.extend_from_slice(text);
            }
            Node::Number(number) => self.number(*number),
            Node::Text { min, max } => {
                self.out.push(b'"');
                format::words(*min, *max, &mut self.draws, self.out);
                self.out.push(b'"');
            }
            Node::Pattern(pattern) => {
                let text = pattern.text(&mut self.draws);
                serde_json::to_writer(&mut *self.out, &text).expect("a vector takes all");
            }
            Node::Format(format) => {
                self.out.push(b'"');
                format.write(&mut self.draws, self.published, self.out);
                self.out.push(b'"');
            }
            Node::Published(stamp) => self.published(*stamp),
            Node::Array(array) => self.array(array, depth)?,
            Node::Object(object) => self.object(object, depth)?,
            Node::Choice(among) => {
                let chosen = self.choose(among, depth);
                self.write(chosen, depth)?;
            }
            Node::Checked { inner, checks } => {
                let start = self.out.len();
                for _ in 0..PART_TRIES {
                    self.out.truncate(start);
                    self.write(*inner, depth)?;
                    let value: Result<Value, _> = serde_json::from_slice(&self.out[start..]);
                    let fits = value.is_ok_and(|value| checks.iter().all(|check| check.is_valid(&value)));
                    if fits || self.effort == 0 {
                        break;
                    }
                    self.effort -= 1;
                }
            }
        }
        if depth > MAX_DEPTH || self.out.len() > MAX_BODY_BYTES { Err(TooLarge) } else { Ok(()) }
    }

    fn steps(&mut self, steps: &[Step], depth: usize) -> Result<(), TooLarge> {
        for step in steps {
            match step {
                Step::Bytes(bytes) => self.out.extend_from_slice(bytes),
                Step::Uuid => format::uuid(&mut self.draws, self.out),
                Step::Published => format::instant(self.published, true, self.out),
                Step::Pick(among) => self.out.extend_from_slice(&among[self.draws.index(among.len())]),
                Step::Node(node) => self.write(*node, depth + 1)?,
            }
        }
        Ok(())
    }

    fn choose(&mut self, among: &[NodeId], depth: usize) -> NodeId {
        let plans = self.plans;
        if depth >= FULL_DEPTH {
            return among.iter().copied().min_by_key(|node| plans.heights[*node]).unwrap_or(among[0]);
        }
        let ending = || among.iter().copied().filter(|node| plans.ends(*node));
        let count = ending().count().max(1);
        ending().nth(self.draws.index(count)).unwrap_or(among[0])
    }

    fn published(&mut self, stamp: Stamp) {
        match stamp {
            Stamp::EpochMillis => self.integer(i128::from(self.published.as_millis())),
            Stamp::Millis | Stamp::Seconds => {
                self.out.push(b'"');
                format::instant(self.published, stamp == Stamp::Millis, self.out);
                self.out.push(b'"');
            }
        }
    }

    fn integer(&mut self, value: i128) {
        use std::io::Write as _;
        write!(self.out, "{value}").expect("a vector takes all");
    }

    fn number(&mut self, number: Number) {
        use std::io::Write as _;
        let span = u64::try_from(number.max - number.min).unwrap_or(u64::MAX - 1).min(u64::MAX - 1);
        let value = (number.min + i128::from(self.draws.below(span + 1))) * number.step;
        let unit = 10_i128.pow(number.scale);
        if value % unit == 0 {
            return self.integer(value / unit);
        }
        if value < 0 {
            self.out.push(b'-');
        }
        let (whole, part) =
            (value.unsigned_abs() / unit.unsigned_abs(), value.unsigned_abs() % unit.unsigned_abs());
        write!(self.out, "{whole}.{part:0width$}", width = number.scale as usize)
            .expect("a vector takes all");
    }

    fn object(&mut self, object: &Object, depth: usize) -> Result<(), TooLarge> {
        let mut there: Vec<bool> = object.members.iter().map(|member| member.required).collect();
        let may = |plans: &Plans, index: usize| plans.ends(object.members[index].node);
        let count = |there: &[bool]| there.iter().filter(|there| **there).count();
        if depth < FULL_DEPTH {
            for index in 0..there.len() {
                if !there[index] && may(self.plans, index) && self.draws.next() & 1 == 0 {
                    let mut wider = there.clone();
                    add(object, &mut wider, index);
                    if count(&wider) <= object.max {
                        there = wider;
                    }
                }
            }
        }
        for index in 0..there.len() {
            if there[index] {
                add(object, &mut there, index);
            }
        }
        // Start anywhere, so that the members that fill up to the least number differ.
        let first = if there.is_empty() { 0 } else { self.draws.index(there.len()) };
        for index in (first..there.len()).chain(0..first) {
            if count(&there) < object.min && !there[index] && may(self.plans, index) {
                add(object, &mut there, index);
            }
        }
        self.out.push(b'{');
        let mut written = false;
        for (member, there) in object.members.iter().zip(there) {
            if there {
                if written {
                    self.out.push(b',');
                }
                written = true;
                self.out.extend_from_slice(&member.key);
                self.write(member.node, depth + 1)?;
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn array(&mut self, array: &Array, depth: usize) -> Result<(), TooLarge> {
        let contained: usize = array.contains.iter().map(|contained| contained.count).sum();
        let least = array.min.max(contained).min(array.max);
        let most = if depth < FULL_DEPTH {
            array.max.min(least.max(array.prefix.len()) + USUAL_ELEMENTS)
        } else {
            least
        };
        let open = array.rest.is_some_and(|rest| self.plans.ends(rest));
        let closed = array.prefix.iter().take_while(|node| self.plans.ends(**node)).count();
        let most = if open && closed == array.prefix.len() { most } else { most.min(closed) };
        let length = self.draws.within(least, most.max(least));
        let mut elements: Vec<(usize, usize)> = Vec::new();
        let shift =
            if contained > 0 && length > contained { self.draws.index(length - contained + 1) } else { 0 };
        self.out.push(b'[');
        for index in 0..length {
            let Some(node) = element(array, index, shift) else { break };
            let before = self.out.len();
            let mut unique = false;
            for _ in 0..UNIQUE_TRIES {
                self.out.truncate(before);
                if index > 0 {
                    self.out.push(b',');
                }
                let start = self.out.len();
                self.write(node, depth + 1)?;
                let end = self.out.len();
                unique = !array.unique
                    || !elements.iter().any(|&(from, to)| self.out[from..to] == self.out[start..end]);
                if unique {
                    if array.unique {
                        elements.push((start, end));
                    }
                    break;
                }
            }
            if !unique && index >= array.min {
                self.out.truncate(before);
                break;
            }
        }
        self.out.push(b']');
        Ok(())
    }
}

/// The node of element `index`; the contained ones stand together from `shift` on.
fn element(array: &Array, index: usize, shift: usize) -> Option<NodeId> {
    let mut place = shift;
    for contained in &array.contains {
        if (place..place + contained.count).contains(&index) {
            return Some(contained.node);
        }
        place += contained.count;
    }
    array.prefix.get(index).copied().or(array.rest)
}

/// Puts member `index` in, with all that it needs.
fn add(object: &Object, there: &mut [bool], index: usize) {
    let mut pending = vec![index];
    there[index] = true;
    while let Some(next) = pending.pop() {
        for &needed in &object.members[next].needs {
            if !there[needed] {
                there[needed] = true;
                pending.push(needed);
            }
        }
    }
}
