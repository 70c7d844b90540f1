//! The input of a process.
//!
//! A client's input is one numbered sequence of bytes, of a *writer* that the daemon names. A request carries it from
//! `offset` on; the body of the answer, which begins at once, is a sequence of eight-byte numbers in big endian, each
//! saying up to which offset the process's pipe has taken the writer's bytes, the first of them where the agent
//! stands when the request arrives. The daemon keeps what is not acknowledged, and sends it again after the link has
//! broken; the agent skips what it has. The end of the request's body is the end of the input: with `close` the process
//! sees it. The agent acknowledges that with [`END`].

/// Acknowledges the end of the input.
pub const END: u64 = u64::MAX;

/// Bytes that may be under way without an acknowledgement.
pub const WINDOW: usize = 1 << 20;

/// Takes acknowledgements out of bytes that arrive in any pieces.
#[derive(Debug, Default)]
pub struct Acknowledgements {
    partial: Vec<u8>,
}

impl Acknowledgements {
    /// Adds bytes; answers the newest acknowledgement that is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Option<u64> {
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.len() / 8 * 8;
        let newest = self.partial.get(..whole)?.last_chunk::<8>().copied().map(u64::from_be_bytes);
        self.partial.drain(..whole);
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_number_counts() {
        let mut acknowledgements = Acknowledgements::default();
        let mut bytes = Vec::new();
        for number in [5_u64, 9, END] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        assert_eq!(acknowledgements.push(&bytes[..3]), None);
        assert_eq!(acknowledgements.push(&bytes[3..17]), Some(9));
        assert_eq!(acknowledgements.push(&bytes[17..]), Some(END));
        assert_eq!(acknowledgements.push(&[]), None);
    }
}
