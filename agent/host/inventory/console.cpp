#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

/// Keyboards, other input devices, and consoles that hang on a PCI function.
namespace hostsplit::inventory_parts {
namespace {

/// All letters of a keyboard, KEY_Q to KEY_P, KEY_A to KEY_L, KEY_Z to KEY_M (linux/input-event-codes.h). Power
/// buttons, remote controls and mice lack them.
constexpr std::uint64_t letters() {
  std::uint64_t bits = 0;
  for (int key = 16; key <= 25; ++key) bits |= std::uint64_t{1} << key;
  for (int key = 30; key <= 38; ++key) bits |= std::uint64_t{1} << key;
  for (int key = 44; key <= 50; ++key) bits |= std::uint64_t{1} << key;
  return bits;
}

/// \param capabilities words in hexadecimal, the lowest keys last
bool has_letters(std::string_view capabilities) {
  const auto parts = words_of(capabilities);
  if (parts.empty()) return false;
  const auto lowest = to_number<std::uint64_t>(parts.back(), 16);
  return lowest && (*lowest & letters()) == letters();
}

void read_input(const Root& root, Snapshot& snapshot, const std::string& name) {
  const auto path = device_path(root, "sys/class/input/" + name);
  if (!path) return;
  const auto function = nearest_function(*path);
  const auto keys = root.read(*path + "/capabilities/key", 4096);
  const auto label = root.read(*path + "/name", 1024);
  if (!keys && !label) return;  // unplugged while we looked
  const auto kind = keys && has_letters(*keys) ? UseKind::keyboard : UseKind::input;
  // A PS/2 keyboard hangs on no PCI function and still is a keyboard the host keeps.
  if (!function && kind != UseKind::keyboard) return;
  snapshot.uses.push_back({kind, label.value_or(name), name, function, false});
}

}  // namespace

void read_console_uses(const Root& root, Snapshot& snapshot) {
  for (const auto& name : root.list("sys/class/input"))
    if (name.starts_with("input") && to_number<unsigned>(std::string_view(name).substr(5)))
      read_input(root, snapshot, name);
  const auto consoles = root.read("sys/class/tty/console/active", 1024).value_or("");
  for (const auto word : words_of(consoles)) {
    const std::string name(word);
    if (name.find('/') != std::string::npos) continue;
    const auto path = device_path(root, "sys/class/tty/" + name);
    const auto function = path ? nearest_function(*path) : std::nullopt;
    if (function) snapshot.uses.push_back({UseKind::console, name, name, *function, true});
  }
}

}  // namespace hostsplit::inventory_parts
