#include "core/proxmox/values.hpp"

#include <algorithm>
#include <cctype>

#include "core/base/cpu_set.hpp"
#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

bool numbered(std::string_view key, std::string_view stem) {
  return key.starts_with(stem) && parse_number<int>(key.substr(stem.size()));
}

/// What the part without "=" of a key's value is called; empty for keys whose value is no property string.
std::string default_property(std::string_view key) {
  if (numbered(key, "numa")) return "cpus";
  if (numbered(key, "hostpci")) return "host";
  if (key == "startup") return "order";
  if (key == "memory") return "current";
  return {};
}

}  // namespace

std::map<std::string, std::string> pve_properties(std::string_view text, const std::string& default_key) {
  std::map<std::string, std::string> found;
  while (!text.empty()) {
    const auto part = trimmed(cut(text, ','));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos)
      found.emplace(default_key, part);
    else
      found.emplace(trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1)));
  }
  return found;
}

std::optional<bool> pve_boolean(std::string_view text) {
  const std::string word = lowered(text);
  if (word == "1" || word == "on" || word == "yes" || word == "true") return true;
  if (word == "0" || word == "off" || word == "no" || word == "false") return false;
  return {};
}

std::optional<CpuSet> pve_cpu_list(std::string_view text) {
  std::string list, parts(text);
  std::replace(parts.begin(), parts.end(), ';', ',');
  for (std::string_view rest = parts; !rest.empty();) {
    if (!list.empty()) list += ',';
    list += trimmed(cut(rest, ','));
  }
  return parse_cpu_set(list);
}

bool same_pve_value(std::string_view key, std::string_view a, std::string_view b) {
  a = trimmed(a);
  b = trimmed(b);
  if (a == b) return true;
  if (key == "numa" || key == "keephugepages") return pve_boolean(a) && pve_boolean(a) == pve_boolean(b);
  if (key == "affinity") return pve_cpu_list(a) && pve_cpu_list(a) == pve_cpu_list(b);
  const auto property = default_property(key);
  return !property.empty() && pve_properties(a, property) == pve_properties(b, property);
}

bool same_pve_value(std::string_view key, const std::optional<std::string>& a, const std::optional<std::string>& b) {
  return a && b ? same_pve_value(key, std::string_view(*a), std::string_view(*b)) : a.has_value() == b.has_value();
}

}  // namespace hostsplit
