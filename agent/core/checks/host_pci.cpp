#include "core/checks/host_pci.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/names.hpp"
#include "core/usb/guards.hpp"
#include "core/usb/guest_takes.hpp"

namespace hostsplit {
namespace {

std::string subject(const PveVm& vm) {
  return vm.name.empty() ? fmt::format("VM {}", vm.id) : fmt::format("VM {} ({})", vm.id, vm.name);
}

/// What the host uses of the groups of these, which Proxmox VE takes along.
std::set<PciAddress> used_along(const std::set<PciAddress>& named, const Snapshot& snapshot) {
  std::set<PciAddress> along;
  for (const auto& address : named)
    for (const auto& other : taken_along_with(*snapshot.function(address), snapshot))
      if (!leaves_group_viable(snapshot.function(other)->driver)) along.insert(other);
  return along;
}

/// What of the group of a function leaves with it.
enum class Along { nothing, group };

/// " (10000:e1:00.0 is behind it)" where the line does not name the function itself.
std::string carried_text(const PveHostPci& line, const PveConfigs& pve, const Snapshot& snapshot,
                         const std::string& subject) {
  const auto address = parse_pci_address(subject);
  const PciFunction* function = address ? snapshot.function(*address) : nullptr;
  for (const auto& wanted : addresses_of(line, pve))
    if (function && carries(*function, wanted)) return fmt::format(" ({} is behind it)", wanted.behind_vmd);
  return {};
}

/// The first of losses() that is an error, for a line of the VM.
std::optional<Finding> lost_by(const PveHostPci& line, const PveConfigs& pve, const Snapshot& snapshot, int vm,
                               const std::vector<std::string>& may_lose, Along along = Along::nothing) {
  if (!binds_to_vfio(line)) return std::nullopt;
  Departure departure;
  auto taken = named_by(line, pve, snapshot);
  if (along == Along::group) taken.merge(used_along(taken, snapshot));
  for (const auto& address : taken) {
    if (snapshot.function(address)->driver == names::vfio_driver) continue;
    departure.leaving.insert(address);
    departure.to[address] = vm;
  }
  departure.may_lose = may_lose;
  for (auto& finding : losses(snapshot, departure)) {
    if (finding.severity != Severity::error) continue;
    finding.subject += carried_text(line, pve, snapshot, finding.subject);
    return finding;
  }
  return std::nullopt;
}

/// What concerns the host as a whole, and so every departure.
bool of_all_lines(const Finding& finding) {
  return finding.severity == Severity::error && (finding.code == "last-keyboard" || finding.code == "last-usb");
}

class Lint {
 public:
  explicit Lint(const HostPciInput& in) : in_(in) {
    if (in.applied) claims_ = in.applied->claims;
    for (const auto& claim : in.wanted) {
      const bool there = std::any_of(claims_.begin(), claims_.end(),
                                     [&](const Claim& other) { return other.function == claim.function; });
      if (!there) claims_.push_back(claim);
    }
  }

  Lint& run() {
    for (const auto& [id, now] : in_.pve.vms) {
      const PveVm& vm = *in_.pve.next_start(id);
      if (vm.is_template) continue;
      for (const auto& line : vm.host_pci) judge_line(vm, line);
      judge_arguments(vm);
      judge_claims(vm);
    }
    judge_together();
    return *this;
  }
  std::vector<Finding> findings() { return std::move(findings_); }
  std::map<int, PveSettings> settings() { return std::move(settings_); }

 private:
  /// \param value  of hostpciN, which mends it; an empty optional takes the line away
  void add(const char* code, Severity severity, const PveVm& vm, std::string message, int index,
           const std::optional<std::string>& value) {
    const std::string key = fmt::format("hostpci{}", index);
    findings_.push_back({code, severity, subject(vm), std::move(message),
                         fmt::format("qm set {} {}", vm.id, qm_options({{key, value}}))});
    settings_[vm.id].insert_or_assign(key, value);
  }

  /// Where a line leads: to a resource mapping of hostsplit where the cluster has one for the function on this node.
  std::string target_of(const PveVm& vm, const PciAddress& address) const {
    for (const auto& mapping : in_.pve.mappings)
      if (mapping.id.starts_with(fmt::format("hostsplit-{}-", vm.id)))
        for (const auto& entry : mapping.entries)
          if (entry.node == in_.pve.node && entry.addresses.size() == 1 && entry.addresses[0].address == address)
            return "mapping=" + mapping.id;
    return "host=" + to_string(address);
  }

  std::string new_line(const PveVm& vm, const PciAddress& address) const {
    // Only machines of type q35 have PCI Express (PVE::QemuServer::PCI).
    return target_of(vm, address) + (vm.machine.find("q35") != std::string::npos ? ",pcie=1" : "");
  }

  std::vector<std::string> may_lose() const {
    return in_.applied ? given_up_when_applied(*in_.applied) : std::vector<std::string>{};
  }

  void judge_line(const PveVm& vm, const PveHostPci& line) {
    const auto functions = named_by(line, in_.pve, in_.snapshot);
    const auto key = fmt::format("hostpci{}", line.index);
    bool others = false;
    for (const auto& address : functions) {
      if (is_bus_bridge(in_.snapshot.function(address)->fingerprint.pci_class))
        add("pve-host-pci-bridge", Severity::error, vm,
            fmt::format("hostpci{} names {}, a PCI bridge, which vfio-pci does not take", line.index,
                        to_string(address)),
            line.index, std::nullopt);
      const Claim* claim = claim_at(address);
      others = others || (claim && claim->vm != vm.id);
      if (claim && claim->vm != vm.id)
        add("pve-host-pci-other", Severity::warning, vm,
            fmt::format("hostpci{} names {}, which belongs to VM {}", line.index, to_string(address), claim->vm),
            line.index, std::nullopt);
    }
    const bool opens = binds_to_vfio(line) || line.keep_driver;
    if (const auto why = others || !opens ? std::string() : beside_another(vm, functions); !why.empty())
      // Which of the two is to have it only a person knows: no setting.
      findings_.push_back({"pve-host-pci-other", Severity::warning, subject(vm), key + " names " + why,
                           fmt::format("See that only one of them starts, or qm set {} --delete {}", vm.id, key)});
    const auto lost = lost_by(line, in_.pve, in_.snapshot, vm.id, may_lose());
    if (!lost) return;
    alone_.insert(lost->code);
    stale_.insert({vm.id, line.index});
    // Whose line it is, and why, only a person knows: no setting.
    findings_.push_back({"pve-host-pci-lifeline", Severity::error, subject(vm),
                         fmt::format("hostpci{} names {}{}: {}", line.index, lost->subject,
                                     vm.on_boot ? ", and it starts with the host" : "", lost->message),
                         fmt::format("Before it starts: qm set {} --delete hostpci{}", vm.id, line.index)});
  }

  /// What of a VM cannot be beside what belongs to another one, though no function is of both: members of one group,
  /// which one process has open (drivers/vfio/group.c), and a physical function with its virtual ones, which end when
  /// its driver gives it up. Those that vfio-pci has made (its parameter enable_sriov) stay.
  std::string beside_another(const PveVm& vm, const std::set<PciAddress>& functions) const {
    for (const auto& address : functions) {
      if (claim_at(address)) continue;  // two claims are judged by resolve_claims()
      const PciFunction& mine = *in_.snapshot.function(address);
      for (const auto& claim : claims_) {
        const Located at = locate(in_.snapshot, claim.function);
        if (claim.vm == vm.id || at.kind != Located::Kind::found) continue;
        const PciFunction& other = *in_.snapshot.function(*at.address);
        const auto whose = fmt::format("{}, which belongs to VM {}", to_string(other.address), claim.vm);
        if (mine.physical == other.address && !is_vfio_driver(other.driver))
          return fmt::format("{}, a virtual function of {}: it is gone once that VM has the physical one",
                             to_string(address), whose);
        if (other.physical == address && !is_vfio_driver(mine.driver))
          return fmt::format("{}, and with it goes its virtual function {}", to_string(address), whose);
        if (mine.group && mine.group == other.group)
          return fmt::format("{}, which shares group {} with {}: the two VMs cannot run at the same time{}",
                             to_string(address), *mine.group, whose, vm.running ? ", and this one runs" : "");
      }
    }
    return {};
  }

  void judge_arguments(const PveVm& vm) {
    judge_arguments_of_others(vm);
    const auto lost = lost_by(line_of_arguments(vm.args), in_.pve, in_.snapshot, vm.id, may_lose());
    if (!lost) return;
    alone_.insert(lost->code);
    findings_.push_back(
        {"pve-host-pci-lifeline", Severity::error, subject(vm),
         fmt::format("args name {}{}: {}", lost->subject, vm.on_boot ? ", and it starts with the host" : "",
                     lost->message),
         fmt::format("Before it starts, take that device out of its arguments: qm set {} --args ...", vm.id)});
  }

  void judge_arguments_of_others(const PveVm& vm) {
    const auto functions = named_by(line_of_arguments(vm.args), in_.pve, in_.snapshot);
    auto why = beside_another(vm, functions);
    for (const auto& address : functions)
      if (const Claim* claim = claim_at(address); claim && claim->vm != vm.id)
        why = fmt::format("{}, which belongs to VM {}", to_string(address), claim->vm);
    if (!why.empty())
      findings_.push_back(
          {"pve-host-pci-other", Severity::warning, subject(vm), "args name " + why,
           fmt::format(
               "See that only one of them starts, or take that device out of its arguments: qm set {} --args ...",
               vm.id)});
  }

  /// Each line alone may be harmless where another keyboard, or another controller, stays.
  void judge_together() {
    Departure departure;
    departure.guests = taken_by_guests(in_.pve, in_.snapshot);
    departure.may_lose = in_.may_lose;
    if (in_.applied)
      departure.may_lose.insert(departure.may_lose.end(), in_.applied->may_lose.begin(), in_.applied->may_lose.end());
    std::set<int> vms;
    for (const auto& [address, vm] : departure.guests.functions) {
      if (in_.snapshot.function(address)->driver == names::vfio_driver) continue;
      departure.leaving.insert(address);
      departure.to[address] = vm;
      vms.insert(vm);
    }
    for (const auto& finding : losses(in_.snapshot, departure))
      if (of_all_lines(finding) && !alone_.count(finding.code))
        findings_.push_back({"pve-host-pci-lifeline", Severity::error, fmt::format("VM {}", fmt::join(vms, ", ")),
                             fmt::format("all that runs or starts with the host, by hostpci lines and args together, "
                                         "takes {}: {}",
                                         finding.subject, finding.message),
                             finding.remedy});
  }

  const Claim* claim_at(const PciAddress& address) const {
    for (const auto& claim : claims_)
      if (const Located at = locate(in_.snapshot, claim.function);
          at.kind == Located::Kind::found && *at.address == address)
        return &claim;
    return nullptr;
  }

  bool applied(const Claim& claim) const {
    return in_.applied && std::any_of(in_.applied->claims.begin(), in_.applied->claims.end(),
                                      [&](const Claim& other) { return other.function == claim.function; });
  }

  void judge_claims(const PveVm& vm) {
    std::set<int> taken;
    for (const auto& line : vm.host_pci) taken.insert(line.index);
    for (const auto& claim : claims_) {
      const Located at = locate(in_.snapshot, claim.function);
      if (claim.vm != vm.id || at.kind != Located::Kind::found) continue;
      if (has_line(vm, *at.address)) continue;
      const Severity severity = applied(claim) ? Severity::error : Severity::warning;
      if (const PveHostPci* old = stale_line(vm, claim)) {
        stale_used_.insert({vm.id, old->index});
        add("pve-host-pci-moved", severity, vm,
            fmt::format("hostpci{} names another place than {} ({}), where its controller is now", old->index,
                        to_string(*at.address), describe(claim.causes)),
            old->index, target_of(vm, *at.address) + (old->rest.empty() ? "" : ",") + old->rest);
        continue;
      }
      int index = 0;
      while (taken.count(index)) ++index;
      taken.insert(index);
      add("pve-host-pci-missing", severity, vm,
          fmt::format("no hostpci line names {} ({}), so it starts without it", to_string(*at.address),
                      describe(claim.causes)),
          index, new_line(vm, *at.address));
    }
  }

  bool has_line(const PveVm& vm, const PciAddress& address) const {
    return std::any_of(vm.host_pci.begin(), vm.host_pci.end(), [&](const PveHostPci& line) {
      return named_by(line, in_.pve, in_.snapshot).count(address) != 0;
    });
  }

  /// A line that was about this function: it names where it was, nothing at all, or what the host needs.
  const PveHostPci* stale_line(const PveVm& vm, const Claim& claim) const {
    for (const auto& line : vm.host_pci) {
      if (!line.mapping.empty() || stale_used_.count({vm.id, line.index})) continue;
      const auto functions = named_by(line, in_.pve, in_.snapshot);
      const bool ours = std::any_of(functions.begin(), functions.end(), [&](const PciAddress& address) {
        const Claim* other = claim_at(address);
        return other && other->vm == vm.id;
      });
      const bool was_there = std::any_of(line.addresses.begin(), line.addresses.end(),
                                         [&](const PveHostAddress& each) { return means(each, claim.address); });
      if (!ours && (functions.empty() || was_there || stale_.count({vm.id, line.index}))) return &line;
    }
    return nullptr;
  }

  const HostPciInput& in_;
  std::vector<Claim> claims_;
  std::set<std::pair<int, int>> stale_, stale_used_;  ///< VM and index of the line
  std::set<std::string> alone_;                       ///< codes of what a line alone would lose
  std::vector<Finding> findings_;
  std::map<int, PveSettings> settings_;  ///< the same as values, by VM
};

}  // namespace

std::vector<Finding> lint_host_pci(const HostPciInput& input) {
  if (!input.pve.known) return {};
  return Lint(input).run().findings();
}

std::map<int, PveSettings> host_pci_settings(const HostPciInput& input) {
  if (!input.pve.known) return {};
  return Lint(input).run().settings();
}

std::optional<std::string> host_pci_objection(const PveConfigs& pve, const Snapshot& snapshot, int vm,
                                              const std::vector<std::string>& may_lose) {
  const PveVm* config = pve.next_start(vm);
  if (!config) return std::nullopt;
  for (const auto& line : config->host_pci) {
    const auto remedy = fmt::format("qm set {} --delete hostpci{}", vm, line.index);
    if (const auto lost = lost_by(line, pve, snapshot, vm, may_lose))
      return fmt::format("hostpci{} names {}: {}. {}", line.index, lost->subject, lost->message, remedy);
    if (const auto lost = lost_by(line, pve, snapshot, vm, may_lose, Along::group))
      return fmt::format("hostpci{} takes all of its IOMMU group along, and {} with it: {}. {}", line.index,
                         lost->subject, lost->message, remedy);
  }
  if (const auto lost = lost_by(line_of_arguments(config->args), pve, snapshot, vm, may_lose))
    return fmt::format("its args name {}: {}. Take that device out of them: qm set {} --args ...", lost->subject,
                       lost->message, vm);
  return std::nullopt;
}

}  // namespace hostsplit
