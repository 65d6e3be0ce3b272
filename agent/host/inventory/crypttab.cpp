#include "host/inventory/crypttab.hpp"

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "core/usb/keyboards.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

struct Entry {
  std::string name, key, options;
  bool has(std::string_view option) const { return options.find(option) != std::string::npos; }
  /// Of the options, up to the next comma.
  std::string value(std::string_view option) const {
    for (const auto part : split(options, ','))
      if (part.starts_with(option)) return std::string(part.substr(option.size()));
    return {};
  }
  bool token() const { return has("fido2-device=") || has("pkcs11-uri=") || script().find("yk") != std::string::npos; }
  bool pin() const {
    const auto word = value("tpm2-pin=");
    return word == "yes" || word == "true" || word == "1" || word == "on";
  }
  bool typed() const {
    return (key.empty() || key == "none" || key == "-") && !token() && (!has("tpm2-device=") || pin());
  }
  /// Name of the key script, without its directory.
  std::string script() const { return std::string(last_component(value("keyscript="))); }
  /// One that reads what it likes, from a stick too: not one of those of cryptsetup that are known not to.
  bool own_script() const {
    static const std::set<std::string> known{
        "",           "askpass",     "decrypt_derived", "decrypt_keyctl", "passdev", "decrypt_gnupg", "decrypt_ssl",
        "cryptgetpw", "ask-password"};
    return !known.contains(script()) && !token() && script().find("tpm") == std::string::npos;
  }
};

std::vector<Entry> read_entries(const Root& root) {
  std::vector<Entry> entries;
  const auto text = root.read("etc/crypttab").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 2 || fields[0].starts_with('#')) continue;
    entries.push_back({std::string(fields[0]), fields.size() > 2 ? std::string(fields[2]) : "none",
                       fields.size() > 3 ? std::string(fields[3]) : ""});
  }
  // systemd-cryptsetup-generator(8): rd.luks.key=UUID=/file:DEVICE, which names no mapping.
  const auto parameters = root.read("proc/cmdline").value_or("");
  for (const auto word : words_of(parameters))
    for (const std::string_view prefix : {"rd.luks.key=", "luks.key=", "cryptkey="})
      if (word.starts_with(prefix)) {
        auto value = word.substr(prefix.size());
        if (const auto file = value.find("=/"); file != std::string_view::npos) value.remove_prefix(file + 1);
        entries.push_back({std::string(prefix.substr(0, prefix.size() - 1)), std::string(value), ""});
      }
  return entries;
}

/// The device a key is read from: "DEVICE:/file" of Debian's passdev, "/file:DEVICE" of systemd, or a device itself.
std::string key_device(const std::string& key) {
  for (const auto part : split(key, ':'))
    if (const auto device = device_named(part); !device.empty() && device != "/dev/urandom" && device != "/dev/random")
      return device;
  return {};
}

/// Names of the mappings of dm-crypt at and below a device.
void add_mappings(const Root& root, const Follower& follow, const std::string& path, std::set<std::string>& names,
                  int depth = 0) {
  if (depth > 16) return;
  if (root.read(path + "/dm/uuid", 256).value_or("").starts_with("CRYPT-"))
    names.insert(root.read(path + "/dm/name", 256).value_or(std::string(last_component(path))));
  for (const auto& slave : root.list(path + "/slaves"))
    if (const auto lower = follow.path_of(slave)) add_mappings(root, follow, *lower, names, depth + 1);
}

/// Those the root file system is on.
std::set<std::string> root_mappings(const Root& root, const Follower& follow) {
  std::set<std::string> names;
  for (const auto& mount : follow.mounts()) {
    if (!mount.owner.empty() || mount.point != "/") continue;
    std::vector<std::string> tops;
    if (!mount.anonymous()) {
      if (const auto path = device_path(root, "sys/dev/block/" + mount.number)) tops.push_back(*path);
    } else if (mount.type == "zfs") {
      for (const auto& pool : follow.pools())
        if (mount.source.substr(0, mount.source.find('/')) == pool.name)
          tops.insert(tops.end(), pool.members.begin(), pool.members.end());
    } else {
      for (const auto part : split(mount.source, ':'))
        if (const auto path = follow.path_of(std::string(part))) tops.push_back(*path);
    }
    for (const auto& top : tops) add_mappings(root, follow, top, names);
  }
  return names;
}

std::vector<PciAddress> all_controllers(const Snapshot& snapshot) {
  std::vector<PciAddress> found;
  for (const auto& [address, controller] : snapshot.controllers) found.push_back(address);
  return found;
}

/// A key file on a file system that is mounted only to read it: the device fstab(5) has for it.
std::string unmounted_device(const Root& root, const Follower& follow, const std::string& file) {
  if (!file.starts_with('/') || file.starts_with("/dev/")) return {};
  const Mount* below = mount_of(follow.mounts(), file);
  std::string device;
  std::size_t longest = below ? below->point.size() : 0;
  for (const auto& entry : read_fstab(root)) {
    if (entry.point.size() <= longest || !file.starts_with(entry.point + "/")) continue;
    longest = entry.point.size();
    device = entry.device;
  }
  return device;
}

/// \param what  "the key of root_crypt"
void add_key(const Follower& follow, const std::string& what, const std::string& device, bool root,
             Snapshot& snapshot) {
  if (device.empty()) return;
  HostUse use{UseKind::key, what, device, {}, true, root};
  if (const auto path = follow.path_of(device)) {
    const Followed followed = follow.device(*path);
    use.device = std::string(last_component(*path));
    for (const auto& leaf : followed.leaves)
      use.functions.insert(use.functions.end(), leaf.functions.begin(), leaf.functions.end());
    if (use.functions.empty()) return;
  } else {
    // At the next boot it may be plugged into any socket.
    use.unknown = device + " is not plugged in now";
    use.functions = all_controllers(snapshot);
    use.root = false;
  }
  snapshot.uses.push_back(std::move(use));
}

/// What the owner's script reads is not known: a stick as likely as not.
void add_script(const Entry& entry, Snapshot& snapshot) {
  HostUse use{UseKind::key, "the key of " + entry.name, entry.name, all_controllers(snapshot), true};
  use.unknown = "the script " + entry.script() + " of /etc/crypttab reads it, and may read it from a stick";
  snapshot.uses.push_back(std::move(use));
}

/// A disk that is opened by a security key needs that key.
void add_token(const Entry& entry, bool root, const std::vector<UsbDevice>& devices, Snapshot& snapshot) {
  HostUse use{UseKind::key, "the security key of " + entry.name, entry.name, {}, true, root};
  for (const auto& device : devices)
    if (weak_keyboard({device.vendor, device.product, device.product_name}) == "a security key")
      use.functions.push_back(device.controller);
  if (use.functions.empty()) {
    use.unknown = "no security key is plugged in now";
    use.functions = all_controllers(snapshot);
    use.root = false;
  }
  snapshot.uses.push_back(std::move(use));
}

/// Ways to open the root disk without a keyboard that the initramfs may have.
bool other_way(const Root& root) {
  for (const auto* path : {"etc/dropbear/initramfs/authorized_keys", "etc/dropbear-initramfs/authorized_keys",
                           "etc/tinyssh/root_key", "usr/share/initramfs-tools/hooks/clevis",
                           "usr/share/initramfs-tools/hooks/mandos", "usr/share/initramfs-tools/hooks/tinyssh"})
    if (root.exists(path)) return true;
  return false;
}

}  // namespace

void read_keys(const Root& root, const Follower& follow, Snapshot& snapshot) {
  const auto entries = read_entries(root);
  const auto of_root_at_first = root_mappings(root, follow);
  auto below_root = of_root_at_first;
  for (const auto& entry : entries) {
    const bool of_root = of_root_at_first.contains(entry.name) || entry.name.ends_with("key");
    if (entry.has("noauto")) continue;
    if (entry.token()) add_token(entry, of_root, snapshot.devices, snapshot);
    auto device = key_device(entry.key);
    if (device.empty()) device = unmounted_device(root, follow, entry.key);
    add_key(follow, "the key of " + entry.name, device, of_root, snapshot);
    add_key(follow, "the header of " + entry.name, key_device(entry.value("header=")), of_root, snapshot);
    if (entry.own_script() && device.empty()) add_script(entry, snapshot);
    // A stick may be pulled and a token may fail: then there is the passphrase. A TPM or a key in the image stays.
    if (entry.typed() || entry.token() || !device.empty()) continue;
    below_root.erase(entry.name);
    if (entry.name.ends_with("luks.key") || entry.name == "cryptkey") below_root.clear();
  }
  if (!below_root.empty() && !other_way(root)) snapshot.root_passphrase = *below_root.begin();
}

}  // namespace hostsplit::inventory_parts
