//! Requests as they are, over a unix socket: no library that would mend what a table has wrong on purpose.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A limit is there to end a table that hangs, not to measure.
const PATIENCE: Duration = Duration::from_secs(90);

/// What is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    pub(super) method: String,
    pub(super) target: String,
    /// Besides those that every request has, and instead of them.
    pub(super) headers: Vec<(String, String)>,
    /// Those of the usual headers that are left out.
    pub(super) without: Vec<String>,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An answer whose head is there, and whose body may still come.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) answer: Answer,
    reader: BufReader<UnixStream>,
    has_body: bool,
}

/// Sends a request, and reads the head of the answer.
pub(super) fn send(socket: &Path, message: &Message) -> Result<Pending> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&head(message))?;
    // A server may refuse a large body before it has read all of it.
    let sent = stream.write_all(&message.body);
    let mut reader = BufReader::new(stream);
    let mut answer = Answer::default();
    let first = line(&mut reader)?;
    answer.status = match first.split(' ').nth(1).and_then(|status| status.parse().ok()) {
        Some(status) => status,
        None => {
            sent?;
            return Err(Error::other(format!("the answer begins with {first:?}")));
        }
    };
    loop {
        let line = line(&mut reader)?;
        let Some((name, value)) = line.split_once(':') else { break };
        answer.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let has_body = message.method != "HEAD" && !matches!(answer.status, 204 | 304);
    Ok(Pending { answer, reader, has_body })
}

fn head(message: &Message) -> Vec<u8> {
    let mut headers = vec![("Host".to_owned(), "docker".to_owned()), ("Connection".to_owned(), "close".to_owned())];
    if !message.body.is_empty() {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    if !message.body.is_empty() || message.method != "GET" && message.method != "HEAD" {
        headers.push(("Content-Length".to_owned(), message.body.len().to_string()));
    }
    for (name, value) in &message.headers {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.clone(), value.clone()));
    }
    headers.retain(|(name, _)| !message.without.iter().any(|without| without.eq_ignore_ascii_case(name)));
    let mut head = format!("{} {} HTTP/1.1\r\n", message.method, message.target);
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

impl Pending {
    /// Reads the body.
    pub(super) fn finish(mut self) -> Result<Answer> {
        if !self.has_body {
            return Ok(self.answer);
        }
        let is_chunked = self.answer.header("transfer-encoding").is_some_and(|value| value == "chunked");
        let length = self.answer.header("content-length").and_then(|value| value.parse::<u64>().ok());
        if is_chunked {
            loop {
                let size = line(&mut self.reader)?;
                let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                    .map_err(|_| Error::other(format!("{size:?} is not the size of a chunk")))?;
                (&mut self.reader).take(size).read_to_end(&mut self.answer.body)?;
                line(&mut self.reader)?;
                if size == 0 {
                    return Ok(self.answer);
                }
            }
        }
        self.reader.take(length.unwrap_or(u64::MAX)).read_to_end(&mut self.answer.body)?;
        Ok(self.answer)
    }
}

fn line(reader: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Escapes what a table may write as it is, for the sake of legibility, and a request may not.
pub(super) fn escape(target: &str) -> String {
    let mut escaped = String::new();
    for byte in target.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>[]\\^`{|}".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Message, escape, head};

    #[test]
    fn targets() {
        assert_eq!(escape(r#"/a?filters={"b":["c"]}&d=%20"#), "/a?filters=%7B%22b%22:%5B%22c%22%5D%7D&d=%20");
    }

    #[test]
    fn heads() {
        let mut message = Message { method: "GET".into(), target: "/info".into(), ..Message::default() };
        let text = |message: &Message| String::from_utf8(head(message)).unwrap();
        assert_eq!(text(&message), "GET /info HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n");
        message.method = "POST".into();
        message.body = b"{}".to_vec();
        message.headers = vec![("content-type".into(), "text/plain".into())];
        message.without = vec!["Connection".into()];
        assert_eq!(
            text(&message),
            "POST /info HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\ncontent-type: text/plain\r\n\r\n"
        );
    }
}
