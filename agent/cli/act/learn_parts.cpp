#include "cli/act/learn_parts.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "service/loop/usb_descriptors.hpp"

namespace hostsplit::cli {
namespace {

volatile std::sig_atomic_t came = 0;
constexpr int noted[] = {SIGINT, SIGTERM, SIGHUP};

sigset_t noted_set() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : noted) sigaddset(&set, signal);
  return set;
}

}  // namespace

void note_signals() {
  came = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { came = 1; };
  for (const int signal : noted) sigaction(signal, &action, nullptr);
}

void forget_signals() {
  for (const int signal : noted) std::signal(signal, SIG_DFL);
}

bool signal_came() {
  return came != 0;
}

int wait_or_signal(std::span<pollfd> items, std::chrono::milliseconds longest) {
  const sigset_t blocked = noted_set();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const timespec limit{longest.count() / 1000, longest.count() % 1000 * 1000000};
  // Between the question and the wait none can come.
  const int ready = came != 0 ? -1 : ppoll(items.data(), items.size(), longest.count() < 0 ? nullptr : &limit, &before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return ready;
}

bool terminal_is_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(variable); value && *value != '\0') {
      const std::string_view locale(value);
      for (const char* name : {"UTF-8", "utf-8", "UTF8", "utf8"})
        if (locale.find(name) != std::string_view::npos) return true;
      return false;
    }
  return false;
}

bool terminal_is_dumb() {
  const char* term = std::getenv("TERM");
  return !term || *term == '\0' || std::string_view(term) == "dumb";
}

std::string half_hint(const LearnedPort& port, const UsbDevice& device) {
  if (port.usb3 && port.usb3->seen) return "";
  if (device.half == UsbHalf::usb2 && superspeed_capable(device.bus, device.number).value_or(false))
    return "; the stick can do SuperSpeed but came up at " + device.speed +
           " Mbit/s: this socket's USB3 half has not been seen";
  return "";
}

}  // namespace hostsplit::cli
