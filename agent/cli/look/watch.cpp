#include "cli/look/watch.hpp"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>

#include "host/system/unique_fd.hpp"
#include "operations/report/colour.hpp"

namespace hostsplit::cli {
namespace {

constexpr int period_ms = 2000;
/// A plug comes as a handful of events within some milliseconds.
constexpr int settle_ms = 200;

volatile std::sig_atomic_t stop = 0;

/// Signals that end it; a change of the window only interrupts the wait.
class Signals {
 public:
  Signals() {
    struct sigaction action {};
    action.sa_handler = [](int number) {
      if (number != SIGWINCH) stop = 1;
    };
    for (std::size_t i = 0; i < numbers.size(); ++i) sigaction(numbers[i], &action, &before_[i]);
  }
  ~Signals() {
    for (std::size_t i = 0; i < numbers.size(); ++i) sigaction(numbers[i], &before_[i], nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  static constexpr std::array<int, 4> numbers{SIGINT, SIGTERM, SIGHUP, SIGWINCH};
  std::array<struct sigaction, 4> before_{};
};

/// The other screen of the terminal, without a cursor; what was on the usual one is there again afterwards.
class OtherScreen {
 public:
  OtherScreen() { std::cout << "\033[?1049h\033[?25l" << std::flush; }
  ~OtherScreen() { std::cout << "\033[?25h\033[?1049l" << std::flush; }
  OtherScreen(const OtherScreen&) = delete;
  OtherScreen& operator=(const OtherScreen&) = delete;

  /// Draws over what is there, line by line, so that nothing flickers. The last row says how it ends, and how many
  /// lines had no room.
  static void draw(const std::string& text) {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
    const std::size_t rows = known ? size.ws_row : 24u;
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const std::size_t shown = std::min(lines, rows - 1);
    std::string drawn = "\033[H";
    std::size_t begin = 0;
    for (std::size_t i = 0; i < shown; ++i) {
      const auto end = text.find('\n', begin);
      drawn += text.substr(begin, end - begin) + "\033[K\n";
      begin = end + 1;
    }
    const auto left_out = shown < lines ? std::to_string(lines - shown) + " more lines. " : std::string();
    std::cout << drawn << left_out << "Watching. Ctrl-C ends.\033[K\033[J" << std::flush;
  }
};

/// Events of the kernel about devices (NETLINK_KOBJECT_UEVENT, group 1), which anybody may listen to.
class DeviceEvents {
 public:
  DeviceEvents() : socket_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;
    if (socket_.get() >= 0 && bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      socket_ = UniqueFd();
  }

  /// Returns after an event and what comes with it, after the period, or at a signal.
  void wait() {
    pollfd item{socket_.get(), POLLIN, 0};
    if (poll(&item, 1, period_ms) <= 0) return;
    // In a storm it does not wait for the end.
    for (int waited = 0; !stop && waited < period_ms; waited += settle_ms) {
      drain();
      if (poll(&item, 1, settle_ms) <= 0) return;
    }
  }

 private:
  void drain() {
    std::array<char, 8192> event;
    while (recv(socket_.get(), event.data(), event.size(), 0) > 0) {
    }
  }

  UniqueFd socket_;
};

}  // namespace

int watch(const std::function<Picture()>& look, bool plain) {
  const Signals signals;
  DeviceEvents events;
  Picture picture = look();
  if (plain || !stdout_is_screen()) {
    for (;;) {
      std::cout << picture.text << "\n" << std::flush;
      if (stop || !std::cout) return picture.code;
      events.wait();
      if (stop) return picture.code;
      picture = look();
    }
  }
  {
    const OtherScreen screen;
    for (;;) {
      OtherScreen::draw(picture.text);
      events.wait();
      if (stop) break;
      picture = look();
    }
  }
  std::cout << picture.text;
  return picture.code;
}

}  // namespace hostsplit::cli
