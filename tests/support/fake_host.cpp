#include "support/fake_host.hpp"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace hostsplit::testing {
namespace fs = std::filesystem;
namespace {

std::string temporary_directory() {
  std::string pattern = (fs::temp_directory_path() / "hostsplit-host.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  return pattern;
}

std::string hex_upper(std::uint32_t number) {
  std::ostringstream text;
  text << std::hex << std::uppercase << number;
  return text.str();
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// Driver and class of the host's own USB drivers.
constexpr struct {
  const char* driver;
  std::uint32_t pci_class;
} usb_drivers[] = {{"uhci_hcd", 0x0c0300}, {"ohci-pci", 0x0c0310}, {"ehci-pci", 0x0c0320}, {"xhci_hcd", 0x0c0330}};

}  // namespace

FakeHost::FakeHost() : directory_(temporary_directory()), temporary_(true) {
  set_kernel("6.17.13-1-pve", "quiet");
}

FakeHost::FakeHost(std::string directory) : directory_(std::move(directory)) {
  set_kernel("6.17.13-1-pve", "quiet");
}

FakeHost::~FakeHost() {
  std::error_code ignored;
  if (temporary_) fs::remove_all(directory_, ignored);
}

void FakeHost::set_file(const std::string& below, const std::string& content) {
  fs::create_directories(fs::path(path(below)).parent_path());
  fs::remove(path(below));  // a new file in its place: what keeps the old one under a second name keeps what it held
  std::ofstream file(path(below), std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) throw std::runtime_error("write " + path(below));
}

void FakeHost::set_link(const std::string& below, const std::string& target) {
  fs::create_directories(fs::path(path(below)).parent_path());
  fs::remove(path(below));
  fs::create_symlink(target, path(below));
}

void FakeHost::link(const std::string& below, const std::string& target_below) {
  set_link(below, fs::path(target_below).lexically_relative(fs::path(below).parent_path()).string());
}

void FakeHost::remove(const std::string& below) {
  fs::remove_all(path(below));
}

std::string FakeHost::file(const std::string& below) const {
  std::ifstream stream(path(below), std::ios::binary);
  if (!stream) throw std::runtime_error("no file " + path(below));
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void FakeHost::set_kernel(const std::string& release, const std::string& command_line) {
  set_file("proc/sys/kernel/osrelease", release + "\n");
  set_file("proc/cmdline", command_line + "\n");
  if (!fs::exists(path("proc/1/mountinfo"))) set_file("proc/1/mountinfo", "");
  if (!fs::exists(path("proc/net/route"))) set_file("proc/net/route", "Iface\tDestination\n");
  fs::create_directories(path("sys/class/input"));
  if (!fs::exists(path("lib/modules/" + release + "/modules.builtin"))) set_builtin({});
  set_file("sys/bus/pci/drivers_probe", "");
  write_modules();
}

void FakeHost::set_builtin(const std::vector<std::string>& modules) {
  std::string text;
  for (const auto& module : modules) text += "kernel/drivers/" + module + ".ko\n";
  auto release = file("proc/sys/kernel/osrelease");
  release.pop_back();
  set_file("lib/modules/" + release + "/modules.builtin", text);
}

void FakeHost::add_module(const std::string& module, int references, const std::string& users) {
  modules_[module] = {references, users};
  write_modules();
}

void FakeHost::write_modules() {
  int open_files = 0;
  for (const auto& [pid, groups] : holders_) open_files += static_cast<int>(groups.size());
  std::string text;
  for (const auto& [name, module] : modules_)
    text += name + " 16384 " + std::to_string(module.references + (name == "vfio" ? open_files : 0)) + " " +
            module.users + " Live 0x0000000000000000\n";
  set_file("proc/modules", text);
}

void FakeHost::add_root_bridge(const std::string& name, const std::string& acpi) {
  fs::create_directories(path("sys/devices/" + name));
  const int number = static_cast<int>(root_bridges_.size());
  root_bridges_.emplace(name, number);
  if (acpi.empty()) return;
  const auto node = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/PNP0A08:0" + std::to_string(number);
  set_file(node + "/path", acpi + "\n");
  link("sys/devices/" + name + "/firmware_node", node);
}

void FakeHost::add_nested_bridge(const std::string& name, const std::string& below) {
  nested_bridges_[name] = function(below).directory + "/" + name;
  fs::create_directories(path(nested_bridges_[name]));
}

void FakeHost::add_pci(const PciSpec& spec) {
  Function function;
  function.spec = spec;
  const bool on_root = spec.below.starts_with("pci");
  const auto nested = nested_bridges_.find(spec.below);
  function.directory = (nested != nested_bridges_.end() ? nested->second
                        : on_root                       ? "sys/devices/" + spec.below
                                                        : this->function(spec.below).directory) +
                       "/" + spec.address;
  const auto& directory = function.directory;
  const auto attribute = [&](const char* name, const std::string& value) {
    set_file(directory + "/" + name, value + "\n");
  };
  attribute("vendor", "0x" + spec.ids.substr(0, 4));
  attribute("device", "0x" + spec.ids.substr(5));
  attribute("subsystem_vendor", "0x" + spec.subsystem.substr(0, 4));
  attribute("subsystem_device", "0x" + spec.subsystem.substr(5));
  attribute("class", class_text(spec.pci_class));
  attribute("numa_node", std::to_string(spec.node));
  attribute("driver_override", "(null)");
  link("sys/bus/pci/devices/" + spec.address, directory);
  fs::create_directories(path("sys/bus/pci/drivers"));
  if (spec.group) {
    const auto group = "sys/kernel/iommu_groups/" + std::to_string(*spec.group);
    set_file(group + "/type", "DMA-FQ\n");
    link(group + "/devices/" + spec.address, directory);
    link(directory + "/iommu_group", group);
    fs::create_directories(path("sys/class/iommu/ivhd0"));
  }
  write_uevent(function);
  const auto entry = functions_.insert_or_assign(spec.address, std::move(function)).first;
  if (spec.driver.empty()) return;
  register_driver(spec.driver);
  bind(entry->first, spec.driver);
}

void FakeHost::write_uevent(const Function& function) {
  const auto& spec = function.spec;
  std::string text = function.driver.empty() ? "" : "DRIVER=" + function.driver + "\n";
  text += "PCI_CLASS=" + hex_upper(spec.pci_class) + "\nPCI_ID=" + upper(spec.ids) + "\n";
  text += "PCI_SUBSYS_ID=" + upper(spec.subsystem) + "\nPCI_SLOT_NAME=" + spec.address + "\n";
  set_file(function.directory + "/uevent", text);
}

FakeHost::Function& FakeHost::function(const std::string& address) {
  const auto entry = functions_.find(address);
  if (entry == functions_.end()) throw std::runtime_error("the fake host has no function " + address);
  return entry->second;
}

const FakeHost::Function* FakeHost::find(const std::string& address) const {
  const auto entry = functions_.find(address);
  return entry == functions_.end() ? nullptr : &entry->second;
}

std::string FakeHost::driver(const std::string& address) const {
  const auto* found = find(address);
  return found ? found->driver : "";
}

void FakeHost::register_driver(const std::string& driver) {
  if (!drivers_.insert(driver).second) return;
  for (const auto* file : {"bind", "unbind", "new_id"}) set_file("sys/bus/pci/drivers/" + driver + "/" + file, "");
}

bool FakeHost::matches(const Function& function, const std::string& driver) const {
  if (!function.driver_override.empty()) {
    if (function.driver_override != driver) return false;
    if (driver == "vfio-pci" || driver == "pci-stub") return true;
  }
  if (driver == function.spec.driver) return true;
  for (const auto& usb : usb_drivers)
    if (driver == usb.driver) return function.spec.pci_class == usb.pci_class;
  return false;
}

void FakeHost::link_driver(const Function& function, bool bound) {
  const auto driver = "sys/bus/pci/drivers/" + function.driver;
  const auto device = driver + "/" + function.spec.address;
  if (!bound) {
    fs::remove(path(device));
    fs::remove(path(function.directory + "/driver"));
    return;
  }
  link(device, function.directory);
  link(function.directory + "/driver", driver);
}

void FakeHost::bind(const std::string& address, const std::string& driver) {
  auto& target = function(address);
  target.driver = driver;
  link_driver(target, true);
  write_uevent(target);
  if (driver == "vfio-pci" && target.spec.group) set_file("dev/vfio/" + std::to_string(*target.spec.group), "");
  if (target.ports && driver != "vfio-pci" && driver != "pci-stub") raise_root_hubs(target);
}

void FakeHost::unbind(const std::string& address) {
  auto& target = function(address);
  if (target.driver.empty()) return;
  lower_root_hubs(target);
  link_driver(target, false);
  target.driver.clear();
  write_uevent(target);
}

void FakeHost::probe(const std::string& address) {
  const auto& target = function(address);
  if (!target.driver.empty()) return;
  const bool claimed = target.spec.group && held(*target.spec.group);
  for (const auto& driver : drivers_) {
    if (!matches(target, driver) || (claimed && driver != "vfio-pci")) continue;
    return bind(address, driver);
  }
}

void FakeHost::probe_all() {
  for (const auto& [address, function] : functions_) probe(address);
}

bool FakeHost::held(int group) const {
  for (const auto& [pid, groups] : holders_)
    if (groups.contains(group)) return true;
  return false;
}

void FakeHost::hold_group(int pid, int group, std::optional<int> vm, const std::string& command) {
  const auto directory = "proc/" + std::to_string(pid);
  std::string arguments = "/usr/bin/" + command;
  arguments += '\0';
  if (vm) arguments += std::string("-id") + '\0' + std::to_string(*vm) + '\0';
  set_file(directory + "/comm", command + "\n");
  set_file(directory + "/cmdline", arguments);
  const auto number = 30 + static_cast<int>(holders_[pid].size());
  set_link(directory + "/fd/" + std::to_string(number), "/dev/vfio/" + std::to_string(group));
  holders_[pid].insert(group);
  write_modules();
}

void FakeHost::release_group(int pid) {
  holders_.erase(pid);
  remove("proc/" + std::to_string(pid));
  write_modules();
}

}  // namespace hostsplit::testing
