#include "service/work/interruption.hpp"

#include <csignal>
#include <initializer_list>

namespace hostsplit {
namespace {

volatile std::sig_atomic_t interruption_seen = 0;

void on(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, nullptr);
}

}  // namespace

void finish_steps() {
  const auto remember = [](int) { interruption_seen = 1; };
  on(SIGTERM, remember, 0);
  on(SIGINT, remember, static_cast<int>(SA_RESETHAND));
  for (const int signal : {SIGHUP, SIGPIPE}) on(signal, SIG_IGN, 0);
}

bool interrupted() {
  return interruption_seen != 0;
}

}  // namespace hostsplit
