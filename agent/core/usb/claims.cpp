#include "core/usb/claims.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/names.hpp"
#include "core/usb/guards.hpp"
#include "core/usb/learn.hpp"

namespace hostsplit {
namespace {

std::string at_line(const Config& config, unsigned line) {
  return line == 0 || config.file.empty() ? std::string() : fmt::format(" ({}:{})", config.file, line);
}

class Resolver {
 public:
  Resolver(const Snapshot& snapshot, const Config& config, const PortMap& ports)
      : snapshot_(snapshot),
        config_(config),
        ports_(ports) {}

  Claims run() {
    for (const auto& [id, vm] : config_.vms) {
      for (const auto& label : vm.ports) claim_port(vm, label);
      for (const auto& address : vm.controllers) claim_controller(vm, address);
      for (const auto& address : vm.functions) claim_function(vm, address);
    }
    for (const auto& name : config_.keep) keep(name);
    close_over_companions();
    close_over_groups();
    tell_missing();
    check_virtual_functions();
    return std::move(claims_);
  }

 private:
  void error(std::string code, std::string subject, std::string message, std::string remedy) {
    Finding finding{std::move(code), Severity::error, std::move(subject), std::move(message), std::move(remedy)};
    if (std::find(claims_.findings.begin(), claims_.findings.end(), finding) == claims_.findings.end())
      claims_.findings.push_back(std::move(finding));
  }

  /// Two VMs on one function are one case of two VMs in one group; the group check reports it.
  void claim(const VmWish& vm, const PciAddress& address, const Cause& cause) {
    const PciFunction& function = *snapshot_.function(address);
    const auto [it, fresh] = claims_.by_address.try_emplace(address, Claim{address, function.fingerprint, vm.id, {}});
    if (!fresh && it->second.vm != vm.id) {
      error("group-two-vms", to_string(address),
            fmt::format("{} and {} both want it ({}; {})", vm_text(it->second.vm, config_), vm_text(vm.id, config_),
                        describe(it->second.causes), describe(cause)),
            "A controller goes to one VM with all its sockets: give both VMs sockets of different controllers");
      return;
    }
    auto& causes = it->second.causes;
    if (std::find(causes.begin(), causes.end(), cause) == causes.end()) causes.push_back(cause);
  }

  std::string known_labels() const {
    std::vector<std::string> labels;
    for (const auto& port : ports_.ports) labels.push_back(port.label);
    return labels.empty() ? "nothing has been learned yet" : fmt::format("learned so far: {}", fmt::join(labels, ", "));
  }

  /// Where a label's controller sits now; reports and returns nothing if that is unknown or in doubt.
  std::optional<PciAddress> port_address(const std::string& who, const Named& label) {
    const LearnedPort* port = ports_.find(label.text);
    if (!port) {
      error("port-unknown", label.text,
            fmt::format("{} names a port that has not been learned{}", who, at_line(config_, label.line)),
            fmt::format("Run hostsplit learn and plug a stick into that socket, or correct the label; {}",
                        known_labels()));
      return std::nullopt;
    }
    const Located located = locate(snapshot_, port->controller);
    // check_port_map() says in words what is wrong; here it is known that somebody depends on it.
    for (Finding finding : check_port_map(PortMap{{*port}, ports_.file}, snapshot_)) {
      finding.message = fmt::format("{} needs it, but {}", who, finding.message);
      error(finding.code, finding.subject, finding.message, finding.remedy);
    }
    return located.kind == Located::Kind::found ? located.address : std::nullopt;
  }

  void claim_port(const VmWish& vm, const Named& label) {
    const auto address = port_address(vm_text(vm.id, config_), label);
    if (!address) return;
    const PciFunction& function = *snapshot_.function(*address);
    if (controller_kind(function.fingerprint.pci_class)) return claim(vm, *address, {Cause::Kind::port, label.text});
    error("not-a-controller", label.text,
          fmt::format("{} wants this socket, but its controller {} is {}", vm_text(vm.id, config_), to_string(*address),
                      what_it_is(function)),
          "Choose a socket of another controller");
  }

  const PciFunction* present(const VmWish& vm, const Named& name) {
    const auto address = parse_pci_address(name.text);
    const PciFunction* function = address ? snapshot_.function(*address) : nullptr;
    if (!function)
      error("address-unknown", name.text,
            fmt::format("{} names a PCI address where nothing sits{}", vm_text(vm.id, config_),
                        at_line(config_, name.line)),
            "See hostsplit status for the controllers of this machine; a label survives renumbering, an address does "
            "not");
    return function;
  }

  void claim_controller(const VmWish& vm, const Named& name) {
    const PciFunction* function = present(vm, name);
    if (!function) return;
    const std::uint32_t pci_class = function->fingerprint.pci_class;
    if (controller_kind(pci_class)) return claim(vm, function->address, {Cause::Kind::controller});
    if (is_bus_bridge(pci_class)) return refuse_bridge(vm, name);
    error(
        "not-a-controller", name.text,
        fmt::format("{} names it as a USB controller{}, but it is {} (class {})", vm_text(vm.id, config_),
                    at_line(config_, name.line), what_it_is(*function), class_text(pci_class)),
        snapshot_.controller(function->address)
            ? "Switch it to host mode in the firmware setup (then its class is 0x0c0330), or choose another controller"
            : "Name a controller that hostsplit status lists; other functions of a group go into functions = [...]");
  }

  std::string what_it_is(const PciFunction& function) const {
    if (function.fingerprint.pci_class == usb4_interface) return "a USB4/Thunderbolt host interface";
    if (snapshot_.controller(function.address))
      return fmt::format("a dual-role controller whose sockets work through {} on the host only", function.driver);
    if (function.fingerprint.pci_class == 0x0c03fe) return "a USB device controller";
    return "something else";
  }

  void claim_function(const VmWish& vm, const Named& name) {
    const PciFunction* function = present(vm, name);
    if (!function) return;
    if (is_bus_bridge(function->fingerprint.pci_class)) return refuse_bridge(vm, name);
    claim(vm, function->address, {Cause::Kind::function});
  }

  /// vfio_pci_probe() refuses every header type but 0, and all that is behind the bridge would lose the host's driver.
  void refuse_bridge(const VmWish& vm, const Named& name) {
    std::string lost;
    if (const HostUse* use = lifeline_on(snapshot_, *parse_pci_address(name.text)))
      lost = fmt::format("; behind it: {}", use_text(*use));
    error("bridge", name.text,
          fmt::format("{} names a PCI bridge{}, which vfio-pci does not take{}", vm_text(vm.id, config_),
                      at_line(config_, name.line), lost),
          "Take it out of the configuration: a bridge stays with the host and does not keep its group from being given "
          "to a VM");
  }

  void keep(const Named& name) {
    if (const auto address = parse_pci_address(name.text)) {
      kept_[*address] = name.text;
    } else if (const auto located = port_address("host.keep", name)) {
      kept_[*located] = "port " + name.text;
    }
  }

  /// One connector of an EHCI machine reaches two controllers (drivers/usb/core/hcd-pci.c): they move together.
  void close_over_companions() {
    const auto claimed = claims_.by_address;
    for (const auto& [address, seed] : claimed) {
      for (const auto& [other, controller] : snapshot_.controllers) {
        const bool same_slot =
            other.domain == address.domain && other.bus == address.bus && other.device == address.device;
        const bool companions = std::count(controller.companions.begin(), controller.companions.end(), address) != 0;
        const Controller* mine = snapshot_.controller(address);
        const bool shares_sockets =
            mine && same_slot && controller.kind != ControllerKind::xhci && mine->kind != ControllerKind::xhci;
        if (other != address && (companions || shares_sockets))
          claim(config_.vms.at(seed.vm), other, {Cause::Kind::shares_sockets, {}, address});
      }
    }
  }

  void close_over_groups() {
    std::map<int, std::vector<PciAddress>> wanted;
    for (const auto& [address, claim] : claims_.by_address) {
      const auto group = snapshot_.function(address)->group;
      if (group)
        wanted[*group].push_back(address);
      else if (snapshot_.iommu)
        error("no-iommu", to_string(address),
              "it is in no IOMMU group although the IOMMU is on, so it cannot be given to a VM",
              "The firmware's tables (DMAR or IVRS) leave this function out of every unit: update the firmware, or "
              "choose "
              "a controller that hostsplit status shows with a group");
      else if (const auto word = iommu_off_parameter(snapshot_); !word.empty())
        error("no-iommu", to_string(address), "the IOMMU is off, so nothing can be given to a VM",
              fmt::format("Take {} out of the kernel command line and reboot", word));
      else
        error("no-iommu", to_string(address), "the IOMMU is off, so nothing can be given to a VM",
              "Switch on IOMMU (AMD-Vi or VT-d) in the firmware setup; Intel machines before kernel 6.8 also need "
              "intel_iommu=on on the kernel command line");
    }
    for (const auto& [group, addresses] : wanted) close_over_group(group, addresses);
  }

  void close_over_group(int group, const std::vector<PciAddress>& claimed) {
    const Claim first = claims_.by_address.at(claimed.front());
    for (const auto& address : claimed) {
      const Claim& other = claims_.by_address.at(address);
      if (other.vm == first.vm) continue;
      return error("group-two-vms", fmt::format("group {}", group),
                   fmt::format("{} wants {} ({}) and {} wants {} ({}), but an IOMMU group goes to one VM as a whole",
                               vm_text(first.vm, config_), to_string(first.address), describe(first.causes),
                               vm_text(other.vm, config_), to_string(other.address), describe(other.causes)),
                   "Give all of these to one VM, or choose a socket of another group for one of them");
    }
    const auto members = snapshot_.groups.find(group);
    if (members == snapshot_.groups.end()) return;
    Missing missing{group, first, {}};
    for (const auto& address : members->second.members) take_along(group, address, first, missing);
    if (!missing.members.empty()) missing_.push_back(std::move(missing));
  }

  /// What the host uses of a group and nobody has asked for.
  struct Missing {
    int group;
    Claim first;
    std::vector<const PciFunction*> members;
    bool stays = false;  ///< the host cannot give another member, so asking for these would not help
  };

  void take_along(int group, const PciAddress& address, const Claim& first, Missing& missing) {
    const PciFunction* member = snapshot_.function(address);
    if (!member) return;
    const bool bridge = is_bus_bridge(member->fingerprint.pci_class);
    if (bridge && leaves_group_viable(member->driver)) return;
    const std::string subject = fmt::format("group {}", group);
    if (const auto kept = kept_.find(address); kept != kept_.end()) {
      missing.stays = true;
      return error(
          "group-host", subject,
          fmt::format("{} wants {} ({}), but the host keeps {} ({}) of the same group", vm_text(first.vm, config_),
                      to_string(first.address), describe(first.causes), to_string(address), kept->second),
          "Take it out of host.keep, or choose a socket of another group for the VM");
    }
    if (claims_.by_address.count(address)) return;
    if (controller_kind(member->fingerprint.pci_class))
      return claim(config_.vms.at(first.vm), address, {Cause::Kind::shares_group, {}, first.address, group});
    if (leaves_group_viable(member->driver)) return;
    if (const HostUse* use = lifeline_on(snapshot_, address)) {
      missing.stays = true;
      return error(
          "group-lifeline", subject,
          fmt::format("{} wants {} ({}), but the host cannot lose {} of the same group: {}", vm_text(first.vm, config_),
                      to_string(first.address), describe(first.causes), to_string(address), use_text(*use)),
          "Choose sockets of another group: this one stays with the host");
    }
    missing.stays = missing.stays || bridge || member->fingerprint.pci_class == usb4_interface || has_virtual(*member);
    missing.members.push_back(member);
  }

  /// A physical function and a virtual one of it in one group: check_virtual_functions() refuses both together.
  bool has_virtual(const PciFunction& member) const {
    return std::any_of(snapshot_.functions.begin(), snapshot_.functions.end(), [&](const auto& each) {
      const PciFunction& other = each.second;
      return other.group == member.group && (other.physical == member.address || member.physical == other.address);
    });
  }

  /// One finding for each group. Every one advises the same line, as a table of TOML has a key only once: with what the
  /// VM has asked for already, and what it is to ask for of all groups that can be given.
  void tell_missing() {
    std::map<int, std::vector<std::string>> functions;
    for (const auto& missing : missing_) {
      if (missing.stays) continue;
      auto& texts = functions[missing.first.vm];
      if (texts.empty())
        for (const auto& name : config_.vms.at(missing.first.vm).functions) texts.push_back(name.text);
      for (const auto* member : missing.members) texts.push_back(to_string(member->address));
    }
    for (const auto& missing : missing_) {
      std::vector<std::string> used;
      for (const auto* member : missing.members)
        used.push_back(fmt::format("{} (driver {}, class {})", to_string(member->address), member->driver,
                                   class_text(member->fingerprint.pci_class)));
      error("group-host", fmt::format("group {}", missing.group),
            fmt::format("{} wants {} ({}), but the host uses more of the same group: {}",
                        vm_text(missing.first.vm, config_), to_string(missing.first.address),
                        describe(missing.first.causes), fmt::join(used, ", ")),
            group_remedy(missing, functions[missing.first.vm]));
    }
  }

  std::string group_remedy(const Missing& missing, const std::vector<std::string>& functions) const {
    const std::string other = "Choose a socket of another group";
    for (const auto* member : missing.members) {
      if (is_bus_bridge(member->fingerprint.pci_class))
        return other + ": a bridge with such a driver keeps its group from VMs";
      if (member->fingerprint.pci_class == usb4_interface)
        return other + ": with this host interface everything behind Thunderbolt and USB4 sockets would leave the host";
    }
    if (missing.stays) return other + ": the host cannot give all of this one";
    const int vm = missing.first.vm;
    const bool fresh = config_.vms.at(vm).functions.empty();
    return fmt::format("{}, or give {} along by explicit wish: functions = [\"{}\"] in [vm.{}]{}", other,
                       missing.members.size() == 1 ? "it" : "them", fmt::join(functions, "\", \""), vm,
                       fresh ? "" : ", in place of the functions there");
  }

  /// A driver removes its virtual functions when the physical one is taken from it (ixgbe_remove and the like;
  /// Documentation/PCI/pci-iov-howto.rst). Those that vfio-pci has made (its parameter enable_sriov) stay.
  void check_virtual_functions() {
    for (const auto& [address, claim] : claims_.by_address) {
      const auto& physical = snapshot_.function(address)->physical;
      const auto taken = physical ? claims_.by_address.find(*physical) : claims_.by_address.end();
      if (taken == claims_.by_address.end()) continue;
      const PciFunction& from = *snapshot_.function(*physical);
      if (from.driver.empty() || is_vfio_driver(from.driver)) continue;
      error("virtual-function", to_string(address),
            fmt::format("{} wants it ({}), but it is a virtual function of {}, which {} wants ({}): it is gone once {} "
                        "has given that up",
                        vm_text(claim.vm, config_), describe(claim.causes), to_string(*physical),
                        vm_text(taken->second.vm, config_), describe(taken->second.causes), from.driver),
            fmt::format("Give VMs virtual functions only, and leave {} to the host; or give that alone, without its "
                        "virtual functions",
                        to_string(*physical)));
    }
  }

  const Snapshot& snapshot_;
  const Config& config_;
  const PortMap& ports_;
  std::map<PciAddress, std::string> kept_;
  std::vector<Missing> missing_;
  Claims claims_;
};

}  // namespace

std::string vm_text(int id, const Config& config) {
  const auto vm = config.vms.find(id);
  if (vm == config.vms.end() || vm->second.name.empty()) return fmt::format("VM {}", id);
  return fmt::format("VM {} ({})", id, vm->second.name);
}

Claims resolve_claims(const Snapshot& snapshot, const Config& config, const PortMap& ports) {
  return Resolver(snapshot, config, ports).run();
}

}  // namespace hostsplit
