//! Generates the gRPC code from `proto/events.proto`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    // protox parses the `.proto` in Rust; `compile_protos` would need `protoc` on the machine.
    let files = protox::compile(["proto/events.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
