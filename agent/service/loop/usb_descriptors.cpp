#include "service/loop/usb_descriptors.hpp"

#include <libusb.h>

#include <array>
#include <memory>
#include <vector>

namespace hostsplit {
namespace {

constexpr std::uint8_t bos_type = 0x0f;
constexpr std::uint8_t capability_type = 0x10;
constexpr std::uint8_t superspeed_capability = 0x03;
constexpr std::size_t bos_header = 5;
constexpr std::size_t capability_header = 3;
constexpr std::size_t largest_bos = 4096;
constexpr unsigned transfer_timeout_ms = 1000;

using UsbContext = std::unique_ptr<libusb_context, decltype(&libusb_exit)>;
using Handle = std::unique_ptr<libusb_device_handle, decltype(&libusb_close)>;

std::size_t total_length(std::span<const std::uint8_t> bos) {
  return bos[2] | (std::size_t{bos[3]} << 8);
}

Handle open_device(libusb_context* context, int bus, int devnum) {
  libusb_device** list = nullptr;
  const auto count = libusb_get_device_list(context, &list);
  libusb_device_handle* handle = nullptr;
  for (ssize_t i = 0; i < count; ++i) {
    if (libusb_get_bus_number(list[i]) != bus || libusb_get_device_address(list[i]) != devnum) continue;
    if (libusb_open(list[i], &handle) != LIBUSB_SUCCESS) handle = nullptr;
    break;
  }
  if (count >= 0) libusb_free_device_list(list, 1);
  return {handle, &libusb_close};
}

/// \return the bytes the device sent, at most `length`; empty on failure.
std::vector<std::uint8_t> read_bos(libusb_device_handle* device, std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  const int got = libusb_control_transfer(device, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR, bos_type << 8, 0,
                                          bytes.data(), static_cast<std::uint16_t>(length), transfer_timeout_ms);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

}  // namespace

std::optional<bool> superspeed_in_bos(std::span<const std::uint8_t> bos) {
  if (bos.size() < bos_header || bos[0] < bos_header || bos[1] != bos_type || total_length(bos) > bos.size()) return {};
  bos = bos.first(total_length(bos));
  for (std::size_t at = bos_header; at < bos.size();) {
    const std::size_t length = bos[at];
    if (length < capability_header || at + length > bos.size()) return {};
    if (bos[at + 1] == capability_type && bos[at + 2] == superspeed_capability) return true;
    at += length;
  }
  return false;
}

std::optional<bool> superspeed_capable(int bus, int devnum) {
  libusb_context* raw = nullptr;
  if (libusb_init(&raw) != LIBUSB_SUCCESS) return {};
  const UsbContext context(raw, &libusb_exit);
  const Handle device = open_device(raw, bus, devnum);
  if (!device) return {};
  // The header first: some devices answer nothing at all when asked for more than they have.
  const auto header = read_bos(device.get(), bos_header);
  if (header.size() < bos_header || total_length(header) > largest_bos) return {};
  return superspeed_in_bos(read_bos(device.get(), total_length(header)));
}

}  // namespace hostsplit
