#include "core/picture/picture.hpp"

#include <fmt/format.h>

namespace hostsplit {

std::string SocketPicture::name() const {
  if (!label.empty()) return label;
  return "port " + usb3.value_or(usb2.value_or("?"));
}

std::string VmPicture::title() const {
  return fmt::format("VM {}{}{}", id, name.empty() ? "" : " ", name);
}

const char* to_string(MemoryUse use) {
  switch (use) {
    case MemoryUse::vm: return "vm";
    case MemoryUse::others: return "others";
    case MemoryUse::spare: return "spare";
    case MemoryUse::floor: return "floor";
    case MemoryUse::free: return "free";
  }
  return "";
}

const char* to_string(PanelSource source) {
  switch (source) {
    case PanelSource::config: return "config";
    case PanelSource::firmware: return "firmware";
    case PanelSource::controllers: return "controllers";
  }
  return "";
}

std::optional<std::size_t> MachinePicture::colour_of(const std::optional<int>& vm) const {
  for (std::size_t i = 0; vm && i < vms.size(); ++i)
    if (vms[i].id == *vm) return i;
  return std::nullopt;
}

std::string MachinePicture::owner(const std::optional<int>& vm) const {
  const auto at = colour_of(vm);
  if (at) return vms[*at].title();
  return vm ? fmt::format("VM {}", *vm) : "host";
}

std::string rounded_size(Kib size) {
  const Kib unit = size >= kib_per_gib ? kib_per_gib : kib_per_mib;
  if (size == 0 || size % unit == 0 || size < kib_per_mib) return format_size(size);
  const auto tenths = (size * 10 + unit / 2) / unit;
  const char* name = unit == kib_per_gib ? "GiB" : "MiB";
  if (tenths % 10 == 0) return fmt::format("{} {}", tenths / 10, name);
  return fmt::format("{}.{} {}", tenths / 10, tenths % 10, name);
}

}  // namespace hostsplit
