//! Where clients come from: TLS with client certificates that change while the daemon serves, plain TCP, unix sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Stdio;

use nix::sys::signal::Signal;
use sockerless_tests::{Authority, Bare, Names, eventually};

use super::secure::{Secure, free_address, of_the_daemon};

const VERSION: [&str; 3] = ["version", "--format", "{{.Server.APIVersion}}"];

#[test]
fn tls_lets_in_who_has_a_certificate_of_the_authority_and_nobody_else() {
    let secure = Secure::start("");
    let good = secure.client(&Names::common("good"));
    assert_eq!(secure.docker(&good, &VERSION).ok(), "1.51");
    secure.docker(&good, &["create", "--name", "c", "alpine", "true"]).ok();

    // Of the same name, since a client does not show what the server does not ask for.
    let stranger =
        Authority::new("authority of the test").issue(&secure.bare.folder().join("stranger"), &Names::common("s"));
    // The stranger knows whom to trust; the daemon does not know the stranger.
    std::fs::copy(secure.own.join("ca.pem"), stranger.join("ca.pem")).unwrap();
    let expired = secure.client(&Names { expired: true, ..Names::common("expired") });
    let none = secure.client(&Names::common("none"));
    for name in ["cert.pem", "key.pem"] {
        std::fs::remove_file(none.join(name)).unwrap();
    }
    for (identity, why) in [
        (none, "peer sent no certificates"),
        (stranger, "invalid peer certificate: BadSignature"),
        (expired, "invalid peer certificate: certificate expired"),
    ] {
        let refused = secure.docker(&identity, &VERSION);
        assert_eq!((refused.code, refused.stdout.trim()), (1, ""), "{why}: {}", refused.stderr);
        eventually(why, || secure.bare.daemon.log().contains(why).then_some(()));
    }
    // Nor does plain HTTP get anywhere.
    let plain = secure.bare.docker.command(&VERSION).env("DOCKER_HOST", format!("tcp://{}", secure.address)).output();
    assert!(!plain.unwrap().status.success());
}

/// The first record that a server answers to a ClientHello of this version, which has nothing else that a newer one would lack.
fn answer_to_hello(address: &str, minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    // No session; suites with ECDSA, of TLS 1.2 and before; no compression.
    hello.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x09, 1, 0]);
    // Groups (P-256), forms of points, and signatures (ECDSA with SHA-256).
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3];
    hello.extend([0, u8::try_from(extensions.len()).unwrap()]);
    hello.extend(extensions);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(&record).unwrap();
    let mut answer = vec![0; 7];
    socket.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn tls_1_1_is_refused() {
    let secure = Secure::start("");
    // A handshake record, with ServerHello.
    let answer = answer_to_hello(&secure.address, 3);
    assert_eq!((answer[0], answer[5]), (22, 2), "{answer:?}");
    // A fatal alert: protocol_version.
    let answer = answer_to_hello(&secure.address, 2);
    assert_eq!((answer[0], &answer[5..]), (21, [2, 70].as_slice()), "{answer:?}");
}

#[test]
fn certificates_are_exchanged_under_clients_that_stay() {
    let secure = Secure::start("");
    let daemon = &secure.bare.daemon;
    let old = secure.client(&Names::common("old"));
    secure.docker(&old, &["volume", "create", "one"]).ok();
    let mut events =
        secure.command(&old, &["events", "--since", "1", "--filter", "type=volume", "--format", "{{.Actor.ID}}"]);
    let mut events = events.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("one"));

    // What is no certificate changes nothing, and the log says which file it is.
    std::fs::write(secure.own.join("cert.pem"), "-----BEGIN CERTIFICATE-----\nno\n").unwrap();
    secure.docker(&old, &VERSION).ok();
    let complaint = "cannot be used, so those read before stay in use";
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains(complaint)).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(secure.own.join("cert.pem").to_str().unwrap()), "{line}");
    daemon.signal(Signal::SIGHUP);
    eventually("SIGHUP reads the files again", || (daemon.log().matches(complaint).count() > 1).then_some(()));
    secure.docker(&old, &VERSION).ok();

    // Another authority, for the daemon and for its clients.
    let authority = Authority::new("the next authority");
    authority.issue(&secure.own, &of_the_daemon());
    let new = authority.issue(&secure.bare.folder().join("new"), &Names::common("new"));
    assert_eq!(secure.docker(&new, &VERSION).ok(), "1.51");
    assert!(daemon.log().contains("new connections get the new certificate"), "{}", daemon.log());
    assert_eq!(secure.docker(&old, &VERSION).code, 1, "the old authority counts no more");

    // The stream of the old client lives on.
    secure.docker(&new, &["volume", "create", "two"]).ok();
    assert_eq!(lines.next().as_deref(), Some("two"));
    events.kill().unwrap();
    events.wait().unwrap();
}

#[test]
fn sighup_ends_no_daemon_without_tls() {
    let mut bare = Bare::without_daemon(Vec::new(), &[]);
    bare.daemon.start().unwrap();
    bare.daemon.signal(Signal::SIGHUP);
    eventually("the signal is noticed", || bare.daemon.log().contains("SIGHUP").then_some(()));
    bare.docker.ok(&["version"]);
}

#[test]
fn plain_tcp_is_for_loopback_and_warned_of() {
    let mut bare = Bare::without_daemon(Vec::new(), &[]);
    let address = free_address();
    bare.daemon.option("--host", format!("tcp://{address}"));
    bare.daemon.start().unwrap();
    assert!(bare.daemon.log().contains("can reach the API without a password"), "{}", bare.daemon.log());
    let mut command = bare.docker.command(&VERSION);
    assert!(command.env("DOCKER_HOST", format!("tcp://{address}")).status().unwrap().success());

    let mut open = Bare::without_daemon(Vec::new(), &[]);
    open.daemon.option("--host", "tcp://0.0.0.0:0");
    let refused = open.daemon.start().unwrap_err();
    assert!(refused.contains("TCP in the open needs TLS with client certificates"), "{refused}");
}

#[test]
fn the_socket_has_its_owner_group_and_mode() {
    let mut bare = Bare::without_daemon(Vec::new(), &[("SOCKERLESS_SOCKET_MODE", "0600")]);
    let own = std::fs::metadata(bare.folder()).unwrap();
    // Others than the daemon's own can be had by root alone.
    let (uid, gid) = if nix::unistd::Uid::effective().is_root() { (65_533, 65_534) } else { (own.uid(), own.gid()) };
    bare.daemon.option("--socket-owner", uid.to_string());
    bare.daemon.option("--socket-group", gid.to_string());
    bare.daemon.start().unwrap();
    let socket = std::fs::metadata(bare.daemon.own_socket()).unwrap();
    assert_eq!((socket.uid(), socket.gid(), socket.permissions().mode() & 0o777), (uid, gid, 0o600));
}
