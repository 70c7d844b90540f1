//! What a component says of itself before it is compiled: its imports and exports.
//!
//! Read from the bytes, so that a component for another version of the WIT package, or for another host
//! altogether, is told so, instead of failing somewhere in the linker.

use wasmparser::{Encoding, Parser, Payload};

use crate::error::LoadError;

const PACKAGE: &str = "sockerless:backend";

/// The version of the WIT package that this host speaks. Components of the same `0.x` are compatible.
const MAJOR_MINOR: (u64, u64) = (0, 1);

/// The version of the WIT package in full, as the package itself has it.
#[must_use]
pub fn wit_version() -> &'static str {
    const TYPES: &str = include_str!("../../../wit/types.wit");
    let version = TYPES.split_once('@').and_then(|(_, rest)| rest.split_once(';'));
    version.map_or("unknown", |(version, _)| version)
}

/// More imports or exports than this no backend needs.
const MAX_NAMES: usize = 1_000;

/// So deep components and modules may lie in each other. Tools make two or three levels, and whatever walks through them may take some
/// of the daemon's stack for each.
const MAX_DEPTH: usize = 100;

/// Interfaces of the WIT package that the host provides.
const IMPORTS: [&str; 9] = ["types", "http", "credentials", "agents", "clock", "log", "config", "host", "streams"];

/// Interfaces of WASI 0.2 that the host provides, most of them empty.
const WASI: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];

/// What a component declares at its outermost level.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Whether these bytes declare themselves a backend that this host could load. Compiles nothing and runs nothing: what is in the component
/// may still be malformed.
///
/// # Errors
/// They are no component, or one for another version or another host.
pub fn check_declared(bytes: &[u8]) -> Result<(), LoadError> {
    declared(bytes)?.check()
}

/// Parses the outermost level of the component.
pub(crate) fn declared(bytes: &[u8]) -> Result<Declared, LoadError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm(foreign(bytes)));
    }
    let malformed = |error: wasmparser::BinaryReaderError| LoadError::Malformed(error.to_string());
    let mut declared = Declared::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(LoadError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(LoadError::Malformed(format!(
                        "it has components in components, more than {MAX_DEPTH} deep"
                    )));
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    declared.imports.push(import.map_err(malformed)?.name.name.to_owned());
                    few(&declared.imports, "imports")?;
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    declared.exports.push(export.map_err(malformed)?.name.name.to_owned());
                    few(&declared.exports, "exports")?;
                }
            }
            _ => {}
        }
    }
    Ok(declared)
}

fn few(names: &[String], what: &str) -> Result<(), LoadError> {
    if names.len() > MAX_NAMES {
        return Err(LoadError::Malformed(format!("it has more than {MAX_NAMES} {what}")));
    }
    Ok(())
}

/// What a file is that does not begin like WebAssembly.
fn foreign(bytes: &[u8]) -> String {
    let text = bytes.trim_ascii_start();
    let kind = match text {
        [] => "it is empty",
        _ if text.starts_with(b"(component") || text.starts_with(b"(module") => {
            "it is WebAssembly text; turn it into a binary with `wasm-tools parse`"
        }
        _ if text.starts_with(b"\x1f\x8b") => "it is compressed with gzip; unpack it first",
        _ if text.starts_with(b"PK") => "it is a zip archive; unpack it first",
        _ if text.starts_with(b"\x7fELF") => "it is a program for this machine",
        _ => "it does not begin with the bytes `\\0asm`",
    };
    kind.to_owned()
}

impl Declared {
    /// The version, then the imports, then the exports.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        for name in self.imports.iter().chain(&self.exports) {
            let Some(interface) = Interface::parse(name) else { continue };
            if interface.package == PACKAGE && interface.major_minor() != Some(MAJOR_MINOR) {
                return Err(LoadError::Version {
                    needs: format!("{PACKAGE} {}", interface.version.unwrap_or("without a version")),
                    speaks: format!("{}.{}", MAJOR_MINOR.0, MAJOR_MINOR.1),
                });
            }
        }
        let unknown: Vec<_> = self.imports.iter().filter(|name| !provided(name)).cloned().collect();
        if !unknown.is_empty() {
            return Err(LoadError::UnknownImports(unknown));
        }
        let missing: Vec<_> = ["backend", "lifecycle"]
            .into_iter()
            .filter(|interface| !self.exports_interface(interface))
            .map(|interface| format!("{PACKAGE}/{interface}"))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(LoadError::MissingExports(missing)) }
    }

    /// Whether it exports this interface of the WIT package.
    pub(crate) fn exports_interface(&self, wanted: &str) -> bool {
        self.exports.iter().any(|name| {
            Interface::parse(name).is_some_and(|found| found.package == PACKAGE && found.interface == wanted)
        })
    }
}

/// Whether the host has an import of this name.
fn provided(name: &str) -> bool {
    let Some(Interface { package, interface, .. }) = Interface::parse(name) else { return false };
    if package == PACKAGE {
        return IMPORTS.contains(&interface);
    }
    package.strip_prefix("wasi:").is_some_and(|package| WASI.contains(&package))
}

/// `package:name/interface@version`.
struct Interface<'a> {
    package: &'a str,
    interface: &'a str,
    version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (path, version) = name.split_once('@').map_or((name, None), |(path, version)| (path, Some(version)));
        let (package, interface) = path.split_once('/')?;
        Some(Self { package, interface, version })
    }

    fn major_minor(&self) -> Option<(u64, u64)> {
        let mut parts = self.version?.split(['.', '-', '+']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_full_is_of_those_that_are_spoken() {
        let (major, minor) = MAJOR_MINOR;
        assert!(wit_version().starts_with(&format!("{major}.{minor}.")), "{}", wit_version());
    }

    #[test]
    fn says_what_a_foreign_file_is() {
        let text = |bytes: &[u8]| declared(bytes).unwrap_err().to_string();
        assert!(text(b"").ends_with("it is empty"));
        assert!(text(b"  (component)").contains("wasm-tools parse"));
        assert!(text(b"\x7fELF\x02").contains("a program for this machine"));
        assert!(text(b"hello").contains("does not begin with the bytes"));
        assert!(matches!(declared(b"\0asm\x01\0\0\0"), Err(LoadError::CoreModule)));
        assert!(matches!(declared(b"\0asm\x0d\0\x01\0\x0b\xff"), Err(LoadError::Malformed(_))));
    }

    /// A section of a component: its number, its length and what it holds.
    fn section(number: u8, content: &[u8]) -> Vec<u8> {
        let mut length = content.len();
        let mut section = vec![number];
        while length >= 0x80 {
            section.push(0x80 | u8::try_from(length & 0x7f).unwrap());
            length >>= 7;
        }
        section.push(u8::try_from(length).unwrap());
        [section, content.to_vec()].concat()
    }

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn components_in_components_end_somewhere() {
        let nested = |depth| (0..depth).fold(EMPTY.to_vec(), |inner, _| [EMPTY, &section(4, &inner)].concat());
        assert!(declared(&nested(MAX_DEPTH)).is_ok());
        let error = declared(&nested(MAX_DEPTH + 1)).unwrap_err().to_string();
        assert!(error.contains("more than 100 deep"), "{error}");
        // So many would be too much for the stack of who walks through them.
        assert!(declared(&nested(10_000)).is_err());
    }

    #[test]
    fn ten_thousand_imports_are_too_many() {
        let component = |imports: usize| {
            let names: String = (0..imports).map(|number| format!("(import \"a{number}\" (func))")).collect();
            wat::parse_str(format!("(component {names})")).unwrap()
        };
        assert_eq!(declared(&component(MAX_NAMES)).unwrap().imports.len(), MAX_NAMES);
        let error = declared(&component(10_000)).unwrap_err().to_string();
        assert!(error.contains("more than 1000 imports"), "{error}");
    }

    #[test]
    fn compares_versions_by_their_first_two_numbers() {
        let needs = |name: &str| Declared { imports: vec![name.into()], exports: vec![] }.check().unwrap_err();
        assert!(matches!(needs("sockerless:backend/http@0.2.0"), LoadError::Version { .. }));
        assert!(matches!(needs("sockerless:backend/http@1.1.0"), LoadError::Version { .. }));
        assert!(matches!(needs("sockerless:backend/http"), LoadError::Version { .. }));
        assert!(matches!(needs("sockerless:backend/http@0.1.7"), LoadError::MissingExports(_)));
        assert!(matches!(needs("sockerless:backend/nope@0.1.0"), LoadError::UnknownImports(_)));
        assert!(matches!(needs("wasi:http/types@0.2.0"), LoadError::UnknownImports(_)));
        assert!(matches!(needs("wasi:io/streams@0.2.6"), LoadError::MissingExports(_)));
    }
}
