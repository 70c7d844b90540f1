//! A daemon that is reached by TCP with TLS, and clients with certificates.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use sockerless_tests::{Authority, Bare, Names, Ran, built};

/// A daemon with the backend `memory`, a unix socket and a TLS listener.
pub(crate) struct Secure {
    pub(crate) bare: Bare,
    pub(crate) authority: Authority,
    /// The folder of the daemon's own certificate.
    pub(crate) own: PathBuf,
    /// Address and port.
    pub(crate) address: String,
}

/// An address of this machine that was free just now.
pub(crate) fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// What the daemon's certificate says.
pub(crate) fn of_the_daemon() -> Names {
    Names { alternative: vec!["127.0.0.1".to_owned()], ..Names::common("daemon") }
}

impl Secure {
    /// With more in its configuration file.
    pub(crate) fn start(configuration: &str) -> Self {
        let backend = vec![built("SOCKERLESS_TEST_MEMORY_RUST")];
        let mut bare = Bare::without_daemon(backend, &[("SOCKERLESS_LOG", "info,sockerless_api=debug")]);
        let (authority, address) = (Authority::new("authority of the test"), free_address());
        let own = authority.issue(&bare.folder().join("own"), &of_the_daemon());
        let file = bare.folder().join("sockerless.toml");
        std::fs::write(&file, configuration).unwrap();
        bare.daemon.option("--config", file.to_str().unwrap());
        bare.daemon.option("--host", format!("tcp://{address}"));
        for (option, name) in [("--tls-cert", "cert.pem"), ("--tls-key", "key.pem"), ("--tls-ca", "ca.pem")] {
            bare.daemon.option(option, own.join(name).to_str().unwrap());
        }
        bare.daemon.start().unwrap_or_else(|error| panic!("{error}"));
        Self { bare, authority, own, address }
    }

    /// A client's certificate.
    pub(crate) fn client(&self, names: &Names) -> PathBuf {
        self.authority.issue(&self.bare.folder().join("clients").join(&names.common), names)
    }

    /// The Docker CLI with `--tlsverify`, and what a folder has for it.
    pub(crate) fn command(&self, identity: &Path, arguments: &[&str]) -> std::process::Command {
        let mut command = self.bare.docker.command(arguments);
        command.env("DOCKER_HOST", format!("tcp://{}", self.address));
        command.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", identity);
        command
    }

    /// The same, run to its end.
    pub(crate) fn docker(&self, identity: &Path, arguments: &[&str]) -> Ran {
        Ran::run(&mut self.command(identity, arguments), b"")
    }
}
