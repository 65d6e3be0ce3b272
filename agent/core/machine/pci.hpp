#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// Where a PCI function sits right now: domain:bus:device.function. An observation, never an identity:
/// bus numbers move when a card is added.
struct PciAddress {
  std::uint16_t domain = 0;
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    ///< 0..31
  std::uint8_t function = 0;  ///< 0..7
  auto operator<=>(const PciAddress&) const = default;
};

/// Accepts "0000:03:00.3" and the short "03:00.3"; nothing else. Empty when malformed or out of range.
std::optional<PciAddress> parse_pci_address(std::string_view text);
/// The form sysfs uses: "0000:03:00.3".
std::string to_string(const PciAddress& address);

/// An address in a domain beyond ffff, in the form sysfs uses: "10000:e1:00.0". Only Intel VMD makes such domains
/// (drivers/pci/controller/vmd.c); what is there cannot be given away on its own, so it is no
/// PciAddress. Empty when malformed, or in a domain up to ffff.
std::optional<std::string> parse_vmd_address(std::string_view text);

/// One hop of a chain: the device and function number below a bridge. Stable for fixed wiring.
struct SlotFunction {
  std::uint8_t device = 0;
  std::uint8_t function = 0;
  auto operator<=>(const SlotFunction&) const = default;
};

/// Hops from the root bridge down to the function, e.g. 08.1/00.3.
using Chain = std::vector<SlotFunction>;
std::string to_string(const Chain& chain);
/// Inverse of to_string(Chain). Empty when malformed.
std::optional<Chain> parse_chain(std::string_view text);

struct PciIds {
  std::uint16_t vendor = 0;
  std::uint16_t device = 0;
  std::uint16_t subsystem_vendor = 0;
  std::uint16_t subsystem_device = 0;
  auto operator<=>(const PciIds&) const = default;
};

/// "1022:148c"; the vendor and device half.
std::string id_pair(std::uint16_t vendor, std::uint16_t device);
/// Inverse of id_pair. Empty when malformed.
std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_id_pair(std::string_view text);

/// What a PCI function is, independent of every number that moves: root bridge identity, chain and ids.
/// Two identical controllers differ only by root and chain.
struct Fingerprint {
  std::string root;  ///< ACPI path of the root bridge (firmware_node/path), or "pci0000:00" where there is none
  Chain chain;
  PciIds ids;
  std::uint32_t pci_class = 0;  ///< 24 bits: class, subclass, programming interface
  auto operator<=>(const Fingerprint&) const = default;
};

/// "0x0c0330".
std::string class_text(std::uint32_t pci_class);
/// Inverse of class_text. Empty when malformed.
std::optional<std::uint32_t> parse_class(std::string_view text);
/// "\_SB_.PCI0 08.1/00.3 1022:148c", for messages.
std::string describe(const Fingerprint& fingerprint);

/// USB host controller interfaces by programming interface (PCI class 0x0c03xx). `other` is what brings root hubs
/// without such a class, as dwc3 in host mode does (class 0x0c03fe); it cannot be given away.
enum class ControllerKind { uhci, ohci, ehci, xhci, other };
/// \return never `other`: no class says that there are root hubs.
std::optional<ControllerKind> controller_kind(std::uint32_t pci_class);
std::string_view to_string(ControllerKind kind);

/// USB4 and Thunderbolt host interfaces.
inline constexpr std::uint32_t usb4_interface = 0x0c0340;

/// True for bridges of any kind (class 06xx).
bool is_bridge(std::uint32_t pci_class);
/// True for display controllers (class 03xx), with outputs or without.
bool is_display(std::uint32_t pci_class);
/// True for bridges to other buses (header type 1 or 2): vfio-pci takes none (drivers/vfio/pci/vfio_pci.c, probe: "Type
/// 0 only").
bool is_bus_bridge(std::uint32_t pci_class);
/// True for vfio-pci and its variants, such as mlx5_vfio_pci and nvgrace-gpu-vfio-pci (drivers/vfio/pci).
bool is_vfio_driver(std::string_view driver);
/// True when a function with this driver leaves its group viable: none, or one with driver_managed_dma
/// (drivers/iommu/iommu.c, iommu_group_claim_dma_owner): those of VFIO, pci-stub, pcieport.
bool leaves_group_viable(std::string_view driver);

/// A PCI function as observed.
struct PciFunction {
  PciAddress address;
  Fingerprint fingerprint;
  std::string driver;                          ///< name in /sys/bus/pci/drivers; empty when none is bound
  std::optional<std::string> driver_override;  ///< empty optional when unset ("(null)" in sysfs)
  std::optional<int> group;                    ///< IOMMU group; empty without IOMMU
  std::optional<int> node;                     ///< NUMA node; empty when the firmware says none (-1)
  std::optional<PciAddress> physical = {};     ///< of a virtual function (SR-IOV): the one it goes away with
  std::vector<PciAddress> consumers = {};      ///< of a USB4 interface: what the kernel stops with it (device links)
  bool boot_vga = false;  ///< of a display: the firmware showed its messages there (sysfs-bus-pci: boot_vga)
  bool outputs = false;   ///< of a display: its driver knows a connector (DRM)
  std::vector<std::string> behind_vmd = {};  ///< of Intel VMD: what it carries, in the form of parse_vmd_address()
  bool operator==(const PciFunction&) const = default;
};

}  // namespace hostsplit
