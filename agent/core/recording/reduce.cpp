#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/recording/recording.hpp"

namespace hostsplit {
namespace {

using Kind = RecordedEntry::Kind;

/// What of a path is behind "proc/<number>/"; `pid` is empty for any other path.
struct ProcessPath {
  std::string_view pid, rest;
};

ProcessPath process_path_of(std::string_view path) {
  if (!path.starts_with("proc/")) return {};
  path.remove_prefix(5);
  const auto pid = cut(path, '/');
  if (!parse_number<int>(pid)) return {};
  return {pid, path};
}

bool names_a_device(const RecordedEntry& entry) {
  return entry.kind == Kind::link && entry.text.starts_with("/dev/") && !is_ordinary_device(entry.text);
}

bool maps_huge_pages(std::string_view status) {
  const auto at = status.find("HugetlbPages:");
  if (at == std::string_view::npos) return false;
  const auto first = status.find_first_not_of(" \t", at + 13);
  return first != std::string_view::npos && status[first] >= '1' && status[first] <= '9';
}

/// Whether an entry below a process says something about the machine.
bool tells(const ProcessPath& path, const RecordedEntry& entry) {
  if (path.rest.empty()) return entry.kind == Kind::directory;  // it was asked whether the process is there
  if (path.rest.starts_with("fd/")) return names_a_device(entry);
  if (path.rest == "status") return entry.kind == Kind::file && maps_huge_pages(entry.text);
  if (path.rest == "comm") return entry.text.starts_with("pppd");
  if (path.rest == "cmdline" || path.rest == "numa_maps") return entry.kind == Kind::file;
  if (path.rest == "mountinfo") return entry.kind == Kind::file || entry.kind == Kind::unreadable;
  return path.rest.starts_with("task/") && entry.kind == Kind::file;
}

/// Of a process that stays, what need not. \param guest  it is one of a VM: what memory it holds counts
bool is_noise(const ProcessPath& path, const RecordedEntry& entry, bool has_mounts, bool guest) {
  if (path.rest == "status" && guest) return false;
  if (path.rest.starts_with("fd/") || path.rest == "status") return !tells(path, entry);
  return path.rest == "ns/mnt" && !has_mounts && path.pid != "1";
}

void reduce_processes(Recording& recording) {
  std::set<std::string, std::less<>> kept{"1"}, with_mounts, dialing, guests;
  for (const auto& [path, entry] : recording.entries) {
    const auto process = process_path_of(path);
    if (process.pid.empty()) continue;
    if (tells(process, entry)) kept.emplace(process.pid);
    const bool guest = process.rest == "cmdline" && entry.text.find("/qemu-server/") != std::string::npos;
    if (guest && tells(process, entry)) guests.emplace(process.pid);
    if (process.rest == "mountinfo") with_mounts.emplace(process.pid);
    if (process.rest == "comm" && tells(process, entry)) dialing.emplace(process.pid);
  }
  std::erase_if(recording.entries, [&](const auto& item) {
    const auto& [path, entry] = item;
    const auto process = process_path_of(path);
    // The list of /proc is asked for processes alone.
    if (process.pid.empty()) return path.starts_with("proc/") && entry.kind == Kind::name;
    // A line that is none is what tells a VPN from a modem.
    if (dialing.contains(process.pid) && entry.kind == Kind::link && entry.text.starts_with("/dev/pts/")) return false;
    return !kept.contains(process.pid) ||
           is_noise(process, entry, with_mounts.contains(process.pid), guests.contains(process.pid));
  });
}

/// Names in the directory of a device that nobody asked about. Of some the name alone counts.
void reduce_devices(Recording& recording) {
  std::erase_if(recording.entries, [&](const auto& item) {
    const auto& [path, entry] = item;
    if (entry.kind != Kind::name || !path.starts_with("sys/")) return false;
    const auto slash = path.rfind('/');
    const auto name = std::string_view(path).substr(slash + 1);
    if (name.starts_with("lower_") || name.starts_with("upper_") || name == "master") return false;
    if (name.starts_with("consumer:pci:")) return false;
    return name == "uevent" || recording.entries.count(path.substr(0, slash) + "/uevent") != 0;
  });
}

/// What mounts a disk as a line of fstab would, and what waits for it.
bool about_mounts(std::string_view path) {
  return path.ends_with(".mount") || path.ends_with(".automount") || path.find("/local-fs.target.") != path.npos;
}

/// Of settings somebody made only those that are about huge pages or mounts; the rest is nobody's business.
void reduce_settings(Recording& recording) {
  std::erase_if(recording.entries, [](const auto& item) {
    const auto& [path, entry] = item;
    if (about_mounts(path)) return false;
    for (const std::string_view place : {"etc/systemd/system/", "etc/sysctl.d/", "run/sysctl.d/", "usr/lib/sysctl.d/",
                                         "etc/tmpfiles.d/", "run/tmpfiles.d/"})
      if (path.starts_with(place))
        return entry.kind == Kind::name ||
               (entry.kind == Kind::file && entry.text.find("hugepages") == std::string::npos);
    return false;
  });
}

/// Without what each CPU counted, which is most of it.
std::string without_counts(std::string_view text) {
  std::string result;
  cut(text, '\n');  // names of CPUs
  while (!text.empty()) {
    auto line = cut(text, '\n');
    result += std::string(cut(line, ':')) + ":";
    bool counts = true;
    for (const auto word : words_of(line)) {
      counts = counts && word.find_first_not_of("0123456789") == std::string_view::npos;
      if (!counts) result += " " + std::string(word);
    }
    result += "\n";
  }
  return result;
}

/// One line for all mappings of one kind.
std::string summed(std::string_view numa_maps) {
  std::map<std::pair<std::string, bool>, std::map<std::string, std::uint64_t>> sums;
  while (!numa_maps.empty()) {
    const auto line = cut(numa_maps, '\n');
    std::string size;
    bool huge = false;
    std::map<std::string, std::uint64_t> pages;
    for (const auto word : words_of(line)) {
      const auto equals = word.find('=');
      if (word == "huge") huge = true;
      if (word.starts_with("kernelpagesize_kB=")) size = word;
      if (word.front() == 'N' && equals != std::string_view::npos)
        pages[std::string(word.substr(0, equals))] = parse_number<std::uint64_t>(word.substr(equals + 1)).value_or(0);
    }
    if (size.empty()) continue;
    for (const auto& [node, count] : pages) sums[{size, huge}][node] += count;
  }
  std::string result;
  for (const auto& [of, pages] : sums) {
    result += of.second ? "0 default huge" : "0 default";
    for (const auto& [node, count] : pages) result += fmt::format(" {}={}", node, count);
    result += " " + of.first + "\n";
  }
  return result;
}

void reduce_content(const std::string& path, RecordedEntry& entry, std::size_t most) {
  if (path == "proc/interrupts") entry.text = without_counts(entry.text);
  if (path == "proc/cpuinfo") entry.text = entry.text.substr(0, entry.text.find("\n\n"));
  if (path.ends_with("/numa_maps")) entry.text = summed(entry.text);
  if (entry.text.size() <= most) return;
  const auto line_end = entry.text.rfind('\n', most);
  const auto kept = line_end == std::string::npos ? most : line_end + 1;
  entry.left_out += entry.text.size() - kept;
  entry.text.resize(kept);
}

}  // namespace

/// Numbers: Documentation/admin-guide/devices.txt.
bool is_ordinary_device(std::string_view file) {
  for (const std::string_view place :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/pts/", "/dev/shm/",
        "/dev/net/", "/dev/fuse", "/dev/kvm", "/dev/kmsg",
        "/dev/char/1:", "/dev/char/5:", "/dev/char/136:", "/dev/char/10:200", "/dev/char/10:229", "/dev/char/10:232"})
    if (file.starts_with(place)) return true;
  return false;
}

Recording reduced(Recording recording, std::size_t most) {
  reduce_processes(recording);
  reduce_devices(recording);
  reduce_settings(recording);
  for (auto& [path, entry] : recording.entries)
    if (entry.kind == Kind::file) reduce_content(path, entry, most);
  return recording;
}

}  // namespace hostsplit
