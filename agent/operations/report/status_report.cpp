#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/printable.hpp"
#include "operations/report/report.hpp"
#include "operations/report/table.hpp"

namespace hostsplit {
namespace {

std::string number_or_dash(const std::optional<int>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string driver_text(const ControllerStatus& controller, const Paint& paint) {
  const std::string driver = controller.driver.empty() ? "none" : controller.driver;
  if (controller.driver == controller.wanted_driver) return controller.vm ? paint.green(driver) : driver;
  return paint.yellow(driver + " (wanted: " + (controller.wanted_driver.empty() ? "none" : controller.wanted_driver) +
                      ")");
}

std::string owner_text(const ControllerStatus& controller) {
  std::string owner = controller.vm ? fmt::format("VM {}", *controller.vm) : "host";
  if (controller.released) owner = fmt::format("host (lent by VM {})", *controller.vm);
  for (const auto& holder : controller.holders)
    owner += fmt::format(", held by {} {}", printable(holder.command), holder.pid);
  return owner;
}

std::string count_text(std::size_t count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

/// "front-1, front-2 + 4 unnamed"
std::string sockets_of(const std::vector<std::string>& labels, std::size_t unnamed) {
  std::string text = fmt::format("{}", fmt::join(labels, ", "));
  if (unnamed != 0) text += fmt::format("{}{} unnamed", text.empty() ? "" : " + ", unnamed);
  return text;
}

std::string labels_text(const ControllerStatus& controller, const std::vector<PortStatus>& ports) {
  std::vector<std::string> labels;
  std::size_t unnamed = 0;
  for (const auto& port : ports) {
    if (port.controller != controller.address) continue;
    if (port.label.empty())
      ++unnamed;
    else
      labels.push_back(port.label);
  }
  return sockets_of(labels, unnamed);
}

std::string controllers_text(const Status& status, const Paint& paint) {
  if (status.controllers.empty()) return "No USB controllers.\n";
  Table table({"CONTROLLER", "KIND", "DRIVER", "GROUP", "NODE", "OWNER", "PORTS"});
  for (const auto& controller : status.controllers)
    table.add({to_string(controller.address), std::string(to_string(controller.kind)), driver_text(controller, paint),
               number_or_dash(controller.group), number_or_dash(controller.node), owner_text(controller),
               labels_text(controller, status.ports)});
  return table.text(0, paint.width);
}

std::string pool_text(const PoolStatus& pool, const Paint& paint) {
  const std::string text = fmt::format("{} x {}", pool.pool.total, format_size(pool.pool.page_size));
  if (!pool.wanted) return pool.pool.total == 0 ? "" : text;
  const std::string free = fmt::format(", {} free", pool.pool.free);
  if (pool.pool.total == *pool.wanted) return paint.green(text) + free;
  return paint.yellow(text + fmt::format(" (wanted: {})", *pool.wanted)) + free;
}

std::string nodes_text(const Status& status, const Paint& paint) {
  if (status.nodes.empty()) return "";
  Table table({"NODE", "CPUS", "MEMORY", "FREE", "HUGE PAGES"});
  for (const auto& [id, node] : status.nodes) {
    std::string pages;
    for (const auto& pool : status.pools) {
      const std::string text = pool.node == id ? pool_text(pool, paint) : "";
      if (!text.empty()) pages += (pages.empty() ? "" : "; ") + text;
    }
    const auto gib = [](Kib size) { return fmt::format("{:.1f} GiB", static_cast<double>(size) / kib_per_gib); };
    table.add(
        {std::to_string(id), to_string(node.cpus), gib(node.memory), gib(node.free), pages.empty() ? "none" : pages});
  }
  return "\n" + table.text(0, paint.width);
}

/// "front-1, front-2, node 0, 56 GiB"
std::string share_text(const VmStatus& vm) {
  std::vector<std::string> parts;
  const auto sockets = sockets_of(vm.ports, vm.unnamed);
  if (!sockets.empty()) parts.push_back(sockets);
  if (sockets.empty() && !vm.controllers.empty())
    for (const auto& controller : vm.controllers) parts.push_back(to_string(controller));
  if (vm.node) parts.push_back(fmt::format("node {}", *vm.node));
  if (vm.memory.size() == 1) parts.push_back(format_size(vm.memory.begin()->second));
  if (vm.memory.size() > 1)
    for (const auto& [node, size] : vm.memory) parts.push_back(fmt::format("{} on node {}", format_size(size), node));
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string vms_text(const Status& status, const Paint& paint) {
  if (status.vms.empty()) return "";
  std::string text;
  for (const auto& vm : status.vms) {
    const std::string title = fmt::format("VM {}{}", vm.vm, vm.name.empty() ? "" : " " + printable(vm.name));
    text += paint.bold(title) + ": " + share_text(vm) + "\n";
    if (!vm.missing.empty())
      text += "  " + paint.yellow(fmt::format("not as wanted: {}", fmt::join(vm.missing, ", "))) + "\n";
  }
  std::vector<std::string> labels;
  std::size_t unnamed = 0;
  for (const auto& controller : status.controllers)
    if (!controller.vm || controller.released)
      for (const auto& port : status.ports) {
        if (port.controller != controller.address) continue;
        if (port.label.empty())
          ++unnamed;
        else
          labels.push_back(port.label);
      }
  const auto sockets = sockets_of(labels, unnamed);
  return text + paint.bold("Host") + ": " + (sockets.empty() ? "no sockets" : sockets) + "\n\n";
}

/// Whether everything is as wanted, and what to do next; empty: nothing.
struct Headline {
  std::string state, next;
  bool good = false;
};

std::string what_is_wrong(const Status& status) {
  const auto count = [&](Severity severity) {
    return static_cast<std::size_t>(std::count_if(status.findings.begin(), status.findings.end(),
                                                  [&](const Finding& f) { return f.severity == severity; }));
  };
  const auto errors = count(Severity::error), warnings = count(Severity::warning);
  std::vector<std::string> parts;
  if (errors != 0) parts.push_back(count_text(errors, "error"));
  if (warnings != 0) parts.push_back(count_text(warnings, "warning"));
  return parts.empty() ? "" : fmt::format(" {} below.", fmt::join(parts, " and "));
}

Headline headline(const Status& status) {
  const auto wrong = what_is_wrong(status);
  const bool refused = has_errors(status.findings);
  if (has_damage(status.findings))
    return {"A file of hostsplit cannot be read; the service goes on with what was applied." + wrong,
            "correct that file, then hostsplit status"};
  if (status.boot.suspended)
    return {fmt::format("Suspended after {} unhealthy boots: controllers and memory are the host's.",
                        status.boot.unhealthy) +
                wrong,
            "find out why (docs: rescue), then hostsplit apply"};
  if (!status.configured && !status.applied)
    return {"Not configured: hostsplit only observes and changes nothing." + wrong, "hostsplit setup"};
  if (!status.configured) return {"Applied; the configuration is gone." + wrong, "hostsplit undo, or write it again"};
  if (!status.applied)
    return {"Configured, not applied yet: hostsplit only observes and changes nothing." + wrong,
            refused ? "correct the errors, then hostsplit plan" : "hostsplit plan shows what would be done"};
  if (refused) return {"Not everything is as configured." + wrong, "correct the errors, then hostsplit apply"};
  if (status.pending_changes)
    return {"Applied, but not everything is as configured." + wrong, "hostsplit plan shows what differs"};
  const bool is_lent = std::any_of(status.controllers.begin(), status.controllers.end(),
                                   [](const ControllerStatus& controller) { return controller.released; });
  const std::string state =
      std::string("Everything is as configured") + (is_lent ? ", but a controller is lent to the host." : ".") + wrong;
  if (status.pending_reboot) return {state, "reboot: kernel parameters take effect at the next boot", true};
  return {state, is_lent ? "hostsplit take gives it back" : "", !is_lent};
}

std::string headline_text(const Status& status, const Paint& paint) {
  const Headline line = headline(status);
  std::string text = (line.good ? paint.green(line.state) : paint.bold(line.state)) + "\n";
  if (!line.next.empty()) text += "Next: " + line.next + "\n";
  return text + "\n";
}

/// What enforces at boot, and what it did this time; nothing where nothing was applied.
std::string boot_text(const Status& status) {
  if (!status.applied) return "";
  const BootStatus& boot = status.boot;
  if (!boot.initramfs) return "\nEnforced at boot by: the service.\n";
  std::string text = "\nEnforced at boot by: a script in the initramfs, then the service. ";
  if (boot.rung > Rung::boot)
    text += fmt::format("Rung {} (how bindings are enforced): {}. ", to_string(boot.rung), printable(boot.rung_why));
  if (!boot.early) return text + "The initramfs of this boot did not contain the script.\n";
  if (boot.early->off) return text + "Disabled on this boot (hostsplit=off).\n";
  return text + fmt::format("On this boot: {} bound in {} ms.\n", count_text(boot.early->bound.size(), "function"),
                            boot.early->took_ms.value_or(0));
}

std::string half_text(const std::optional<std::string>& path, bool seen, const std::string& label, const Paint& paint) {
  if (!path) return "-";
  return seen || label.empty() ? *path : *path + paint.faint(" (not seen)");
}

}  // namespace

std::string status_text(const Status& status, const Paint& paint) {
  std::string text = headline_text(status, paint) + vms_text(status, paint) + controllers_text(status, paint) +
                     nodes_text(status, paint) + boot_text(status);
  if (!status.findings.empty()) text += "\n" + findings_text(status.findings, paint);
  return text;
}

std::string ports_text(const std::vector<PortStatus>& ports, const Paint& paint) {
  if (ports.empty()) return "No ports are known. Learn them: hostsplit learn\n";
  Table table({"PORT", "CONTROLLER", "USB2", "USB3", "PAIR", "PLUGGED"});
  for (const auto& port : ports) {
    const bool both = port.usb2 && port.usb3;
    table.add({port.label.empty() ? paint.faint("(unnamed)") : port.label,
               port.controller ? to_string(*port.controller) : paint.yellow("absent"),
               half_text(port.usb2, port.usb2_seen, port.label, paint),
               half_text(port.usb3, port.usb3_seen, port.label, paint),
               both ? (port.proven ? "proven" : "assumed") : "-", port.device.empty() ? "-" : printable(port.device)});
  }
  return table.text(0, paint.width);
}

}  // namespace hostsplit
