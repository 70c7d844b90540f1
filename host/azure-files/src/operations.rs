//! The operations of the service that are needed, one function each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use md5::{Digest, Md5};

use crate::error::Error;
use crate::request::{Call, ShareClient};

/// What the service says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProperties {
    /// Its size in bytes.
    pub size: u64,
    /// The MD5 of its content, if whoever wrote it said so.
    pub md5: Option<[u8; 16]>,
}

impl ShareClient {
    /// Create Share. `false` if there is one already.
    pub(crate) async fn create_share(&self) -> Result<bool, Error> {
        match self.send(&call(Method::PUT, None, "restype=share")).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(refusal)) if refusal.is("ShareAlreadyExists") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Get File Properties. Nothing if there is no such file.
    ///
    /// # Errors
    /// A refusal with the code `ShareNotFound`, if it is that which is missing; any other.
    pub async fn file(&self, name: &str) -> Result<Option<FileProperties>, Error> {
        match self.send(&call(Method::HEAD, Some(name), "")).await {
            Ok(headers) => Ok(Some(properties(&headers)?)),
            Err(Error::Refused(refusal)) if refusal.is("ResourceNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Create File: of this size, with nothing but zeros in it.
    pub(crate) async fn create_file(&self, name: &str, size: u64, md5: [u8; 16]) -> Result<(), Error> {
        let mut call = call(Method::PUT, Some(name), "");
        call.headers = vec![
            ("x-ms-type", "file".to_owned()),
            ("x-ms-content-length", size.to_string()),
            ("x-ms-content-type", "application/octet-stream".to_owned()),
            ("x-ms-content-md5", STANDARD.encode(md5)),
            ("x-ms-file-permission", "inherit".to_owned()),
            ("x-ms-file-attributes", "None".to_owned()),
            ("x-ms-file-creation-time", "now".to_owned()),
            ("x-ms-file-last-write-time", "now".to_owned()),
        ];
        self.send(&call).await.map(drop)
    }

    /// Put Range: 4 MiB at most. The service holds what has arrived against its MD5.
    pub(crate) async fn put_range(&self, name: &str, first: u64, content: Bytes) -> Result<(), Error> {
        let mut call = call(Method::PUT, Some(name), "comp=range");
        call.headers = vec![
            ("x-ms-range", format!("bytes={first}-{}", first + content.len() as u64 - 1)),
            ("x-ms-write", "update".to_owned()),
            ("content-md5", STANDARD.encode(Md5::digest(&content))),
        ];
        call.body = content;
        self.send(&call).await.map(drop)
    }

    /// Rename File, in place of one of the new name if there is one.
    pub(crate) async fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let mut call = call(Method::PUT, Some(to), "comp=rename");
        call.headers = vec![
            ("x-ms-file-rename-source", self.url(Some(from), "")?.into()),
            ("x-ms-file-rename-replace-if-exists", "true".to_owned()),
        ];
        self.send(&call).await.map(drop)
    }

    /// Delete File. That there is none is success.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.send(&call(Method::DELETE, Some(name), "")).await {
            Err(Error::Refused(refusal)) if refusal.is("ResourceNotFound") => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}

fn call<'c>(method: Method, file: Option<&'c str>, query: &'static str) -> Call<'c> {
    Call { method, file, query, headers: Vec::new(), body: Bytes::new() }
}

fn properties(headers: &HeaderMap) -> Result<FileProperties, Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let size = text("content-length").and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| Error::Other("Azure Files does not say how large the file is".to_owned()))?;
    let md5 = text("content-md5").and_then(|md5| STANDARD.decode(md5).ok()).and_then(|md5| md5.try_into().ok());
    Ok(FileProperties { size, md5 })
}
