#include "core/usb/label_proposal.hpp"

#include <string_view>

namespace hostsplit {
namespace {

constexpr std::string_view digits = "0123456789";
/// More are a serial number, and nothing to count on from.
constexpr std::size_t most_digits = 4;

/// A name around the number it is counted by.
struct Numbered {
  std::string before;
  unsigned number = 0;
  std::string after;
};

/// A name without a number is the first of its kind: "desk" is followed by "desk-2".
Numbered taken_apart(const std::string& label) {
  const auto last = label.find_last_of(digits);
  if (last == std::string::npos) return {label + "-", 1, ""};
  const auto before = label.find_last_not_of(digits, last);
  const auto first = before == std::string::npos ? 0 : before + 1;
  const auto count = last - first + 1;
  if (count > most_digits) return {label + "-", 1, ""};
  return {label.substr(0, first), static_cast<unsigned>(std::stoul(label.substr(first, count))),
          label.substr(last + 1)};
}

/// What people call the panel; empty where the firmware does not say.
std::string called(const std::string& panel) {
  if (panel == "back") return "rear";
  for (const char* side : {"front", "top", "bottom", "left", "right"})
    if (panel == side) return panel;
  return "";
}

Numbered start(const PortMap& map, const std::string& panel, const std::string& last) {
  if (valid_label(last)) return taken_apart(last);
  if (const auto word = called(panel); !word.empty()) return {word + "-", 0, ""};
  if (!map.ports.empty()) return taken_apart(map.ports.back().label);
  return {"socket-", 0, ""};
}

std::string first_free(const PortMap& map, const Numbered& from) {
  // One more than there are names: one of them is free.
  for (unsigned i = 1; i <= map.ports.size() + 1; ++i) {
    const std::string label = from.before + std::to_string(from.number + i) + from.after;
    if (!valid_label(label)) break;
    if (!map.find(label)) return label;
  }
  return "";
}

}  // namespace

std::string propose_label(const PortMap& map, const std::string& panel, const std::string& last) {
  const std::string label = first_free(map, start(map, panel, last));
  // A name at its greatest length has no next one.
  return label.empty() ? first_free(map, {"socket-", 0, ""}) : label;
}

}  // namespace hostsplit
