//! What the guest does, good and bad.

use std::hint::black_box;

use crate::sockerless::backend::types::{Container, Error};
use crate::sockerless::backend::{agents, clock, config, credentials, http, log};

/// Before a way to end badly: in every export.
const EVERYWHERE: &str = "everywhere-";

/// Ends badly, if `how` says so to every export. Without that only those do which make something: it can then be removed in peace.
pub fn misbehave_everywhere(how: &str) {
    if how.starts_with(EVERYWHERE) {
        misbehave(how);
    }
}

/// Ends badly, if `how` says so.
pub fn misbehave(how: &str) {
    match how.strip_prefix(EVERYWHERE).unwrap_or(how) {
        "trap" => panic!("the guest gave up"),
        "loop" => loop {
            black_box(());
        },
        "greedy" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "overflow" => {
            black_box(recurse(black_box(1)));
        }
        "overflow-in-memory" => {
            black_box(recurse_in_memory(black_box(1)));
        }
        // Longer than any deadline.
        "hang" => clock::sleep(u64::from(u32::MAX)),
        "exit" => std::process::exit(3),
        "host-calls" => loop {
            clock::sleep(0);
        },
        _ => {}
    }
}

/// Uses only the stack of the WebAssembly machine.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    if depth == 0 {
        return 0;
    }
    recurse(depth + 1).rotate_left(3) ^ depth
}

/// Uses the stack that Rust keeps in linear memory.
#[allow(unconditional_recursion)]
fn recurse_in_memory(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse_in_memory(depth + 1) + frame[0]
}

/// Does what the container's name says. Answers what happened.
pub fn act(container: &Container) -> Result<Vec<u8>, Error> {
    let argument = |index: usize| container.command.get(index).cloned().unwrap_or_default();
    match container.name.as_str() {
        "sleep" => {
            clock::sleep(argument(0).parse().unwrap_or(0));
            Ok(crate::marker("version").unwrap_or_default().into_bytes())
        }
        // Is under way for as long as whoever is asked likes.
        "wait" => match http::send(&request(container, None)) {
            Ok(_) => Ok(crate::marker("version").unwrap_or_default().into_bytes()),
            Err(error) => Err(Error::Unavailable(format!("{error:?}"))),
        },
        "http" => {
            let credential = match container.environment.iter().find_map(|pair| pair.strip_prefix("scope=")) {
                Some(scope) => Some(credentials::get(scope).map_err(|error| Error::Denied(format!("{error:?}")))?),
                None => None,
            };
            Ok(match http::send(&request(container, credential.as_ref())) {
                Ok(response) => [format!("{} ", response.status).into_bytes(), response.body].concat(),
                Err(error) => format!("{error:?}").into_bytes(),
            })
        }
        // As often as it may. Answers how often that was.
        "http-until-exhausted" => {
            let mut sent = 0;
            while !matches!(http::send(&request(container, None)), Err(http::HttpError::Exhausted(_))) {
                sent += 1;
            }
            Ok(sent.to_string().into_bytes())
        }
        "log" => {
            for index in 0..5_000 {
                log::write(log::Level::Info, &format!("event {index}"), &[("key".into(), "value".into())]);
            }
            eprintln!("to stderr");
            Ok(b"logged".to_vec())
        }
        "world" => {
            println!("to stdout");
            Ok(world().into_bytes())
        }
        "chance" => {
            let hash = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), "a");
            let (day, passed) = (std::time::SystemTime::now(), std::time::Instant::now().elapsed());
            Ok(format!("{hash} {day:?} {passed:?} {:?}", clock::now()).into_bytes())
        }
        "config" => Ok(format!("{:?}", config::get(&argument(0))).into_bytes()),
        "reachable" => Ok(match agents::reachable_at(&container.id, &argument(0)) {
            Ok(()) => b"noted".to_vec(),
            Err(error) => format!("{error:?}").into_bytes(),
        }),
        "big-handle" => Ok(vec![0; (64 << 10) + 1]),
        "refuse" => Err(Error::NameTaken("taken".into())),
        _ => Ok(container.name.clone().into_bytes()),
    }
}

/// What there is of a world besides the interface of backends.
fn world() -> String {
    let file = std::fs::read("/etc/passwd").is_ok() || std::fs::write("/tmp/x", "x").is_ok();
    let folder = ["/", ".", "/tmp"].iter().any(|folder| std::fs::read_dir(folder).is_ok());
    let (variables, arguments) = (std::env::vars().count(), std::env::args().count());
    let address = "127.0.0.1:1";
    let tcp = std::net::TcpStream::connect(address).is_ok() || std::net::TcpListener::bind("127.0.0.1:0").is_ok();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
    let name = std::net::ToSocketAddrs::to_socket_addrs("localhost:1").is_ok();
    let input = std::io::Read::bytes(std::io::stdin()).next().is_some();
    let clock = std::time::SystemTime::now().elapsed().is_ok() && std::time::Instant::now().elapsed().as_secs() < 60;
    // Each has keys of its own, of random bytes.
    let hash = || std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 1);
    let random = hash() != hash();
    format!(
        "file={file} folder={folder} variables={variables} arguments={arguments} tcp={tcp} udp={udp} name={name} input={input} \
         clock={clock} random={random}"
    )
}

/// The command is method, URL and headers; the environment says how it is signed, and more.
pub fn request<'a>(container: &Container, credential: Option<&'a credentials::Credential>) -> http::Request<'a> {
    let setting = |name: &str| container.environment.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let authorization = match credential {
        Some(credential) => Some(http::Authorization::Credential(credential)),
        None => setting("agent").map(|id| http::Authorization::Agent(id.to_owned())),
    };
    http::Request {
        method: container.command[0].clone(),
        url: container.command[1].clone(),
        headers: container.command[2..]
            .iter()
            .map(|header| header.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
            .collect(),
        body: setting("body").map(|body| body.as_bytes().to_vec()),
        timeout_ms: setting("timeout").and_then(|timeout| timeout.parse().ok()),
        authorization,
    }
}
