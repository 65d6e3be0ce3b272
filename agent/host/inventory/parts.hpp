#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

/// What the files that make up inventory() share. Nobody else includes this.
namespace hostsplit::inventory_parts {

/// The whole text as one unsigned number; empty optional for anything else.
template <typename Number>
std::optional<Number> to_number(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Parts between separators; empty parts are left out.
std::vector<std::string_view> split(std::string_view text, char separator);
std::vector<std::string_view> split(std::string&& text, char separator) = delete;  ///< the parts would dangle
/// Value of `KEY=value` on its own line, as in uevent files; empty when absent.
std::string_view value_of(std::string_view text, std::string_view key);
/// A volume group or volume as device mapper names it: "-" inside of it is "--".
std::string mapper_part(std::string_view name);
/// Part after the last "/".
std::string_view last_component(std::string_view path);

/// A path under /sys/devices taken apart at its PCI hops.
struct PciPath {
  std::string root;    ///< "pci0000:00"; empty when the path meets no root bridge
  Chain chain;         ///< hops below it
  PciAddress address;  ///< of the last hop
};
/// Empty optional when no PCI function is on the path.
std::optional<PciPath> pci_path(std::string_view path);
/// The PCI function nearest to the end of the path.
std::optional<PciAddress> nearest_function(std::string_view path);

/// Where a link in /sys leads, as "sys/devices/...". The link's text says it in one system call; resolving is for
/// trees whose links were copied in another form. Empty optional when there is nothing there.
std::optional<std::string> device_path(const Root& root, const std::string& link);

/// Who makes the initramfs images.
bool uses_initramfs_tools(const Root& root);
bool uses_dracut(const Root& root);

/// A name with that ending which shells, systemd and others do not pass over as hidden.
bool is_visible(std::string_view name, std::string_view ending);

/// A finding `attribute-missing` about a path below the root.
void report_missing(Snapshot& snapshot, const std::string& path, const std::string& consequence);
/// A finding `attribute-garbage` that quotes the value, cut and made printable.
void report_garbage(Snapshot& snapshot, const std::string& path, std::string_view value,
                    const std::string& consequence);

/// The steps of inventory(), in the order they need each other.
void read_kernel(const Root& root, Snapshot& snapshot);
void read_functions(const Root& root, Snapshot& snapshot);  ///< functions, groups, controllers without hubs
void read_usb(const Root& root, Snapshot& snapshot);        ///< needs controllers
void read_memory(const Root& root, Snapshot& snapshot);
void read_storage_uses(const Root& root, Snapshot& snapshot);  ///< needs controllers and devices
void read_network_uses(const Root& root, Snapshot& snapshot);
void read_inputs(const Root& root, Snapshot& snapshot);  ///< keyboards and others; needs devices
void read_console_uses(const Root& root, Snapshot& snapshot);
void read_boot_tools(const Root& root, Snapshot& snapshot);
void read_holders(const Root& root, Snapshot& snapshot);  ///< needs functions and modules

/// No step of inventory(), because it reads /etc/pve: says of network cards in use what a cluster sends over them.
void name_cluster_traffic(const Root& root, Snapshot& snapshot);

}  // namespace hostsplit::inventory_parts
