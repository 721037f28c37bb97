//! End-to-end tests, in one binary. Run them by `cargo xtask test`, which sets up what they need.

mod access_log;
mod bad_input;
mod bodies;
mod browser;
mod counters;
mod docs;
mod flavours;
mod formats;
mod haproxy;
mod http_cases;
mod inject;
mod outward;
mod port_map;
mod render;
mod requests;
mod reshape;
mod streams;
mod tcp;
mod try_rules;
mod way_back;
mod workloads;
