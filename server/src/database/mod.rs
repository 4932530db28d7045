//! The panel's own database: a private MariaDB, or the server of `DATABASE_URL`; checks, migrations, and the watch over both.

pub mod fitness;
pub mod migrate;
pub mod place;
pub mod private;
pub mod watch;

pub use place::Place;
pub use private::{Owner, PrivateMariadb};
