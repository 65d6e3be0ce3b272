// Sends a storm of uevents to everybody who listens to udev, as udevd would after its rules, but as fast as it can:
// many times faster than devices or udevd could. Prints how long it took, in milliseconds. Usage: hostsplit-storm COUNT
// DEVPATH     (root; DEVPATH below /sys, e.g. /devices/pci0000:00/0000:00:08.0)
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

/// Header of the messages between udevd and libudev (systemd's monitor protocol), all numbers big endian where hashed.
struct Header {
  char prefix[8] = {'l', 'i', 'b', 'u', 'd', 'e', 'v', 0};
  std::uint32_t magic = htonl(0xfeedcafe);
  std::uint32_t header_size = sizeof(Header);
  std::uint32_t properties_offset = sizeof(Header);
  std::uint32_t properties_length = 0;
  std::uint32_t subsystem_hash = 0;
  std::uint32_t devtype_hash = 0;
  std::uint32_t tag_bloom_high = 0, tag_bloom_low = 0;
};

constexpr unsigned udev_group = 2;

/// MurmurHash2 with seed 0 (Austin Appleby, public domain): what listeners' socket filters compare.
std::uint32_t murmur2(const std::string& text) {
  constexpr std::uint32_t m = 0x5bd1e995;
  auto hash = static_cast<std::uint32_t>(text.size());
  std::size_t at = 0;
  for (; text.size() - at >= 4; at += 4) {
    std::uint32_t k = 0;
    std::memcpy(&k, text.data() + at, 4);
    k *= m;
    k ^= k >> 24;
    k *= m;
    hash = (hash * m) ^ k;
  }
  std::uint32_t rest = 0;
  for (std::size_t i = text.size(); i > at; --i) rest = (rest << 8) | static_cast<unsigned char>(text[i - 1]);
  if (at != text.size()) hash = (hash ^ rest) * m;
  hash ^= hash >> 13;
  hash *= m;
  return hash ^ (hash >> 15);
}

std::string message(const std::string& devpath, long number) {
  std::string properties;
  for (const auto& property : {std::string("ACTION=change"), "DEVPATH=" + devpath, std::string("SUBSYSTEM=pci"),
                               "SEQNUM=" + std::to_string(number)})
    properties.append(property).push_back('\0');
  Header header;
  header.properties_length = static_cast<std::uint32_t>(properties.size());
  header.subsystem_hash = htonl(murmur2("pci"));
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + properties;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: hostsplit-storm COUNT DEVPATH\n", 2;
  const long count = std::atol(argv[1]);
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  sockaddr_nl group{};
  group.nl_family = AF_NETLINK;
  group.nl_groups = udev_group;
  const auto begin = std::chrono::steady_clock::now();
  for (long i = 1; i <= count; ++i) {
    const auto text = message(argv[2], i);
    // Listeners whose queue is full are told by ENOBUFS on their side; ours says so, too, and goes on.
    if (sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&group), sizeof group) < 0 &&
        errno != ENOBUFS && errno != ECONNREFUSED)
      return std::cerr << "hostsplit-storm: " << std::strerror(errno) << "\n", 1;
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  std::cout << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << "\n";
  return close(fd);
}
