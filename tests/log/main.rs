//! What a log shows: no secret, and no line that a request has forged.
#![allow(clippy::pedantic)]

#[path = "../common/attack.rs"]
mod attack;
#[path = "../common/mod.rs"]
mod common;

mod debug;
mod forged;
mod public_types;
