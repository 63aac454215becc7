//! What agents may try, tried: real workers, real cages, real processes. A feature that the host lacks fails the test
//! that needs it, loudly: a containment that was not tested is none.

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
#[path = "containment/output.rs"]
mod output;
