//! Roles from outside: defining them, giving them, and what they come to.

mod audited;
mod definitions;
mod given;
mod rights;
mod start;
