//! The keys by which a terminal lets go of a process without ending it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{Error, Result};

/// `ctrl-p,ctrl-q`.
const DEFAULT: [u8; 2] = [16, 17];

/// Looks for the detach keys in what a client types.
#[derive(Debug)]
pub(crate) struct DetachKeys {
    keys: Vec<u8>,
    matched: usize,
}

/// What is left of typed bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// These go to the process. A beginning of the keys is held back until it is known what follows.
    Pass(Bytes),
    /// The keys were typed; these came before them.
    Detach(Bytes),
}

impl DetachKeys {
    /// Keys as `docker --detach-keys` has them: `a`, `ctrl-a`, `ctrl-@`, separated by commas. Absent or empty: the default.
    pub(crate) fn parse(written: Option<&str>) -> Result<Self> {
        let Some(written) = written.filter(|written| !written.is_empty()) else {
            return Ok(Self { keys: DEFAULT.to_vec(), matched: 0 });
        };
        let wrong = || Error::invalid(format!("Invalid detach keys ({written}) provided"));
        let key = |key: &str| -> Result<u8> {
            if let [byte] = key.as_bytes() {
                return Ok(*byte);
            }
            match key.strip_prefix("ctrl-").map(str::as_bytes) {
                Some([letter @ b'a'..=b'z']) => Ok(letter - b'a' + 1),
                Some(b"@") => Ok(0),
                Some(b"[") => Ok(27),
                Some(b"\\") => Ok(28),
                Some(b"]") => Ok(29),
                Some(b"^") => Ok(30),
                Some(b"_") => Ok(31),
                _ => Err(wrong()),
            }
        };
        Ok(Self { keys: written.split(',').map(key).collect::<Result<_>>()?, matched: 0 })
    }

    pub(crate) fn scan(&mut self, typed: &Bytes) -> Scanned {
        if self.matched == 0 && !self.keys.first().is_some_and(|first| typed.contains(first)) {
            return Scanned::Pass(typed.clone());
        }
        let mut out = BytesMut::with_capacity(typed.len() + self.matched);
        for &byte in typed {
            if self.keys.get(self.matched) == Some(&byte) {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    self.matched = 0;
                    return Scanned::Detach(out.freeze());
                }
                continue;
            }
            out.put_slice(self.keys.get(..self.matched).unwrap_or_default());
            self.matched = usize::from(self.keys.first() == Some(&byte));
            if self.matched == 0 {
                out.put_u8(byte);
            }
        }
        Scanned::Pass(out.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(text: &'static [u8]) -> Scanned {
        Scanned::Pass(Bytes::from_static(text))
    }

    #[test]
    fn finds_the_keys_over_the_borders_of_reads() {
        let mut keys = DetachKeys::parse(None).unwrap();
        assert_eq!(keys.scan(&Bytes::from_static(b"ls\n")), pass(b"ls\n"));
        assert_eq!(keys.scan(&Bytes::from_static(b"x\x10")), pass(b"x"));
        assert_eq!(keys.scan(&Bytes::from_static(b"\x11rest")), Scanned::Detach(Bytes::new()));
    }

    #[test]
    fn gives_back_what_only_began_like_the_keys() {
        let mut keys = DetachKeys::parse(Some("ctrl-p,ctrl-q")).unwrap();
        assert_eq!(keys.scan(&Bytes::from_static(b"\x10")), pass(b""));
        assert_eq!(keys.scan(&Bytes::from_static(b"a")), pass(b"\x10a"));
        assert_eq!(keys.scan(&Bytes::from_static(b"\x10\x10")), pass(b"\x10"));
        assert_eq!(keys.scan(&Bytes::from_static(b"\x11")), Scanned::Detach(Bytes::new()));
    }

    #[test]
    fn reads_the_clients_way_of_writing_keys() {
        assert_eq!(DetachKeys::parse(Some("ctrl-a,b,ctrl-@")).unwrap().keys, [1, b'b', 0]);
        assert!(DetachKeys::parse(Some("ctrl-A")).is_err());
        assert!(DetachKeys::parse(Some("foo")).is_err());
    }
}
