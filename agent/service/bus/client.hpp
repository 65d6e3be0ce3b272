#pragma once
#include <functional>
#include <memory>
#include <string>

#include "operations/report/preview.hpp"
#include "service/work/protocol.hpp"

namespace hostsplit {

/// The running service as the command line sees it, over the system bus. All calls wait. polkit may ask the user for a
/// password while they do, where a terminal agent or a desktop is there to ask.
class ServiceClient {
 public:
  /// \return nullptr when no service runs, or there is no bus. Does not start one.
  static std::unique_ptr<ServiceClient> connect();
  ~ServiceClient();
  ServiceClient(const ServiceClient&) = delete;
  ServiceClient& operator=(const ServiceClient&) = delete;

  /// Each throws Error with the service's own sentence, or what is wrong with the bus or the authorization.
  Preview preview(const Request& request, bool colour);
  /// Has "apply", "undo", "setup", "take" or "release" done. \param stop_asked  asked now and then; true cancels what
  /// has not begun yet
  WorkResult run(const WorkRequest& request, const std::function<void(const WorkProgress&)>& tell,
                 const StopAsked& stop_asked);
  void rename(const std::string& from, const std::string& to);
  void forget(const std::string& label);

 private:
  struct Connection;
  explicit ServiceClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace hostsplit
