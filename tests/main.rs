//! The program's tests.
mod logging;
