#include "phone/serve.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <vector>

#include "phone/page_server.hpp"
#include "phone/qr.hpp"

namespace hostsplit {
namespace {

class Channel {
 public:
  explicit Channel(int fd) : fd_(fd), buffer_(most_to_page) {}

  void send(const PhoneMessage& message) {
    const std::string text = encode(message);
    if (text.size() <= most_from_page) ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  /// \return empty when the other end is gone
  std::optional<PhoneMessage> receive() {
    ssize_t size = 0;
    do size = recv(fd_, buffer_.data(), buffer_.size(), 0);
    while (size < 0 && errno == EINTR);
    if (size <= 0) return std::nullopt;
    return decode({buffer_.data(), static_cast<std::size_t>(size)});
  }

 private:
  int fd_;
  std::vector<char> buffer_;
};

/// Whoever takes this process over is to find as little as possible.
void confine() {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_NPROC, &none);
}

void follow(PageServer& server, const PhoneMessage& message) {
  if (message.word == "state") server.show(message.text);
  if (message.word == "taken") server.reply(true, message.text);
  if (message.word == "refused") server.reply(false, message.text);
}

void serve(Channel& channel, int fd, PageServer& server) {
  bool opened = false;
  for (;;) {
    pollfd items[2] = {{fd, POLLIN, 0}, {server.descriptor(), POLLIN, 0}};
    if (poll(items, 2, server.longest_wait()) < 0 && errno != EINTR) return;
    if (items[0].revents != 0) {
      const auto message = channel.receive();
      if (!message) return;
      follow(server, *message);
    }
    server.work();
    if (!opened && server.opened()) {
      opened = true;
      channel.send({"opened"});
    }
    if (const auto answer = server.answer()) channel.send({"answer", to_text(*answer)});
  }
}

}  // namespace

int serve_phone_page(int channel_fd, int listener) {
  confine();
  Channel channel(channel_fd);
  const auto first = channel.receive();
  const auto start = first && first->word == "start" ? start_from(first->text) : std::nullopt;
  if (!start) return EXIT_FAILURE;
  PageServer server(listener, *start);
  channel.send({"ready", to_text(qr_of(start->url()))});
  serve(channel, channel_fd, server);
  return EXIT_SUCCESS;
}

}  // namespace hostsplit
