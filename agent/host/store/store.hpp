#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "core/boot/boot_health.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// \return empty when there is no configuration yet. \throws Error(bad_input) naming file, line, key and remedy.
std::optional<Config> load_config(const Root& root);

/// An absent file is an empty map. \throws Error(bad_input) naming file and line when damaged; the file is not touched.
PortMap load_port_map(const Root& root);
/// Replaces ports.toml. A damaged ports.toml that stands there is first renamed to ports.toml.damaged-<n>, the
/// first free n from 1: it is kept, never overwritten. \return the name it was kept under, if any. \throws Error.
std::optional<std::string> save_port_map(const Root& root, Effects& effects, const PortMap& map);

/// An absent file is an empty baseline. \throws Error(bad_input) when damaged.
Baseline load_baseline(const Root& root);
/// An empty baseline removes the file. It is root's alone. \throws Error.
void save_baseline(Effects& effects, const Baseline& baseline);

/// \return empty when nothing was applied. \throws Error(bad_input) when damaged.
std::optional<BootPlan> load_boot_plan(const Root& root);
/// The lines of a damaged boot plan that can be read.
BootPlan salvage_boot_plan(std::string_view text);

/// \return empty where nothing was climbed to, or the record is damaged.
std::optional<RungRecord> load_rung(const Root& root);
HealthRecord load_boot_health(const Root& root);

/// How a VM was found after its last start.
struct LastProof {
  std::uint64_t wrong = 0;  ///< verdicts
  std::int64_t at = 0;      ///< seconds since 1970
  bool operator==(const LastProof&) const = default;
};
/// By VM, since the machine started; unreadable ones are left out.
std::map<int, LastProof> load_proofs(const Root& root);
/// \throws Error.
void save_proof(Effects& effects, int vm, const LastProof& proof);

/// Addresses lent to the host until the next boot; lines that are none are ignored.
std::set<PciAddress> load_released(const Root& root);

}  // namespace hostsplit
