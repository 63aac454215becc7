//! The memory: the journal and its hash chain, the tables that follow from it, migrations and queries.
//!
//! Knows the domain and nothing else. It decides nothing: it makes durable what the engine has decided.
