#include "core/steps/steps.hpp"

#include <algorithm>

#include "core/base/names.hpp"

namespace hostsplit {

Step bind_step(const PciFunction& function, std::string to, std::optional<std::string> final_override,
               std::string reason) {
  Bind bind{function.address,          function.fingerprint, function.driver, std::move(to),
            std::move(final_override), function.group,       std::nullopt,    {}};
  return {"bind " + to_string(function.address), std::move(bind), std::move(reason)};
}

std::optional<Step> return_step(const PciFunction& function, const BindingBefore& before, std::string reason) {
  if (before.unknown ? function.driver != names::vfio_driver
                     : function.driver == before.driver && function.driver_override == before.driver_override)
    return std::nullopt;
  Step step = bind_step(function, before.driver, before.driver_override, std::move(reason));
  std::get<Bind>(step.action).by_kernel = before.unknown;
  return step;
}

std::vector<Step> module_steps(const Snapshot& snapshot, const std::vector<Step>& binds) {
  const bool needed = std::any_of(binds.begin(), binds.end(), [](const Step& step) {
    return std::get<Bind>(step.action).to == names::vfio_driver;
  });
  if (!needed || snapshot.pci_drivers.count(names::vfio_driver)) return {};
  return {{"load vfio-pci", LoadModule{names::vfio_driver}, "no driver vfio-pci is registered yet"}};
}

Step forget_step(const std::string& path, std::string reason) {
  return {"forget " + path, RemoveFile{path}, std::move(reason)};
}

std::set<PciAddress> moving(const std::vector<Step>& steps) {
  std::set<PciAddress> addresses;
  for (const auto& step : steps)
    if (const auto* bind = std::get_if<Bind>(&step.action)) addresses.insert(bind->address);
  return addresses;
}

bool touches_pool(const Step& step) {
  return std::holds_alternative<Reserve>(step.action);
}

}  // namespace hostsplit
