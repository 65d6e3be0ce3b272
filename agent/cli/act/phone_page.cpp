#include "cli/act/phone_page.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <vector>

#include "cli/act/learn_parts.hpp"
#include "cli/act/phone_process.hpp"
#include "core/base/error.hpp"
#include "host/system/secret.hpp"
#include "operations/report/learn_state.hpp"

namespace hostsplit::cli {
namespace {

constexpr int start_patience_ms = 10000;

union Address {
  sockaddr any;
  sockaddr_in four;
  sockaddr_in6 six;
};

socklen_t size_of(const Address& address) {
  return address.any.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

Address address_of(const PhonePlace& place) {
  Address address{};
  if (place.v6()) {
    address.six.sin6_family = AF_INET6;
    address.six.sin6_port = htons(place.port);
    inet_pton(AF_INET6, place.address.c_str(), &address.six.sin6_addr);
  } else {
    address.four.sin_family = AF_INET;
    address.four.sin_port = htons(place.port);
    inet_pton(AF_INET, place.address.c_str(), &address.four.sin_addr);
  }
  return address;
}

PhonePlace place_at(int fd) {
  Address address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (getsockname(fd, &address.any, &size) != 0) return {};
  if (address.any.sa_family == AF_INET6)
    return {inet_ntop(AF_INET6, &address.six.sin6_addr, text, sizeof text), ntohs(address.six.sin6_port)};
  return {inet_ntop(AF_INET, &address.four.sin_addr, text, sizeof text), ntohs(address.four.sin_port)};
}

/// The address from which this host would send to `far`, an address of documentation. Nothing is sent: UDP.
std::string address_towards(const char* far) {
  const Address there = address_of({far, 9});
  const UniqueFd probe(socket(there.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), &there.any, size_of(there)) != 0) return "";
  return place_at(probe.get()).address;
}

std::string own_address() {
  for (const char* far : {"192.0.2.1", "2001:db8::1"})
    if (auto address = address_towards(far); !address.empty()) return address;
  throw Error("serve", "the phone page",
              "this host has no default route, so it is unknown which address a phone can reach",
              "Give the address: hostsplit learn --web=192.168.1.10", Error::Kind::bad_input);
}

UniqueFd listen_at(const PhonePlace& place) {
  const Address address = address_of(place);
  UniqueFd fd(socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  // Only for a port that was chosen: the next run is to get it again at once.
  if (place.port != 0) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (place.v6()) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (fd.get() < 0 || bind(fd.get(), &address.any, size_of(address)) != 0 || listen(fd.get(), 8) != 0) {
    const int why = errno;
    throw Error("listen on", authority(place), std::strerror(why),
                why == EADDRNOTAVAIL ? "Give an address of this host." : "Give another port, or none.",
                Error::Kind::bad_input);
  }
  return fd;
}

}  // namespace

std::string PhonePage::program() {
  std::error_code unreadable;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", unreadable);
  return (own.parent_path() / "phone-page").string();
}

PhonePage::PhonePage(const PhonePlace& place, const std::string& program) {
  const UniqueFd listener = listen_at(place.address.empty() ? PhonePlace{own_address(), place.port} : place);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("start", "the phone page", std::strerror(errno));
  channel_.reset(ends[0]);
  UniqueFd its(ends[1]);
  child_ = start_phone_process(program, its.get(), listener.get());
  its.reset();
  try {
    start(place_at(listener.get()));
  } catch (...) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    throw;
  }
}

void PhonePage::start(const PhonePlace& place) {
  const PhoneStart start{authority(place), new_secret(), new_secret(), new_secret()};
  url_ = start.url();
  send({"start", to_text(start)});
  pollfd item{channel_.get(), POLLIN, 0};
  std::optional<PhoneMessage> first;
  if (poll(&item, 1, start_patience_ms) > 0) first = receive(MSG_DONTWAIT);
  if (!first || first->word != "ready")
    throw Error("start", "the phone page", "its program did not start",
                "It needs libraries that the package only recommends: apt install libmicrohttpd12 libqrencode4");
  if (terminal_is_utf8()) code_ = code_from(first->text);
}

PhonePage::~PhonePage() {
  channel_.reset();
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
}

/// \return false when the child does not read now.
bool PhonePage::send(const PhoneMessage& message) {
  const std::string text = encode(message);
  if (gone_ || text.size() > most_to_page) return true;
  if (::send(channel_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  if (errno != EAGAIN && errno != EINTR) gone_ = true;
  return false;
}

std::optional<PhoneMessage> PhonePage::receive(int flags) {
  char buffer[most_from_page];
  const ssize_t size = recv(channel_.get(), buffer, sizeof buffer, flags);
  if (size > 0) return decode({buffer, static_cast<std::size_t>(size)});
  if (size == 0 || (errno != EAGAIN && errno != EINTR)) gone_ = true;
  return std::nullopt;
}

void PhonePage::show(const std::string& state) {
  if (state != shown_ && send({"state", state})) shown_ = state;
}

std::optional<PhoneAnswer> PhonePage::answer() {
  const auto message = gone_ ? std::nullopt : receive(MSG_DONTWAIT);
  if (!message) return std::nullopt;
  if (message->word == "opened") opened_ = true;
  if (message->word != "answer") return std::nullopt;
  return answer_from(message->text);
}

void PhonePage::reply(bool taken, const std::string& sentence) {
  send({taken ? "taken" : "refused", answer_state(taken, sentence)});
}

}  // namespace hostsplit::cli
