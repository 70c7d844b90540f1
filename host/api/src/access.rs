//! Roles of the API's clients: who may ask for what.
//!
//! A client is known by what it cannot choose itself: the user and groups of its process on a unix socket, the names in its certificate
//! with TLS. Which role a request takes is in the table of `routes.rs`.

use std::fmt;

use sockerless_engine::Error;

/// What a client may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Nothing.
    None,
    /// Look: lists, inspect, logs, events, statistics; and wait.
    ReadOnly,
    /// Everything with containers, images, networks and volumes.
    User,
    /// Backends, and what concerns the daemon and its cloud as a whole.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "none",
            Self::ReadOnly => "read-only",
            Self::User => "user",
            Self::Admin => "admin",
        })
    }
}

/// A name by which clients are given a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientName {
    /// The user of a process, on a unix socket.
    Uid(u32),
    /// A group of that user, or the one that the process has.
    Gid(u32),
    /// A common name of the subject of a certificate.
    CommonName(String),
    /// A DNS name, e-mail address or URI among a certificate's alternative names.
    AlternativeName(String),
}

/// Who has which role.
#[derive(Debug, Clone)]
pub struct Roles {
    default: Role,
    named: Vec<(ClientName, Role)>,
}

impl Roles {
    /// Of those that are named, and of everybody else. Who has several names has the highest of their roles.
    #[must_use]
    pub fn new(named: Vec<(ClientName, Role)>, default: Role) -> Self {
        Self { default, named }
    }

    /// Whether it must be known in which groups a user is.
    pub(crate) fn have_groups(&self) -> bool {
        self.named.iter().any(|(name, _)| matches!(name, ClientName::Gid(_)))
    }

    fn of(&self, identity: &Identity) -> Role {
        let named = self.named.iter().filter(|(name, _)| identity.is(name)).map(|(_, role)| *role).max();
        match identity {
            // Somebody whose names cannot be read could be one whom a name holds down.
            Identity::Unreadable => Role::None,
            _ => named.unwrap_or(self.default),
        }
    }
}

/// What is known of whoever has connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A process of this machine.
    Process { uid: u32, groups: Vec<u32> },
    /// The owner of a certificate.
    Certificate { common_names: Vec<String>, alternative_names: Vec<String> },
    /// A client of plain TCP.
    Nameless,
    /// Somebody who has names that could not be read.
    Unreadable,
}

impl Identity {
    fn is(&self, name: &ClientName) -> bool {
        match (self, name) {
            (Self::Process { uid, .. }, ClientName::Uid(named)) => uid == named,
            (Self::Process { groups, .. }, ClientName::Gid(named)) => groups.contains(named),
            (Self::Certificate { common_names, .. }, ClientName::CommonName(named)) => common_names.contains(named),
            (Self::Certificate { alternative_names, .. }, ClientName::AlternativeName(named)) => {
                alternative_names.contains(named)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { uid, .. } => write!(formatter, "the user with uid {uid}"),
            Self::Certificate { common_names, alternative_names } => {
                match common_names.first().or(alternative_names.first()) {
                    Some(name) => write!(formatter, "the certificate of \"{}\"", name.escape_debug()),
                    None => formatter.write_str("a certificate without names"),
                }
            }
            Self::Nameless => formatter.write_str("a client without a name"),
            Self::Unreadable => formatter.write_str("a client whose name cannot be read"),
        }
    }
}

/// A client, and its role.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Absent: everybody has every right, and nobody has looked who it is.
    identity: Option<Identity>,
    role: Role,
}

impl Client {
    /// Of a daemon without roles.
    pub(crate) fn of_everybody() -> Self {
        Self { identity: None, role: Role::Admin }
    }

    pub(crate) fn new(identity: Identity, roles: &Roles) -> Self {
        let role = roles.of(&identity);
        Self { identity: Some(identity), role }
    }

    /// Whether the client may do something that takes this role at least.
    ///
    /// # Errors
    /// It may not. The text begins as that of Docker's plugins for authorization.
    pub(crate) fn may(&self, least: Role, what: &dyn fmt::Display) -> Result<(), Error> {
        match &self.identity {
            Some(identity) if self.role < least => {
                tracing::info!(client = %identity, role = %self.role, "not allowed: {what}");
                Err(Error::forbidden(format!(
                    "authorization denied by roles: {identity} has the role {}, and {what} takes the role {least}",
                    self.role
                )))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(common: &str, alternative: &[&str]) -> Identity {
        Identity::Certificate {
            common_names: vec![common.to_owned()],
            alternative_names: alternative.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn the_highest_role_of_all_names_counts() {
        let roles = Roles::new(
            vec![
                (ClientName::Uid(7), Role::ReadOnly),
                (ClientName::Gid(70), Role::User),
                (ClientName::CommonName("ops".to_owned()), Role::Admin),
                (ClientName::AlternativeName("ci.example".to_owned()), Role::User),
            ],
            Role::None,
        );
        let process = |uid, groups: &[u32]| Identity::Process { uid, groups: groups.to_vec() };
        for (identity, role) in [
            (process(7, &[7]), Role::ReadOnly),
            (process(7, &[1, 70]), Role::User),
            (process(8, &[8]), Role::None),
            (certificate("ops", &["ci.example"]), Role::Admin),
            (certificate("x", &["ci.example"]), Role::User),
            // A name of one kind is none of the other.
            (certificate("ci.example", &["ops"]), Role::None),
            (Identity::Nameless, Role::None),
        ] {
            assert_eq!(roles.of(&identity), role, "{identity:?}");
        }
    }

    #[test]
    fn who_is_not_named_has_the_default_and_who_cannot_be_read_has_nothing() {
        let roles = Roles::new(vec![(ClientName::Uid(7), Role::ReadOnly)], Role::Admin);
        assert_eq!(roles.of(&Identity::Nameless), Role::Admin);
        assert_eq!(roles.of(&Identity::Process { uid: 7, groups: vec![] }), Role::ReadOnly);
        assert_eq!(roles.of(&Identity::Unreadable), Role::None);
    }

    #[test]
    fn a_refusal_says_who_has_which_role_and_what_it_takes() {
        let roles = Roles::new(vec![], Role::ReadOnly);
        let client = Client::new(certificate("viewer", &[]), &roles);
        assert_eq!(client.may(Role::ReadOnly, &"GET /info"), Ok(()));
        let error = client.may(Role::User, &"POST /containers/create").unwrap_err();
        assert_eq!(
            error.message,
            "authorization denied by roles: the certificate of \"viewer\" has the role read-only, and POST /containers/create takes \
             the role user"
        );
        assert_eq!(Client::of_everybody().may(Role::Admin, &"anything"), Ok(()));
    }
}
