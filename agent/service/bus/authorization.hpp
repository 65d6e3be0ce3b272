#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <string>

struct sd_bus;
struct sd_bus_message;

namespace hostsplit {

/// Who may change the machine: root, and whoever polkit lets (systemd/org.hostsplit.policy). Asks without waiting, so
/// that the loop goes on while somebody types a password. Without polkit only root remains.
class Authorization {
 public:
  /// \param bus  must outlive this object
  explicit Authorization(sd_bus* bus);
  ~Authorization();
  Authorization(const Authorization&) = delete;
  Authorization& operator=(const Authorization&) = delete;

  /// Calls `allowed` some time later, or answers the call with an error. An exception out of `allowed` becomes the
  /// answer, too. polkit may ask the caller for a password only if the call allows interactive authorization.
  /// \param action  id of a polkit action   \param allowed  is given the caller's user id, and must answer the call
  /// \return for the method callback: 1, or a negative errno when it cannot even be asked.
  int check(sd_bus_message* call, const char* action, std::function<void(std::uint32_t uid)> allowed);
  /// The same for what everybody may: only who asks is found out.
  int identify(sd_bus_message* call, std::function<void(std::uint32_t uid)> known);

 private:
  struct Pending;
  void on_user(Pending& pending, sd_bus_message* reply);
  void on_polkit(Pending& pending, sd_bus_message* reply);
  bool too_many(const char* sender) const;
  long waiting(std::uint32_t uid) const;
  int ask_polkit(Pending& pending);
  void finish(Pending& pending, bool allowed, const char* error, const std::string& why);

  sd_bus* bus_;
  std::list<Pending> pending_;
};

}  // namespace hostsplit
