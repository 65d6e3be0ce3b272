#pragma once
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/finding.hpp"
#include "core/boot/boot_health.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"
#include "core/state/rung.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// A file of hostsplit that cannot be used. No verb stops at it: what it said counts as lost, and the next verb that
/// acts keeps a copy and writes it anew, or removes it.
struct DamagedFile {
  std::string path, content;
};

/// All that is known at one moment: observed, wanted, learned, done.
struct State {
  Snapshot snapshot;
  std::optional<Config> config;  ///< empty: not configured yet
  PortMap ports;
  Baseline baseline;           ///< with what is recognised besides (core/planner/recognise.hpp)
  bool baseline_lost = false;  ///< there is no record, though hostsplit has acted here; or one was lost earlier
  std::vector<DamagedFile> damaged;
  std::vector<Finding> findings;  ///< about these: `plan-damaged`, `baseline-damaged`, `baseline-unread`
  std::optional<BootPlan> applied;
  HealthRecord health;
  std::optional<RungRecord> climbed;  ///< the rung that was climbed to, if one was
  std::set<PciAddress> released;      ///< lent to the host until the next boot
  std::set<PciAddress> lent;          ///< lent to `hostsplit learn` while it runs
  std::optional<PveConfigs> pve;      ///< empty: not read, so nothing is set in Proxmox VE

  /// What belongs to a VM and is the host's all the same: no drift.
  std::set<PciAddress> with_host() const {
    std::set<PciAddress> all = released;
    all.insert(lent.begin(), lent.end());
    return all;
  }
};

/// Reads everything, what processes have open and what guests are given included. Reads /etc/pve.
/// \throws Error(bad_input) for a damaged configuration or port map.
State observe(const Root& root);

/// As observe(), but the configuration stays empty: setup brings its own, and a damaged one is no obstacle to planning.
/// \throws Error(bad_input).
State observe_for_setup(const Root& root);

/// The same without what processes and guests use: neither does it wait for /etc/pve nor go through all processes. For
/// the loop of the service, which never acts on it itself. \throws Error(bad_input).
State observe_for_service(const Root& root);

/// Reads what is needed to put back or keep true what was applied; configuration and port map stay empty. Works when
/// those are damaged, because the way back must not depend on them. Early boot and repairs do not wait for /etc/pve.
/// \throws Error(bad_input).
State observe_applied(const Root& root);
/// The same, and /etc/pve where hostsplit has set something there, or may have. \throws Error(bad_input).
State observe_for_undo(const Root& root);

/// Reads one file into `value`. A damaged one leaves `value` as it is and becomes a finding.
/// \param as  code and severity of that finding   \param file  names::..., for a message that does not name it
template <class Value, class Load>
void refresh(std::pair<const char*, Severity> as, const Root& root, const char* file, Value& value, Load load,
             std::vector<Finding>& damaged) {
  try {
    value = load(root);
  } catch (const Error& error) {
    damaged.push_back({as.first, as.second, error.object().empty() ? root.display(file) : error.object(),
                       error.reason().empty() ? error.what() : error.reason(), error.remedy()});
  }
}

/// Reads everything again into `state`, for programs that must go on: what a damaged file stands for stays as it was
/// in `state`. As observe_for_service() otherwise. \return a finding for each damaged file: `config-damaged`,
/// `ports-damaged`, `baseline-damaged`, `plan-damaged`
std::vector<Finding> observe_tolerantly(const Root& root, State& state);

/// As observe(), but a damaged configuration or port map hides nothing else: what it stands for stays empty. For verbs
/// that look. \return `config-damaged`, `ports-damaged`; about the rest see State::findings
std::vector<Finding> observe_past_damage(const Root& root, State& state);
/// True if a file cannot be read that no verb can do without: the verb exits 2.
bool has_damage(const std::vector<Finding>& findings);

}  // namespace hostsplit
