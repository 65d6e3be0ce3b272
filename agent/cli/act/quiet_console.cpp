#include "cli/act/quiet_console.hpp"

#include <fcntl.h>
#include <sys/klog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>

#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit::cli {
namespace {

/// syslog(2), SYSLOG_ACTION_CONSOLE_LEVEL, and the level at which only "system is unusable" is printed.
constexpr int set_level = 8, emergencies_only = 1;

/// Waits until nobody holds the other end any more, whatever ended them.
[[noreturn]] void put_back_at_the_end(int alive, int level) {
  setsid();  // who kills the process group, kills all but this
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::signal(signal, SIG_IGN);
  char byte = 0;
  while (read(alive, &byte, 1) < 0 && errno == EINTR) {
  }
  klogctl(set_level, nullptr, level);
  _exit(0);
}

/// One of the virtual terminals, which all show the console tty0: "tty1".
bool is_virtual(std::string_view name) {
  return name.starts_with("tty") && name.size() > 3 &&
         std::all_of(name.begin() + 3, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

bool is_console(std::string_view terminal, std::string_view active) {
  if (!terminal.starts_with("/dev/")) return false;
  const auto name = terminal.substr(5);
  if (name == "console") return true;
  for (std::string_view rest = active; !rest.empty();) {
    const auto console = trimmed(cut(rest, ' '));
    if (console == name || (is_virtual(console) && is_virtual(name))) return true;
  }
  return false;
}

int console_level(std::string_view printk) {
  const auto end = printk.find_first_of(" \t\n");
  return parse_number<int>(printk.substr(0, end)).value_or(0);
}

QuietConsole::QuietConsole(const Root& root) {
  const char* terminal = ttyname(STDOUT_FILENO);
  if (!root.live() || !terminal || !is_console(terminal, root.read("sys/class/tty/console/active").value_or("")))
    return;
  const int level = console_level(root.read("proc/sys/kernel/printk").value_or(""));
  int ends[2];
  if (level <= emergencies_only || pipe2(ends, O_CLOEXEC) != 0) return;
  UniqueFd waiting(ends[0]);
  alive_.reset(ends[1]);
  guardian_ = fork();
  if (guardian_ == 0) {
    close(ends[1]);
    put_back_at_the_end(ends[0], level);
  }
  // Without somebody to put it back it stays as it is.
  if (guardian_ > 0) klogctl(set_level, nullptr, emergencies_only);
}

QuietConsole::~QuietConsole() {
  alive_.reset();
  if (guardian_ > 0)
    while (waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace hostsplit::cli
