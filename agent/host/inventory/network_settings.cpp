#include "host/inventory/network_settings.hpp"

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/interface_match.hpp"
#include "host/inventory/parts.hpp"

/// Settings of interfaces beside interfaces(5).
namespace hostsplit::inventory_parts {
namespace {

class OtherSettings {
 public:
  OtherSettings(const Root& root, const std::vector<std::string>& present) : root_(root), present_(present) {}

  void read() {
    if (starts("systemd-networkd.service", "run/systemd/netif/links")) networkd();
    if (starts("NetworkManager.service", "run/NetworkManager")) network_manager();
    if (starts("frr.service", "run/frr")) frr();
    wireguard();
    ppp();
    netconsole();
  }

  std::set<std::string> configured;
  std::string addresses;  ///< that these settings give, as they are written

 private:
  /// Nothing says so where no unit is said to start at all.
  bool starts(const std::string& unit, const std::string& running) const {
    const auto wanted = root_.list("etc/systemd/system/multi-user.target.wants");
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), unit) != wanted.end() ||
           !root_.list(running).empty();
  }

  void networkd();
  void network_manager();
  void connection(const std::vector<KeyLine>& file);
  std::set<std::string> any_card(const std::string& type, const std::string& uuid) const;
  void frr();
  void wireguard();
  void ppp();
  void netconsole();
  void netconsole_parameter(std::string_view word);

  const Root& root_;
  const std::vector<std::string>& present_;
};

/// Something beside what every interface has that is up.
bool gives_an_interface_use(const std::vector<KeyLine>& file) {
  static const std::set<std::string> idle{
      "Description",       "LinkLocalAddressing",    "LLDP", "EmitLLDP", "IgnoreCarrierLoss",
      "KeepConfiguration", "ConfigureWithoutCarrier"};
  bool use = false;
  for (const auto& line : file) {
    if (line.section == "Link" && line.key == "Unmanaged" && !means_no(line.value)) return false;
    use = use || line.section == "Address" ||
          (line.section == "Network" && !idle.contains(line.key) && !line.value.empty() && !means_no(line.value));
  }
  return use;
}

/// The first file that matches is the one that counts. Those of packages are examples, and for containers and VMs.
void OtherSettings::networkd() {
  std::map<std::string, std::string> files;
  for (const std::string directory : {"etc/systemd/network", "run/systemd/network"})
    for (const auto& name : root_.list(directory))
      if (name.ends_with(".network")) files.emplace(name, directory + "/" + name);
  std::vector<std::vector<KeyLine>> parsed;
  for (const auto& [name, path] : files) parsed.push_back(key_lines(root_.read(path, 1 << 16).value_or("")));
  for (const auto& interface : present_) {
    const auto first = std::find_if(parsed.begin(), parsed.end(), [&](const auto& file) {
      return !file.empty() && matches_interface(root_, file, interface);
    });
    if (first == parsed.end() || !gives_an_interface_use(*first)) continue;
    configured.insert(interface);
    for (const auto& line : *first)
      if (line.key == "Address") addresses += line.value + "\n";
  }
}

/// nm-settings-keyfile(5)
void OtherSettings::network_manager() {
  for (const std::string directory : {"etc/NetworkManager/system-connections", "run/NetworkManager/system-connections"})
    for (const auto& name : root_.list(directory))
      connection(key_lines(root_.read(directory + "/" + name, 1 << 16).value_or("")));
}

void OtherSettings::connection(const std::vector<KeyLine>& file) {
  std::set<std::string> found;
  std::string hardware, type, uuid, given;
  bool any = true;
  for (const auto& [section, key, value] : file) {
    if (section == "connection" && key == "autoconnect" && means_no(value)) return;
    if (section == "connection" && key == "type") type = value;
    if (section == "connection" && key == "uuid") uuid = value;
    if (section.starts_with("ip") && key.starts_with("address")) given += value + "\n";
    const bool parent = key == "parent" && (section == "vlan" || section == "macvlan" || section == "ip-tunnel");
    if ((section == "connection" && key == "interface-name") || parent) found.insert(value);
    if (key == "mac-address") hardware = value;
    if (section == "match") any = false;
    auto list = section == "match" && key == "interface-name" ? value : std::string();
    std::replace(list.begin(), list.end(), ';', ' ');
    for (const auto& interface : list.empty() ? std::vector<std::string>() : present_)
      if (fits_list(list, interface)) found.insert(interface);
  }
  if (found.empty() && !hardware.empty())
    for (const auto& interface : present_)
      if (has_hardware_address(root_, interface, hardware)) found.insert(interface);
  if (found.empty() && hardware.empty() && any) found = any_card(type, uuid);
  if (!found.empty()) addresses += given;
  configured.merge(found);
}

/// A profile that says nothing about its card is for the first one that could have it; while one has it, for that one.
std::set<std::string> OtherSettings::any_card(const std::string& type, const std::string& uuid) const {
  const bool radio = type == "wifi" || type == "802-11-wireless";
  if (!radio && type != "ethernet" && type != "802-3-ethernet") return {};
  for (const auto& device : root_.list("run/NetworkManager/devices"))
    for (const auto& line : key_lines(root_.read("run/NetworkManager/devices/" + device, 1 << 16).value_or("")))
      if (!uuid.empty() && line.key == "connection-uuid" && line.value == uuid) return {};
  std::set<std::string> found;
  for (const auto& interface : present_)
    if (has_interface_type(root_, interface, radio ? "wlan" : "ether")) found.insert(interface);
  return found;
}

/// Routing daemons use interfaces without any address of their own (frr.conf, "interface NAME" and what is below it;
/// `neighbor NAME interface` of BGP).
void OtherSettings::frr() {
  for (const auto& name : root_.list("etc/frr")) {
    const auto text = name.ends_with(".conf") ? root_.read("etc/frr/" + name).value_or("") : std::string();
    std::string interface;
    for (const auto line : split(text, '\n')) {
      const auto words = words_of(line);
      if (words.empty() || words[0].starts_with('!') || words[0].starts_with('#')) continue;
      if (words.size() > 2 && words[0] == "neighbor" && words[2] == "interface") configured.emplace(words[1]);
      const bool idle = words[0] == "description" || words[0] == "shutdown" || words[0] == "exit";
      if (words[0] == "interface" && words.size() > 1)
        interface = words[1];
      else if (!line.starts_with(' '))
        interface.clear();
      else if (!interface.empty() && !idle)
        configured.insert(interface);
    }
  }
}

/// wg-quick(8): the routes of a client are in a table of their own, which shows nowhere.
void OtherSettings::wireguard() {
  for (const auto& interface : present_)
    for (const auto& line : key_lines(root_.read("etc/wireguard/" + interface + ".conf", 1 << 16).value_or("")))
      if (line.section == "Interface" && line.key == "Address") addresses += line.value + "\n";
}

/// `nic-enx1`, or behind or below the plugin `enx1` (pppd(8), rp-pppoe).
void OtherSettings::ppp() {
  for (const auto& name : root_.list("etc/ppp/peers")) {
    const auto text = root_.read("etc/ppp/peers/" + name, 1 << 16).value_or("");
    std::set<std::string> found;
    bool ethernet = false;
    for (const auto line : split(text, '\n'))
      for (auto word : words_of(line)) {
        if (word.starts_with('#')) break;
        if (word.find("pppoe") != std::string_view::npos || word.starts_with("nic-")) ethernet = true;
        if (word.starts_with("nic-")) word.remove_prefix(4);
        word = word.substr(0, word.find('.'));
        if (std::find(present_.begin(), present_.end(), word) != present_.end()) found.emplace(word);
      }
    if (ethernet) configured.merge(found);
  }
}

/// It sends without any address of its own (Documentation/networking/netconsole.rst).
void OtherSettings::netconsole() {
  const std::string targets = "sys/kernel/config/netconsole";
  for (const auto& target : root_.list(targets)) {
    const auto interface = root_.read(targets + "/" + target + "/dev_name", 64).value_or("");
    if (!interface.empty() && root_.read(targets + "/" + target + "/enabled", 8) != "0") configured.insert(interface);
  }
  const auto parameters = root_.read("proc/cmdline").value_or("");
  for (const auto word : words_of(parameters))
    if (word.starts_with("netconsole=") || word.starts_with("netconsole.netconsole=")) netconsole_parameter(word);
  for (const auto& name : root_.list("etc/modprobe.d")) {
    const auto text = name.ends_with(".conf") ? root_.read("etc/modprobe.d/" + name).value_or("") : std::string();
    for (const auto& line : continued_lines(text)) {
      const auto words = words_of(line);
      if (words.size() < 3 || words[0] != "options" || words[1] != "netconsole") continue;
      for (const auto word : words) netconsole_parameter(word);
    }
  }
}

/// `netconsole=4444@10.0.0.1/eth1,9353@10.0.0.2/12:34:56:78:9a:bc;...`
void OtherSettings::netconsole_parameter(std::string_view word) {
  if (word.find("netconsole=") == std::string_view::npos) return;
  while (!word.empty()) {
    const auto target = cut(word, ';');
    const auto slash = target.find('/'), comma = target.find(',');
    if (slash < comma && comma != std::string_view::npos && slash + 1 < comma)
      configured.emplace(target.substr(slash + 1, comma - slash - 1));
  }
}

}  // namespace

OtherNetworkSettings configured_elsewhere(const Root& root, const std::vector<std::string>& present) {
  OtherSettings settings(root, present);
  settings.read();
  return {std::move(settings.configured), std::move(settings.addresses)};
}

}  // namespace hostsplit::inventory_parts
