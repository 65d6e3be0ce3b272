#pragma once
#include <systemd/sd-bus.h>

#include <exception>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "service/bus/budget.hpp"

namespace hostsplit {

/// \return the D-Bus error name for an exception.
inline const char* bus_error_name(const std::exception& failure) {
  if (dynamic_cast<const OverBudget*>(&failure) != nullptr) return SD_BUS_ERROR_LIMITS_EXCEEDED;
  const auto* error = dynamic_cast<const Error*>(&failure);
  return error != nullptr && error->kind() == Error::Kind::bad_input ? names::bus_error_bad_input
                                                                     : names::bus_error_failed;
}

/// The funnel of all bus callbacks: an exception becomes the answer.
template <class Body>
int answer(sd_bus_error* error, Body&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& failure) {
    return sd_bus_error_set(error, bus_error_name(failure), failure.what());
  }
}

}  // namespace hostsplit
