//! Who a process runs as. The files are read here, since a static binary has nobody to ask.

use std::path::Path;

use nix::unistd::{Gid, Uid};

use super::spawn::Failure;

/// A user, as far as a process needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: Uid,
    pub(super) gid: Gid,
    pub(super) groups: Vec<Gid>,
    pub(super) home: String,
}

/// The user that is written as `user`, `user:group`, `uid` or `uid:gid`, by the files of the container.
pub(super) fn find(written: &str) -> Result<User, Failure> {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    lookup(written, &read("/etc/passwd"), &read("/etc/group"))
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

fn users(passwd: &str) -> impl Iterator<Item = Entry<'_>> {
    passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields[..] else { return None };
        Some(Entry { name, uid: uid.parse().ok()?, gid: gid.parse().ok()?, home })
    })
}

/// Name, number and members.
fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
        Some((name, gid, fields.next().unwrap_or_default()))
    })
}

fn lookup(written: &str, passwd: &str, group: &str) -> Result<User, Failure> {
    let (user, wanted_group) = match written.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (written, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let number: Option<u32> = user.parse().ok();
    let entry = users(passwd).find(|entry| entry.name == user || Some(entry.uid) == number);
    let (uid, gid, home, name) = match (&entry, number) {
        (Some(entry), _) => (entry.uid, entry.gid, entry.home.to_owned(), entry.name),
        (None, Some(uid)) => (uid, 0, if uid == 0 { "/root" } else { "/" }.to_owned(), ""),
        (None, None) => {
            return Err(Failure::not_executable(format!(
                "unable to find user {user}: no matching entries in passwd file"
            )));
        }
    };
    let gid = match wanted_group {
        None => gid,
        Some(wanted) => {
            let number: Option<u32> = wanted.parse().ok();
            let found = groups(group).find(|(name, gid, _)| *name == wanted || Some(*gid) == number);
            found.map(|(_, gid, _)| gid).or(number).ok_or_else(|| {
                Failure::not_executable(format!("unable to find group {wanted}: no matching entries in group file"))
            })?
        }
    };
    // With a group that was asked for, no others: so does the Engine.
    let mut more: Vec<Gid> = Vec::new();
    if wanted_group.is_none() && !name.is_empty() {
        let member = |members: &str| members.split(',').any(|member| member == name);
        more.extend(groups(group).filter(|(_, _, members)| member(members)).map(|(_, gid, _)| Gid::from_raw(gid)));
    }
    Ok(User { uid: Uid::from_raw(uid), gid: Gid::from_raw(gid), groups: more, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44::/srv:/bin/false\nbroken\n";
    const GROUP: &str = "root:x:0:\nweb:x:44:\nstaff:x:50:root,web\n";

    fn found(written: &str) -> (u32, u32, Vec<u32>, String) {
        let user = lookup(written, PASSWD, GROUP).unwrap();
        let groups = user.groups.iter().map(|gid| gid.as_raw()).collect();
        (user.uid.as_raw(), user.gid.as_raw(), groups, user.home)
    }

    #[test]
    fn every_way_to_write_a_user() {
        assert_eq!(found(""), (0, 0, vec![50], "/root".into()));
        assert_eq!(found("web"), (33, 44, vec![50], "/srv".into()));
        assert_eq!(found("33"), (33, 44, vec![50], "/srv".into()));
        assert_eq!(found("web:staff"), (33, 50, vec![], "/srv".into()));
        assert_eq!(found("1234:4321"), (1234, 4321, vec![], "/".into()));
        assert_eq!(found("1234"), (1234, 0, vec![], "/".into()));
    }

    #[test]
    fn an_unknown_name_is_an_error_in_the_engines_words() {
        let error = lookup("nobody-here", PASSWD, GROUP).unwrap_err();
        assert_eq!(error.message, "unable to find user nobody-here: no matching entries in passwd file");
        assert!(lookup("web:nope", PASSWD, GROUP).is_err());
    }
}
