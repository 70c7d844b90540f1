//! `[roles]` of the configuration file: which clients of the Docker API may do what.

use anyhow::{Context, Result, bail};
use nix::unistd::{Group, User};
use serde::Deserialize;
use sockerless_api::{ClientName, Role, Roles};

/// The table's form. Names are `uid:`, `gid:`, `cn:` and `san:` with what follows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RoleTable {
    /// Of whoever is not named.
    default: DefaultRole,
    read_only: Vec<String>,
    user: Vec<String>,
    admin: Vec<String>,
}

/// A role, as the file has it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DefaultRole {
    /// Who writes the table and says nothing of the others means to keep them out.
    #[default]
    None,
    ReadOnly,
    User,
    Admin,
}

impl RoleTable {
    /// The roles, with users and groups by their numbers.
    ///
    /// # Errors
    /// A name has no known kind, or there is no such user or group.
    pub(crate) fn resolve(&self) -> Result<Roles> {
        let lists = [(Role::ReadOnly, &self.read_only), (Role::User, &self.user), (Role::Admin, &self.admin)];
        let mut named = Vec::new();
        for (role, names) in lists {
            for name in names {
                let client = client_name(name).with_context(|| format!("\"{name}\" in [roles], {role}"))?;
                named.push((client, role));
            }
        }
        let default = match self.default {
            DefaultRole::None => Role::None,
            DefaultRole::ReadOnly => Role::ReadOnly,
            DefaultRole::User => Role::User,
            DefaultRole::Admin => Role::Admin,
        };
        if default != Role::Admin && self.admin.is_empty() {
            tracing::warn!("[roles] names no admin: nobody can load a backend while the daemon runs");
        }
        Ok(Roles::new(named, default))
    }
}

fn client_name(text: &str) -> Result<ClientName> {
    let Some((kind, name)) = text.split_once(':').filter(|(_, name)| !name.is_empty()) else {
        bail!("write uid:USER, gid:GROUP, cn:NAME or san:NAME");
    };
    Ok(match kind {
        "uid" => ClientName::Uid(match name.parse() {
            Ok(number) => number,
            Err(_) => User::from_name(name)?.with_context(|| format!("there is no user {name}"))?.uid.as_raw(),
        }),
        "gid" => ClientName::Gid(match name.parse() {
            Ok(number) => number,
            Err(_) => Group::from_name(name)?.with_context(|| format!("there is no group {name}"))?.gid.as_raw(),
        }),
        "cn" => ClientName::CommonName(name.to_owned()),
        "san" => ClientName::AlternativeName(name.to_owned()),
        _ => bail!("write uid:USER, gid:GROUP, cn:NAME or san:NAME"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_four_kinds() {
        for (text, name) in [
            ("uid:1000", ClientName::Uid(1000)),
            ("uid:root", ClientName::Uid(0)),
            ("gid:0", ClientName::Gid(0)),
            ("cn:Ada Lovelace", ClientName::CommonName("Ada Lovelace".to_owned())),
            ("san:spiffe://a/b", ClientName::AlternativeName("spiffe://a/b".to_owned())),
        ] {
            assert_eq!(client_name(text).unwrap(), name, "{text}");
        }
        for text in ["", "root", "uid:", "uid:no-such-user", "gid:no-such-group", "user:root", "uid:-1"] {
            assert!(client_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_is_read_and_what_it_does_not_know_is_an_error() {
        let table = |text: &str| toml::from_str::<RoleTable>(text);
        assert!(table("default = 'read-only'\nadmin = ['uid:0']\nread-only = ['cn:x']\n").unwrap().resolve().is_ok());
        assert!(table("admin = ['x']").unwrap().resolve().is_err());
        assert!(table("root = ['uid:0']").is_err());
        assert!(table("default = 'root'").is_err());
    }
}
