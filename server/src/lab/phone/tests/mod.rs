//! Phones against phones, over real sockets on this machine, and against peers that misbehave.

mod calls;
mod faults;
mod harness;
