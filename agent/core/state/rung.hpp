#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hostsplit {

/// How bindings are enforced. Each rung keeps what those below it do.
enum class Rung {
  runtime,   ///< the service moves functions after the host's driver had them
  boot,      ///< a script in the initramfs gives them to vfio-pci before udev runs
  ids,       ///< modprobe.d: vfio-pci is loaded before the host's driver, and takes their ids
  blacklist  ///< modprobe.d: udev does not load xhci; it is loaded by name once vfio-pci has the assigned functions
};
const char* to_string(Rung rung);

/// The rung that was climbed to, above `boot`, and why: /var/lib/hostsplit/journal/rung. Without the file nothing was.
struct RungRecord {
  Rung rung = Rung::ids;
  std::string why;  ///< one line
  bool operator==(const RungRecord&) const = default;
};

/// One line, "rung=ids why=...".
std::string to_text(const RungRecord& record);
/// \return empty when damaged: then nothing was climbed, which is what keeps a host whole.
std::optional<RungRecord> parse_rung(std::string_view text);

}  // namespace hostsplit
