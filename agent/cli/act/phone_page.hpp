#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "core/phone/messages.hpp"
#include "core/phone/place.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit::cli {

/// The page of `hostsplit learn --web`, as seen by the process that learns. It is served by a child process without
/// rights, which has the listening socket and one end of a socket to here, nothing else. The page is gone when this
/// object goes, and when this process ends in whatever way.
class PhonePage {
 public:
  /// The program beside this one that serves it.
  static std::string program();

  /// Listens, and waits until the child serves. \throws Error(bad_input) where that address is not this host's; Error
  /// where there is no address, or the child does not start.
  PhonePage(const PhonePlace& place, const std::string& program);
  ~PhonePage();
  PhonePage(const PhonePage&) = delete;
  PhonePage& operator=(const PhonePage&) = delete;

  /// With the token: whoever opens it first has the page.
  const std::string& url() const { return url_; }
  const QrCode& code() const { return code_; }       ///< of the URL; none where the terminal is not UTF-8
  int descriptor() const { return channel_.get(); }  ///< readable when something came

  /// Shows that state from now on. \param state  as learn_state() gives it
  void show(const std::string& state);
  /// The next answer that came, without waiting. Each is to be answered with reply().
  std::optional<PhoneAnswer> answer();
  void reply(bool taken, const std::string& sentence);

  bool opened() const { return opened_; }  ///< somebody has it
  bool gone() const { return gone_; }      ///< the child has ended

 private:
  bool send(const PhoneMessage& message);
  std::optional<PhoneMessage> receive(int flags);
  void start(const PhonePlace& place);

  UniqueFd channel_;
  pid_t child_ = -1;
  std::string url_, shown_;
  QrCode code_;
  bool opened_ = false, gone_ = false;
};

}  // namespace hostsplit::cli
