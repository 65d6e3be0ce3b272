#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/store/quarantine.hpp"
#include "service/reconciler/boot_watch.hpp"
#include "service/reconciler/drift.hpp"
#include "service/reconciler/finding_log.hpp"
#include "service/reconciler/owner_mail.hpp"
#include "service/reconciler/pool_watch.hpp"
#include "service/reconciler/port_watch.hpp"
#include "service/reconciler/repair_policy.hpp"

namespace hostsplit {

/// The request that carries out a repair plan.
Repair repair_of(const Plan& due);

/// The daemon without its loop: looks, tells what happened at the ports, and keeps true what was applied.
/// With nothing applied, or with `hostsplit=off` on the kernel command line, it only observes.
class Reconciler {
 public:
  using Time = RepairPolicy::Time;

  /// Who else wants to know, and who repairs. All may be empty.
  struct Listener {
    std::function<void(const PortEvent&)> port;
    std::function<void(const std::string& controller)> repaired;
    std::function<void(const Finding&)> finding = {};  ///< a new one
    /// Starts the repair elsewhere; repair_ended() or repair_postponed() follows. Empty: it is done within the look.
    std::function<void(const Plan& due)> start_repair = {};
  };
  Reconciler(const Context& context, Listener listener);
  Reconciler(const Reconciler&) = delete;  // its parts refer to its context

  /// One look and what follows from it. \throws Error only when the machine cannot be looked at.
  void look(Time now);
  /// Tries again what was given up; the next look acts.
  void try_all_again();

  /// How the repair that was started ended.
  void repair_ended(const std::vector<StepResult>& results, Time now);
  /// Nothing was done: another hostsplit holds the lock, the machine changed meanwhile, the worker is out of reach.
  void repair_postponed(const std::string& why, Time now);
  /// A repair was started and has not ended.
  bool repairing() const { return repairing_.has_value(); }
  /// Audit records somebody else could not write.
  void lost_audit(unsigned records) { lost_audit_ += records; }

  /// BootWatch::check with the last look.
  void check_health(const HealthSigns& signs);
  /// There is nothing to check_health (any more).
  bool health_checked() const { return boot_.checked(state_); }

  /// Has what root is to hear of sent by hostsplit-mail.path. \throws Error when it cannot be written.
  void send_mail(Time now);

  /// When to look again although nothing happened: a repair or a sum waits. Empty when none does.
  std::optional<Time> next_look() const;
  /// What was seen in the last look.
  const State& state() const { return state_; }
  /// Files that could not be read when it last observed.
  const std::vector<Finding>& damaged() const { return damaged_; }
  /// Repairs of drivers that succeeded since the start.
  std::uint64_t repairs() const { return repairs_; }
  /// Looks since the start.
  std::uint64_t looks() const { return looks_; }
  /// One sentence for `systemctl status`.
  std::string status_line() const;

 private:
  void tell_ports(const Snapshot& before, Time now);
  void tell_findings(const Plan& needed);
  void tell_drift(const Plan& needed, const char* result);
  /// \param acted  somebody else acts, or did during the observation
  void enforce(const Plan& needed, bool acted, Time now);
  void run(const Plan& due, Time now);
  void settle(const Step& step, const StepResult& result, Time now);
  std::optional<Time> next_repair() const;
  std::optional<Finding> lost_records() const;
  bool report_only() const;
  void audit(const AuditRecord& record);
  void hear_of_boots();
  void hear_of_guests();
  void hear_of_shrinks(const Step& step, const AuditRecord& record);

  Context context_;
  Listener listener_;
  std::vector<Finding> damaged_;
  State state_;
  bool looked_ = false;
  BootWatch boot_{context_};
  PoolWatch pools_{context_.root};
  PortWatch ports_{context_};
  std::size_t not_as_applied_ = 0;
  FindingLog findings_;
  DriftLog drifts_;
  RepairPolicy policy_;
  OwnerMail mail_;
  std::map<std::string, int> shrinks_;  ///< of a pool, by step, since the start
  std::string postponed_why_;
  int postponements_ = 0;  ///< in a row
  std::optional<Time> postponed_;
  std::uint64_t repairs_ = 0, looks_ = 0;
  std::optional<Plan> repairing_;         ///< what was started
  std::vector<Quarantined> quarantined_;  ///< not to be touched
  unsigned lost_audit_ = 0;
};

}  // namespace hostsplit
