#include "core/checks/plug_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hostsplit {
namespace {

using Kind = Verdict::Kind;

/// A guest that is busy, or has to load a driver first, is later than the host.
constexpr int rounds_for_the_vm = 3;

bool contains(const PlugWatch::Devices& devices, const SeenDevice& device) {
  return std::find(devices.begin(), devices.end(), device) != devices.end();
}

std::string all_in_words(const PlugWatch::Devices& devices) {
  std::string text;
  for (const auto& device : devices) text += (text.empty() ? "" : "; ") + in_words(device);
  return text;
}

}  // namespace

void PlugWatch::see(int who, const std::optional<Devices>& devices, const std::string& why_not) {
  Seen& seen = seen_[who];
  seen.why_not = devices ? "" : why_not;
  if (!devices) {
    seen.late = seen.late || !seen.listed;
    return;
  }
  if (!seen.listed) {
    seen.listed = true;
    seen.before = *devices;
    return;
  }
  for (const auto& device : *devices)
    if (!contains(seen.before, device) && !contains(seen.came, device)) seen.came.push_back(device);
  // One that was pulled and is plugged again counts as new, also where it gets the same number.
  std::erase_if(seen.before, [&](const SeenDevice& device) { return !contains(*devices, device); });
}

bool PlugWatch::anybody() const {
  return std::any_of(seen_.begin(), seen_.end(), [](const auto& each) { return !each.second.came.empty(); });
}

bool PlugWatch::round_ended() {
  if (!anybody()) return false;
  ++rounds_;
  if (!came(socket_.vm).empty()) ++rounds_of_vm_;
  return rounds_of_vm_ > 1 || rounds_ > rounds_for_the_vm;
}

const PlugWatch::Devices& PlugWatch::came(int who) const {
  static const Devices none;
  const auto found = seen_.find(who);
  return found == seen_.end() ? none : found->second.came;
}

Verdict PlugWatch::of_vm() const {
  Verdict verdict{Kind::right, "plug", fmt::format("VM {}", socket_.vm), all_in_words(came(socket_.vm)),
                  "the stick", ""};
  if (!came(socket_.vm).empty()) return verdict;
  const auto found = seen_.find(socket_.vm);
  const std::string why_not = found == seen_.end() ? "it was not asked" : found->second.why_not;
  verdict.found = why_not.empty() ? "nothing new" : "no answer: " + why_not;
  if (!why_not.empty()) {
    verdict.kind = Kind::unknown;
    verdict.remedy = fmt::format("Look with qm agent {} ping, then run this again", socket_.vm);
  } else if (anybody()) {
    verdict.kind = Kind::wrong;
    verdict.remedy =
        fmt::format("Is it the socket {}? See hostsplit ports, and hostsplit verify {}", socket_.label, socket_.vm);
  } else {
    verdict.kind = Kind::unknown;
    verdict.remedy = fmt::format(
        "Try another stick. If that is not seen either, look in the guest whether {} has a driver (lspci -k; Device "
        "Manager)",
        to_string(socket_.controller));
  }
  return verdict;
}

Verdict PlugWatch::of_other(int who, const Seen& seen) const {
  Verdict verdict{Kind::right,   "plug",        who == host ? "host" : fmt::format("VM {}", who),
                  "nothing new", "nothing new", ""};
  if (!seen.came.empty()) {
    const auto& stick = came(socket_.vm);
    const bool same = std::any_of(seen.came.begin(), seen.came.end(), [&](const SeenDevice& device) {
      return std::any_of(stick.begin(), stick.end(),
                         [&](const SeenDevice& other) { return same_stick(device, other); });
    });
    verdict.found = all_in_words(seen.came);
    // The VM has its stick, and something else was plugged meanwhile.
    verdict.kind = stick.empty() || same ? Kind::wrong : Kind::note;
    if (same && who == host)
      verdict.remedy =
          fmt::format("The host has the stick and passes it on: see the usb lines of qm config {}", socket_.vm);
    else if (verdict.kind == Kind::wrong)
      verdict.remedy = fmt::format("Is it the socket {}? See hostsplit ports", socket_.label);
  } else if (!seen.why_not.empty() || seen.late) {
    verdict.kind = Kind::unknown;
    verdict.found = "not asked: " + (seen.why_not.empty() ? "it answered too late" : seen.why_not);
  }
  return verdict;
}

std::vector<Verdict> PlugWatch::verdicts() const {
  std::vector<Verdict> verdicts{of_vm()};
  for (const auto& [who, seen] : seen_)
    if (who != socket_.vm) verdicts.push_back(of_other(who, seen));
  return verdicts;
}

}  // namespace hostsplit
