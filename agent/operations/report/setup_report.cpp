#include "operations/report/setup_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/names.hpp"
#include "core/base/printable.hpp"
#include "core/base/text_diff.hpp"
#include "operations/report/json_parts.hpp"
#include "operations/report/report.hpp"
#include "operations/report/sections.hpp"
#include "operations/report/table.hpp"

namespace hostsplit {
namespace {

std::string vm_title(const VmShare& vm) {
  return vm.name.empty() ? fmt::format("VM {}", vm.vm) : fmt::format("VM {} ({})", vm.vm, printable(vm.name));
}

std::string nodes_text(const VmShare& vm) {
  std::vector<int> nodes;
  for (const auto& [node, size] : vm.memory) nodes.push_back(node);
  return fmt::format("{}", fmt::join(nodes, " and "));
}

std::string memory_text(const VmShare& vm) {
  Kib sum = 0;
  std::vector<std::string> parts;
  for (const auto& [node, size] : vm.memory) {
    sum += size;
    parts.push_back(fmt::format("{} on node {}", format_size(size), node));
  }
  return parts.size() < 2 ? format_size(sum) : fmt::format("{}: {}", format_size(sum), fmt::join(parts, ", "));
}

std::string list_or(const std::vector<std::string>& words, const char* none) {
  return words.empty() ? none : fmt::format("{}", fmt::join(words, " "));
}

std::string starts_text(const Proposal& proposal) {
  std::vector<const VmShare*> order;
  for (const auto& vm : proposal.vms) order.push_back(&vm);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->start < b->start; });
  std::string text;
  for (const auto* vm : order) text += fmt::format("{}VM {}", text.empty() ? "" : ", then ", vm->vm);
  return text;
}

/// Sentences under a title; nothing where there are none.
std::string section(const std::string& title, const std::vector<std::string>& lines, const Paint& paint) {
  if (lines.empty()) return {};
  std::string text = "\n" + paint.bold(title) + "\n";
  for (const auto& line : lines) text += "  " + line + "\n";
  return text;
}

bool is_config(const Step& step) {
  const auto* write = std::get_if<WriteFile>(&step.action);
  return write && write->path == names::config_file;
}

std::vector<std::string> proxmox_lines(const Plan& plan) {
  std::vector<std::string> lines;
  for (const auto& step : plan.steps) {
    const auto* set = std::get_if<SetPve>(&step.action);
    if (!set) continue;
    lines.push_back(to_string(set->object) + (set->pending ? ", at its next start" : "") + ":");
    for (const auto& change : set->changes)
      lines.push_back(fmt::format("  {}: {}{}", change.key, change.to ? printable(*change.to) : "taken away",
                                  change.from ? fmt::format("  (was {})", printable(*change.from)) : ""));
  }
  return lines;
}

/// One line for each thing that is moved or reserved, one for all files: hostsplit plan has the rest.
std::vector<std::string> host_lines(const Plan& plan, Section section) {
  std::vector<std::string> lines;
  std::size_t written = 0, removed = 0;
  for (const auto& step : plan.steps) {
    if (section_of(step) != section || is_config(step)) continue;
    if (is_file_step(step))
      ++(std::holds_alternative<RemoveFile>(step.action) ? removed : written);
    else
      lines.push_back(describe(step.action).sentence);
  }
  const auto files = files_text(written, removed);
  if (!files.empty()) lines.push_back(files + " (hostsplit setup --dry-run lists each)");
  return lines;
}

}  // namespace

std::string guests_text(const SetupOffer& offer, const Paint& paint) {
  Table table({"VM", "NAME", "MEMORY", "STATE", ""});
  for (const auto& guest : offer.guests)
    table.add({std::to_string(guest.vm), printable(guest.name), format_size(guest.memory),
               guest.running ? "running" : "stopped", guest.proposed ? paint.green("proposed") : ""});
  return table.text(2, paint.width);
}

std::string sockets_text(const Proposal& proposal, const Paint& paint) {
  std::string text;
  for (const auto& vm : proposal.vms) text += fmt::format("  {}: {}\n", vm_title(vm), list_or(vm.ports, "no sockets"));
  for (const auto& left_out : proposal.left_out) text += "  " + paint.faint(printable(describe(left_out))) + "\n";
  return text;
}

std::string proposal_text(const Proposal& proposal, const Paint& paint) {
  std::string text;
  for (const auto& vm : proposal.vms) {
    text += paint.bold(vm_title(vm)) + "\n";
    const auto row = [&](const char* what, const std::string& value, const Reason& why) {
      text += fmt::format("  {:<8} {}  {}\n", what, value, paint.faint("(" + describe(why) + ")"));
    };
    row(vm.memory.size() == 1 ? "node" : "nodes", nodes_text(vm), vm.why_nodes);
    row("CPUs", fmt::format("{} ({})", to_string(vm.cpus), vm.cpus.size()), vm.why_cpus);
    row("memory", memory_text(vm), vm.why_memory);
    row("sockets", list_or(vm.ports, "none"), vm.why_ports);
  }
  text += fmt::format(
      "The host keeps {} of each node. VMs start {}: {}.\n", format_size(proposal.keep_free),
      proposal.starts_overlap ? "in this order, some while the one before still starts" : "one after the other",
      starts_text(proposal));
  for (const auto& left_out : proposal.left_out) text += printable(describe(left_out)) + "\n";
  return text;
}

std::string config_diff_text(const SetupOffer& offer, const Paint& paint) {
  constexpr std::ptrdiff_t around = 3;
  const auto diff = line_diff(offer.before, offer.after);
  const auto count = static_cast<std::ptrdiff_t>(diff.size());
  const auto changed = [&](std::ptrdiff_t at) {
    return at >= 0 && at < count && diff[static_cast<std::size_t>(at)].kind != DiffLine::Kind::same;
  };
  std::string text;
  bool gap = false;
  for (std::ptrdiff_t at = 0; at < count; ++at) {
    bool near = false;
    for (auto other = at - around; other <= at + around; ++other) near = near || changed(other);
    if (!near) {
      gap = true;
      continue;
    }
    if (std::exchange(gap, false) && !text.empty()) text += paint.faint("  ...") + "\n";
    const auto& line = diff[static_cast<std::size_t>(at)];
    const auto shown = printable(line.text);
    text += line.kind == DiffLine::Kind::added     ? paint.green("+ " + shown)
            : line.kind == DiffLine::Kind::removed ? paint.red("- " + shown)
                                                   : "  " + shown;
    text += "\n";
  }
  return text;
}

std::string setup_text(const SetupOffer& offer, const Paint& paint) {
  if (!offer.proposal.possible())
    return paint.bold("There is no split like that on this host:") + "\n\n" +
           findings_text(offer.proposal.obstacles, paint);
  std::string text = proposal_text(offer.proposal, paint);
  if (has_errors(offer.plan.findings))
    return text + "\n" + paint.bold("It cannot be carried out now:") + "\n\n" +
           findings_text(offer.plan.findings, paint);
  if (const auto diff = config_diff_text(offer, paint); !diff.empty())
    text += "\n" + paint.bold(offer.file) + (offer.before.empty() ? " (new)" : "") + "\n" + diff;
  text += section("In Proxmox VE", proxmox_lines(offer.plan), paint);
  text += section("On this host, now", host_lines(offer.plan, Section::now), paint);
  text += section("On this host, for the next boot", host_lines(offer.plan, Section::next_boot), paint);
  if (offer.plan.steps.empty()) return text + "\nNothing to do: the host is set up like this.\n";
  if (!offer.plan.findings.empty()) text += "\n" + findings_text(offer.plan.findings, paint);
  return text + "\nhostsplit undo takes all of it back: this host, hostsplit.toml and the VMs.\n";
}

std::string setup_json(const SetupOffer& offer, bool done) {
  using Json = nlohmann::ordered_json;
  Json vms = Json::array(), left_out = Json::array();
  for (const auto& vm : offer.proposal.vms) {
    Json memory = Json::array();
    for (const auto& [node, size] : vm.memory) memory.push_back({{"node", node}, {"kib", size}});
    vms.push_back({{"vm", vm.vm},
                   {"name", vm.name},
                   {"memory", memory},
                   {"page_size", vm.page_size},
                   {"cpus", to_string(vm.cpus)},
                   {"ports", vm.ports},
                   {"start", vm.start},
                   {"reasons",
                    {{"nodes", describe(vm.why_nodes)},
                     {"cpus", describe(vm.why_cpus)},
                     {"memory", describe(vm.why_memory)},
                     {"ports", describe(vm.why_ports)}}}});
  }
  for (const auto& each : offer.proposal.left_out)
    left_out.push_back({{"port", each.label}, {"reason", describe(each)}});
  const bool possible = offer.proposal.possible();
  const Json document{
      {"version", 1},
      {"possible", possible},
      {"done", done},
      {"keep_free_kib", offer.proposal.keep_free},
      {"vms", vms},
      {"left_out", left_out},
      {"obstacles", findings_json(offer.proposal.obstacles)},
      {"config", {{"file", offer.file}, {"changes", possible && offer.before != offer.after}, {"text", offer.after}}},
      {"plan", possible ? Json::parse(plan_json(offer.plan)) : Json(nullptr)}};
  return printed(document);
}

}  // namespace hostsplit
