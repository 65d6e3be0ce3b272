#include "core/checks/doctor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/number.hpp"
#include "core/boot/boot_count.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/checks/doctor_checks.hpp"
#include "core/checks/pve_lint.hpp"
#include "core/memory/host_memory.hpp"
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/page_source.hpp"
#include "core/memory/placement.hpp"
#include "core/memory/pools.hpp"
#include "core/proxmox/vm_settings.hpp"

namespace hostsplit {

std::string place(const SetupLine& line) {
  return fmt::format("{}:{}", line.file, line.line);
}

namespace {

bool amd(const HostSetup& setup) {
  return setup.cpu_vendor == "AuthenticAMD";
}

// Firmware -----------------------------------------------------------------------------------------------------------

Findings check_virtualization(const DoctorInput& in) {
  const auto& flags = in.setup.cpu_flags;
  if (flags.empty() || in.setup.kvm) return {};
  const bool can = flags.count("svm") || flags.count("vmx");
  return {
      {"virtualization-off", Severity::error, "KVM",
       can ? "the CPU can run VMs, but /dev/kvm is not there" : "the CPU does not offer to run VMs",
       can ? "Load the module: modprobe kvm_amd or kvm_intel; if it says \"disabled by bios\", see the firmware setup"
       : amd(in.setup)
           ? "In the firmware setup, turn SVM Mode on (often under Advanced, CPU Configuration)"
           : "In the firmware setup, turn Intel Virtualization Technology (VT-x) on (often under Advanced, CPU "
             "Configuration)"}};
}

/// Whether anybody wants a device; before there is a configuration, everybody may.
bool wants_devices(const DoctorInput& in) {
  if (!in.config || !in.claims.empty() || (in.applied && !in.applied->claims.empty())) return true;
  return std::any_of(in.config->vms.begin(), in.config->vms.end(),
                     [](const auto& vm) {
                       return !vm.second.ports.empty() || !vm.second.controllers.empty() ||
                              !vm.second.functions.empty();
                     }) ||
         std::any_of(in.pve.vms.begin(), in.pve.vms.end(), [](const auto& vm) { return !vm.second.host_pci.empty(); });
}

Findings check_iommu(const DoctorInput& in) {
  if (in.snapshot.iommu) return {};
  const auto word = iommu_off_parameter(in.snapshot);
  const std::string message = word.empty() ? std::string("the IOMMU is off, so no device can be given to a VM")
                                           : fmt::format("the kernel command line says {}", word);
  const char* firmware =
      amd(in.setup) ? "In the firmware setup, turn IOMMU on (often under Advanced, AMD CBS, NBIO); nothing is needed "
                      "on the kernel command line"
                    : "In the firmware setup, turn VT-d on (often under Advanced, System Agent); kernels before 6.8 "
                      "also need intel_iommu=on on the command line";
  return {{"iommu-off", wants_devices(in) ? Severity::error : Severity::warning, "IOMMU", message,
           word.empty() ? firmware : fmt::format("Take {} out of the kernel command line and reboot", word)}};
}

Findings check_remapping(const DoctorInput& in) {
  Findings findings;
  if (in.snapshot.iommu && in.setup.remapping == false)
    findings.push_back({"interrupt-remapping-off", Severity::error, "IOMMU",
                        "interrupts are not remapped, so vfio refuses to give devices to VMs",
                        "In the firmware setup, turn x2APIC or interrupt remapping on; update the firmware"});
  if (in.snapshot.iommu && !in.setup.remapping)
    findings.push_back({"interrupt-remapping-unknown", Severity::info, "IOMMU",
                        "no interrupt by message is in use, so it cannot be told whether interrupts are remapped",
                        "If a VM does not start with \"No interrupt remapping support\" in the kernel log, look in the "
                        "firmware setup"});
  if (in.setup.unsafe_interrupts)
    findings.push_back({"unsafe-interrupts", Severity::warning, "vfio_iommu_type1",
                        "allow_unsafe_interrupts is on: a guest can raise any interrupt of the host",
                        "Remove the option from /etc/modprobe.d unless interrupt remapping is really missing"});
  return findings;
}

Findings check_nodes(const DoctorInput& in) {
  if (in.snapshot.nodes.size() != 1 || !amd(in.setup)) return {};
  constexpr std::size_t large = 48;
  const auto cpus = in.snapshot.nodes.begin()->second.cpus.size();
  if (cpus < large) return {};
  return {{"one-numa-node", Severity::info, "NUMA",
           fmt::format("{} CPUs are one NUMA node; memory cannot be kept close to the cores that use it", cpus),
           "In the firmware setup, set NUMA nodes per socket to NPS2 (often under AMD CBS, DF Common Options, Memory "
           "Addressing)"}};
}

Findings check_page_size(const DoctorInput& in) {
  if (in.setup.cpu_flags.empty() || in.setup.cpu_flags.count("pdpe1gb")) return {};
  return {{"no-gibibyte-pages", Severity::warning, "CPU", "this CPU has no pages of 1 GiB (flag pdpe1gb)",
           "Write page_size = \"2MiB\" for each VM"}};
}

// Kernel command line
// ---------------------------------------------------------------------------------------------------

Findings check_useless_words(const DoctorInput& in) {
  Findings findings;
  if (has_word(in.snapshot.command_line, "amd_iommu=on"))
    findings.push_back({"amd-iommu-on", Severity::info, "kernel command line",
                        "amd_iommu=on is no word the kernel knows; the IOMMU of AMD is on by itself", "Take it out"});
  for (const auto word : words_of(in.snapshot.command_line))
    if (word.starts_with("pcie_acs_override="))
      findings.push_back(
          {"acs-override", Severity::warning, "kernel command line",
           fmt::format("{} splits groups on paper only: devices in them can still reach each other", word),
           "Use it only if you trust every guest; give whole groups to VMs where you can"});
  return findings;
}

void append(Findings& to, const Findings& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// How large each pool is to be, as far as somebody said.
PageCounts wanted_counts(const DoctorInput& in) {
  PageCounts counts;
  if (in.applied)
    for (const auto& item : in.applied->reservations) counts[{item.node, item.page_size}] = item.pages;
  if (in.config)
    for (const auto& item : wanted_pages(*in.config)) counts[{item.node, item.page_size}] = item.pages;
  return counts;
}

/// The parameters in a form that both read, tried on the line before it is advised.
std::string readable_remedy(const DoctorInput& in, const CommandLinePages& pages, const KernelRules& rules) {
  constexpr auto otherwise = "set keephugepages: 1 on every VM with huge pages";
  std::string counts;
  for (const auto& [node, count] : pages.by_node)
    counts += fmt::format("{}{}:{}", counts.empty() ? "" : ",", node, count);
  const std::string form = fmt::format("hugepagesz={}{} hugepages={}", pages.page_size == kib_per_gib ? "1G" : "2M",
                                       counts.empty() ? "" : " hugepages=" + counts, pages.sum());
  const std::string line = form + " " + in.snapshot.command_line;
  const bool works = pages_kernel_reads(line, rules) == pages_kernel_reads(in.snapshot.command_line, rules) &&
                     pages_pve_reads(line, pages.page_size) == pages.sum();
  return works ? fmt::format("Write {} in front of all other parameters about huge pages, or {}", form, otherwise)
               : fmt::format("For each of them: {}", otherwise);
}

/// Whether the next start of any VM makes Proxmox VE trim the pools of this size. Memory hotplug trims whatever
/// keephugepages says; with numa lines such a VM does not start.
bool anybody_trims(const DoctorInput& in, Kib page_size) {
  return std::any_of(in.pve.vms.begin(), in.pve.vms.end(), [&](const auto& each) {
    PveVm vm = *in.pve.next_start(each.first);
    if (plugs_memory(vm) && vm.numa_nodes.empty()) vm.keep_hugepages = false;
    return sizes_trimmed(vm, in.snapshot.nodes).count(page_size) != 0;
  });
}

Findings check_boot_pages(const DoctorInput& in) {
  const Kib keep_free = in.config ? in.config->keep_free : Config{}.keep_free;
  const KernelRules rules = kernel_rules(in.snapshot);
  auto findings = check_command_line(in.snapshot.command_line, in.snapshot.nodes, keep_free, rules);
  // Those of others; what hostsplit itself adds was checked by the plan.
  const auto lines = owners_lines(in.snapshot, {});
  if (findings.empty()) findings = check_next_floor(lines, {}, in.snapshot, keep_free);
  append(findings, check_ignored_parameters(in.snapshot.command_line, rules));
  append(findings, check_next_ignored(in.snapshot, lines));
  append(findings, check_pages_came(in.snapshot, wanted_counts(in)));
  for (const auto& pages : pages_kernel_reads(in.snapshot.command_line, rules)) {
    const std::uint64_t sum = pages.sum();
    const auto read = pages_pve_reads(in.snapshot.command_line, pages.page_size);
    if (sum == 0 || read == sum || !in.pve.known || !anybody_trims(in, pages.page_size)) continue;
    findings.push_back(
        {"boot-pages-unread", Severity::warning, "kernel command line",
         fmt::format("the kernel reserves {} pages of {}, but Proxmox VE reads {} and trims to that when a VM starts",
                     sum, format_size(pages.page_size), read),
         readable_remedy(in, pages, rules)});
  }
  return findings;
}

Findings check_fallback(const DoctorInput& in) {
  auto findings = boot_count_findings(in.snapshot);
  append(findings, check_boot_count(in.snapshot));
  return findings;
}

// Huge pages of others ------------------------------------------------------------------------------------------------

Findings check_rc_local(const DoctorInput& in) {
  Findings findings;
  for (const auto& line : in.setup.rc_local)
    if (line.text.find("hugepages") != std::string::npos) {
      findings.push_back({"rc-local-pages", Severity::warning, place(line),
                          in.setup.rc_local_runs
                              ? "writes huge page counts late at boot, against what hostsplit reserves"
                              : "would write huge page counts, but the file is not executable and never runs",
                          "Remove the line: hostsplit-reserve.service does this early, and reads back what came"});
      break;
    }
  for (const auto& line : in.setup.page_writers)
    findings.push_back(
        {"pages-written-elsewhere", Severity::warning, place(line),
         fmt::format("\"{}\" sets huge page counts, against what hostsplit reserves", line.text),
         "Remove the line: hostsplit-reserve.service reserves huge pages (sysctl and tmpfiles write them "
         "for the default page size and for all nodes together)"});
  for (const auto& [name, value, has_value] : kernel_arguments(in.snapshot.command_line))
    if (has_value && writes_pages(name))
      findings.push_back({"pages-written-elsewhere", Severity::warning, "kernel command line",
                          fmt::format("{}={} sets huge page counts once the kernel is up, for all nodes together and "
                                      "against what hostsplit reserves",
                                      name, value),
                          "Remove it where it is set: /etc/default/grub and update-grub, or /etc/kernel/cmdline and "
                          "proxmox-boot-tool refresh"});
  return findings;
}

// Memory --------------------------------------------------------------------------------------------------------------

/// "echo 36 > /sys/..." for each pool that has to shrink, the largest first; pages in use stay.
std::string shrink_commands(const NumaNode& node, Kib excess) {
  auto pools = node.pools;
  std::sort(pools.begin(), pools.end(),
            [](const PagePool& a, const PagePool& b) { return a.total * a.page_size > b.total * b.page_size; });
  std::string commands;
  for (const auto& pool : pools) {
    const auto fewer = std::min(pool.free, (excess + pool.page_size - 1) / pool.page_size);
    if (fewer == 0) continue;
    excess -= std::min(excess, fewer * pool.page_size);
    commands += fmt::format("{}at most {} pages of {} fit: echo {} > /{}/nr_hugepages", commands.empty() ? "" : "; ",
                            pool.total - fewer, format_size(pool.page_size), pool.total - fewer,
                            pool_directory({node.id, pool.page_size}));
  }
  if (excess != 0)
    commands += fmt::format("{}{} more are in use: shut down VMs that use them", commands.empty() ? "" : "; ",
                            format_size(excess));
  commands.front() = commands.front() == 'a' ? 'A' : commands.front();
  return commands;
}

Findings check_pools(const DoctorInput& in) {
  const Kib keep_free = in.config ? in.config->keep_free : Config{}.keep_free;
  Findings findings;
  for (const auto& [id, node] : in.snapshot.nodes) {
    Kib reserved = 0;
    for (const auto& pool : node.pools) reserved += pool.total * pool.page_size;
    if (reserved == 0 || node.memory == 0 || reserved + keep_free <= node.memory) continue;
    findings.push_back({"pages-over-floor", Severity::error, fmt::format("node {}", id),
                        fmt::format("{} of its {} are huge pages, which leaves the host less than {}",
                                    format_size(reserved), format_size(node.memory), format_size(keep_free)),
                        shrink_commands(node, reserved + keep_free - node.memory) + "; then see who reserves them"});
  }
  append(findings, check_host_memory(in.snapshot, in.config.value_or(Config{}),
                                     in.config ? wanted_pages(*in.config) : std::vector<Reservation>()));
  return findings;
}

struct Check {
  const char *name, *title;
  Findings (*run)(const DoctorInput&);
};

constexpr Check checks[] = {
    {"virtualization", "the CPU can run VMs", check_virtualization},
    {"iommu", "the IOMMU is on", check_iommu},
    {"remapping", "interrupts are remapped", check_remapping},
    {"numa", "memory is divided into nodes", check_nodes},
    {"page-size", "pages of 1 GiB exist", check_page_size},
    {"command-line", "kernel parameters are consistent", check_useless_words},
    {"boot-pages", "the kernel command line leaves the host its memory", check_boot_pages},
    {"fallback", "a host that does not come up is started without hostsplit", check_fallback},
    {"modules", "modules to load exist", check_modules_load},
    {"ids", "no list of ids takes twins", check_ids},
    {"blacklist", "the host's USB drivers are not blacklisted", check_blacklist},
    {"rc-local", "nothing else writes huge pages", check_rc_local},
    {"reset", "controllers can be reset", check_reset},
    {"display", "the host keeps its display", check_display},
    {"pools", "huge pages leave the host its memory", check_pools},
    {"guests", "VMs in Proxmox VE are as configured here", check_guests},
    {"host-pci", "VMs have their controllers and nothing the host needs", check_host_pci},
    {"groups", "starting a VM takes nothing along", check_taken_along},
    {"hook", "the start check (hook script) is installed for every VM", check_hookscript},
    {"backup", "VMs are backed up", check_backup},
    {"thin-pool", "thin pools hold what they promise", check_thin_pools},
    {"spare", "thin pools have a spare area", check_spare},
};

}  // namespace

std::vector<Checkup> examine(const DoctorInput& input) {
  std::vector<Checkup> done;
  for (const auto& check : checks)
    done.push_back({check.name, check.title, check.run(input), not_looked_at(check.name, input)});
  return done;
}

}  // namespace hostsplit
