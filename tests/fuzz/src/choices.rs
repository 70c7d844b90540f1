//! Decisions, taken from the bytes of an input.

/// Reads an input from its beginning. At the end every number is 0 and everything is empty.
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// Two bytes, in little endian.
    pub(crate) fn short(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// So many bytes, or all that are left.
    pub(crate) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        bytes
    }

    /// Up to 255 bytes, whose number stands before them.
    pub(crate) fn some(&mut self) -> &'a [u8] {
        let count = self.byte().into();
        self.bytes(count)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }
}
