//! The command line: verbs and their output formats. Starts engine, worker and console; otherwise only uses the API's
//! client.
