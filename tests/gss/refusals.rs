//! The ways to be wrong: the zone stays, no cache is left, and one line says what to fix.
