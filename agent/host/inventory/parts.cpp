#include "host/inventory/parts.hpp"

#include <algorithm>

namespace hostsplit::inventory_parts {
namespace {

/// Attributes are quoted in messages that reach terminals and the journal.
std::string shown_text(std::string_view value) {
  constexpr std::size_t most = 40;
  std::string text;
  for (const char c : value.substr(0, most)) text += c >= ' ' && c <= '~' ? c : '?';
  if (value.size() > most) text += "...";
  return text;
}

constexpr auto remedy =
    "Read it by hand; if it stays like this, update kernel and firmware, and report it with the output of `hostsplit "
    "doctor --json`";

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end != 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string_view value_of(std::string_view text, std::string_view key) {
  for (const auto line : split(text, '\n'))
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
      return line.substr(key.size() + 1);
  return {};
}

bool is_visible(std::string_view name, std::string_view ending) {
  return name.ends_with(ending) && !name.starts_with('.');
}

std::string mapper_part(std::string_view name) {
  std::string text;
  for (const char c : name) text += c == '-' ? "--" : std::string(1, c);
  return text;
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::optional<PciPath> pci_path(std::string_view path) {
  PciPath found;
  for (const auto part : split(path, '/')) {
    if (part.starts_with("pci") && part.find(':') != std::string_view::npos) {
      // A host bridge below a function: Intel VMD (drivers/pci/controller/vmd.c), with domains beyond ffff. All that is
      // there is carried by the function above it, and can never be given away on its own.
      if (!found.chain.empty()) break;
      found = PciPath{std::string(part), {}, {}};
    } else if (!found.root.empty() && part.size() == 12) {
      const auto address = parse_pci_address(part);
      if (!address) continue;
      found.chain.push_back({address->device, address->function});
      found.address = *address;
    }
  }
  if (found.chain.empty()) return std::nullopt;
  return found;
}

std::optional<PciAddress> nearest_function(std::string_view path) {
  const auto found = pci_path(path);
  if (!found) return std::nullopt;
  return found->address;
}

std::optional<std::string> device_path(const Root& root, const std::string& link) {
  if (const auto text = root.link_text(link)) {
    const auto begin = text->find("/devices/");
    if (begin != std::string::npos && text->starts_with("..")) return "sys" + text->substr(begin);
  }
  return root.resolve(link);
}

void report_missing(Snapshot& snapshot, const std::string& path, const std::string& consequence) {
  snapshot.findings.push_back(
      {"attribute-missing", Severity::warning, "/" + path, "/" + path + " cannot be read; " + consequence, remedy});
}

void report_garbage(Snapshot& snapshot, const std::string& path, std::string_view value,
                    const std::string& consequence) {
  snapshot.findings.push_back({"attribute-garbage", Severity::warning, "/" + path,
                               "/" + path + " reads \"" + shown_text(value) + "\"; " + consequence, remedy});
}

}  // namespace hostsplit::inventory_parts
