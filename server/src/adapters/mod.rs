//! The foreign systems, each behind its port: real protocols, with a deadline on every call, and failures in words.

pub mod mariadb;
pub mod ssh;
