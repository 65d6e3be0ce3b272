#pragma once
#include <memory>
#include <string>

#include "core/phone/access.hpp"
#include "core/phone/messages.hpp"

namespace hostsplit {

/// Serves the page of `hostsplit learn --web` over HTTP, in one thread, as far as PhoneAccess lets anybody in.
class PageServer {
 public:
  /// \param listener  a socket that listens; the server closes it \throws Error
  PageServer(int listener, const PhoneStart& start);
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  int descriptor() const;    ///< readable when there is something to do
  int longest_wait() const;  ///< milliseconds until work() is to be called all the same
  void work();

  void show(std::string state);
  /// A name that came; at most one at a time. It is answered with reply().
  std::optional<PhoneAnswer> answer();
  void reply(bool taken, std::string json);
  bool opened() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace hostsplit
