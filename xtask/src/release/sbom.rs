//! What a release is made of: a software bill of materials by CycloneDX 1.6 (<https://cyclonedx.org/docs/1.6/json/>).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::build::root;
use crate::tools;

/// What is in a release, and for which machine it is built.
const PRODUCTS: [(&str, &str); 3] = [
    ("sockerless", "x86_64-unknown-linux-gnu"),
    ("sockerless-agent", "x86_64-unknown-linux-musl"),
    ("sockerless-azf", "wasm32-wasip2"),
];

/// What `cargo metadata` says, as far as it is used.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Nothing for what is linked in; `dev` and `build` for the rest.
    kind: Option<String>,
}

/// `Cargo.lock`, as far as it is used.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The bill, as text: every package that is linked into one of the products, its licence, its checksum, and what it depends on.
pub(super) fn bill_of_materials() -> Result<String> {
    let lock: Lock = toml::from_str(&fs::read_to_string(root().join("Cargo.lock"))?).context("Cargo.lock")?;
    let checksums: BTreeMap<_, _> =
        lock.package.into_iter().filter_map(|it| Some(((it.name, it.version), it.checksum?))).collect();
    let (mut components, mut dependencies) = (BTreeMap::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for (product, target) in PRODUCTS {
        let Metadata { packages, resolve } = metadata(target)?;
        let packages: BTreeMap<_, _> = packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let first = packages.values().find(|package| package.name == product);
        let mut left = vec![first.with_context(|| format!("the workspace has no package {product}"))?.id.as_str()];
        let mut seen = BTreeSet::new();
        while let Some(id) = left.pop() {
            if !seen.insert(id) {
                continue;
            }
            let (Some(package), Some(node)) = (packages.get(id), nodes.get(id)) else { continue };
            let linked = node.deps.iter().filter(|it| it.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            let linked: Vec<_> = linked.map(|it| it.pkg.as_str()).collect();
            let names = linked.iter().filter_map(|id| packages.get(id)).map(|package| reference(package));
            dependencies.entry(reference(package)).or_default().extend(names);
            let checksum = checksums.get(&(package.name.clone(), package.version.clone()));
            components.insert(
                reference(package),
                component(package, PRODUCTS.iter().any(|it| it.0 == package.name), checksum),
            );
            left.extend(linked);
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let whole = format!("sockerless-release@{version}");
    let products = components.iter().filter(|(_, component)| component["type"] == "application");
    dependencies.insert(whole.clone(), products.map(|(reference, _)| reference.clone()).collect());
    let dependencies: Vec<_> =
        dependencies.iter().map(|(reference, on)| json!({ "ref": reference, "dependsOn": on })).collect();
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": { "type": "application", "bom-ref": whole, "name": "sockerless-release", "version": version },
        },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    Ok(format!("{bill:#}\n"))
}

fn metadata(target: &str) -> Result<Metadata> {
    let mut command = tools::cargo();
    command.current_dir(root()).args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target]);
    let said = tools::output(&mut command).context("`cargo metadata --locked` failed")?;
    serde_json::from_str(&said).context("what `cargo metadata` says is not understood")
}

/// How a package is named in the bill: by its package URL.
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(package: &Package, product: bool, checksum: Option<&String>) -> Value {
    let mut component = json!({
        "type": if product { "application" } else { "library" },
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
    });
    if package.source.is_some() {
        component["purl"] = reference(package).into();
    }
    if let Some(license) = &package.license {
        // The slash is how it was written before it was an expression of SPDX.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}
