#![no_main]

use libfuzzer_sys::fuzz_target;
use tencent_im_callback_fuzz::{service, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(service::seeds), |data: &[u8]| service::check(data));
