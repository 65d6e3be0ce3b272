#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>

#include "core/base/error.hpp"
#include "host/effects/cluster_file.hpp"
#include "host/effects/program.hpp"
#include "support/fake_host.hpp"

namespace hostsplit::testing {
namespace fs = std::filesystem;
namespace {

std::string message(int error) {
  return std::generic_category().message(error);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

[[noreturn]] void refuse(const std::string& path, int error) {
  throw Error("write", "/" + path, message(error));
}

std::string last(const fs::path& path) {
  return path.filename().string();
}

/// Modules that `modprobe` is asked for, and the drivers they bring.
const std::map<std::string, std::string> drivers_of_modules = {
    {"vfio-pci", "vfio-pci"}, {"vfio_pci", "vfio-pci"}, {"xhci_pci", "xhci_hcd"}, {"xhci-pci", "xhci_hcd"},
    {"ehci_pci", "ehci-pci"}, {"ehci-pci", "ehci-pci"}, {"ohci_pci", "ohci-pci"}, {"ohci-pci", "ohci-pci"},
    {"uhci_hcd", "uhci_hcd"}, {"uhci-hcd", "uhci_hcd"}};

}  // namespace

void FakeEffects::begin(const std::string& doing, const std::string& object, const std::string& detail) {
  const auto line = doing + " " + object + detail;
  if (before) before(line);
  log_.push_back(line);
  for (auto failure = failures_.begin(); failure != failures_.end(); ++failure) {
    if (!object.ends_with(failure->first)) continue;
    const auto reason = failure->second;
    failures_.erase(failure);
    throw Error(doing, doing == "run" ? object : "/" + object, reason);
  }
}

void FakeEffects::fail_next(const std::string& suffix, int error) {
  failures_.emplace_back(suffix, message(error));
}
void FakeEffects::fail_next(const std::string& suffix, const std::string& reason) {
  failures_.emplace_back(suffix, reason);
}

void FakeEffects::stuck(const std::string& path, std::chrono::milliseconds deadline) const {
  throw Stuck("/" + path, deadline, 4711, "[<0>] vfio_unregister_group_dev+0x93/0xc0 [vfio]");
}

void FakeEffects::write_attributes(const std::vector<AttributeWrite>& writes, std::chrono::milliseconds deadline) {
  for (const auto& each : writes) write(each, deadline);
}

void FakeEffects::write(const AttributeWrite& write, std::chrono::milliseconds deadline) {
  begin("write", write.path, "=" + first_line(write.value));
  for (const auto& suffix : stuck_)
    if (write.path.ends_with(suffix)) stuck(write.path, deadline);
  const fs::path path(write.path);
  const auto name = last(path), parent = last(path.parent_path()), text = first_line(write.value);
  if (!fs::exists(host_.path(write.path))) refuse(write.path, ENOENT);
  if (write.value.empty()) return;  // a write of nothing never reaches the attribute
  if (name == "driver_override") {
    auto& function = host_.function(parent);
    function.driver_override = text;
    host_.set_file(write.path, (text.empty() ? "(null)" : text) + "\n");
  } else if (name == "drivers_probe") {
    if (!host_.find(text)) refuse(write.path, ENODEV);
    host_.probe(text);
  } else if (name == "unbind") {
    const auto driver = parent == "driver" ? host_.driver(last(path.parent_path().parent_path())) : parent;
    const auto* function = host_.find(text);
    if (!function || driver.empty() || function->driver != driver) refuse(write.path, ENODEV);
    if (driver == "vfio-pci" && function->spec.group && host_.held(*function->spec.group)) stuck(write.path, deadline);
    host_.unbind(text);
  } else if (name == "bind") {
    const auto* function = host_.find(text);
    if (!function || !function->driver.empty() || !host_.matches(*function, parent)) refuse(write.path, ENODEV);
    if (parent != "vfio-pci" && function->spec.group && host_.held(*function->spec.group)) refuse(write.path, EBUSY);
    host_.bind(text, parent);
  } else if (name == "nr_hugepages" && last(path.parent_path().parent_path().parent_path()).starts_with("node")) {
    std::uint64_t pages = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pages);
    if (error != std::errc() || end != text.data() + text.size()) refuse(write.path, EINVAL);
    const int node = std::stoi(last(path.parent_path().parent_path().parent_path()).substr(4));
    host_.resize_pool(host_.nodes_.at(node), std::stoull(parent.substr(10)), pages);
  } else {
    host_.set_file(write.path, write.value);
  }
}

void FakeEffects::replace_file(const std::string& path, const std::string& content, unsigned mode) {
  begin("replace", path, "");
  host_.set_file(path, content);
  fs::permissions(host_.path(path), static_cast<fs::perms>(mode));
}

void FakeEffects::overwrite_file(const std::string& path, const std::string& content) {
  begin("overwrite", path, "");
  if (!fs::is_regular_file(host_.path(path)) || fs::file_size(host_.path(path)) != content.size())
    throw Error("write", "/" + path, "it is not such a file");
  host_.set_file(path, content);
}

void FakeEffects::replace_cluster_file(const std::string& path, const std::string& expected,
                                       const std::string& content) {
  begin("replace", path, "");
  hostsplit::replace_cluster_file(host_.root(), path, expected, content, std::chrono::milliseconds(20));
}

void FakeEffects::remove_file(const std::string& path) {
  begin("remove", path, "");
  fs::remove(host_.path(path));
  std::error_code not_empty;
  if (const auto own = own_directory(path); !own.empty()) fs::remove(host_.path(own), not_empty);
}

void FakeEffects::rename_file(const std::string& from, const std::string& to) {
  begin("rename", from, " " + to);
  std::error_code error;
  fs::rename(host_.path(from), host_.path(to), error);
  if (error) throw Error("rename", "/" + from, error.message());
}

void FakeEffects::keep_file(const std::string& path, const std::string& as) {
  begin("keep", path, " " + as);
  // A second name and nothing more: whoever writes the file in place writes this one, too.
  fs::remove(host_.path(as));
  fs::create_hard_link(host_.path(path), host_.path(as));
}

void FakeEffects::copy_file(const std::string& path, const std::string& as) {
  begin("copy", path, " " + as);
  host_.set_file(as, host_.file(path));
}

void FakeEffects::flush(const std::string& path) {
  begin("flush", path, "");
}

/// Proxmox VE's own commands, as tests/pve/proxmox does them.
void FakeEffects::run_stand_in(const std::vector<std::string>& command) const {
  std::vector<std::string> words{std::string(TESTS_DIR) + "/pve/" + command.front(), "--root", host_.directory()};
  words.insert(words.end(), command.begin() + 1, command.end());
  run_program(words, std::chrono::seconds(20));
}

void FakeEffects::run(const std::vector<std::string>& command, std::chrono::milliseconds) {
  std::string joined;
  for (const auto& word : command) joined += (joined.empty() ? "" : " ") + word;
  begin("run", joined, "");
  if (command.size() == 4 && command.front() == "update-initramfs") return host_.build_image(command.back());
  if (command.front() == "update-grub") return host_.build_grub_config();
  if (command.front() == "qm" || command.front() == "pvesm") return run_stand_in(command);
  if (command.empty() || last(command.front()) != "modprobe") return;
  const auto module = drivers_of_modules.find(command.back());
  if (module == drivers_of_modules.end()) return;
  if (module->second == "vfio-pci" && !host_.modules_.contains("vfio_pci")) {
    host_.add_module("vfio_pci");
    host_.add_module("vfio_pci_core", 1, "vfio_pci,");
    host_.add_module("vfio_iommu_type1");
    host_.add_module("vfio", 3, "vfio_pci_core,vfio_iommu_type1,vfio_pci,");
  } else if (module->second != "vfio-pci") {
    host_.add_module(module->first.substr(0, 4) + (module->second == "uhci_hcd" ? "_hcd" : "_pci"));
  }
  host_.register_driver(module->second);
  host_.probe_all();
}

}  // namespace hostsplit::testing
