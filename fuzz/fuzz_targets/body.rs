#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tencent_im_callback_fuzz::{body, mutate, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(body::seeds), |data: &[u8]| body::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(body::HEAD, data, size, max_size, seed)
        .unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
