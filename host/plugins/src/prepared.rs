//! A component that is compiled and linked, ready to be instantiated for each call.

use sockerless_backend::types::Interfaces;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Instance, InstancePre};

use crate::bindings::exports::sockerless::backend::{archive, attach, backend, exec, inventory, lifecycle, logs, runs};
use crate::engine::Engine;
use crate::error::LoadError;
use crate::state::CallState;

pub(crate) struct Prepared {
    pub(crate) engine: Engine,
    /// `sha256:` and 64 hexadecimal digits of the component's bytes.
    pub(crate) digest: String,
    pub(crate) pre: InstancePre<CallState>,
    backend: backend::GuestIndices,
    lifecycle: lifecycle::GuestIndices,
    logs: Option<logs::GuestIndices>,
    inventory: Option<inventory::GuestIndices>,
    exec: Option<exec::GuestIndices>,
    attach: Option<attach::GuestIndices>,
    archive: Option<archive::GuestIndices>,
    runs: Option<runs::GuestIndices>,
}

/// The functions that a backend must export.
const REQUIRED: [(&str, &[&str]); 2] = [
    ("backend", &["describe", "check", "plan"]),
    ("lifecycle", &["create", "start", "finished", "stop", "kill", "restart", "remove", "recover"]),
];

/// The functions of the optional interfaces.
const LOGS: (&str, &[&str]) = ("logs", &["read"]);
const INVENTORY: (&str, &[&str]) = ("inventory", &["list", "agent-environment"]);
const EXEC: (&str, &[&str]) = ("exec", &["start", "inspect", "resize"]);
const ATTACH: (&str, &[&str]) = ("attach", &["open", "resize"]);
const ARCHIVE: (&str, &[&str]) = ("archive", &["stat", "get", "put", "extracted", "file-system"]);
const RUNS: (&str, &[&str]) = ("runs", &["resume"]);

impl Prepared {
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        optional: Interfaces,
        digest: String,
    ) -> Result<Self, LoadError> {
        let missing = missing(engine, component, optional);
        if !missing.is_empty() {
            return Err(LoadError::MissingExports(missing));
        }
        let misfit = |error: wasmtime::Error| LoadError::Signature(format!("{error:#}"));
        let pre = engine.linker.instantiate_pre(component).map_err(misfit)?;
        Ok(Self {
            engine: engine.clone(),
            digest,
            backend: backend::GuestIndices::new(&pre).map_err(misfit)?,
            lifecycle: lifecycle::GuestIndices::new(&pre).map_err(misfit)?,
            logs: optional.logs.then(|| logs::GuestIndices::new(&pre)).transpose().map_err(misfit)?,
            inventory: optional.inventory.then(|| inventory::GuestIndices::new(&pre)).transpose().map_err(misfit)?,
            exec: optional.exec.then(|| exec::GuestIndices::new(&pre)).transpose().map_err(misfit)?,
            attach: optional.attach.then(|| attach::GuestIndices::new(&pre)).transpose().map_err(misfit)?,
            archive: optional.archive.then(|| archive::GuestIndices::new(&pre)).transpose().map_err(misfit)?,
            runs: optional.runs.then(|| runs::GuestIndices::new(&pre)).transpose().map_err(misfit)?,
            pre,
        })
    }

    /// What it exports beyond what it must.
    pub(crate) fn interfaces(&self) -> Interfaces {
        Interfaces {
            logs: self.logs.is_some(),
            inventory: self.inventory.is_some(),
            exec: self.exec.is_some(),
            attach: self.attach.is_some(),
            archive: self.archive.is_some(),
            runs: self.runs.is_some(),
        }
    }
}

/// The exported functions that are not there, with their interface.
fn missing(engine: &Engine, component: &Component, optional: Interfaces) -> Vec<String> {
    let ty = component.component_type();
    let optional = [
        optional.logs.then_some(LOGS),
        optional.inventory.then_some(INVENTORY),
        optional.exec.then_some(EXEC),
        optional.attach.then_some(ATTACH),
        optional.archive.then_some(ARCHIVE),
        optional.runs.then_some(RUNS),
    ];
    let mut missing = Vec::new();
    for (interface, functions) in REQUIRED.into_iter().chain(optional.into_iter().flatten()) {
        let prefix = format!("sockerless:backend/{interface}@");
        let found = ty.exports(&engine.wasmtime).find(|(name, _)| name.starts_with(&prefix));
        let Some((_, wasmtime::component::types::ComponentExtern { ty: ComponentItem::ComponentInstance(found), .. })) =
            found
        else {
            missing.push(format!("sockerless:backend/{interface}"));
            continue;
        };
        for function in functions {
            if !matches!(
                found.get_export(&engine.wasmtime, function).map(|export| export.ty),
                Some(ComponentItem::ComponentFunc(_))
            ) {
                missing.push(format!("sockerless:backend/{interface}.{function}"));
            }
        }
    }
    missing
}

/// An instance, and the store in which it lives, for one call.
pub(crate) struct Guest<'a> {
    pub(crate) store: &'a mut wasmtime::Store<CallState>,
    pub(crate) instance: Instance,
    pub(crate) prepared: &'a Prepared,
}

impl Guest<'_> {
    pub(crate) fn backend(&mut self) -> wasmtime::Result<backend::Guest> {
        self.prepared.backend.load(&mut *self.store, &self.instance)
    }

    pub(crate) fn lifecycle(&mut self) -> wasmtime::Result<lifecycle::Guest> {
        self.prepared.lifecycle.load(&mut *self.store, &self.instance)
    }

    /// Whether all exports have the types of the WIT package, which only an instance tells.
    pub(crate) fn fits(&mut self) -> wasmtime::Result<()> {
        self.backend()?;
        self.lifecycle()?;
        self.logs()?;
        self.inventory()?;
        self.exec()?;
        self.attach()?;
        self.archive()?;
        self.runs()?;
        Ok(())
    }

    pub(crate) fn logs(&mut self) -> wasmtime::Result<Option<logs::Guest>> {
        let logs = self.prepared.logs.as_ref();
        logs.map(|indices| indices.load(&mut *self.store, &self.instance)).transpose()
    }

    pub(crate) fn inventory(&mut self) -> wasmtime::Result<Option<inventory::Guest>> {
        let inventory = self.prepared.inventory.as_ref();
        inventory.map(|indices| indices.load(&mut *self.store, &self.instance)).transpose()
    }
    pub(crate) fn exec(&mut self) -> wasmtime::Result<Option<exec::Guest>> {
        let exec = self.prepared.exec.as_ref();
        exec.map(|indices| indices.load(&mut *self.store, &self.instance)).transpose()
    }

    pub(crate) fn attach(&mut self) -> wasmtime::Result<Option<attach::Guest>> {
        let attach = self.prepared.attach.as_ref();
        attach.map(|indices| indices.load(&mut *self.store, &self.instance)).transpose()
    }

    pub(crate) fn archive(&mut self) -> wasmtime::Result<Option<archive::Guest>> {
        let archive = self.prepared.archive.as_ref();
        archive.map(|indices| indices.load(&mut *self.store, &self.instance)).transpose()
    }

    pub(crate) fn runs(&mut self) -> wasmtime::Result<Option<runs::Guest>> {
        let runs = self.prepared.runs.as_ref();
        runs.map(|indices| indices.load(&mut *self.store, &self.instance)).transpose()
    }
}
