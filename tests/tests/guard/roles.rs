//! Roles: what each may do, by certificate and by user, with the real client.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sockerless_tests::{Bare, Names, Ran, built};

use super::secure::Secure;

const ROLES: &str = "[roles]\nread-only = ['cn:viewer']\nuser = ['san:ci.example']\nadmin = ['cn:operator']\n";

#[track_caller]
fn denied(ran: &Ran, who: &str, role: &str, takes: &str) {
    assert_ne!(ran.code, 0, "{}: {}", ran.command, ran.stdout);
    let text = format!("authorization denied by roles: {who} has the role {role}, and ");
    assert!(ran.stderr.contains(&text), "{}: {}", ran.command, ran.stderr);
    assert!(ran.stderr.contains(&format!(" takes the role {takes}")), "{}: {}", ran.command, ran.stderr);
}

#[test]
fn certificates_have_roles() {
    let secure = Secure::start(ROLES);
    let run = |identity: &Path, arguments: &[&str]| secure.docker(identity, arguments);

    let operator = secure.client(&Names::common("operator"));
    run(&operator, &["pull", "alpine"]).ok();
    run(&operator, &["plugin", "disable", "memory"]).ok();
    run(&operator, &["plugin", "enable", "memory"]).ok();

    let user = secure.client(&Names { alternative: vec!["ci.example".to_owned()], ..Names::common("ci") });
    let who = "the certificate of \"ci\"";
    run(&user, &["run", "--name", "c", "alpine", "echo", "hello"]).ok();
    for arguments in [
        &["network", "create", "net"][..],
        &["volume", "create", "vol"],
        &["tag", "alpine", "other"],
        &["plugin", "ls"],
        &["system", "prune", "--force"],
        &["run", "--name", "c", "alpine", "echo", "hello"],
    ] {
        run(&user, arguments).ok();
    }
    for arguments in [
        &["plugin", "disable", "memory"][..],
        &["plugin", "set", "memory", "SOCKERLESS_MEMORY_GREETING=x"],
        &["plugin", "rm", "--force", "memory"],
        &["plugin", "install", "--grant-all-permissions", "127.0.0.1:1/x"],
    ] {
        denied(&run(&user, arguments), who, "user", "admin");
    }

    let viewer = secure.client(&Names::common("viewer"));
    let who = "the certificate of \"viewer\"";
    for arguments in [
        &["ps", "--all"][..],
        &["version"],
        &["info"],
        &["images"],
        &["inspect", "c"],
        &["logs", "c"],
        &["wait", "c"],
        &["network", "ls"],
        &["volume", "ls"],
        &["plugin", "inspect", "memory"],
        &["events", "--since", "1", "--until", "2"],
    ] {
        run(&viewer, arguments).ok();
    }
    for arguments in [
        &["create", "alpine", "true"][..],
        &["rm", "c"],
        &["kill", "c"],
        &["start", "c"],
        &["rename", "c", "d"],
        &["exec", "c", "true"],
        &["cp", "c:/etc/passwd", "-"],
        &["export", "c"],
        &["pull", "alpine"],
        &["rmi", "alpine"],
        &["network", "create", "other"],
        &["volume", "rm", "vol"],
        &["container", "prune", "--force"],
        &["search", "alpine"],
    ] {
        denied(&run(&viewer, arguments), who, "read-only", "user");
    }
    denied(&run(&viewer, &["plugin", "disable", "memory"]), who, "read-only", "admin");
    // The client has words of its own for what it cannot attach to.
    let attached = run(&viewer, &["start", "--attach", "c"]);
    assert!(attached.code != 0 && attached.stderr.contains("received 403"), "{}", attached.stderr);

    // Of the same authority, and named nowhere.
    let nobody = secure.client(&Names::common("nobody \"x\""));
    denied(&run(&nobody, &["ps"]), "the certificate of \"nobody \\\"x\\\"\"", "none", "read-only");
    // On the socket nobody is named either.
    let uid = nix::unistd::Uid::effective();
    denied(&secure.bare.docker.run(&["ps"]), &format!("the user with uid {uid}"), "none", "read-only");
    let log = secure.bare.daemon.log();
    assert!(log.contains("not allowed: DELETE /containers/c"), "{log}");
}

/// The Docker CLI as another user of this machine, at the daemon's own socket.
fn docker_as(bare: &Bare, uid: u32, gid: u32, arguments: &[&str]) -> Ran {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups", "--"]);
    command.arg(built("SOCKERLESS_TEST_DOCKER")).args(arguments);
    command.env("DOCKER_HOST", format!("unix://{}", bare.daemon.own_socket().display()));
    command.env("DOCKER_CONFIG", "/nonexistent").env("HOME", "/");
    Ran::run(&mut command, b"")
}

#[test]
fn users_and_groups_of_the_machine_have_roles() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: only root can be another user");
        return;
    }
    let mut bare =
        Bare::without_daemon(vec![built("SOCKERLESS_TEST_MEMORY_RUST")], &[("SOCKERLESS_SOCKET_MODE", "0666")]);
    std::fs::set_permissions(bare.folder(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = bare.folder().join("sockerless.toml");
    let roles = "[roles]\ndefault = 'read-only'\nuser = ['uid:60001', 'gid:60002']\nadmin = ['uid:root']\n";
    std::fs::write(&file, roles).unwrap();
    bare.daemon.option("--config", file.to_str().unwrap());
    bare.daemon.start().unwrap();
    assert!(bare.daemon.log().contains("every user of this machine can reach the API"));

    docker_as(&bare, 60_003, 60_003, &["volume", "ls"]).ok();
    let refused = docker_as(&bare, 60_003, 60_003, &["volume", "create", "of-nobody"]);
    denied(&refused, "the user with uid 60003", "read-only", "user");
    docker_as(&bare, 60_001, 60_003, &["volume", "create", "of-the-user"]).ok();
    docker_as(&bare, 60_003, 60_002, &["volume", "create", "of-the-group"]).ok();
    denied(
        &docker_as(&bare, 60_001, 60_003, &["plugin", "disable", "memory"]),
        "the user with uid 60001",
        "user",
        "admin",
    );
    // The daemon's own commands are clients as others.
    let load = ["plugin", "rollback", "memory"];
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "60001", "--regid", "60001", "--clear-groups", "--"]);
    command.arg(built("SOCKERLESS_TEST_DAEMON")).args(load).current_dir("/");
    let host = format!("unix://{}", bare.daemon.own_socket().display());
    denied(&Ran::run(command.env("DOCKER_HOST", host), b""), "the user with uid 60001", "user", "admin");
    docker_as(&bare, 0, 0, &["plugin", "disable", "memory"]).ok();
}

#[test]
fn a_name_that_means_nobody_stops_the_start() {
    let mut bare = Bare::without_daemon(Vec::new(), &[]);
    let file = bare.folder().join("sockerless.toml");
    std::fs::write(&file, "[roles]\nadmin = ['uid:no-such-user']\n").unwrap();
    bare.daemon.option("--config", file.to_str().unwrap());
    let refused = bare.daemon.start().unwrap_err();
    assert!(refused.contains("there is no user no-such-user"), "{refused}");
}
