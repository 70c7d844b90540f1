//! `docker run`: a command's output, input, exit code, words, environment, user and directory.

use sockerless_tests::World;

#[test]
fn echo_prints_and_leaves_nothing_behind() {
    let world = World::start();
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "hello"]), "hello");
    assert!(world.azure.apps().is_empty(), "{:?}", world.azure.apps());
    assert_eq!(world.docker.ok(&["ps", "--all", "--quiet"]), "");
}

#[test]
fn each_stream_is_its_own_and_the_exit_code_is_the_commands() {
    let world = World::start();
    let ran = world.docker.run(&["run", "alpine", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(ran.exits(7), "out");
    assert!(ran.stderr.ends_with("err\n"), "{}", ran.stderr);
}

#[test]
fn standard_input_reaches_the_command_and_ends() {
    let world = World::start();
    let ran = world.docker.run_with(&["run", "--rm", "-i", "alpine", "cat"], b"data\n");
    assert_eq!(ran.ok(), "data");
}

#[test]
fn megabytes_pass_through_unchanged() {
    let world = World::start();
    let data: Vec<u8> = (0..8_000_000_u32).map(|n| b"0123456789abcdef\n"[(n % 17) as usize]).collect();
    let ran = world.docker.run_with(&["run", "--rm", "-i", "alpine", "cat"], &data);
    ran.ok();
    assert!(ran.stdout.as_bytes() == data, "{} bytes of {}", ran.stdout.len(), data.len());
}

#[test]
fn a_terminal_has_the_size_of_the_clients() {
    let world = World::start();
    world.pull();
    let ran = world.docker.on_terminal(&["run", "--rm", "-t", "alpine", "sh", "-c", "stty size; tty"], 33, 101, "");
    let out = ran.ok().replace('\r', "");
    assert!(out.starts_with("33 101\n/dev/pts/"), "{out:?}");
}

#[test]
fn words_environment_and_directory_arrive_unchanged() {
    let world = World::start();
    world.pull();
    let odd = "a 'b' \"c\" $HOME `id` \\ \n\t* ? ü ☃ ; | & <>";
    let ran = world.docker.run(&["run", "--rm", "alpine", "printf", "%s|", odd, "", " ", "--", "-x", "%"]);
    assert_eq!(ran.ok(), format!("{odd}|| |--|-x|%|"));

    let variables = ["PLAIN=x=y", "PORT=5", "WEBSITES_PORT=6", "with.dots-and-dashes=ü ☃", "MULTI=one\ntwo", "EMPTY="];
    let mut words = vec!["run", "--rm", "--workdir", "/made/for this"];
    words.extend(variables.iter().flat_map(|pair| ["--env", pair]));
    // Not by a shell, which drops names that it could not write.
    let ran = world.docker.run(&[&words[..], &["alpine", "env", "-0"]].concat());
    let found: Vec<&str> = ran.ok().split('\0').collect();
    for pair in variables {
        assert!(found.contains(&pair), "{pair:?} is not in {found:?}");
    }
    assert_eq!(world.docker.run(&[&words[..], &["alpine", "pwd"]].concat()).ok(), "/made/for this");
}

#[test]
fn the_environment_is_the_containers_and_not_the_agents() {
    let world = World::start();
    let ran = world.docker.run(&["run", "--rm", "alpine", "env"]);
    for secret in ["SOCKERLESS_AGENT_TOKEN", "WEBSITE_SITE_NAME", "AzureWebJobsStorage", "APPLICATIONINSIGHTS"] {
        assert!(!ran.ok().contains(secret), "{}", ran.stdout);
    }
    assert!(ran.stdout.lines().any(|line| line.starts_with("HOSTNAME=")), "{}", ran.stdout);
}

#[test]
fn the_user_is_the_one_that_was_asked_for() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: other users than one's own need root");
        return;
    }
    let world = World::start();
    world.pull();
    assert_eq!(world.docker.ok(&["run", "--rm", "--user", "nobody", "alpine", "id", "-un"]), "nobody");
    assert_eq!(
        world.docker.ok(&["run", "--rm", "--user", "1234:4321", "alpine", "sh", "-c", "id -u; id -g"]),
        "1234\n4321"
    );
}

#[test]
fn a_command_that_is_not_there_is_127_and_one_that_cannot_be_run_126() {
    let world = World::start();
    let ran = world.docker.run(&["run", "alpine", "no-such-command"]);
    ran.exits(127);
    assert!(ran.stderr.contains("exec: \"no-such-command\": executable file not found in $PATH"), "{}", ran.stderr);
    let ran = world.docker.run(&["run", "alpine", "/etc/passwd"]);
    ran.exits(126);
    assert!(ran.stderr.contains("permission denied"), "{}", ran.stderr);
}

#[test]
fn a_command_that_dies_of_a_signal_is_128_and_its_number() {
    let world = World::start();
    world.docker.run(&["run", "--rm", "alpine", "sh", "-c", "kill -TERM $$"]).exits(143);
}

#[test]
fn twenty_at_once_all_run_and_end_right() {
    let world = World::start();
    world.pull();
    let clients: Vec<_> = (0..20)
        .map(|n| {
            let script = format!("echo number {n}; exit {n}");
            (n, world.docker.spawn(&["run", "--rm", "alpine", "sh", "-c", &script]))
        })
        .collect();
    for (n, client) in clients {
        let output = client.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(n), "{stderr}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("number {n}\n"), "{stderr}");
    }
    assert!(world.azure.apps().is_empty());
}
