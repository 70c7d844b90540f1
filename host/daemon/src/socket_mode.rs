//! The mode of a unix socket, as people write it.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Permission bits, written in octal digits: `0660`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketMode(u32);

/// A mode; nothing if the variable is set and empty.
pub(crate) type ModeChoice = Option<SocketMode>;

impl SocketMode {
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn optional(text: &str) -> Result<ModeChoice, String> {
        if text.trim().is_empty() { Ok(None) } else { text.parse().map(Some) }
    }
}

impl Default for SocketMode {
    /// Owner and group may use it.
    fn default() -> Self {
        Self(0o660)
    }
}

impl FromStr for SocketMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mode = u32::from_str_radix(text.trim(), 8).ok().filter(|mode| *mode <= 0o777);
        let mode =
            mode.ok_or_else(|| format!("\"{text}\" is no mode of a socket: write octal digits, such as 0660"))?;
        // Whoever may not write cannot connect: such a socket serves nobody.
        if mode & 0o222 == 0 {
            return Err(format!("with the mode \"{text}\" nobody may connect to the socket: write 0660, or 0600"));
        }
        Ok(Self(mode))
    }
}

impl<'de> Deserialize<'de> for SocketMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::SocketMode;

    #[test]
    fn octal_digits_and_nothing_else() {
        for (text, bits) in [("0660", 0o660), ("600", 0o600), ("0666", 0o666)] {
            assert_eq!(text.parse::<SocketMode>().map(SocketMode::bits), Ok(bits), "{text}");
        }
        for text in ["", "u=rw", "0o660", "888", "1777", "0440", "-660", "rw-rw----"] {
            assert!(text.parse::<SocketMode>().is_err(), "{text}");
        }
        assert_eq!(SocketMode::optional(" "), Ok(None));
    }
}
