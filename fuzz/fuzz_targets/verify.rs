#![no_main]

use libfuzzer_sys::fuzz_target;
use tencent_im_callback_fuzz::{verify, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(verify::seeds), |data: &[u8]| verify::check(data));
