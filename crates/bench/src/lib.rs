//! What the middleware costs; see `README.md` beside this.

pub mod cases;
pub mod floor;
pub mod in_process;
pub mod instructions;
pub mod limit;
pub mod load;
pub mod memory;
pub mod parse;
pub mod queue;
pub mod servers;
pub mod spans;
pub mod table;
