//! Passes connections to the daemon on.

use std::io::Result;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use super::Judgement;
use super::http::{Length, Passage};

/// A socket behind which is another. It stays for as long as the test's process does.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) judgement: Judgement,
}

/// A request, as far as the answer to it must be known.
struct Request {
    method: String,
    target: String,
    /// The connection belongs to a process from here on.
    taken_over: bool,
}

impl Proxy {
    /// Listens at one path and passes on to the other.
    pub(crate) fn start(listen: &Path, daemon: PathBuf) -> Self {
        let judgement = Judgement::default();
        let listener = UnixListener::bind(listen).unwrap();
        let judge = judgement.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A daemon that is not there is a connection that ends at once.
                if let Ok(server) = UnixStream::connect(&daemon) {
                    let judge = judge.clone();
                    thread::spawn(move || connection(client, server, &judge));
                }
            }
        });
        Self { judgement }
    }
}

fn connection(client: UnixStream, server: UnixStream, judgement: &Judgement) {
    let (Ok(client_reader), Ok(server_writer)) = (client.try_clone(), server.try_clone()) else { return };
    let (sender, requests) = mpsc::channel();
    let up = thread::spawn(move || {
        let writer = server_writer.try_clone();
        let _ = requests_up(Passage::new(client_reader, server_writer), &sender);
        // The half-close of the client is one of the proxy.
        let _ = writer.map(|writer| writer.shutdown(Shutdown::Write));
    });
    let writer = client.try_clone();
    let _ = answers_down(Passage::new(server, client), &requests, judgement);
    let _ = writer.map(|writer| writer.shutdown(Shutdown::Both));
    let _ = up.join();
}

fn requests_up(mut passage: Passage<UnixStream, UnixStream>, requests: &mpsc::Sender<Request>) -> Result<()> {
    while let Some((head, bytes)) = passage.head()? {
        let (method, target) = (head.word(0).to_owned(), head.word(1).to_owned());
        let path = target.split('?').next().unwrap_or_default();
        let taken_over = head.get("upgrade").is_some()
            || (method == "POST"
                && (path.ends_with("/attach") || (path.contains("/exec/") && path.ends_with("/start"))));
        let request = Request { method, target, taken_over };
        // Known before the daemon can answer.
        let _ = requests.send(request);
        passage.pass(&bytes)?;
        passage.body(Length::of_request(&head))?;
        if taken_over {
            return passage.rest();
        }
    }
    Ok(())
}

fn answers_down(
    mut passage: Passage<UnixStream, UnixStream>,
    requests: &mpsc::Receiver<Request>,
    judgement: &Judgement,
) -> Result<()> {
    while let Some((head, bytes)) = passage.head()? {
        passage.pass(&bytes)?;
        let status: u16 = head.word(1).parse().unwrap_or(0);
        if status == 100 {
            continue;
        }
        // An answer without a request ends a connection that was never used.
        let Ok(Request { method, target, taken_over }) = requests.recv() else { return passage.rest() };
        let length = match status {
            101 => return passage.rest(),
            204 | 304 => Length::Known(0),
            _ if method == "HEAD" => Length::Known(0),
            _ => Length::declared(&head),
        };
        let is_json = head.get("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if taken_over && !is_json {
            return passage.rest();
        }
        let body = passage.body(length)?;
        if is_json {
            judgement.judge(&method, &target, status, &body);
        }
        if length == Length::Open {
            break;
        }
    }
    Ok(())
}
