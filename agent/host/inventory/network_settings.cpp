#include "host/inventory/network_settings.hpp"

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

/// Settings of interfaces beside interfaces(5).
namespace hostsplit::inventory_parts {
namespace {

/// A line of a file with sections, as systemd and NetworkManager have them.
struct KeyLine {
  std::string section, key, value;
};

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

/// "00:11:22-AA" in any of the usual ways to write it, as digits.
std::string digits_of(std::string_view address) {
  std::string digits = lowered(address);
  std::erase_if(digits, [](char c) { return c == ':' || c == '-' || c == '.'; });
  return digits;
}

/// `Name=enx* !enx1`: an exclamation mark turns the whole list around (systemd.network(5)).
bool fits_list(std::string list, const std::string& name) {
  const bool turned = list.starts_with('!');
  if (turned) list.erase(0, 1);
  const auto words = words_of(list);
  return turned != std::any_of(words.begin(), words.end(),
                               [&](auto word) { return fits_shell_pattern(std::string(word), name); });
}

class OtherSettings {
 public:
  OtherSettings(const Root& root, const std::vector<std::string>& present) : root_(root), present_(present) {}

  void read() {
    if (starts("systemd-networkd.service", "run/systemd/netif/links")) networkd();
    if (starts("NetworkManager.service", "run/NetworkManager")) network_manager();
    ppp();
    netconsole();
  }

  std::set<std::string> configured;

 private:
  /// Nothing says so where no unit is said to start at all.
  bool starts(const std::string& unit, const std::string& running) const {
    const auto wanted = root_.list("etc/systemd/system/multi-user.target.wants");
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), unit) != wanted.end() ||
           !root_.list(running).empty();
  }

  std::string mac(const std::string& interface) const {
    return digits_of(root_.read("sys/class/net/" + interface + "/address", 64).value_or(""));
  }

  void networkd();
  bool matches(const std::vector<KeyLine>& file, const std::string& interface) const;
  bool has_type(const std::string& list, const std::string& interface) const;
  void network_manager();
  void connection(const std::vector<KeyLine>& file);
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
    const auto first = std::find_if(parsed.begin(), parsed.end(),
                                    [&](const auto& file) { return !file.empty() && matches(file, interface); });
    if (first != parsed.end() && gives_an_interface_use(*first)) configured.insert(interface);
  }
}

/// All that is said must fit; what is not known here may.
bool OtherSettings::matches(const std::vector<KeyLine>& file, const std::string& interface) const {
  std::map<std::string, std::string> wanted;
  for (const auto& line : file)
    if (line.section == "Match") wanted[line.key] += (wanted[line.key].empty() ? "" : " ") + line.value;
  for (const auto& [key, value] : wanted) {
    if ((key == "Name" || key == "OriginalName") && !fits_list(value, interface)) return false;
    if (key == "MACAddress" || key == "PermanentMACAddress") {
      const auto words = words_of(value);
      if (std::none_of(words.begin(), words.end(), [&](auto word) { return digits_of(word) == mac(interface); }))
        return false;
    }
    if (key == "Type" && !has_type(value, interface)) return false;
    // Hardware has none.
    if (key == "Kind" && !value.starts_with('!')) return false;
    const auto driver =
        key == "Driver" ? root_.link_name("sys/class/net/" + interface + "/device/driver") : std::nullopt;
    if (driver && !fits_list(value, *driver)) return false;
  }
  return true;
}

bool OtherSettings::has_type(const std::string& list, const std::string& interface) const {
  const std::string directory = "sys/class/net/" + interface;
  const auto number = root_.read(directory + "/type", 32);
  if (number == "772") return fits_list(list, "loopback");
  if (number != "1") return true;
  return fits_list(list, root_.exists(directory + "/phy80211") ? "wlan" : "ether");
}

/// nm-settings-keyfile(5)
void OtherSettings::network_manager() {
  for (const std::string directory : {"etc/NetworkManager/system-connections", "run/NetworkManager/system-connections"})
    for (const auto& name : root_.list(directory))
      connection(key_lines(root_.read(directory + "/" + name, 1 << 16).value_or("")));
}

void OtherSettings::connection(const std::vector<KeyLine>& file) {
  std::set<std::string> found;
  std::string address;
  for (const auto& [section, key, value] : file) {
    if (section == "connection" && key == "autoconnect" && means_no(value)) return;
    const bool parent = key == "parent" && (section == "vlan" || section == "macvlan" || section == "ip-tunnel");
    if ((section == "connection" && key == "interface-name") || parent) found.insert(value);
    if (key == "mac-address") address = digits_of(value);
    auto list = section == "match" && key == "interface-name" ? value : std::string();
    std::replace(list.begin(), list.end(), ';', ' ');
    for (const auto& interface : list.empty() ? std::vector<std::string>() : present_)
      if (fits_list(list, interface)) found.insert(interface);
  }
  if (found.empty() && !address.empty())
    for (const auto& interface : present_)
      if (mac(interface) == address) found.insert(interface);
  configured.merge(found);
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

std::set<std::string> configured_elsewhere(const Root& root, const std::vector<std::string>& present) {
  OtherSettings settings(root, present);
  settings.read();
  return std::move(settings.configured);
}

}  // namespace hostsplit::inventory_parts
