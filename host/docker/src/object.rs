//! What every type of the API has in common.

use serde::{Deserialize, Deserializer};

/// Declares types whose every field is optional on the way in: absent and `null` both mean the zero value, as in Go.
macro_rules! object {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$attribute:meta])* pub $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "PascalCase", default)]
            pub struct $name {
                $(
                    $(#[$attribute])*
                    #[serde(deserialize_with = "crate::object::or_default")]
                    pub $field: $type,
                )*
            }
        )+
    };
}

/// `null` is the zero value.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For fields that Go leaves out when they hold their zero value (`omitempty`).
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
