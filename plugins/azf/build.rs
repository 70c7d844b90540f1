//! Lets a build give the component another version: tests of a swap need two that differ.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOCKERLESS_AZF_VERSION");
}
