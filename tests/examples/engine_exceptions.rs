//! What a real Engine answers although its description says otherwise: where `exceptions.txt` comes from.
//!
//! `SOCKERLESS_API_DESCRIPTION=… cargo run -p sockerless-tests --example engine_exceptions -- ENGINE.sock PROXY.sock`, then
//! use the Engine by the second socket, and end this program's standard input: it prints the lines.

#![allow(clippy::unwrap_used, reason = "a tool for whoever maintains the tests")]

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let (engine, proxy) = (arguments.next().unwrap(), arguments.next().unwrap());
    let differences = sockerless_tests::differences_of(proxy.as_ref(), engine.as_ref());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    for difference in differences() {
        println!("{difference}");
    }
}
