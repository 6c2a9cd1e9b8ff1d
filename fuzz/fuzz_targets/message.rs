#![no_main]

use libfuzzer_sys::fuzz_target;
use tencent_im_callback_fuzz::{message, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(message::seeds), |data: &[u8]| message::check(data));
