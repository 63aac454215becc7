//! The interface between the engine and everybody else: wire types, the server's routes, the client.
