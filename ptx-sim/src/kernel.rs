//! What a program says about its kernels.

/// A kernel of a loaded program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelInfo {
    /// Its name.
    pub name: String,
    /// Its parameters in order.
    pub params: Vec<ParamInfo>,
    /// Bytes of all parameters, with the gaps between them.
    pub param_bytes: u32,
    /// Bytes of statically sized shared memory, up to where the dynamic begins.
    pub static_shared_bytes: u32,
}

/// Where a parameter lies among the arguments of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamInfo {
    /// Its name.
    pub name: String,
    /// Offset in bytes.
    pub offset: u32,
    /// Size in bytes.
    pub bytes: u32,
}
