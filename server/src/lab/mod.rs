//! The carrier in a box: every machine of the inventory on one computer, with the real Kamailio, Asterisk, MariaDB, SSH and firewall,
//! configured by the very files of `server/stack/`.
//!
//! How it hangs together: `up` writes plans and starts one process, the `host`, in namespaces of its own. The host makes the virtual
//! switches and starts a process for each machine, in namespaces of *its* own; that one (`machine`) puts its file system together
//! and runs its services. Host and machines share one `supervisor`. When the host is killed, the kernel ends all of it.
//!
//! Invariants: the real machine's network, files and services are never touched; what a lab made is found by its record, never by a
//! name; two labs with different state folders do not know of each other.
//!
//! Not here: what the panel makes of it. To the panel the lab is a hypervisor with machines, like any other.

pub mod answering;
pub mod authorizer;
pub mod beside;
pub mod call;
pub mod control;
pub mod daemons;
mod destinations;
pub mod down;
pub mod enter;
pub mod faults;
pub mod host;
pub mod load;
pub mod machine;
pub mod phone;
pub mod phone_line;
pub mod place;
pub mod plan;
pub mod roles;
pub mod shipped;
pub mod status;
pub mod supervisor;
pub mod up;
pub mod writer;
