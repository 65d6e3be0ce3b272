#include <algorithm>

#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/network_settings.hpp"
#include "host/inventory/parts.hpp"

/// The network of the initramfs: what configure_networking() of initramfs-tools, klibc's ipconfig and dracut.cmdline(7)
/// are told.
namespace hostsplit::inventory_parts {
namespace {

class InitramfsWords {
 public:
  InitramfsWords(const Root& root, const std::vector<std::string>& present, const OtherNames& others)
      : root_(root),
        present_(present),
        others_(others) {}

  /// Parameters that name interfaces, among those of a command line.
  void add_parameters(std::string text) {
    std::replace(text.begin(), text.end(), '"', ' ');
    std::replace(text.begin(), text.end(), '\'', ' ');
    for (const auto line : split(text, '\n'))
      for (const auto word : words_of(line)) {
        if (word.starts_with('#')) break;
        const auto sign = word.find('=');
        if (sign == std::string_view::npos) continue;
        const auto key = word.substr(0, sign), value = word.substr(sign + 1);
        if (key == "ip") add_address(value);
        if (key == "vlan" || key == "bridge" || key == "bond" || key == "team" || key == "bootdev") add_fields(value);
        if (key == "BOOTIF") add_hardware(value);
      }
  }

  /// Variables of a shell, as in initramfs.conf(5).
  void add_settings(const std::string& text) {
    for (const auto line : split(text, '\n')) {
      auto all = trimmed(line);
      if (all.starts_with("export ")) all = trimmed(all.substr(7));
      const auto key = cut(all, '=');
      std::string value(all.substr(0, all.find('#')));
      std::erase_if(value, [](char c) { return c == '"' || c == '\''; });
      const auto words = words_of(value);
      if (words.empty()) continue;
      if (key == "IP") add_address(words[0]);
      if (key == "DEVICE" && !add_name(words[0])) missing_ = words[0];
    }
  }

  InitramfsNetwork found() && {
    // What is named elsewhere is there.
    if (!interfaces_.empty()) missing_.clear();
    return {std::move(interfaces_), std::move(missing_)};
  }

 private:
  /// `10.0.0.2::10.0.0.1:255.255.255.0:host:enx1:off`, `enx1:dhcp`, `enx1`.
  void add_address(std::string_view value) {
    add_fields(value);
    if (value.find('[') != std::string_view::npos) return;  // colons of IPv6
    constexpr int before_device = 5;
    for (int i = 0; i < before_device; ++i) cut(value, ':');
    const auto device = cut(value, ':');
    if (!device.empty() && !add_name(device)) missing_ = device;
  }

  void add_fields(std::string_view value) {
    while (!value.empty()) add_name(cut(value, value.find(':') < value.find(',') ? ':' : ','));
  }

  bool add_name(std::string_view name) {
    name = name.substr(0, name.find('.'));  // of a VLAN what it is made of
    const std::string text(name);
    const bool there = std::find(present_.begin(), present_.end(), text) != present_.end();
    if (there) interfaces_.insert(text);
    const auto [begin, end] = others_.equal_range(text);
    for (auto other = begin; other != end; ++other) interfaces_.insert(other->second);
    return there || begin != end;
  }

  /// The kind of hardware, a dash, and the address of the card the machine was booted from (pxelinux).
  void add_hardware(std::string_view value) {
    const auto address = value.substr(std::min(value.size(), value.find_first_of("-:") + 1));
    for (const auto& interface : present_)
      if (has_hardware_address(root_, interface, address)) interfaces_.insert(interface);
  }

  const Root& root_;
  const std::vector<std::string>& present_;
  const OtherNames& others_;
  std::set<std::string> interfaces_;
  std::string missing_;
};

}  // namespace

InitramfsNetwork read_initramfs_network(const Root& root, const std::vector<std::string>& present,
                                        const OtherNames& others) {
  InitramfsWords words(root, present, others);
  // What the next boot is given, and what this one was.
  for (const auto* path : {"proc/cmdline", "etc/kernel/cmdline", "etc/default/grub"})
    words.add_parameters(root.read(path).value_or(""));
  words.add_settings(root.read("etc/initramfs-tools/initramfs.conf", 1 << 16).value_or(""));
  for (const auto& name : root.list("etc/initramfs-tools/conf.d"))
    words.add_settings(root.read("etc/initramfs-tools/conf.d/" + name, 1 << 16).value_or(""));
  return std::move(words).found();
}

}  // namespace hostsplit::inventory_parts
