#include "host/act/binding.hpp"

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/quarantine.hpp"

namespace hostsplit {
namespace {

/// Long enough for an xHCI with a wedged transfer, short enough for the service's watchdog.
constexpr std::chrono::milliseconds bind_deadline{10000};

std::string device_path(const PciAddress& address) {
  return "sys/bus/pci/devices/" + to_string(address);
}

std::string bound_driver(const Root& root, const PciAddress& address) {
  return root.link_name(device_path(address) + "/driver").value_or("");
}

/// The kernel takes "\n" as "no override" and drops an empty write.
AttributeWrite override_write(const PciAddress& address, const std::optional<std::string>& driver) {
  return {device_path(address) + "/driver_override", driver.value_or("") + "\n"};
}

/// \return the driver it has now
std::string require_identity(const Root& root, const Bind& bind) {
  auto there = read_occupant(root, bind.address);
  if (there && there->function == bind.function) return std::move(there->driver);
  throw Error("move", to_string(bind.address),
              there ? "another device sits there now: " + describe(there->function) : "nothing sits there any more",
              "Run hostsplit plan again.");
}

void require_driver(const Root& root, const Bind& bind) {
  const std::string found = bound_driver(root, bind.address);
  if (bind.by_kernel ? found != names::vfio_driver : found == bind.to) return;
  throw Error("move", to_string(bind.address),
              "the kernel accepted it, but the driver is " + (found.empty() ? "none" : found) + ", not " +
                  (bind.by_kernel    ? "one of the host"
                   : bind.to.empty() ? "none"
                                     : bind.to),
              "See the kernel log: journalctl -k -g " + to_string(bind.address));
}

std::vector<AttributeWrite> moving_writes(const Bind& bind, const std::string& bound) {
  const std::string address = to_string(bind.address);
  std::vector<AttributeWrite> writes;
  // While the override names a driver, no other may take the function in between.
  if (bind.by_kernel)
    writes.push_back(override_write(bind.address, std::nullopt));
  else
    writes.push_back(override_write(bind.address, bind.to.empty() ? std::string("none") : bind.to));
  if (!bound.empty()) writes.push_back({device_path(bind.address) + "/driver/unbind", address});
  if (!bind.to.empty() || bind.by_kernel) writes.push_back({"sys/bus/pci/drivers_probe", address});
  return writes;
}

}  // namespace

void give_back(const Root& root, Effects& effects, const Bind& bind) try {
  if (bind.from.empty() || bind.from == names::vfio_driver) return;
  if (!bound_driver(root, bind.address).empty()) return;
  effects.write_attributes({override_write(bind.address, bind.from),
                            {"sys/bus/pci/drivers_probe", to_string(bind.address)},
                            override_write(bind.address, std::nullopt)},
                           bind_deadline);
} catch (const Error&) {
  // The error that led here is the one to report.
}

void bind_function(const Root& root, Effects& effects, const Bind& bind) {
  require_answering(root, bind.address);
  const std::string bound = require_identity(root, bind);
  try {
    if (bind.by_kernel ? bound == names::vfio_driver : bound != bind.to)
      effects.write_attributes(moving_writes(bind, bound), bind_deadline);
    effects.read_back(device_path(bind.address) + "/driver", [&] { require_driver(root, bind); });
  } catch (const Stuck&) {
    throw;  // whatever is written to it now waits as well
  } catch (const Error&) {
    give_back(root, effects, bind);
    throw;
  }
  const bool override_stays = bind.final_override == bind.to && bound != bind.to;
  if (!override_stays) effects.write_attributes({override_write(bind.address, bind.final_override)}, bind_deadline);
}

}  // namespace hostsplit
