#pragma once
#include <optional>

#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"

namespace hostsplit {

/// True when something on the machine can only come from hostsplit: a boot plan, a file with its mark, its menu entry.
bool is_touched(const Snapshot& snapshot, const std::optional<BootPlan>& applied);

/// The baseline with everything that is recognised as hostsplit's though it is not in the record: files with its mark,
/// its parameters in /etc/kernel/cmdline, its entry in the boot menu. So one plan takes all of it away, for undo as for
/// the scripts of the package.
/// \param lost  the whole record is gone: what `applied` names is taken to be hostsplit's, too; functions then return
/// to
///              the driver the kernel chooses, pools to what others hold
/// \param pve   nullptr: not read. With a lost record, hook scripts of hostsplit are recognised in it
Baseline recognised(Baseline baseline, const Snapshot& snapshot, const std::optional<BootPlan>& applied, bool lost,
                    const PveConfigs* pve);

/// Adds what the plan needs and what is so already: vfio-pci had the function, or the pool had its pages, before
/// hostsplit. Without it a lost record could not be told from one in which nothing had to be done.
void note_present(const BootPlan& target, const Snapshot& snapshot, Baseline& baseline);

}  // namespace hostsplit
