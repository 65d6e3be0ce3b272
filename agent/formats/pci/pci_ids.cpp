#include "formats/pci/pci_ids.hpp"

#include <optional>

#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

struct Entry {
  std::uint16_t id = 0;
  std::string_view name;
};

/// "148c  Starship USB 3.0 Host Controller"
std::optional<Entry> entry_of(std::string_view line) {
  if (line.size() < 7 || line.substr(4, 2) != "  ") return std::nullopt;
  const auto id = parse_fixed<std::uint16_t>(line.substr(0, 4), 4, 16);
  if (!id) return std::nullopt;
  return Entry{*id, trimmed(line.substr(6))};
}

}  // namespace

std::map<PciIdPair, std::string> pci_names(std::string_view text, const std::set<PciIdPair>& wanted) {
  std::map<PciIdPair, std::string> names;
  std::uint16_t vendor = 0;
  bool asked_for = false;  // the lines below belong to a vendor of one of the wanted devices
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    if (line.empty() || line.front() == '#' || line.starts_with("\t\t")) continue;
    if (line.front() == '\t') {
      const auto device = asked_for ? entry_of(line.substr(1)) : std::nullopt;
      if (device && wanted.contains({vendor, device->id})) names[{vendor, device->id}] = printable(device->name);
      continue;
    }
    asked_for = false;
    const auto entry = entry_of(line);
    if (!entry) continue;
    for (auto id = wanted.lower_bound({entry->id, 0}); id != wanted.end() && id->first == entry->id; ++id) {
      vendor = entry->id;
      asked_for = true;
      names[*id] = printable(entry->name);
    }
  }
  return names;
}

}  // namespace hostsplit
