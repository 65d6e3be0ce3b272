#include "host/store/quarantine.hpp"

#include <fmt/format.h>

#include <sstream>
#include <string>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/system/process_path.hpp"

namespace hostsplit {
namespace {

/// Field 22 of proc_pid_stat(5). The name before it may hold blanks and brackets, so counting starts behind it.
std::uint64_t start_time(const Root& root, int pid) {
  const auto stat = root.read(process_path(pid, "stat")).value_or("");
  const auto end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return 0;
  std::istringstream rest(stat.substr(end_of_name + 1));
  std::string word;
  for (int field = 3; field <= 22; ++field) rest >> word;
  std::istringstream number(word);
  std::uint64_t ticks = 0;
  number >> ticks;
  return ticks;
}

bool still_stuck(const Root& root, const Quarantined& one) {
  const auto started = start_time(root, one.pid);
  return started != 0 && (one.started == 0 || started == one.started);
}

void save(Effects& effects, const std::vector<Quarantined>& quarantined) {
  std::string text;
  for (const auto& one : quarantined) text += fmt::format("{} {} {}\n", to_string(one.address), one.pid, one.started);
  if (text.empty()) return effects.remove_file(names::quarantine_file);
  effects.replace_file(names::quarantine_file, text);
}

}  // namespace

std::vector<Quarantined> load_quarantine(const Root& root) {
  std::vector<Quarantined> quarantined;
  std::istringstream lines(root.read(names::quarantine_file).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address;
    Quarantined one;
    if (!(words >> address >> one.pid >> one.started)) continue;
    const auto parsed = parse_pci_address(address);
    if (!parsed) continue;
    one.address = *parsed;
    quarantined.push_back(one);
  }
  return quarantined;
}

void quarantine(const Root& root, Effects& effects, const PciAddress& address, int pid) noexcept {
  try {
    auto quarantined = load_quarantine(root);
    std::erase_if(quarantined, [&](const Quarantined& one) { return one.address == address; });
    quarantined.push_back({address, pid, start_time(root, pid)});
    save(effects, quarantined);
  } catch (const std::exception&) {
  }
}

void release_answered(const Root& root, Effects& effects) {
  auto quarantined = load_quarantine(root);
  if (std::erase_if(quarantined, [&](const Quarantined& one) { return !still_stuck(root, one); }) != 0)
    save(effects, quarantined);
}

void require_answering(const Root& root, const PciAddress& address) {
  for (const auto& one : load_quarantine(root))
    if (one.address == address && still_stuck(root, one))
      throw Error("move", to_string(address), fmt::format("process {} is stuck in the kernel with it", one.pid),
                  "It stays as it is until that process ends or the machine restarts.");
}

std::vector<Finding> quarantine_findings(const Root& root, const std::vector<Quarantined>& quarantined) {
  std::vector<Finding> findings;
  for (const auto& one : quarantined) {
    const bool stuck = still_stuck(root, one);
    findings.push_back(
        {"function-stuck", Severity::error, to_string(one.address),
         stuck ? fmt::format("process {} is stuck in the kernel with it; hostsplit leaves it alone", one.pid)
               : fmt::format("process {} was stuck in the kernel with it and has ended; hostsplit left it "
                             "alone since",
                             one.pid),
         stuck ? "Shut down the VM that holds it, or restart the machine"
               : "Try again with systemctl reload hostsplitd, or restart the machine"});
  }
  return findings;
}

}  // namespace hostsplit
