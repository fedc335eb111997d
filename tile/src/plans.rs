//! Lists of plans.

use tilewright_ptx_ir::Target;

/// Every plan that `of` gives for some target, each once: in the order of the targets, oldest first, and within one as `of` has them.
///
/// # Example
/// ```
/// use tilewright_tile::plans;
///
/// // Two stages below sm_90, three from there on.
/// let stages = plans::of_all_targets(|target| vec![if target.capability() < 90 { 2 } else { 3 }]);
/// assert_eq!(stages, [2, 3]);
/// ```
#[must_use]
pub fn of_all_targets<P: PartialEq>(of: impl Fn(Target) -> Vec<P>) -> Vec<P> {
    let mut all = Vec::new();
    for plan in Target::ALL.into_iter().flat_map(of) {
        if !all.contains(&plan) {
            all.push(plan);
        }
    }
    all
}
