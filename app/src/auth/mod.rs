//! Who a person is, what they may do, and what they did.
//!
//! Words: a *user* signs in, at the staff panel or (role `customer`) at the portal; a *session* is one signed-in browser; a
//! *permission* is what a role may do; a *guard* is one line of the table function × role; an *entry* is one row of the audit log.
//!
//! Invariants:
//! - No default account and no default password: the first administrator is made by a one-time set-up link.
//! - An unknown name and a wrong password cannot be told apart, by words or by time.
//! - A session ends within a second when its user's password or role changes, or the user is disabled, whoever did it.
//! - A code of the second step works once. A new password does not switch the second step off.
//! - The audit log is appended to and never changed; each row carries the hash of all before it.
//!
//! Absent on purpose: groups, single sign-on, passwords by e-mail (the portal's reset comes with its mail port).

pub mod attempts;
pub mod audit;
pub mod guards;
pub mod password;
pub mod role;
pub mod session;
pub mod user;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;
#[cfg(feature = "ssr")]
pub mod hashing;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod sessions;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod totp;
