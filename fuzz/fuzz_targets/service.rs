#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tencent_im_callback_fuzz::{mutate, service, write_seeds_if_asked};

fuzz_target!(init: write_seeds_if_asked(service::seeds), |data: &[u8]| service::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(service::HEAD, data, size, max_size, seed)
        .unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
