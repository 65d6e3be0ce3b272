#include "core/machine/pci.hpp"

#include <fmt/format.h>

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

constexpr std::uint32_t usb_class = 0x0c03;
constexpr std::uint32_t bridge_class = 0x06;

// "08.1", as in lspci and in the last part of an address.
std::optional<SlotFunction> parse_slot(std::string_view text) {
  if (text.size() != 4 || text[2] != '.') return {};
  const auto device = parse_fixed<std::uint8_t>(text.substr(0, 2), 2, 16);
  const auto function = parse_fixed<std::uint8_t>(text.substr(3), 1, 8);
  if (!device || *device > 31 || !function) return {};
  return SlotFunction{*device, *function};
}

}  // namespace

std::optional<PciAddress> parse_pci_address(std::string_view text) {
  std::uint16_t domain = 0;
  if (text.size() == 12) {
    const auto parsed = parse_fixed<std::uint16_t>(text.substr(0, 4), 4, 16);
    if (!parsed || text[4] != ':') return {};
    domain = *parsed;
    text.remove_prefix(5);
  }
  if (text.size() != 7 || text[2] != ':') return {};
  const auto bus = parse_fixed<std::uint8_t>(text.substr(0, 2), 2, 16);
  const auto slot = parse_slot(text.substr(3));
  if (!bus || !slot) return {};
  return PciAddress{domain, *bus, slot->device, slot->function};
}

std::string to_string(const PciAddress& address) {
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus, address.device, address.function);
}

std::optional<std::string> parse_vmd_address(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.size() != colon + 8) return {};
  const auto domain = parse_number<std::uint32_t>(text.substr(0, colon), 16);
  const auto address = parse_pci_address(text.substr(colon + 1));
  if (!domain || *domain <= 0xffff || !address) return {};
  return fmt::format("{:x}:{}", *domain, to_string(*address).substr(5));
}

std::string to_string(const Chain& chain) {
  std::string text;
  for (const auto& hop : chain) text += fmt::format("{}{:02x}.{:x}", text.empty() ? "" : "/", hop.device, hop.function);
  return text;
}

std::optional<Chain> parse_chain(std::string_view text) {
  Chain chain;
  while (true) {
    const auto slash = text.find('/');
    const auto hop = parse_slot(text.substr(0, slash));
    if (!hop) return {};
    chain.push_back(*hop);
    if (slash == std::string_view::npos) return chain;
    text.remove_prefix(slash + 1);
  }
}

std::string id_pair(std::uint16_t vendor, std::uint16_t device) {
  return fmt::format("{:04x}:{:04x}", vendor, device);
}

std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_id_pair(std::string_view text) {
  if (text.size() != 9 || text[4] != ':') return {};
  const auto vendor = parse_fixed<std::uint16_t>(text.substr(0, 4), 4, 16);
  const auto device = parse_fixed<std::uint16_t>(text.substr(5), 4, 16);
  if (!vendor || !device) return {};
  return std::pair{*vendor, *device};
}

std::string class_text(std::uint32_t pci_class) {
  return fmt::format("{:#08x}", pci_class);
}

std::optional<std::uint32_t> parse_class(std::string_view text) {
  if (!text.starts_with("0x")) return {};
  return parse_fixed<std::uint32_t>(text.substr(2), 6, 16);
}

std::string describe(const Fingerprint& fingerprint) {
  return fmt::format("{} {} {}", fingerprint.root, to_string(fingerprint.chain),
                     id_pair(fingerprint.ids.vendor, fingerprint.ids.device));
}

std::optional<ControllerKind> controller_kind(std::uint32_t pci_class) {
  switch (pci_class) {
    case usb_class << 8 | 0x00: return ControllerKind::uhci;
    case usb_class << 8 | 0x10: return ControllerKind::ohci;
    case usb_class << 8 | 0x20: return ControllerKind::ehci;
    case usb_class << 8 | 0x30: return ControllerKind::xhci;
    default: return {};
  }
}

std::string_view to_string(ControllerKind kind) {
  switch (kind) {
    case ControllerKind::uhci: return "uhci";
    case ControllerKind::ohci: return "ohci";
    case ControllerKind::ehci: return "ehci";
    case ControllerKind::xhci: return "xhci";
    case ControllerKind::other: return "other";
  }
  return "unknown";
}

bool is_display(std::uint32_t pci_class) {
  constexpr std::uint32_t display_class = 0x03;
  return pci_class >> 16 == display_class;
}

bool is_bridge(std::uint32_t pci_class) {
  return pci_class >> 16 == bridge_class;
}

bool is_bus_bridge(std::uint32_t pci_class) {
  const std::uint32_t subclass = pci_class >> 8;
  return subclass == 0x0604 || subclass == 0x0607 || subclass == 0x0609;
}

bool is_vfio_driver(std::string_view driver) {
  return driver.ends_with("vfio-pci") || driver.ends_with("vfio_pci");
}

bool leaves_group_viable(std::string_view driver) {
  return driver.empty() || driver == "pcieport" || driver == "pci-stub" || is_vfio_driver(driver);
}

}  // namespace hostsplit
