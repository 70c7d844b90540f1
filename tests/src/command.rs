//! Running a client to its end.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

/// What a client did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The command line, for messages.
    pub command: String,
    /// Exit code, 128 and more for a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Runs a command to its end with this standard input.
    #[must_use]
    pub fn run(command: &mut Command, stdin: &[u8]) -> Self {
        let shown = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {shown}: {error}"));
        let mut input = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        // Written beside reading, so that neither side waits for the other. A client may end before it has read everything.
        let writer = thread::spawn(move || drop(input.write_all(&stdin)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Self::of(shown, &output)
    }

    fn of(command: String, output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
        Self {
            command,
            code,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test unless the client succeeded. Answers its output without the last newline.
    #[track_caller]
    pub fn ok(&self) -> &str {
        self.exits(0)
    }

    /// Fails the test unless the client ended with this code. Answers its output without the last newline.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &str {
        assert_eq!(
            self.code, code,
            "{}\nexit code\n--- stdout\n{}--- stderr\n{}",
            self.command, self.stdout, self.stderr
        );
        self.stdout.trim_end_matches('\n')
    }
}
