#include "host/guests/huge_mappings.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include <cerrno>
#include <map>
#include <optional>

#include "formats/proc/process_files.hpp"
#include "host/system/process_path.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

/// struct procmap_query of include/uapi/linux/fs.h, which Debian 12 does not have.
struct MapQuery {
  std::uint64_t size = sizeof(MapQuery), flags = 0, address = 0;                            // in
  std::uint64_t start = 0, end = 0, permissions = 0, page_size = 0, offset = 0, inode = 0;  // out
  std::uint32_t device_major = 0, device_minor = 0, name_size = 0, build_id_size = 0;
  std::uint64_t name_address = 0, build_id_address = 0;
};
static_assert(sizeof(MapQuery) == 104);
constexpr unsigned long query_request = _IOWR('f', 17, MapQuery);
constexpr std::uint64_t writable = 0x02, this_or_next = 0x10, of_a_file = 0x20;

/// \return empty optional where the kernel does not know the question.
std::optional<std::vector<HugeMapping>> query(int maps) {
  constexpr Kib ordinary_page = 4;
  std::vector<HugeMapping> found;
  MapQuery query;
  for (query.flags = writable | this_or_next | of_a_file; ioctl(maps, query_request, &query) == 0;) {
    const Kib page_size = query.page_size / bytes_per_kib;
    if (page_size > ordinary_page) found.push_back({query.start, query.end, page_size});
    query.address = query.end;
  }
  if (errno == ENOENT) return found;  // behind the last one
  return {};
}

/// 0 when the mapping is of another file system.
Kib page_size_of(int pid, const Mapping& mapping) {
  const std::string file = fmt::format("/proc/{}/map_files/{:x}-{:x}", pid, mapping.start, mapping.end);
  struct statfs system {};
  if (::statfs(file.c_str(), &system) != 0 || system.f_type != HUGETLBFS_MAGIC) return 0;
  return static_cast<Kib>(system.f_bsize) / bytes_per_kib;
}

std::vector<HugeMapping> read(const std::string& maps, int pid) {
  std::vector<HugeMapping> found;
  // A program maps hundreds of files from a few file systems.
  std::map<std::string, Kib> page_sizes;
  for (const auto& mapping : parse_file_mappings(maps)) {
    const auto [entry, fresh] = page_sizes.try_emplace(mapping.device);
    if (fresh) entry->second = page_size_of(pid, mapping);
    if (entry->second != 0) found.push_back({mapping.start, mapping.end, entry->second});
  }
  return found;
}

}  // namespace

std::vector<HugeMapping> huge_mappings(const Root& root, int pid) {
  const std::string path = process_path(pid, "maps");
  const UniqueFd maps(openat(root.descriptor(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (maps.get() < 0) return {};
  if (auto found = query(maps.get())) return *std::move(found);
  return read(root.read(path, largest_process_file).value_or(""), pid);
}

}  // namespace hostsplit
