#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

/// Consoles that are attached to a PCI function.
namespace hostsplit::inventory_parts {

void read_console_uses(const Root& root, Snapshot& snapshot) {
  const auto active = root.read("sys/class/tty/console/active", 1024).value_or("");
  const auto parameters = root.read("proc/cmdline").value_or("");
  std::set<std::string> consoles;
  for (const auto word : words_of(active)) consoles.emplace(word);
  // At the next boot it is one again, although its adapter came too late at this one.
  for (const auto word : words_of(parameters))
    if (word.starts_with("console=")) consoles.emplace(word.substr(8, word.find(',') - 8));
  for (const auto& name : consoles) {
    if (name.find('/') != std::string::npos) continue;
    const auto path = device_path(root, "sys/class/tty/" + name);
    const auto function = path ? nearest_function(*path) : std::nullopt;
    if (function) snapshot.uses.push_back({UseKind::console, name, name, {*function}, true});
  }
}

}  // namespace hostsplit::inventory_parts
