#include "host/inventory/crypttab.hpp"

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/crypttab_entries.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/sleeping_devices.hpp"
#include "host/inventory/tokens.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// Names of the mappings of dm-crypt at and below a device.
void add_mappings(const Root& root, const Follower& follow, const std::string& path, std::set<std::string>& names,
                  int depth = 0) {
  if (depth > 16) return;
  if (root.read(path + "/dm/uuid", 256).value_or("").starts_with("CRYPT-"))
    names.insert(root.read(path + "/dm/name", 256).value_or(std::string(last_component(path))));
  if (root.exists(path + "/partition")) add_mappings(root, follow, path.substr(0, path.rfind('/')), names, depth + 1);
  for (const auto& slave : root.list(path + "/slaves"))
    if (const auto lower = follow.path_of(slave)) add_mappings(root, follow, *lower, names, depth + 1);
}

/// The other devices of a file system one of whose devices is among these: of btrfs and bcachefs the mount table names
/// one (fs/btrfs/sysfs.c, fs/bcachefs/sysfs.c).
void add_members(const Root& root, const Follower& follow, std::set<std::string>& tops) {
  for (const std::string place : {"sys/fs/btrfs", "sys/fs/bcachefs"})
    for (const auto& id : root.list(place)) {
      const auto directory = place + "/" + id;
      auto blocks = root.list(directory + "/devices");
      for (const auto& entry : root.list(directory))
        if (const auto block =
                entry.starts_with("dev-") ? root.link_name(directory + "/" + entry + "/block") : std::nullopt)
          blocks.push_back(*block);
      std::set<std::string> paths;
      for (const auto& block : blocks)
        if (const auto path = follow.path_of(block)) paths.insert(*path);
      if (std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return tops.contains(path); }))
        tops.merge(paths);
    }
}

/// Those the file systems are on that the initramfs mounts.
std::set<std::string> root_mappings(const Root& root, const Follower& follow) {
  std::set<std::string> names, tops;
  for (const auto& mount : follow.mounts()) {
    if (!mount.owner.empty() || (mount.point != "/" && mount.point != "/usr")) continue;
    if (!mount.anonymous()) {
      if (const auto path = device_path(root, "sys/dev/block/" + mount.number)) tops.insert(*path);
    } else if (mount.type == "zfs") {
      for (const auto& pool : follow.pools())
        if (mount.source.substr(0, mount.source.find('/')) == pool.name)
          tops.insert(pool.members.begin(), pool.members.end());
    } else {
      for (const auto part : split(mount.source, ':'))
        if (const auto path = follow.path_of(std::string(part))) tops.insert(*path);
    }
  }
  add_members(root, follow, tops);
  for (const auto& top : tops) add_mappings(root, follow, top, names);
  return names;
}

/// What is derived from another mapping needs that one (decrypt_derived of cryptsetup-initramfs).
void add_derived(const std::vector<CrypttabEntry>& entries, std::set<std::string>& names) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& entry : entries)
      if (entry.derived() && names.contains(entry.name)) changed = names.insert(entry.key).second || changed;
  }
}

std::vector<PciAddress> all_controllers(const Snapshot& snapshot) {
  std::vector<PciAddress> found;
  for (const auto& [address, controller] : snapshot.controllers) found.push_back(address);
  return found;
}

/// What one entry needs.
class Keys {
 public:
  Keys(const Root& root, const Follower& follow, const std::vector<CrypttabEntry>& entries, Snapshot& snapshot)
      : root_(root),
        follow_(follow),
        entries_(entries),
        snapshot_(snapshot),
        configured_(read_fstab(root)) {}

  /// \param of_root  the boot depends on it
  /// \return whether its key is on a device, which may not be there
  bool add(const CrypttabEntry& entry, bool of_root);

 private:
  bool add_file(const std::string& what, const std::string& file, const CrypttabEntry& entry, bool of_root);
  void add_device(const std::string& what, const std::string& device, const CrypttabEntry& entry, bool of_root);
  void add_followed(const std::string& what, const std::string& device, const Followed& followed, bool of_root);
  void add_source(const CrypttabEntry& entry, bool of_root);
  void add_script(const CrypttabEntry& entry);
  void add_made_at_boot(const std::string& what, const std::string& file);
  void add_token(const CrypttabEntry& entry, Token token, bool of_root);

  const Root& root_;
  const Follower& follow_;
  const std::vector<CrypttabEntry>& entries_;
  Snapshot& snapshot_;
  std::vector<FstabEntry> configured_;
};

bool Keys::add(const CrypttabEntry& entry, bool of_root) {
  if (entry.pkcs11() || entry.card()) add_token(entry, Token::smart_card, of_root);
  if (entry.security_key()) add_token(entry, Token::security_key, of_root);
  if (entry.derived()) add_source(entry, of_root);
  const bool device = entry.names_file() && add_file("the key of " + entry.name, entry.key, entry, of_root);
  add_file("the header of " + entry.name, entry.value("header="), entry, of_root);
  if (entry.own_script() && !device) add_script(entry);
  return device;
}

/// A device, or a file: on a file system that is mounted only to read it, the device fstab(5) has for it. What is
/// mounted now is in use by its mount, and could be given up by that name; not where the boot needs it.
/// \return whether it is on a device of its own, or may come from one
bool Keys::add_file(const std::string& what, const std::string& file, const CrypttabEntry& entry, bool of_root) {
  std::string device = device_in(file);
  if (device.empty() && (!file.starts_with('/') || file.starts_with("/dev/"))) return false;
  const Mount* below = mount_of(follow_.mounts(), file);
  std::size_t longest = below && below->type != "autofs" ? below->point.size() : 0;
  const bool named = !device.empty();
  for (const auto& each : configured_) {
    if (named || each.point.size() <= longest || !file.starts_with(each.point + "/")) continue;
    longest = each.point.size();
    device = each.device;
  }
  const bool made_at_boot =
      device.empty() && of_root &&
      (file.starts_with("/run/") || (below && (below->type == "tmpfs" || below->type == "ramfs")));
  if (!device.empty())
    add_device(what, device, entry, of_root);
  else if (made_at_boot)
    add_made_at_boot(what, file);
  else if (of_root && below && below->point != "/" && !needs_no_device(*below))
    add_followed(what, file, follow_.mount(*below), of_root);
  return !device.empty() || made_at_boot;
}

void Keys::add_device(const std::string& what, const std::string& device, const CrypttabEntry& entry, bool of_root) {
  if (const auto path = follow_.path_of(device))
    return add_followed(what, std::string(last_component(*path)), follow_.device(*path), of_root);
  // The boot goes on without it.
  if (!of_root && entry.option("nofail")) return;
  // At the next boot it may be plugged into any socket.
  HostUse use{UseKind::key, what, device, all_controllers(snapshot_), true, of_root};
  use.unknown = device + " is not plugged in now";
  snapshot_.uses.push_back(std::move(use));
}

void Keys::add_followed(const std::string& what, const std::string& device, const Followed& followed, bool of_root) {
  HostUse use{UseKind::key, what, device, {}, true, of_root};
  use.unknown = followed.unknown;
  for (const auto& leaf : followed.leaves)
    use.functions.insert(use.functions.end(), leaf.functions.begin(), leaf.functions.end());
  if (!use.unknown.empty())
    use.functions.insert(use.functions.end(), follow_.carriers().begin(), follow_.carriers().end());
  if (!use.functions.empty()) snapshot_.uses.push_back(std::move(use));
}

/// The mapping a key is derived from: while that is open it is in use already, and could be given up by its disk.
void Keys::add_source(const CrypttabEntry& entry, bool of_root) {
  const auto what = "the key of " + entry.name;
  for (const auto& block : root_.list("sys/block")) {
    if (!block.starts_with("dm-")) continue;
    const auto path = follow_.path_of(block);
    if (!path || root_.read(*path + "/dm/name", 256) != entry.key) continue;
    if (of_root) add_followed(what, entry.key, follow_.device(*path), of_root);
    return;
  }
  std::string device;
  for (const auto& other : entries_)
    if (other.name == entry.key) device = device_named(other.source);
  add_device(what, device.empty() ? "the mapping " + entry.key : device, entry, of_root);
}

/// What the owner's script reads is not known: a stick as likely as not.
void Keys::add_script(const CrypttabEntry& entry) {
  HostUse use{UseKind::key, "the key of " + entry.name, entry.name, all_controllers(snapshot_), true};
  use.unknown = "the script " + entry.script() + " of /etc/crypttab reads it, and may read it from a stick";
  snapshot_.uses.push_back(std::move(use));
}

/// Nothing of /run is in the image: a script of the initramfs puts it there, from where is not known.
void Keys::add_made_at_boot(const std::string& what, const std::string& file) {
  HostUse use{UseKind::key, what, file, all_controllers(snapshot_), true};
  use.unknown = file + " is made anew at each boot, and what makes it may read it from a stick";
  snapshot_.uses.push_back(std::move(use));
}

/// A disk that is opened by a security key or a smart card needs that one; of several, which one is not known.
void Keys::add_token(const CrypttabEntry& entry, Token token, bool of_root) {
  // By PKCS#11 it may be called either.
  const std::string kind = token == Token::smart_card && entry.card() ? "smart card" : "security key";
  HostUse use{UseKind::key, "the " + kind + " of " + entry.name, entry.name, {}, true, of_root};
  use.functions = token_controllers(root_, snapshot_, token);
  if (use.functions.size() > 1) use.unknown = "which of several that are plugged in opens it is not known";
  if (use.functions.empty()) {
    if (!of_root && entry.option("nofail")) return;
    use.unknown = "no " + kind + " is plugged in now";
    use.functions = all_controllers(snapshot_);
  }
  snapshot_.uses.push_back(std::move(use));
}

/// The initramfs lets somebody in over the network, who can open the root disk.
bool opened_over_ssh(const Root& root) {
  for (const auto* path : {"etc/dropbear/initramfs/authorized_keys", "etc/dropbear-initramfs/authorized_keys",
                           "etc/tinyssh/root_key", "usr/share/initramfs-tools/hooks/tinyssh"})
    if (root.exists(path)) return true;
  return false;
}

/// Ways to open a LUKS volume below the root file system without a keyboard that the initramfs may have.
bool other_way(const Root& root) {
  return opened_over_ssh(root) || root.exists("usr/share/initramfs-tools/hooks/clevis") ||
         root.exists("usr/share/initramfs-tools/hooks/mandos");
}

/// Of a disk that is not below the root file system: the boot asks for its passphrase and waits without end, before
/// anybody can log in (crypttab(5), cryptsetup.target).
bool boot_waits_for_passphrase(const Root& root, const CrypttabEntry& entry) {
  if (entry.of_kernel || entry.option("nofail") || entry.option("noauto") || entry.option("_netdev")) return false;
  if (root.exists("usr/lib/systemd/system/clevis-luks-askpass.path")) return false;
  const bool image = entry.option("initramfs");
  if (!entry.typed(!image || uses_dracut(root)) || (image && other_way(root))) return false;
  // Of a disk that is gone it asks for nothing.
  return find_block(root, device_named(entry.source)) || mappings(root).contains(entry.name);
}

/// Key files of encrypted datasets, as those of crypttab: of the root file system where that is one of them.
void add_zfs_keys(const Root& root, const Follower& follow, Keys& keys) {
  const auto dataset = root_dataset(follow.mounts());
  for (const auto& key : read_zfs_keys(root)) {
    const bool of_root = !dataset.empty() && (dataset + "/").starts_with(key.dataset + "/");
    keys.add({key.dataset, {}, key.file, key.waits ? "" : "nofail", false, {}}, of_root);
  }
}

/// Over which the root disk is opened at boot, where the initramfs is told one; it may be idle once the host is up.
void add_boot_network(const Network& network, const std::string& mapping, Snapshot& snapshot) {
  const auto& told = network.initramfs();
  for (const auto& interface : told.interfaces)
    for (const auto& part : network.with_lowers(interface))
      if (const auto function = network.function_of(part))
        snapshot.uses.push_back(
            {UseKind::network, part, part, {*function}, true, true, {}, {}, "the boot opens " + mapping + " over it"});
  if (told.missing.empty()) return;
  HostUse use{UseKind::network, told.missing, told.missing, {}, true};
  for (const auto& interface : network.interfaces())
    if (const auto function = network.function_of(interface)) use.functions.push_back(*function);
  use.unknown = "the boot opens " + mapping + " over it, and no interface has this name now";
  if (!use.functions.empty()) snapshot.uses.push_back(std::move(use));
}

/// Clevis and Mandos open LUKS volumes only.
void add_zfs_passphrases(const Root& root, const Follower& follow, Snapshot& snapshot) {
  for (const auto& passphrase : read_zfs_passphrases(root, root_dataset(follow.mounts()))) {
    if (!passphrase.of_root) {
      if (passphrase.stops && snapshot.boot_dataset.empty()) snapshot.boot_dataset = passphrase.dataset;
    } else if (opened_over_ssh(root)) {
      add_boot_network(follow.network(), passphrase.dataset, snapshot);
    } else if (snapshot.root_passphrase.empty()) {
      snapshot.root_passphrase = passphrase.dataset;
      snapshot.root_on_dataset = true;
    }
  }
}

/// Takes out of those below the root file system what this entry opens without a person.
void take_opened(const std::vector<CrypttabEntry>& entries, const CrypttabEntry& entry, std::set<std::string>& typed) {
  if (typed.erase(entry.of_kernel ? entry.name_of_mapping : entry.name) || !entry.of_kernel) return;
  // For all that /etc/crypttab does not name.
  std::erase_if(typed, [&](const std::string& name) {
    return std::none_of(entries.begin(), entries.end(), [&](const auto& other) { return other.name == name; });
  });
}

}  // namespace

void read_keys(const Root& root, const Follower& follow, Snapshot& snapshot) {
  const auto entries = read_crypttab(root);
  auto of_boot = root_mappings(root, follow);
  add_derived(entries, of_boot);
  auto typed = of_boot;
  const bool dracut = uses_dracut(root);  // where systemd opens what the image needs
  Keys keys(root, follow, entries, snapshot);
  for (const auto& entry : entries) {
    const bool of_root = of_boot.contains(entry.name) || entry.of_kernel;
    // The initramfs opens it all the same.
    if (entry.option("noauto") && !of_root) continue;
    const bool device = keys.add(entry, of_root);
    // A stick may be pulled and a token may fail: then there is the passphrase. A TPM or a key in the image stays.
    if (!entry.typed(dracut || !of_root) && !device) take_opened(entries, entry, typed);
    if (!of_root && snapshot.boot_passphrase.empty() && boot_waits_for_passphrase(root, entry))
      snapshot.boot_passphrase = entry.name;
  }
  add_zfs_keys(root, follow, keys);
  if (!typed.empty() && other_way(root))
    add_boot_network(follow.network(), *typed.begin(), snapshot);
  else if (!typed.empty())
    snapshot.root_passphrase = *typed.begin();
  add_zfs_passphrases(root, follow, snapshot);
}

}  // namespace hostsplit::inventory_parts
