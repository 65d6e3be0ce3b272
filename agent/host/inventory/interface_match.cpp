#include "host/inventory/interface_match.hpp"

#include <algorithm>

#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/network_settings.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

std::string digits_of(std::string_view address) {
  std::string digits = lowered(address);
  std::erase_if(digits, [](char c) { return c == ':' || c == '-' || c == '.'; });
  return digits;
}

/// What udev knows of an interface; empty for virtual ones, which have no names but their own.
std::string udev_text(const Root& root, const std::string& interface) {
  const auto path = device_path(root, "sys/class/net/" + interface);
  if (!path || path->find("/devices/virtual/") != std::string::npos) return {};
  const auto index = root.read("sys/class/net/" + interface + "/ifindex", 32);
  return index && !index->empty() ? root.read("run/udev/data/n" + *index, 1 << 16).value_or("") : std::string();
}

/// A *.link file of the owner; those of packages give the names interfaces have by themselves.
struct LinkFile {
  std::vector<KeyLine> lines;
  std::vector<std::string> names;
  bool by_device = false;  ///< it says which one by what no other has
};

LinkFile parsed_link(const std::string& text) {
  LinkFile file{key_lines(text), {}, false};
  for (const auto& [section, key, value] : file.lines) {
    if (section == "Link" && (key == "Name" || key == "AlternativeName"))
      for (const auto name : words_of(value)) file.names.emplace_back(name);
    if (section == "Match" && (key.ends_with("MACAddress") || key == "Path")) file.by_device = true;
  }
  // The name there is the one the kernel gave, which does not show any more.
  std::erase_if(file.lines, [](const auto& line) { return line.section == "Match" && line.key == "OriginalName"; });
  return file;
}

std::vector<LinkFile> link_files(const Root& root) {
  std::vector<LinkFile> found;
  for (const std::string directory : {"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network"})
    for (const auto& name : root.list(directory)) {
      if (!name.ends_with(".link")) continue;
      auto file = parsed_link(root.read(directory + "/" + name, 1 << 16).value_or(""));
      if (!file.names.empty()) found.push_back(std::move(file));
    }
  return found;
}

/// Of the properties of udev those that 99-default.link makes alternative names of.
bool is_name_property(std::string_view key) {
  constexpr const char* keys[] = {"E:ID_NET_NAME",      "E:ID_NET_NAME_MAC",     "E:ID_NET_NAME_PATH",
                                  "E:ID_NET_NAME_SLOT", "E:ID_NET_NAME_ONBOARD", "E:ID_NET_NAME_FROM_DATABASE"};
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

}  // namespace

std::vector<KeyLine> key_lines(const std::string& text) {
  std::vector<KeyLine> found;
  std::string section;
  for (const auto& line : continued_lines(text)) {
    if (line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    const auto sign = line.find('=');
    if (line.starts_with('[') || sign == std::string::npos) continue;
    const std::string_view all = line;
    found.push_back({section, std::string(trimmed(all.substr(0, sign))), std::string(trimmed(all.substr(sign + 1)))});
  }
  return found;
}

bool means_no(const std::string& value) {
  const auto word = lowered(value);
  return word == "no" || word == "false" || word == "0" || word == "off" || word == "n" || word == "f";
}

bool fits_list(std::string list, const std::string& name) {
  const bool turned = list.starts_with('!');
  if (turned) list.erase(0, 1);
  const auto words = words_of(list);
  return turned != std::any_of(words.begin(), words.end(),
                               [&](auto word) { return fits_shell_pattern(std::string(word), name); });
}

bool has_hardware_address(const Root& root, const std::string& interface, std::string_view address) {
  return digits_of(root.read("sys/class/net/" + interface + "/address", 64).value_or("")) == digits_of(address);
}

bool has_interface_type(const Root& root, const std::string& interface, const std::string& list) {
  const std::string directory = "sys/class/net/" + interface;
  const auto number = root.read(directory + "/type", 32);
  if (number == "772") return fits_list(list, "loopback");
  if (number != "1") return true;
  return fits_list(list, root.exists(directory + "/phy80211") ? "wlan" : "ether");
}

bool matches_interface(const Root& root, const std::vector<KeyLine>& file, const std::string& interface) {
  std::map<std::string, std::string> wanted;
  for (const auto& line : file)
    if (line.section == "Match") wanted[line.key] += (wanted[line.key].empty() ? "" : " ") + line.value;
  for (const auto& [key, value] : wanted) {
    if ((key == "Name" || key == "OriginalName") && !fits_list(value, interface)) return false;
    if (key == "MACAddress" || key == "PermanentMACAddress") {
      const auto words = words_of(value);
      if (std::none_of(words.begin(), words.end(),
                       [&](auto word) { return has_hardware_address(root, interface, word); }))
        return false;
    }
    if (key == "Type" && !has_interface_type(root, interface, value)) return false;
    // Hardware has none.
    if (key == "Kind" && !value.starts_with('!')) return false;
    const auto driver =
        key == "Driver" ? root.link_name("sys/class/net/" + interface + "/device/driver") : std::nullopt;
    if (driver && !fits_list(value, *driver)) return false;
    if (key == "Path") {
      const auto properties = udev_text(root, interface);
      const std::string place(value_of(properties, "E:ID_PATH"));
      if (!place.empty() && !fits_list(value, place)) return false;
    }
  }
  return true;
}

OtherNames other_names(const Root& root, const std::vector<std::string>& present) {
  OtherNames found;
  const auto links = link_files(root);
  for (const auto& interface : present) {
    const auto properties = udev_text(root, interface);
    for (const auto line : split(properties, '\n')) {
      const auto sign = line.find('=');
      if (sign != std::string_view::npos && is_name_property(line.substr(0, sign)) &&
          line.substr(sign + 1) != interface)
        found.emplace(line.substr(sign + 1), interface);
    }
    for (const auto& link : links) {
      if (!matches_interface(root, link.lines, interface)) continue;
      for (const auto& name : link.names) {
        const bool taken = std::find(present.begin(), present.end(), name) != present.end();
        if (name != interface && (link.by_device || !taken)) found.emplace(name, interface);
      }
    }
  }
  return found;
}

}  // namespace hostsplit::inventory_parts
