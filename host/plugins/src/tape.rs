//! What passes between a component and its host in one call: taken down while it happens, or played back later.
//!
//! Each import asks the tape before it does anything ([`taped`]). Where calls are recorded the tape takes note and the import goes on;
//! where one is played back the tape has the answer, and the import does nothing.

mod form;
mod playback;
mod take;

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::ChaCha20Rng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sockerless_recorder::{Outcome, Recorder};
use wasmtime_wasi::WasiCtxBuilder;

pub(crate) use form::{Recorded, request, value};
pub(crate) use playback::{Playback, Played};
use take::Take;

use crate::context::Context;
use crate::label::Label;
use crate::prepared::Prepared;

/// Of which all random numbers of a call are made.
type Seed = [u8; 32];

/// What becomes of all calls.
#[derive(Clone, Default)]
pub(crate) enum Tapes {
    /// They are not recorded.
    #[default]
    None,
    /// They are recorded.
    Recorder(Recorder),
    /// The next one is played back.
    Playback(Arc<Mutex<Playback>>),
}

/// What becomes of one call.
pub(crate) enum Tape {
    Off,
    Recording(Take),
    Playing(Arc<Mutex<Playback>>),
}

/// What an import does when it is called: `taped!(self, "agents.prepare", { container, run }, what it does)`. Its arguments are given by
/// the names of the WIT package. What it answers must come back from JSON as what it was.
macro_rules! taped {
    ($state:ident, $function:literal, { $($argument:ident),* }, $act:expr) => {
        $crate::tape::taped!($state, $function, ::serde_json::json!({ $((stringify!($argument)): $argument),* }), $act)
    };
    ($state:ident, $function:literal, $arguments:expr, $act:expr) => {{
        let played = $state.tape.ask($function, || $arguments)?;
        match played {
            Some(answer) => answer,
            None => {
                let answer = $act;
                $state.tape.answered(&answer);
                answer
            }
        }
    }};
}
pub(crate) use taped;

impl Tape {
    /// A call begins. `arguments` are there if it is to be recorded.
    pub(crate) fn begin(prepared: &Prepared, context: &Context, label: &Label, arguments: Option<Value>) -> Self {
        match (&context.shared.tapes, arguments) {
            (Tapes::Playback(playback), _) => Self::Playing(Arc::clone(playback)),
            (Tapes::Recorder(recorder), Some(arguments)) => {
                Take::begin(recorder, &prepared.digest, label, arguments).map_or(Self::Off, Self::Recording)
            }
            _ => Self::Off,
        }
    }

    /// Gives the component clocks and random numbers that can be given again.
    pub(crate) fn provide(&self, wasi: &mut WasiCtxBuilder) {
        match self {
            Self::Off => {}
            Self::Recording(take) => {
                random(wasi, take.seed());
                take.clocks(wasi);
            }
            Self::Playing(playback) => {
                random(wasi, playback.lock().unwrap_or_else(PoisonError::into_inner).seed());
                Playback::clocks(playback, wasi);
            }
        }
    }

    /// An import is called. Answers what it is to answer, if that is known.
    ///
    /// # Errors
    /// The call that is played back called something else here: it ends.
    pub(crate) fn ask<T: DeserializeOwned>(
        &mut self,
        function: &'static str,
        arguments: impl FnOnce() -> Value,
    ) -> wasmtime::Result<Option<T>> {
        match self {
            Self::Off => Ok(None),
            Self::Recording(take) => {
                take.asked(function, arguments());
                Ok(None)
            }
            Self::Playing(playback) => {
                let mut playback = playback.lock().unwrap_or_else(PoisonError::into_inner);
                playback.answer(function, arguments()).map(Some)
            }
        }
    }

    /// The import that was called last has answered.
    pub(crate) fn answered(&mut self, answer: &impl Serialize) {
        if let Self::Recording(take) = self {
            take.answered(value(answer));
        }
    }

    /// The call has ended.
    pub(crate) fn end(&mut self, outcome: impl FnOnce() -> Outcome) {
        match self {
            Self::Off => {}
            Self::Recording(take) => take.end(outcome()),
            Self::Playing(playback) => {
                playback.lock().unwrap_or_else(PoisonError::into_inner).end(outcome());
            }
        }
    }
}

fn random(wasi: &mut WasiCtxBuilder, seed: Seed) {
    let mut first = ChaCha20Rng::from_seed(seed);
    let hash_seed = u128::from(first.next_u64()) << 64 | u128::from(first.next_u64());
    let insecure = ChaCha20Rng::from_rng(&mut first);
    wasi.insecure_random_seed(hash_seed).insecure_random(insecure).secure_random(first);
}
