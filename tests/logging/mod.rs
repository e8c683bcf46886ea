//! Logging: a broken destination stands in nobody's way, an error reaches somebody, nothing is said twice.

mod broken;
mod heard;
#[cfg(target_os = "linux")]
mod https;
