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

std::string labels_text(const ControllerStatus& controller, const std::vector<PortStatus>& ports, const Paint& paint) {
  std::string labels;
  int unnamed = 0;
  for (const auto& port : ports) {
    if (port.controller != controller.address) continue;
    if (port.label.empty())
      ++unnamed;
    else
      labels += (labels.empty() ? "" : " ") + port.label;
  }
  if (unnamed == 0) return labels;
  return labels + paint.faint(fmt::format("{}{} unnamed", labels.empty() ? "" : " + ", unnamed));
}

std::string controllers_text(const Status& status, const Paint& paint) {
  if (status.controllers.empty()) return "  No USB controllers.\n";
  Table table({"CONTROLLER", "KIND", "DRIVER", "GROUP", "NODE", "OWNER", "PORTS"});
  for (const auto& controller : status.controllers)
    table.add({to_string(controller.address), std::string(to_string(controller.kind)), driver_text(controller, paint),
               number_or_dash(controller.group), number_or_dash(controller.node), owner_text(controller),
               labels_text(controller, status.ports, paint)});
  return table.text();
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
  return "\n" + table.text();
}

std::string headline(const Status& status) {
  if (!status.configured && !status.applied) return "Not configured: hostsplit only observes and changes nothing.";
  if (!status.applied)
    return "Configured, not applied yet: hostsplit only observes and changes nothing. See hostsplit plan.";
  if (!status.configured) return "Applied; the configuration is gone. See hostsplit undo.";
  return status.pending_changes ? "Applied, but not everything is as configured. See hostsplit plan."
                                : "Everything is as configured.";
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
  return text + fmt::format("On this boot: {} function{} bound in {} ms.\n", boot.early->bound.size(),
                            boot.early->bound.size() == 1 ? "" : "s", boot.early->took_ms.value_or(0));
}

std::string half_text(const std::optional<std::string>& path, bool seen, const std::string& label, const Paint& paint) {
  if (!path) return "-";
  return seen || label.empty() ? *path : *path + paint.faint(" (not seen)");
}

/// "Plan: 7 steps; 2 of them take effect at the next boot"
std::string plan_headline(const std::vector<Step>& steps) {
  const auto later =
      std::count_if(steps.begin(), steps.end(), [](const Step& step) { return describe(step.action).at_next_boot; });
  std::string text = fmt::format("Plan: {} step{}", steps.size(), steps.size() == 1 ? "" : "s");
  if (later != 0) text += fmt::format("; {} of them take{} effect at the next boot", later, later == 1 ? "s" : "");
  return text;
}

std::string severity_text(Severity severity, const Paint& paint) {
  switch (severity) {
    case Severity::error: return paint.red("error");
    case Severity::warning: return paint.yellow("warning");
    case Severity::info: return "note";
  }
  return "";
}

}  // namespace

std::string findings_text(const std::vector<Finding>& findings, const Paint& paint) {
  std::vector<Finding> sorted = findings;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.severity > b.severity; });
  std::string text;
  for (const auto& finding : sorted) {
    text +=
        fmt::format("{}: {}: {}  {}\n", severity_text(finding.severity, paint), paint.bold(printable(finding.subject)),
                    printable(finding.message), paint.faint("[" + finding.code + "]"));
    if (!finding.remedy.empty()) text += "  fix: " + printable(finding.remedy) + "\n";
  }
  return text;
}

std::string status_text(const Status& status, const Paint& paint) {
  std::string text = paint.bold(headline(status)) + "\n\n" + controllers_text(status, paint) +
                     nodes_text(status, paint) + boot_text(status);
  if (!status.findings.empty()) text += "\n" + findings_text(status.findings, paint);
  return text;
}

std::string pages_text(const PageRecipe& recipe) {
  const char* from = recipe.source == PageSource::run_time
                         ? "run time: hostsplit-reserve.service reserves them early at boot"
                     : recipe.source == PageSource::command_line ? "the kernel command line"
                                                                 : "areas the kernel keeps movable (CMA)";
  std::string text = fmt::format("Huge pages come from {}\n     reason: {}\n", from, recipe.reason);
  if (!recipe.words.empty())
    text += fmt::format("     kernel parameters: {}{}\n", fmt::join(recipe.words, " "),
                        recipe.pending ? " (from the next boot on)" : "");
  if (recipe.needs_keep_hugepages) text += "     every VM with huge pages needs keephugepages: 1\n";
  return text;
}

namespace {

/// The kernel command lines of the next boot that change, and what the kernel makes of them.
std::string lines_text(const std::vector<LineChange>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += fmt::format("\nKernel command line from the next boot on ({})\n     before: {}\n     after: {}\n",
                        line.loader, printable(line.before), printable(line.after));
    if (line.pages_before != line.pages_after)
      text += fmt::format("     huge pages before: {}\n     huge pages after: {}\n", describe(line.pages_before),
                          describe(line.pages_after));
  }
  return text;
}

}  // namespace

std::string plan_text(const Plan& plan, const Paint& paint) {
  std::string text;
  if (has_errors(plan.findings)) {
    text = paint.bold("This plan cannot be applied:") + "\n\n" + findings_text(plan.findings, paint);
    return text;
  }
  if (plan.steps.empty()) {
    text = "Nothing to do: the machine is as wanted.\n";
  } else {
    text = paint.bold(plan_headline(plan.steps)) + "\n\n";
    int number = 0;
    for (const auto& step : plan.steps)
      text += fmt::format("{:>3}. {}\n     {}\n", ++number, describe(step.action).sentence,
                          paint.faint("reason: " + printable(step.reason)));
    if (plan.pages) text += "\n" + pages_text(*plan.pages);
    text += lines_text(plan.lines);
  }
  if (!plan.findings.empty()) text += "\n" + findings_text(plan.findings, paint);
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
  return table.text(0);
}

}  // namespace hostsplit
