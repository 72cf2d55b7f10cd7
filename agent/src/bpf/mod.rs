//! Extended BPF without a compiler: programs are put together from instructions here ([`assemble`]) and handed to the
//! kernel with its own system call ([`kernel`]).
//!
//! Two parts of the agent stand on it: the flow-aware packet filter (`capture::filter`) and the hooks that tell whose a
//! connection is (`attribution::hooks`). Both have something to fall back to where the kernel or the privileges do not
//! allow it.

pub mod assemble;
pub mod kernel;
