//! What servers answer: guarded header writes in ordered steps.
