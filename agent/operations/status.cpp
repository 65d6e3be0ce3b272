#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/boot_count.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/boot/initramfs.hpp"
#include "core/usb/learn.hpp"
#include "operations/request.hpp"
#include "operations/status.hpp"
#include "operations/vm_status.hpp"

namespace hostsplit {
namespace {

std::string device_text(const UsbDevice& device) {
  std::string text = device.manufacturer;
  if (!device.product_name.empty()) text += (text.empty() ? "" : " ") + device.product_name;
  if (text.empty()) text = id_pair(device.vendor, device.product);
  text += fmt::format(" ({} Mbit/s", device.speed);
  if (!device.serial.empty()) text += ", serial " + device.serial;
  return text + ")";
}

/// A physical port as the port objects show it now, without a name.
struct Socket {
  PciAddress controller;
  std::optional<std::string> paths[2];  ///< by UsbHalf
};

const UsbDevice* device_at(const Snapshot& snapshot, const PciAddress& controller, UsbHalf half,
                           const std::optional<std::string>& path) {
  if (!path) return nullptr;
  for (const auto& device : snapshot.devices)
    if (device.controller == controller && device.half == half && device.path == *path) return &device;
  return nullptr;
}

void set_device(PortStatus& status, const Snapshot& snapshot) {
  if (!status.controller) return;
  for (const auto half : {UsbHalf::usb3, UsbHalf::usb2}) {
    const auto& path = half == UsbHalf::usb2 ? status.usb2 : status.usb3;
    if (const UsbDevice* device = device_at(snapshot, *status.controller, half, path)) {
      status.device = device_text(*device);
      return;
    }
  }
}

std::vector<PortStatus> learned_ports(const State& state) {
  std::vector<PortStatus> ports;
  for (const auto& learned : state.ports.ports) {
    PortStatus port;
    port.label = learned.label;
    const Located located = locate(state.snapshot, learned.controller);
    if (located.kind == Located::Kind::found) port.controller = located.address;
    if (learned.usb2) port.usb2 = learned.usb2->path;
    if (learned.usb3) port.usb3 = learned.usb3->path;
    port.usb2_seen = learned.usb2 && learned.usb2->seen;
    port.usb3_seen = learned.usb3 && learned.usb3->seen;
    port.proven = learned.proven();
    set_device(port, state.snapshot);
    ports.push_back(std::move(port));
  }
  return ports;
}

bool covered(const std::vector<PortStatus>& ports, const UsbPort& port) {
  return std::any_of(ports.begin(), ports.end(), [&](const PortStatus& known) {
    const auto& path = port.half == UsbHalf::usb2 ? known.usb2 : known.usb3;
    return known.controller == port.controller && path == port.path;
  });
}

void add_unnamed_ports(const Snapshot& snapshot, std::vector<PortStatus>& ports) {
  for (const auto& port : snapshot.ports) {
    if (covered(ports, port)) continue;
    PortStatus status;
    status.controller = port.controller;
    (port.half == UsbHalf::usb2 ? status.usb2 : status.usb3) = port.path;
    if (port.peer_path) (port.half == UsbHalf::usb2 ? status.usb3 : status.usb2) = *port.peer_path;
    status.proven = !port.peer_path || port.location != 0;
    set_device(status, snapshot);
    ports.push_back(std::move(status));
  }
}

std::string wanted_driver(const State& state, const PciFunction& function, const Claim* claim) {
  if (claim && !state.with_host().count(function.address)) return names::vfio_driver;
  const BindingBefore* before = state.baseline.binding(function.fingerprint);
  return before && !before->unknown ? before->driver : function.driver;
}

const Claim* claim_of(const BootPlan& target, const PciAddress& address) {
  for (const auto& claim : target.claims)
    if (claim.address == address) return &claim;
  return nullptr;
}

std::vector<ControllerStatus> controllers(const State& state, const BootPlan& target) {
  std::vector<ControllerStatus> list;
  for (const auto& [address, controller] : state.snapshot.controllers) {
    const PciFunction& function = *state.snapshot.function(address);
    const Claim* claim = claim_of(target, address);
    ControllerStatus status{address,
                            controller.kind,
                            function.driver,
                            wanted_driver(state, function, claim),
                            function.group,
                            function.node,
                            std::nullopt,
                            {},
                            state.with_host().count(address) != 0};
    if (claim) status.vm = claim->vm;
    for (const auto& holder : state.snapshot.holders)
      if (holder.group == function.group) status.holders.push_back(holder);
    list.push_back(std::move(status));
  }
  return list;
}

std::vector<PoolStatus> pools(const Snapshot& snapshot, const BootPlan& target) {
  std::vector<PoolStatus> list;
  for (const auto& [id, node] : snapshot.nodes)
    for (const auto& pool : node.pools) {
      PoolStatus status{id, pool, std::nullopt};
      for (const auto& wanted : target.reservations)
        if (wanted.node == id && wanted.page_size == pool.page_size) status.wanted = wanted.pages;
      list.push_back(status);
    }
  return list;
}

/// The plan repeats what the port map check says when somebody depends on it; the stronger one is shown.
void merge(std::vector<Finding>& to, const std::vector<Finding>& from) {
  for (const auto& finding : from) {
    const bool told = std::any_of(to.begin(), to.end(), [&](const Finding& f) {
      return f.code == finding.code && f.subject == finding.subject &&
             (f.severity > finding.severity || f.message == finding.message);
    });
    if (!told) to.push_back(finding);
  }
}

/// What the rung in force has in modprobe.d, as far as it is there.
std::string modprobe_now(const State& state) {
  const auto file = state.snapshot.boot.files.find(names::modprobe_conf);
  return state.climbed && file != state.snapshot.boot.files.end() ? file->second.content : std::string();
}

/// What an image that carries what was applied was stamped with. \pre something was applied
std::string applied_stamp(const State& state) {
  return image_stamp(image_plan(*state.applied), modprobe_now(state));
}

BootStatus boot_status(const State& state) {
  BootStatus boot;
  boot.early = state.snapshot.boot.early;
  boot.unhealthy = state.health.health ? state.health.health->begun : 0;
  boot.suspended = is_suspended(state.health);
  if (!state.applied) return boot;
  const std::string stamp = applied_stamp(state);
  for (const auto& kernel : state.snapshot.boot.kernels)
    if (const ImageTouched* image = state.baseline.image(kernel)) {
      boot.images[kernel] = image->stamp == stamp;
      boot.initramfs = true;
    }
  if (boot.initramfs) boot.rung = state.climbed ? state.climbed->rung : Rung::boot;
  if (boot.initramfs && state.climbed) boot.rung_why = state.climbed->why;
  return boot;
}

/// The image was seen to carry what was applied, the host rebooted since, and the script was not there or had another
/// plan: somebody else built or chose that image.
std::optional<Finding> why_not_early(const State& state) {
  const ImageTouched* image = state.baseline.image(state.snapshot.kernel);
  const bool rebooted = image && !image->boot_id.empty() && image->boot_id != state.snapshot.boot_id;
  if (!rebooted || image->stamp != applied_stamp(state)) return std::nullopt;
  const auto& early = state.snapshot.boot.early;
  if (early && (early->off || early->plan == image_plan(*state.applied))) return std::nullopt;
  return Finding{
      "early-not-as-applied", Severity::warning, "initramfs of " + state.snapshot.kernel,
      early ? "the script had another plan at this boot than the one that was applied"
            : "the script did not run at this boot, although it was in the image when that was built",
      "Run update-initramfs -u -k " + state.snapshot.kernel + "; the service has moved the functions meanwhile"};
}

}  // namespace

std::vector<Finding> boot_findings(const State& state) {
  if (!state.applied) return {};
  std::vector<Finding> findings = boot_count_findings(state.snapshot);
  if (is_suspended(state.health))
    findings.push_back(
        {"sitting-out", Severity::error, "hostsplit", "hostsplit is suspended: " + why_suspended(state.health),
         "Find out why (journalctl --list-boots, journalctl -b -1); hostsplit apply ends the suspension"});
  if (auto missing = why_not_early(state)) findings.push_back(std::move(*missing));
  if (!state.snapshot.boot.early) return findings;
  for (const auto& left : state.snapshot.boot.early->left)
    findings.push_back({"early-left", Severity::warning, "early boot",
                        "the script in the initramfs left " + to_string(left),
                        "See the current state: hostsplit plan"});
  return findings;
}

namespace {

/// The boot loader has the words for huge pages, the running kernel has not.
bool waits_for_pages(const Plan& planned) {
  const bool refresh = std::any_of(planned.steps.begin(), planned.steps.end(), [](const Step& step) {
    return std::holds_alternative<RefreshBootLoader>(step.action);
  });
  return planned.pages && planned.pages->pending && !refresh;
}

}  // namespace

Status status(const State& state, const std::vector<Finding>& damaged) {
  const Plan planned = plan_or_misfit(state);
  const bool configured = state.config.has_value();
  const bool whole = damaged.empty();  // otherwise a plan would be made of half of what is written
  const BootPlan target = configured && whole ? planned.target : state.applied.value_or(BootPlan{});
  Status status;
  status.controllers = controllers(state, target);
  status.ports = learned_ports(state);
  add_unnamed_ports(state.snapshot, status.ports);
  status.pools = pools(state.snapshot, target);
  status.nodes = state.snapshot.nodes;
  status.vms = vm_statuses(state, target, status);
  merge(status.findings, damaged);
  if (whole) merge(status.findings, planned.findings);
  merge(status.findings, state.findings);
  merge(status.findings, check_port_map(state.ports, state.snapshot));
  merge(status.findings, state.snapshot.findings);
  merge(status.findings, boot_findings(state));
  status.boot = boot_status(state);
  status.configured = configured;
  status.applied = state.applied.has_value();
  status.pending_changes = whole && !planned.steps.empty();
  const auto words = wanted_words(state.snapshot, state.config.value_or(Config{}));
  status.pending_reboot =
      state.baseline.loader && (!waiting_words(state.snapshot, words).empty() || waits_for_pages(planned));
  status.live = state.snapshot.live;
  status.target = target;
  return status;
}

}  // namespace hostsplit
