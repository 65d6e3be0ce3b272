#include "service/work/shutdown_inhibitor.hpp"

#include <fcntl.h>
#include <systemd/sd-bus.h>

#include <memory>
#include <optional>

#include "core/base/names.hpp"
#include "service/loop/system_bus.hpp"

namespace hostsplit {

namespace {

/// The work, which holds the lock, waits for it; going on without is the lesser evil.
constexpr std::chrono::milliseconds patience_with_logind{2000};

}  // namespace

ShutdownInhibitor::ShutdownInhibitor(const char* why) {
  const SystemBus bus = open_system_bus(patience_with_logind);
  if (!bus) return;
  sd_bus_message* answer = nullptr;
  if (sd_bus_call_method(bus.get(), "org.freedesktop.login1", "/org/freedesktop/login1",
                         "org.freedesktop.login1.Manager", "Inhibit", nullptr, &answer, "ssss", "shutdown:sleep",
                         names::program, why, "block") < 0)
    return;
  const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owner(answer, &sd_bus_message_unref);
  int fd = -1;
  // The descriptor belongs to the message: a copy of it outlives that.
  if (sd_bus_message_read(answer, "h", &fd) >= 0) lock_.reset(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

Progress inhibiting_shutdown(Progress inner) {
  return
      [inner = std::move(inner), held = std::make_shared<std::optional<ShutdownInhibitor>>()](const StepProgress& at) {
        if (!at.result && std::holds_alternative<RebuildInitramfs>(at.step.action))
          held->emplace("the initramfs is being rebuilt");
        if (!at.result && std::holds_alternative<RefreshBootLoader>(at.step.action))
          held->emplace("the boot loader's menu is being rebuilt");
        if (at.result) held->reset();
        if (inner) inner(at);
      };
}

}  // namespace hostsplit
