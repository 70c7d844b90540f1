//! Platforms of images: operating system, processor and its variant.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::object::{is_default, or_default};

/// For what an image is made, as registries and `GET /distribution/{name}/json` write it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImagePlatform {
    /// The processor, in Go's words: `amd64`.
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    /// The operating system: `linux`.
    #[serde(deserialize_with = "or_default")]
    pub os: String,
    /// Its version, where it matters.
    #[serde(rename = "os.version", deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub os_version: String,
    /// What it must be able to do.
    #[serde(rename = "os.features", deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub os_features: Vec<String>,
    /// The variant of the processor: `v7`.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub variant: String,
}

impl ImagePlatform {
    /// Linux on this processor.
    #[must_use]
    pub fn linux(architecture: &str) -> Self {
        Self { architecture: architecture.to_owned(), os: "linux".to_owned(), ..Self::default() }
    }

    /// Reads `os[/architecture[/variant]]`, or an architecture alone. What is left out is `linux` and `amd64`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split('/').map(str::to_ascii_lowercase);
        let first = parts.next().unwrap_or_default();
        let second = parts.next();
        let variant = parts.next().unwrap_or_default();
        let systems =
            ["linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "aix", "plan9", "wasip1"];
        let (os, architecture) = match second {
            Some(architecture) => (first, architecture),
            None if first == "macos" || systems.contains(&first.as_str()) => (first, "amd64".to_owned()),
            None => ("linux".to_owned(), first),
        };
        Self { architecture, os, variant, ..Self::default() }.normalised()
    }

    /// The same with one name for what has several: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.os = self.os.to_ascii_lowercase();
        if self.os == "macos" {
            self.os = "darwin".to_owned();
        }
        let architecture = self.architecture.to_ascii_lowercase();
        let variant = self.variant.to_ascii_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64" | "amd64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64" | "arm64", variant) => ("arm64", variant),
            ("i386" | "386", _) => ("386", ""),
            ("armhf", _) | ("arm", "" | "7" | "v7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6" | "v6") => ("arm", "v6"),
            ("arm", "5" | "v5") => ("arm", "v5"),
            ("arm", "8" | "v8") => ("arm", "v8"),
            (architecture, variant) => (architecture, variant),
        };
        let (architecture, variant) = (architecture.to_owned(), variant.to_owned());
        Self { architecture, variant, ..self }
    }

    /// How well an image for `offered` runs where this platform is wanted: a smaller number is better, nothing means that it
    /// does not. Processors run what is made for older ones of their family.
    #[must_use]
    pub fn suitability(&self, offered: &Self) -> Option<usize> {
        let (wanted, offered) = (self.clone().normalised(), offered.clone().normalised());
        if wanted.os != offered.os {
            return None;
        }
        wanted
            .runs()
            .iter()
            .position(|(architecture, variant)| *architecture == offered.architecture && *variant == offered.variant)
    }

    /// What this platform runs, the best first.
    fn runs(&self) -> Vec<(String, String)> {
        let own = (self.architecture.clone(), self.variant.clone());
        let level = |text: &str| text.strip_prefix('v').and_then(|digits| digits.parse::<u8>().ok());
        let arm = |from: u8| (5..=from.min(8)).rev().map(|level| ("arm".to_owned(), format!("v{level}")));
        let mut runs = vec![own];
        match self.architecture.as_str() {
            "arm" => runs.extend(arm(level(&self.variant).unwrap_or(7).saturating_sub(1))),
            "arm64" => {
                if !self.variant.is_empty() {
                    runs.push(("arm64".to_owned(), String::new()));
                }
                runs.extend(arm(8));
            }
            "amd64" => {
                let below = level(&self.variant).unwrap_or(1).min(9);
                runs.extend((2..below).rev().map(|level| ("amd64".to_owned(), format!("v{level}"))));
                runs.extend([("amd64".to_owned(), String::new()), ("386".to_owned(), String::new())]);
            }
            _ => {}
        }
        runs
    }
}

/// `linux/arm/v7`
impl fmt::Display for ImagePlatform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(formatter, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::ImagePlatform;

    #[test]
    fn read_and_shown() {
        for (text, shown) in [
            ("linux", "linux/amd64"),
            ("arm64", "linux/arm64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("windows/amd64", "windows/amd64"),
            ("linux/s390x", "linux/s390x"),
        ] {
            assert_eq!(ImagePlatform::parse(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn the_nearest_is_the_best() {
        let rank =
            |wanted: &str, offered: &str| ImagePlatform::parse(wanted).suitability(&ImagePlatform::parse(offered));
        assert_eq!(rank("linux/amd64", "linux/amd64"), Some(0));
        assert_eq!(rank("linux/amd64", "windows/amd64"), None);
        assert_eq!(rank("linux/amd64", "linux/arm64"), None);
        assert!(rank("linux/amd64", "linux/386") > rank("linux/amd64", "linux/amd64"));
        assert!(rank("linux/arm64", "linux/arm/v6") > rank("linux/arm64", "linux/arm/v7"));
        assert_eq!(rank("linux/arm/v6", "linux/arm/v7"), None);
        assert!(rank("linux/arm/v6", "linux/arm/v5").is_some());
        assert_eq!(rank("linux/386", "linux/amd64"), None);
    }
}
