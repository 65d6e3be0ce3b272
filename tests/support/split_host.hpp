#pragma once
#include <vector>

#include "host/act/audit.hpp"
#include "operations/boot.hpp"
#include "operations/status.hpp"
#include "support/fake_host.hpp"

namespace hostsplit::testing {

/// Keeps what was audited, for tests to look at.
class MemoryAudit : public AuditSink {
 public:
  bool write(const AuditRecord& record) noexcept override {
    records.push_back(record);
    return true;
  }
  std::vector<AuditRecord> records;
};

/// The article's machine in small: xHCI 03:00.3 and 22:00.3 each alone in a group, 44:00.1 and 44:00.3 sharing group
/// 24, two nodes of 64 GiB, root disk and default route elsewhere, one keyboard on 22:00.3.
struct SplitHost {
  FakeHost host;
  FakeEffects effects{host};
  MemoryAudit audit;
  Root root{host.directory()};

  SplitHost();
  /// Writes hostsplit.toml. \param body  below "version = 1"
  void configure(const std::string& body);
  /// Two VMs: 101 takes 03:00.3 and 8 GiB on node 0, 102 takes 44:00.1 (and so 44:00.3) and 8 GiB on node 1.
  void configure_two_vms();
  Context context() { return {root, effects, audit}; }
  State state() const { return observe(root); }
  Plan plan_now() const { return plan_for(state(), Apply{}); }
  Plan repair_plan_now() const {
    const State now = state();
    return make_repair_plan(now.snapshot, *now.applied, now.with_host());
  }
  Outcome apply_now() { return carry_out(context(), Apply{}).outcome; }
  std::string driver(const char* address) const { return host.driver(address); }
  std::string driver_override(const char* address) const;
  std::uint64_t pages(int node) const;
};

/// Finding with that code, or nullptr.
const Finding* find(const std::vector<Finding>& findings, const std::string& code);

}  // namespace hostsplit::testing
