#include "operations/verify.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/guests/guests.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/store.hpp"
#include "operations/request.hpp"
#include "operations/state.hpp"

namespace hostsplit {
namespace {

bool any_wrong(const std::vector<Verdict>& verdicts) {
  return std::any_of(verdicts.begin(), verdicts.end(), [](const auto& v) { return v.kind == Verdict::Kind::wrong; });
}

/// What is wanted, from wherever it is written.
struct Wanted {
  std::optional<Config> config;
  std::optional<BootPlan> applied;
  PveConfigs pve;
};

std::set<int> wanted_guests(const Wanted& wanted) {
  std::set<int> vms;
  if (wanted.config)
    for (const auto& [id, vm] : wanted.config->vms) vms.insert(id);
  if (wanted.applied)
    for (const auto& claim : wanted.applied->claims) vms.insert(claim.vm);
  return vms;
}

std::set<int> known_guests(const Wanted& wanted, const Root& root) {
  std::set<int> vms = wanted_guests(wanted);
  for (const int vm : guests_with_pid_file(root)) vms.insert(vm);
  return vms;
}

void require_known(const std::vector<int>& asked, const std::set<int>& known, const PveConfigs& pve) {
  for (const int vm : asked)
    if (!known.count(vm) && pve.silent)
      throw Error("verify", fmt::format("VM {}", vm), "/etc/pve does not answer, so nobody knows whether there is one",
                  "See systemctl status pve-cluster.");
    else if (!known.count(vm) && !pve.vm(vm))
      throw Error("verify", fmt::format("VM {}", vm), "neither hostsplit nor Proxmox VE knows it",
                  known.empty() ? "No VM is configured or running" : fmt::format("Known: {}", fmt::join(known, ", ")),
                  Error::Kind::bad_input);
}

std::map<int, NumaNode> read_nodes(const Root& root) {
  std::map<int, NumaNode> nodes;
  for (const auto& name : root.list("sys/devices/system/node")) {
    if (!name.starts_with("node") || name.size() == 4 || name[4] < '0' || name[4] > '9') continue;
    const int id = std::stoi(name.substr(4));
    if (auto node = read_node(root, id)) nodes.emplace(id, std::move(*node));
  }
  if (nodes.empty())
    if (auto node = read_node(root, 0)) nodes.emplace(0, std::move(*node));
  return nodes;
}

/// A claimed function is where its address says, or whoever sits there now is somebody else.
void read_functions(const Root& root, const GuestWish& wish, const GuestCommand& command, GuestHost& host) {
  for (const auto& claim : wish.functions)
    if (const auto found = read_function(root, claim.address); found && found->fingerprint == claim.function)
      host.functions.emplace(claim.address, *found);
  for (const auto& address : command.functions)
    if (const auto found = read_function(root, address)) host.functions.emplace(address, *found);
}

/// Nodes and CPUs that are gone: what is wanted of them nobody can prove.
void note_misfit(const Root& root, const GuestHost& host, const Wanted& wanted, Proof& proof) {
  if (!wanted.config) return;
  Snapshot machine;
  machine.nodes = host.nodes;
  machine.offline_cpus = read_offline_cpus(root);
  if (auto against = misfit(*wanted.config, machine)) proof.findings.push_back(std::move(*against));
}

}  // namespace

bool Proof::ok() const {
  return !has_errors(findings) && !any_wrong(pools) &&
         std::none_of(guests.begin(), guests.end(), [](const auto& guest) { return any_wrong(guest.verdicts); });
}

Proof verify(const Root& root, const std::vector<int>& asked, bool force) {
  Proof proof;
  Wanted wanted{{}, {}, read_pve(root)};
  refresh({"config-damaged", Severity::error}, root, names::config_file, wanted.config, load_config, proof.findings);
  refresh({"plan-damaged", Severity::warning}, root, names::boot_plan_file, wanted.applied, load_boot_plan,
          proof.findings);
  std::set<int> everybody = known_guests(wanted, root);
  require_known(asked, everybody, wanted.pve);
  std::set<int> due = wanted_guests(wanted);
  due.insert(asked.begin(), asked.end());
  const std::set<int> meant = asked.empty() ? everybody : std::set<int>(asked.begin(), asked.end());
  everybody.insert(meant.begin(), meant.end());

  GuestHost host{read_nodes(root), {}, read_isolated_cpus(root)};
  note_misfit(root, host, wanted, proof);
  // Pools are shared: who holds which pages is asked of every guest, the rest of those that are meant.
  std::vector<std::pair<RunningGuest, GuestWish>> guests;
  for (const int vm : everybody)
    guests.emplace_back(
        read_guest(root, vm, force && meant.count(vm)),
        wish_for(vm, wanted.config, wanted.applied, wanted.pve.vm(vm), wanted.pve.next_start(vm), host.nodes));
  for (const auto& [guest, wish] : guests) {
    if (!meant.count(guest.vm)) continue;
    read_functions(root, wish, guest.command, host);
    proof.guests.push_back({guest.vm, wish.name, guest.pid, judge_guest(guest, wish, host), due.count(guest.vm) != 0});
    for (const auto& finding : wanted.pve.silent ? wanted.pve.findings : std::vector<Finding>())
      proof.guests.back().verdicts.push_back(
          {Verdict::Kind::unknown, "settings", finding.subject, "not read: " + finding.message, "", ""});
  }
  proof.pools =
      judge_pools(host.nodes, wanted.applied ? wanted.applied->reservations : std::vector<Reservation>{}, guests);
  return proof;
}

}  // namespace hostsplit
