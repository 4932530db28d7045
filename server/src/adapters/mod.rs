//! The foreign systems, each behind its port: real protocols, with a deadline on every call, and failures in words.

pub mod certificate;
pub mod command;
pub mod http;
pub mod kamailio;
mod kamailio_answers;
pub mod lab;
mod lab_control;
pub mod libvirt;
mod libvirt_xml;
pub mod sip;
pub mod trust;
pub mod vsphere;

pub mod asterisk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod kamailio_tests;
#[cfg(test)]
mod libvirt_tests;
pub mod mariadb;
pub mod mariadb_root;
pub mod ssh;
#[cfg(test)]
pub mod standin;
