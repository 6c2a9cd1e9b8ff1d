#![no_main]

use libfuzzer_sys::fuzz_target;
use tencent_im_callback_fuzz::{params, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(params::seeds), |data: &[u8]| params::check(data));
