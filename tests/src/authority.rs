//! Certificates for the tests of listeners.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};

/// What a certificate says of its owner.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The common name.
    pub common: String,
    /// The alternative names: DNS names and IP addresses.
    pub alternative: Vec<String>,
    /// Whether its time is over.
    pub expired: bool,
}

impl Names {
    /// With this common name only.
    #[must_use]
    pub fn common(name: &str) -> Self {
        Self { common: name.to_owned(), ..Self::default() }
    }
}

/// Somebody who signs certificates.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Writes `ca.pem`, `cert.pem` and `key.pem` into a folder, as `DOCKER_CERT_PATH` has them. Each is put in place whole.
    pub fn issue(&self, folder: &Path, names: &Names) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let mut params = CertificateParams::new(names.alternative.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, names.common.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if names.expired {
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        for (name, pem) in
            [("ca.pem", self.pem.clone()), ("key.pem", key.serialize_pem()), ("cert.pem", certificate.pem())]
        {
            let draft = folder.join(format!("{name}.new"));
            fs::write(&draft, pem).unwrap();
            fs::rename(&draft, folder.join(name)).unwrap();
        }
        folder.to_owned()
    }
}
