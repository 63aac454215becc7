//! What agents may try, tried: real workers, real cages, real processes. A feature that the host lacks fails the test
//! that needs it, loudly: a containment that was not tested is none.

// Helpers of tests may fail a test as tests do; the lint's own exception covers only functions marked as tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "containment/client.rs"]
mod client;
#[path = "containment/endings.rs"]
mod endings;
#[path = "containment/isolation.rs"]
mod isolation;
#[path = "containment/limits.rs"]
mod limits;
#[path = "containment/link.rs"]
mod link;
#[path = "containment/measuring.rs"]
mod measuring;
#[path = "containment/output.rs"]
mod output;
#[path = "containment/verifying.rs"]
mod verifying;
#[path = "containment/workspaces.rs"]
mod workspaces;
