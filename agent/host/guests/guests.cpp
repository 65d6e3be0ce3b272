#include "host/guests/guests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "formats/proc/numa_maps.hpp"
#include "formats/proc/process_files.hpp"
#include "formats/proc/qemu_command.hpp"
#include "host/guests/guest_pages.hpp"
#include "host/system/process_path.hpp"

namespace hostsplit {
namespace {

const std::string pid_directory = names::guest_pid_directory;

std::vector<GuestThread> read_threads(const Root& root, int pid) {
  std::vector<GuestThread> threads;
  const std::string directory = process_path(pid, "task");
  for (const auto& name : root.list(directory)) {
    const auto tid = parse_number<int>(name);
    const auto status = tid ? root.read(directory + "/" + name + "/status", 8192) : std::nullopt;
    if (!status) continue;
    const auto allowed = parse_cpu_set(status_value(*status, "Cpus_allowed_list"));
    if (allowed) threads.push_back({*tid, printable(status_value(*status, "Name")), *allowed});
  }
  std::sort(threads.begin(), threads.end(), [](const auto& a, const auto& b) { return a.tid < b.tid; });
  return threads;
}

std::vector<GuestInterrupt> read_interrupts(const Root& root, const GuestCommand& command) {
  if (command.functions.empty()) return {};
  auto interrupts = parse_vfio_interrupts(root.read("proc/interrupts", 16 << 20).value_or(""));
  std::erase_if(interrupts, [&](const GuestInterrupt& interrupt) {
    return std::find(command.functions.begin(), command.functions.end(), interrupt.function) == command.functions.end();
  });
  for (auto& interrupt : interrupts) {
    const std::string directory = fmt::format("proc/irq/{}/", interrupt.number);
    // Empty until the first delivery on some chips.
    auto list = root.read(directory + "effective_affinity_list", 4096).value_or("");
    if (list.empty()) list = root.read(directory + "smp_affinity_list", 4096).value_or("");
    interrupt.cpus = parse_cpu_set(list).value_or(CpuSet());
  }
  return interrupts;
}

std::vector<int> read_groups(const Root& root, int pid) {
  constexpr std::string_view groups = "/dev/vfio/";
  std::vector<int> held;
  const std::string directory = process_path(pid, "fd");
  for (const auto& fd : root.list(directory)) {
    const auto file = root.link_text(directory + "/" + fd);
    if (!file || !file->starts_with(groups)) continue;
    if (const auto group = parse_number<int>(std::string_view(*file).substr(groups.size()))) held.push_back(*group);
  }
  return held;
}

}  // namespace

std::vector<int> guests_with_pid_file(const Root& root) {
  constexpr std::string_view suffix = ".pid";
  std::vector<int> vms;
  for (const std::string_view file : root.list(pid_directory)) {
    if (!file.ends_with(suffix)) continue;
    if (const auto vm = parse_number<int>(file.substr(0, file.size() - suffix.size()))) vms.push_back(*vm);
  }
  std::sort(vms.begin(), vms.end());
  return vms;
}

GuestProcess guest_process(const Root& root, int vm) {
  GuestProcess process;
  const auto text = root.read(fmt::format("{}/{}.pid", pid_directory, vm), 64);
  const auto pid = text ? parse_number<int>(*text) : std::nullopt;
  const auto cmdline = pid ? root.read(process_path(*pid, "cmdline")) : std::nullopt;
  // A zombie has an empty command line; a pid file of an ended guest stays behind when it is killed.
  if (!cmdline || cmdline->empty()) return process;
  process.command = parse_qemu_command(*cmdline);
  if (process.command.pid_file == fmt::format("/var/run/qemu-server/{}.pid", vm))
    process.pid = pid;
  else
    process.distrust = fmt::format("process {} is not this VM: it has another -pidfile, or none", *pid);
  return process;
}

std::vector<int> guests_on_huge_pages(const Root& root) {
  std::vector<int> vms;
  for (const int vm : guests_with_pid_file(root)) {
    const auto process = guest_process(root, vm);
    const auto& backends = process.command.backends;
    if (process.pid && std::any_of(backends.begin(), backends.end(), [](const auto& backend) { return backend.huge; }))
      vms.push_back(vm);
  }
  return vms;
}

RunningGuest read_guest(const Root& root, int vm, bool force) {
  RunningGuest guest;
  guest.vm = vm;
  auto process = guest_process(root, vm);
  guest.pid = process.pid;
  guest.distrust = std::move(process.distrust);
  if (!guest.pid) return guest;
  guest.command = std::move(process.command);
  guest.threads = read_threads(root, *guest.pid);
  if (!guest.command.functions.empty()) guest.groups = read_groups(root, *guest.pid);
  guest.interrupts = read_interrupts(root, guest.command);
  read_guest_pages(root, guest, force);
  return guest;
}

}  // namespace hostsplit
