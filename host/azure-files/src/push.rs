//! Putting a program into a share from which it is run.
//!
//! What runs from a share reads its program from there as it goes. So a file that is there is never written to. The new one is
//! written under a name of its own, and takes the place of the old one when it is whole. If the service does not let it do so
//! because the old one is open, the old one gets out of the way first: whoever has it open keeps it, under its new name.

use bytes::Bytes;
use md5::{Digest, Md5};

use crate::error::Error;
use crate::request::ShareClient;

/// Most bytes that the service takes at once.
const RANGE: usize = 4 << 20;

/// What has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Whether the share had to be made.
    pub made_share: bool,
    /// Whether the file was there already, with the same content: then nothing was sent.
    pub was_there: bool,
    /// The name under which the file before goes on, as long as somebody has it open.
    pub aside: Option<String>,
}

impl ShareClient {
    /// Puts a file into the share, which is made if it is missing. May be repeated: a file that is there with the same content
    /// stays as it is. Whoever runs the file before goes on running it.
    ///
    /// # Errors
    /// Whatever the service says. Then the file before is still there, unless only the last step has failed.
    pub async fn push(&self, name: &str, content: Bytes) -> Result<Pushed, Error> {
        let md5: [u8; 16] = Md5::digest(&content).into();
        let size = content.len() as u64;
        let mut pushed = Pushed { made_share: false, was_there: false, aside: None };
        let before = match self.file(name).await {
            Err(Error::Refused(refusal)) if refusal.is("ShareNotFound") => {
                pushed.made_share = self.create_share().await?;
                None
            }
            found => found?,
        };
        if before.as_ref().is_some_and(|file| file.size == size && file.md5 == Some(md5)) {
            pushed.was_there = true;
            return Ok(pushed);
        }
        // Of its own, so that two who push at the same time do not write into one file.
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| Error::Other(format!("there is no randomness: {error}")))?;
        let random = hex::encode(random);
        let new = format!("{name}.new-{random}");
        let placed = match self.write(&new, content, size, md5).await {
            Ok(()) => self.place(&new, name, &random).await,
            Err(error) => Err(error),
        };
        match placed {
            Ok(aside) => pushed.aside = aside,
            Err(error) => {
                // What failed is worth telling, not whether it could be tidied up.
                let _ = self.delete(&new).await;
                return Err(error);
            }
        }
        self.verify(name, size, md5).await?;
        Ok(pushed)
    }

    /// Whether a file is what was sent: the service has held each range against its MD5, and the whole is to have arrived.
    async fn verify(&self, name: &str, size: u64, md5: [u8; 16]) -> Result<(), Error> {
        match self.file(name).await? {
            Some(file) if file.size == size && file.md5 == Some(md5) => Ok(()),
            Some(file) => Err(Error::Mismatch(format!("{name} has {} bytes of {size}, or another MD5", file.size))),
            None => Err(Error::Mismatch(format!("{name} is gone"))),
        }
    }

    async fn write(&self, name: &str, content: Bytes, size: u64, md5: [u8; 16]) -> Result<(), Error> {
        self.create_file(name, size, md5).await?;
        for start in (0..content.len()).step_by(RANGE) {
            let end = content.len().min(start + RANGE);
            self.put_range(name, start as u64, content.slice(start..end)).await?;
        }
        self.verify(name, size, md5).await
    }

    /// Has a new file take its place. Answers what has become of the one before, if it goes on under another name.
    async fn place(&self, new: &str, name: &str, random: &str) -> Result<Option<String>, Error> {
        match self.rename(new, name).await {
            Ok(()) => return Ok(None),
            // An answer was lost, and the renaming repeated: whoever looks at the file sees what has become of it.
            Err(Error::Refused(refusal)) if refusal.is("ResourceNotFound") => return Ok(None),
            Err(Error::Refused(refusal)) if refusal.status == 409 => {}
            Err(error) => return Err(error),
        }
        let aside = format!("{name}.old-{random}");
        self.rename(name, &aside).await?;
        if let Err(error) = self.rename(new, name).await {
            // Better the file before than none.
            self.rename(&aside, name).await?;
            return Err(error);
        }
        // Not deleted: whoever runs it would lose it at the next break of their connection to the share.
        Ok(Some(aside))
    }
}
