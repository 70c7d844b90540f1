//! The WIT package against what was promised: `wit/frozen` has a copy of every version, as it was when it came out.
//!
//! A backend that was built against a version goes on working with every later one of the same `0.x` (decided by
//! `MAJOR_MINOR` in `host/plugins/src/inspect.rs`), so what a frozen copy has stays as it is: new is only what it has not. Comments
//! may change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, PackageId, Resolve, Type, TypeDefKind, TypeId, WorldItem, WorldKey,
};

use crate::package::package;

/// Everything that a package promises: the path of each thing, and what it is.
type Promises = BTreeMap<String, String>;

/// The package of this repository.
fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn promises(folder: &Path) -> (String, Promises) {
    let (resolve, id) = package(folder).unwrap();
    let version = resolve.packages[id].name.version.as_ref().unwrap().to_string();
    (version, Reader { resolve: &resolve }.package(id))
}

struct Reader<'a> {
    resolve: &'a Resolve,
}

impl Reader<'_> {
    fn package(&self, id: PackageId) -> Promises {
        let mut promises = Promises::new();
        let package = &self.resolve.packages[id];
        for (name, &interface) in &package.interfaces {
            let interface = &self.resolve.interfaces[interface];
            for (item, &ty) in &interface.types {
                promises.insert(format!("interface {name}, type {item}"), self.definition(ty));
            }
            for (item, function) in &interface.functions {
                promises.insert(format!("interface {name}, function {item}"), self.function(function));
            }
        }
        for (name, &world) in &package.worlds {
            let world = &self.resolve.worlds[world];
            for (what, items) in [("import", &world.imports), ("export", &world.exports)] {
                for (key, item) in items {
                    let (key, item) = (self.key(key), self.item(item));
                    promises.insert(format!("world {name}, {what} {key}"), item);
                }
            }
        }
        promises
    }

    fn interface(&self, id: InterfaceId) -> String {
        self.resolve.interfaces[id].name.clone().unwrap_or_else(|| "without a name".into())
    }

    fn key(&self, key: &WorldKey) -> String {
        match key {
            WorldKey::Name(name) => name.clone(),
            WorldKey::Interface(id) => self.interface(*id),
        }
    }

    fn item(&self, item: &WorldItem) -> String {
        match item {
            WorldItem::Interface { id, .. } => format!("interface {}", self.interface(*id)),
            WorldItem::Function(function) => self.function(function),
            WorldItem::Type { id, .. } => self.definition(*id),
        }
    }

    fn function(&self, function: &Function) -> String {
        let kind = match function.kind {
            FunctionKind::Freestanding => "func",
            FunctionKind::Method(_) => "method",
            FunctionKind::Static(_) => "static",
            FunctionKind::Constructor(_) => "constructor",
            _ => "async",
        };
        let params: Vec<_> =
            function.params.iter().map(|param| format!("{}: {}", param.name, self.ty(&param.ty))).collect();
        let result = function.result.as_ref().map_or_else(String::new, |ty| format!(" -> {}", self.ty(ty)));
        format!("{kind}({}){result}", params.join(", "))
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].name {
                Some(name) => name.clone(),
                None => self.definition(*id),
            },
            plain => format!("{plain:?}").to_lowercase(),
        }
    }

    fn optional(&self, ty: Option<&Type>) -> String {
        ty.map_or_else(|| "_".into(), |ty| self.ty(ty))
    }

    fn definition(&self, id: TypeId) -> String {
        let list = |parts: Vec<String>| parts.join(", ");
        match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                list(record.fields.iter().map(|field| format!("{}: {}", field.name, self.ty(&field.ty))).collect())
            }
            TypeDefKind::Variant(variant) => {
                let case = |name: &str, ty: Option<&Type>| format!("{name}({})", self.optional(ty));
                list(variant.cases.iter().map(|one| case(&one.name, one.ty.as_ref())).collect())
            }
            TypeDefKind::Enum(cases) => list(cases.cases.iter().map(|case| case.name.clone()).collect()),
            TypeDefKind::Flags(flags) => list(flags.flags.iter().map(|flag| flag.name.clone()).collect()),
            TypeDefKind::Tuple(tuple) => format!("tuple<{}>", list(tuple.types.iter().map(|ty| self.ty(ty)).collect())),
            TypeDefKind::Option(ty) => format!("option<{}>", self.ty(ty)),
            TypeDefKind::List(ty) => format!("list<{}>", self.ty(ty)),
            TypeDefKind::Result(result) => {
                format!("result<{}, {}>", self.optional(result.ok.as_ref()), self.optional(result.err.as_ref()))
            }
            TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", self.ty(&Type::Id(*id))),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", self.ty(&Type::Id(*id))),
            TypeDefKind::Resource => "resource".into(),
            // `use` of another interface's type, or a name for one.
            TypeDefKind::Type(ty) => format!("= {}", self.ty(ty)),
            other => panic!("a kind of type that this test does not know: {other:?}"),
        }
    }
}

fn frozen() -> Vec<(String, Promises)> {
    let folders = wit().join("frozen").read_dir().unwrap().map(|entry| entry.unwrap().path());
    folders
        .map(|folder: PathBuf| {
            let (version, promises) = promises(&folder);
            assert_eq!(
                folder.file_name().unwrap().to_str().unwrap(),
                version,
                "the folder has the name of another version"
            );
            (version, promises)
        })
        .collect()
}

/// What is in `promised` and not, or otherwise, in `found`.
fn broken(promised: &Promises, found: &Promises) -> Vec<String> {
    let differs = promised.iter().filter(|(path, what)| found.get(*path) != Some(what));
    differs
        .map(|(path, what)| {
            let found = found.get(path).map_or("not there", String::as_str);
            format!("{path}\n  promised: {what}\n  now:      {found}")
        })
        .collect()
}

fn same_minor(one: &str, other: &str) -> bool {
    let minor = |version: &str| version.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    minor(one) == minor(other)
}

#[test]
fn what_a_version_of_the_wit_package_promised_it_keeps() {
    let (version, now) = promises(&wit());
    let frozen = frozen();
    let (_, same) = frozen.iter().find(|(frozen, _)| *frozen == version).unwrap_or_else(|| {
        panic!("version {version} of the WIT package is not frozen: copy wit/*.wit to wit/frozen/{version}/")
    });
    let added: Vec<_> = now.keys().filter(|path| !same.contains_key(*path)).cloned().collect();
    assert!(added.is_empty(), "version {version} is out: what is new needs a new version\n{}", added.join("\n"));
    for (old, promised) in frozen.iter().filter(|(old, _)| same_minor(old, &version)) {
        let broken = broken(promised, &now);
        assert!(broken.is_empty(), "backends built against {old} would not work any more:\n{}", broken.join("\n"));
    }
}

#[test]
fn a_change_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let change = |from: &str, to: &str| {
        for entry in wit().read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap().replace(from, to);
                std::fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
            }
        }
        broken(&promises(&wit()).1, &promises(folder.path()).1).len()
    };
    assert_eq!(change("Time.", "Another comment."), 0);
    assert_eq!(change("partial: bool,", "partial: bool, more: u8,"), 1);
    assert_eq!(change("sleep: func(milliseconds: u64);", "sleep: func(milliseconds: u32);"), 1);
    assert_eq!(change("connected: func(container: container-id) -> bool;", ""), 1);
    assert_eq!(change("other(string),", ""), 4);
}
