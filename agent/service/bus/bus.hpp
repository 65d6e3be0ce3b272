#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "operations/report/preview.hpp"
#include "operations/status.hpp"
#include "service/bus/authorization.hpp"
#include "service/bus/budget.hpp"
#include "service/loop/event_loop.hpp"
#include "service/work/protocol.hpp"

struct sd_bus;
struct sd_bus_message;

namespace hostsplit {

/// What the bus object does when it is asked. Functions may throw; the caller gets the sentence as a D-Bus error. None
/// may wait for anything.
struct BusHandlers {
  /// Given what returns a result or throws why there is none.
  template <class Result>
  using Send = std::function<void(const std::function<Result()>& result)>;

  std::function<std::string()> describe;        ///< JSON
  std::function<void(Send<std::string>)> plan;  ///< JSON, sent later
  std::function<Status()> status;               ///< as of the last look
  std::function<void(const Request& request, bool colour, Send<Preview>)> preview;
  /// \param uid  of whoever asks, for the log   \return the number of the job
  std::function<unsigned(const WorkRequest& request, std::uint32_t uid)> start;
  std::function<void(unsigned job)> cancel;
  std::function<void(const std::string& from, const std::string& to)> rename;
  std::function<void(const std::string& label)> forget;
  std::function<void(const std::vector<std::string>& labels)> learn;
  std::function<void()> stop_learning;
  std::function<void()> reload;
  std::function<bool()> configured, applied, learning;
  std::function<std::uint64_t()> drift_repairs, looks;
  std::function<void()>
      disconnected;  ///< the bus went away, or never let us in; not to be used to end the Bus, which is in use
};

/// The object /org/hostsplit on the system bus (docs/bus.md). Everybody may ask; who may change the machine is decided
/// by polkit. Nothing here waits.
class Bus {
 public:
  /// Joins it without waiting; see settle() and lost(). \throws Error without a system bus.
  Bus(sd_event* loop, BusHandlers handlers);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Signals. A lost signal is ignored: whoever missed it can ask.
  void port_changed(const std::string& label, const std::string& controller, const std::string& device) noexcept;
  void drift_repaired(const std::string& controller) noexcept;
  void finding_raised(const Finding& finding) noexcept;
  void job_progress(unsigned job, const WorkProgress& progress) noexcept;
  void job_finished(unsigned job, const WorkResult& result) noexcept;
  /// \param kind  "learned", "known", "refused", "unplugged", ... as `hostsplit learn` says it
  void learn_progress(const std::string& kind, const std::string& label, const std::string& controller,
                      const std::string& path, const std::string& sentence) noexcept;
  /// Announces new values of Configured, Applied, Learning and DriftRepairs where they differ from the last time.
  void properties_changed() noexcept;

  /// Waits until the name is ours, but not longer. \return whether it is.
  bool settle(std::chrono::milliseconds patience);
  /// The connection is alive, or being made. A bus that was restarted needs a new object.
  bool connected() const;
  /// The name is ours, or was before the bus went away.
  bool joined() const { return joined_; }
  /// Why it is not connected, as far as that is known.
  const std::string& lost() const { return lost_; }

  const BusHandlers& handlers() const { return handlers_; }
  Authorization& authorization() { return *authorization_; }
  const std::shared_ptr<Answers>& answers() { return answers_; }

 private:
  struct Values {
    bool configured = false, applied = false, learning = false;
    std::uint64_t drift_repairs = 0;
  };
  void connect(sd_event* loop);
  void on_name(sd_bus_message* answer);
  void lose(const std::string& why);
  Values values() const;
  template <class... Arguments>
  void emit(const char* signal, const char* types, Arguments... arguments) noexcept;

  BusHandlers handlers_;
  sd_bus* bus_ = nullptr;
  std::unique_ptr<Authorization> authorization_;
  std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  Values told_;
  EventSource late_ = own(nullptr);
  bool joined_ = false;
  std::string lost_;
};

}  // namespace hostsplit
