//! HTTP as far as tests need it: one request, and servers that answer as a test says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::World;

/// A request, as a server got it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method and target: `GET /v2/`.
    pub line: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header by its name in lower case; nothing is an empty one.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer without headers.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: BTreeMap::new(), body: body.into() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A server of plain HTTP on a free port of this machine. It hangs up on whoever speaks TLS.
#[derive(Debug)]
pub struct Scripted {
    host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// Starts it. It lives as long as the test's process.
    #[must_use]
    pub fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (asked.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || {
                    let Some((mut stream, asked)) = receive(stream) else { return };
                    log.lock().unwrap().push(asked.clone());
                    let mut reply = answer(&asked);
                    let length = reply.body.len();
                    if asked.line.starts_with("HEAD ") {
                        reply.body.clear();
                    }
                    let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
                    let head = format!(
                        "HTTP/1.1 {} Status\r\nConnection: close\r\nContent-Length: {length}\r\n{}\r\n",
                        reply.status,
                        headers.collect::<String>()
                    );
                    // Whoever asked may be gone.
                    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body));
                });
            }
        });
        Self { host, asked }
    }

    /// Address and port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Everything that it was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn receive(mut stream: TcpStream) -> Option<(TcpStream, Asked)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut more = |bytes: &mut Vec<u8>| {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        Some(())
    };
    let head = loop {
        more(&mut bytes)?;
        // The first byte of a TLS record of a handshake.
        if bytes[0] == 0x16 {
            return None;
        }
        if let Some(at) = end_of_head(&bytes) {
            break at;
        }
    };
    let (line, headers) = read_head(&bytes[..head]);
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        more(&mut bytes)?;
    }
    let line = line.rsplit_once(' ').unwrap().0.to_owned();
    Some((stream, Asked { line, headers, body: bytes[head + 4..].to_vec() }))
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n")
}

fn read_head(head: &[u8]) -> (String, BTreeMap<String, String>) {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    (line, headers)
}

/// Sends a request to a server of plain HTTP at an address, which may be of several hosts.
#[must_use]
pub fn ask(address: &str, host: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    exchange(TcpStream::connect(address).unwrap(), host, line, headers, body)
}

/// Sends a request to a world's daemon: method and target, as `GET /info`.
#[must_use]
pub fn ask_daemon(world: &World, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    ask_socket(world.daemon.socket(), line, headers, body)
}

/// Sends a request to whoever listens on a socket.
#[must_use]
pub fn ask_socket(socket: &Path, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    exchange(UnixStream::connect(socket).unwrap(), "docker", line, headers, body)
}

/// In the version of HTTP without chunks: the answer ends with the connection.
fn exchange(mut stream: impl Read + Write, host: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut head = format!("{line} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = end_of_head(&answer).unwrap_or_else(|| panic!("{line}: {}", String::from_utf8_lossy(&answer)));
    let (status, headers) = read_head(&answer[..end]);
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, headers, body: answer[end + 4..].to_vec() }
}
