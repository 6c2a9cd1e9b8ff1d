#![no_main]

use libfuzzer_sys::fuzz_target;
use tencent_im_callback_fuzz::{body, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(body::seeds), |data: &[u8]| body::check(data));
