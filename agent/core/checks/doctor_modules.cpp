#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/boot/huge_page_parameters.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/checks/doctor_checks.hpp"
#include "core/usb/guards.hpp"

/// What doctor says about modules: what is loaded, by which ids they take functions, and what is kept from loading.
namespace hostsplit {

Findings check_modules_load(const DoctorInput& in) {
  Findings findings;
  for (const auto& line : in.setup.modules_load)
    if (has_word(line.text, "vfio_virqfd"))
      findings.push_back({"vfio-virqfd", Severity::info, place(line),
                          "vfio_virqfd has been part of vfio since kernel 6.2; loading it only logs an error",
                          "Remove the line"});
  return findings;
}

namespace {

/// One field of an id, as sscanf() reads "%x".
std::optional<std::uint32_t> id_field(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  return parse_number<std::uint32_t>(text.substr(0, text.find_first_not_of("0123456789abcdefABCDEF")), 16);
}

/// "vendor:device[:subvendor[:subdevice[:class[:mask]]]]" of an `ids=` list, as vfio-pci and pci-stub read it; ffffffff
/// is any (drivers/vfio/pci/vfio_pci.c, vfio_pci_fill_ids; drivers/pci/pci.h, pci_match_one_device).
bool id_takes(std::string_view id, const Fingerprint& function) {
  constexpr std::uint32_t any = 0xffffffff;
  constexpr std::size_t pci_class = 4, class_mask = 5;
  std::array<std::uint32_t, 6> wanted{any, any, any, any, 0, 0};
  std::size_t fields = 0;
  for (; fields < wanted.size() && !id.empty(); ++fields) {
    const auto field = id_field(cut(id, ':'));
    if (!field) break;
    wanted[fields] = *field;
  }
  const auto& ids = function.ids;
  const std::array<std::uint32_t, 4> has{ids.vendor, ids.device, ids.subsystem_vendor, ids.subsystem_device};
  for (std::size_t i = 0; i < has.size(); ++i)
    if (wanted[i] != any && wanted[i] != has[i]) return false;
  return fields >= 2 && ((wanted[pci_class] ^ function.pci_class) & wanted[class_mask]) == 0;
}

/// Functions an `ids=` list takes: all with one of the ids, wherever they sit.
std::vector<const PciFunction*> taken_by(const Snapshot& snapshot, std::string_view list) {
  std::vector<const PciFunction*> taken;
  for (const auto& [address, function] : snapshot.functions)
    for (auto rest = list; !rest.empty();)
      if (id_takes(cut(rest, ','), function.fingerprint)) {
        taken.push_back(&function);
        break;
      }
  return taken;
}

/// \param parameter  as it is written: "ids=1022:148c", "pci-stub.ids=..."
void judge_ids(const DoctorInput& in, const std::string& subject, const std::string& parameter, Findings& findings) {
  const auto taken = taken_by(in.snapshot, std::string_view(parameter).substr(parameter.find('=') + 1));
  std::string addresses, twins;
  std::optional<std::string> lost;
  for (const auto* function : taken) {
    addresses += (addresses.empty() ? "" : ", ") + to_string(function->address);
    if (!in.assigned.count(function->address)) twins += (twins.empty() ? "" : ", ") + to_string(function->address);
    if (const auto* use = lifeline_on(in.snapshot, function->address)) lost = use_text(*use);
  }
  const bool host_loses = lost || (taken.size() > 1 && !twins.empty());
  findings.push_back({"vfio-ids", host_loses ? Severity::error : Severity::warning, subject,
                      fmt::format("{} takes every function with such an id{}{}{}", parameter,
                                  addresses.empty() ? std::string(", here none") : ": " + addresses,
                                  twins.empty() ? "" : "; no VM was given " + twins, lost ? "; " + *lost : ""),
                      "Remove the line and let hostsplit bind by place: it can tell twins apart"});
}

/// True for modules that take functions by `ids=`.
bool takes_ids(std::string_view module) {
  const auto name = with_underscores(module);
  return name == "vfio_pci" || name == "pci_stub";
}

/// Each `ids=` behind the name of a module, of a line about it.
void judge_ids_among(const DoctorInput& in, const SetupLine& line, std::span<const std::string_view> words,
                     Findings& findings) {
  if (words.empty() || !takes_ids(words.front())) return;
  for (const auto word : words.subspan(1)) {
    std::string parameter(word);
    std::erase(parameter, '"');  // as the kernel does
    if (parameter.starts_with("ids=")) judge_ids(in, place(line), parameter, findings);
  }
}

}  // namespace

Findings check_ids(const DoctorInput& in) {
  Findings findings;
  for (const auto& line : in.setup.modprobe) {
    const auto words = words_of(line.text);
    // hostsplit's own file holds such ids only as long as no twin stays with the host; see core/ladder.hpp.
    if (line.file.ends_with("/hostsplit.conf")) continue;
    if (!words.empty() && words[0] == "options") judge_ids_among(in, line, std::span(words).subspan(1), findings);
  }
  // Of the lists of modules only this one may have parameters: systemd-modules-load(8) takes none.
  for (const auto& line : in.setup.modules_load)
    if (line.file == "/etc/initramfs-tools/modules") judge_ids_among(in, line, words_of(line.text), findings);
  for (const auto& [name, value, has_value] : kernel_arguments(in.snapshot.command_line))
    if (has_value && name.ends_with(".ids") && takes_ids(name.substr(0, name.find('.'))))
      judge_ids(in, "kernel command line", fmt::format("{}={}", name, value), findings);
  return findings;
}

namespace {

/// "blacklist xhci_pci" and "install xhci_pci /bin/false" as lines of modprobe.d(5).
bool blacklists_xhci(const std::vector<std::string_view>& words) {
  if (words.size() < 2 || !words[1].starts_with("xhci")) return false;
  const auto program = words.size() == 3 ? words[2].substr(words[2].rfind('/') + 1) : std::string_view();
  return words[0] == "blacklist" || (words[0] == "install" && (program == "false" || program == "true"));
}

/// The same on the kernel command line, of which kmod reads the one and the kernel the other.
bool blacklists_xhci(const Argument& argument) {
  if (argument.name != "modprobe.blacklist" && with_underscores(argument.name) != "module_blacklist") return false;
  for (auto modules = argument.value; !modules.empty();)
    if (trimmed(cut(modules, ',')).starts_with("xhci")) return true;
  return false;
}

}  // namespace

Findings check_blacklist(const DoctorInput& in) {
  constexpr auto keeps = "{} keeps every controller from the host, its keyboard included{}";
  constexpr auto only = ", and only until somebody loads the module by name";
  Findings findings;
  for (const auto& line : in.setup.modprobe) {
    const auto words = words_of(line.text);
    // hostsplit's own file has its own account of it.
    if (line.file.ends_with("/hostsplit.conf") || !blacklists_xhci(words)) continue;
    findings.push_back({"xhci-blacklisted", Severity::warning, place(line),
                        fmt::format(keeps, fmt::join(words, " "), words[0] == "blacklist" ? only : ""),
                        "Remove the line: hostsplit keeps single controllers from the host"});
  }
  for (const auto& argument : kernel_arguments(in.snapshot.command_line))
    if (blacklists_xhci(argument))
      findings.push_back({"xhci-blacklisted", Severity::warning, "kernel command line",
                          fmt::format(keeps, fmt::format("{}={}", argument.name, argument.value),
                                      argument.name == "modprobe.blacklist" ? only : ""),
                          "Remove it where it is set: /etc/default/grub and update-grub, or /etc/kernel/cmdline and "
                          "proxmox-boot-tool refresh; hostsplit keeps single controllers from the host"});
  return findings;
}

}  // namespace hostsplit
