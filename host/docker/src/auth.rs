//! The credentials for a registry that a client sends along.

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::object::{is_default, or_default};

/// Clients pad the base64, or they do not.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials for a registry: the header `X-Registry-Auth`, and the body of `POST /auth`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegistryAuth {
    /// The name of the user.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub username: String,
    /// The password in the clear.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub password: String,
    /// `user:password` in base64, instead of the two.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub auth: String,
    /// No longer used by any registry.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub email: String,
    /// The registry.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub serveraddress: String,
    /// Exchanged for a token at the registry.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub identitytoken: String,
    /// Sent to the registry as it is.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub registrytoken: String,
}

/// The header does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError(String);

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid X-Registry-Auth header: {}", self.0)
    }
}

impl std::error::Error for AuthError {}

/// Never shows a secret.
impl fmt::Debug for RegistryAuth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RegistryAuth")
            .field("username", &self.username)
            .field("serveraddress", &self.serveraddress)
            .finish_non_exhaustive()
    }
}

impl RegistryAuth {
    /// Reads the header. An empty header and `{}` are no credentials.
    ///
    /// # Errors
    /// When it is not base64 of a JSON object.
    pub fn from_header(value: &str) -> Result<Option<Self>, AuthError> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(None);
        }
        // Some clients use the other alphabet; the two never contradict each other.
        let url_safe: String = value
            .chars()
            .map(|c| {
                if c == '+' {
                    '-'
                } else if c == '/' {
                    '_'
                } else {
                    c
                }
            })
            .collect();
        let json =
            TOLERANT.decode(url_safe).map_err(|_| AuthError("must be a valid base64url-encoded string".into()))?;
        if json.is_empty() || json == b"{}" {
            return Ok(None);
        }
        let auth: Self =
            serde_json::from_slice(&json).map_err(|_| AuthError("must be a valid JSON object".to_owned()))?;
        Ok((auth != Self::default()).then_some(auth))
    }

    /// User and password, from whichever form holds them.
    #[must_use]
    pub fn basic(&self) -> Option<(String, String)> {
        if !self.username.is_empty() {
            return Some((self.username.clone(), self.password.clone()));
        }
        let pair = String::from_utf8(STANDARD.decode(self.auth.trim()).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::RegistryAuth;

    #[test]
    fn every_form_of_no_credentials() {
        for header in ["", "  ", "e30=", "e30", "eyJ1c2VybmFtZSI6IiJ9"] {
            assert_eq!(RegistryAuth::from_header(header), Ok(None), "{header:?}");
        }
    }

    #[test]
    fn padded_or_not_and_nulls() {
        // {"username":"u","password":"p","email":null}
        for header in [
            "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJlbWFpbCI6bnVsbH0=",
            "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJlbWFpbCI6bnVsbH0",
        ] {
            let auth = RegistryAuth::from_header(header).unwrap().unwrap();
            assert_eq!(auth.basic(), Some(("u".to_owned(), "p".to_owned())));
            assert!(!format!("{auth:?}").contains("password"));
        }
    }

    #[test]
    fn user_and_password_in_one() {
        let auth = RegistryAuth { auth: "dTpwOnE=".to_owned(), ..RegistryAuth::default() };
        assert_eq!(auth.basic(), Some(("u".to_owned(), "p:q".to_owned())));
    }

    #[test]
    fn malformed() {
        assert!(RegistryAuth::from_header("!!").is_err());
        assert!(RegistryAuth::from_header("bm9wZQ==").is_err());
    }
}
