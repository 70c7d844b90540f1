//! Who has connected: the process behind a unix socket, the names in a certificate.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Uid, User, getgrouplist};
use rustls::pki_types::CertificateDer;
use tokio::net::UnixStream;

use super::names;
use crate::access::Identity;

/// The process that has connected: user and group as they were when it did. With `groups` also those in which this machine has the user.
pub(super) async fn process(socket: &UnixStream, groups: bool) -> Identity {
    let known = match socket.peer_cred() {
        Ok(credentials) => {
            let (uid, gid) = (credentials.uid(), credentials.gid());
            let groups = if groups { groups_of(uid, gid).await } else { Ok(vec![gid]) };
            groups.map(|groups| (uid, groups))
        }
        Err(error) => Err(error),
    };
    match known {
        Ok((uid, groups)) => Identity::Process { uid, groups },
        Err(error) => {
            tracing::warn!(%error, "it cannot be known who a client of the unix socket is: it has no rights");
            Identity::Unreadable
        }
    }
}

/// The group that the process has, and those of its user.
async fn groups_of(uid: u32, gid: u32) -> io::Result<Vec<u32>> {
    // It may read files, or ask a server.
    let found = tokio::task::spawn_blocking(move || {
        let Some(user) = User::from_uid(Uid::from_raw(uid))? else { return Ok(Vec::new()) };
        let name = CString::new(user.name).map_err(|_| nix::errno::Errno::EINVAL)?;
        getgrouplist(&name, user.gid)
    })
    .await?;
    let groups = found?.into_iter().map(Gid::as_raw);
    Ok(std::iter::once(gid).chain(groups).collect())
}

/// The names in a client's certificate, which TLS has held against the authority already.
pub(super) fn certificate(certificates: Option<&[CertificateDer<'_>]>) -> Identity {
    match certificates.and_then(<[_]>::first).and_then(|certificate| names::of(certificate)) {
        Some(names) => Identity::Certificate { common_names: names.common, alternative_names: names.alternative },
        None => {
            tracing::warn!("the certificate of a client cannot be read: it has no rights");
            Identity::Unreadable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_known_by_its_user_and_groups() {
        let (one, _other) = UnixStream::pair().unwrap();
        let Identity::Process { uid, groups } = process(&one, false).await else { panic!() };
        assert_eq!((uid, groups), (Uid::effective().as_raw(), vec![Gid::effective().as_raw()]));
        let Identity::Process { groups, .. } = process(&one, true).await else { panic!() };
        assert!(groups.contains(&Gid::effective().as_raw()));
    }

    #[test]
    fn without_a_certificate_that_can_be_read_nobody_is_anybody() {
        for none in [None, Some([].as_slice()), Some(&[CertificateDer::from(vec![0x30, 0])])] {
            assert_eq!(certificate(none), Identity::Unreadable);
        }
    }
}
