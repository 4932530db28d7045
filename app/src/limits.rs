//! Every limit of the panel in one place, with its reason. Units come last in the names.

use std::time::Duration;

/// A server function's body. The longest form (a note of a few pages) is far below it.
pub const FORM_BYTES_MAX: usize = 64 * 1024;
/// What is read of a body that is too large, so that the answer reaches whoever sent it.
pub const DRAINED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A form that takes longer than this to arrive is not a person's.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// A request without a body of its own to read.
pub const NO_BODY_BYTES_MAX: usize = 1024;
/// A cookie must fit 4,096 bytes with its name and attributes; the notice is cut to this.
pub const NOTICE_BYTES_MAX: usize = 2_600;

/// ASVS 5 §6.2.1 wants at least 8 and recommends 15; twelve keeps a pass phrase of three words possible.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// ASVS 5 §6.2.9 wants at least 64 to be allowed. A limit there must be, for the hash reads all of it.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// Argon2id: memory in KiB, passes, lanes. OWASP's row of 19 MiB and 2 passes, with one pass more.
pub const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
pub const ARGON2_PASSES: u32 = 3;
pub const ARGON2_LANES: u32 = 1;
/// Two hashes fill two cores and 38 MiB; more at once would only be slower and larger.
pub const HASHES_AT_ONCE: usize = 2;
/// Whoever comes when this many wait is told to try again: the queue stays under two seconds.
pub const HASHES_WAITING_MAX: usize = 20;

/// Wrong tries for one name from one block of addresses before both must wait.
pub const SIGN_IN_TRIES_MAX: usize = 10;
pub const SIGN_IN_WINDOW: Duration = Duration::from_secs(15 * 60);
/// Wrong tries from one block over all names: high enough for an office behind one address, low enough to stop spraying.
pub const SIGN_IN_TRIES_PER_BLOCK_MAX: usize = 100;
/// Pairs of name and block remembered at once; the oldest are forgotten first.
pub const SIGN_IN_PAIRS_MAX: usize = 20_000;

/// No input from the person for this long ends the session.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// The page counts down for this long before it does.
pub const SESSION_WARNING: Duration = Duration::from_secs(30);
/// No session is older than this, whatever the person does.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// Between the password and the code of the second step.
pub const SESSION_HALF_LIFE: Duration = Duration::from_secs(5 * 60);
/// A fresh proof of identity counts this long for operations of level L3.
pub const STEP_UP_LIFE: Duration = Duration::from_secs(5 * 60);
/// A browser tells the server of the person's input at most this often.
pub const INPUT_REPORT_EVERY: Duration = Duration::from_secs(20);

/// A set-up link can be used once, within this time.
pub const SETUP_LINK_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
pub const RECOVERY_CODES: usize = 10;

/// Every statement to our own database. Past it the database counts as away.
pub const DATABASE_DEADLINE: Duration = Duration::from_secs(3);
/// Connections to our own database.
pub const DATABASE_CONNECTIONS_MAX: u32 = 10;

/// Rows of a table on one page, and the choices a person has.
pub const ROWS_PER_PAGE: u32 = 50;
pub const ROWS_PER_PAGE_CHOICES: [u32; 3] = [25, 50, 200];
/// Rows read at a time while an export is streamed.
pub const EXPORT_ROWS_AT_ONCE: u32 = 1_000;
