#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/boot/boot_health.hpp"
#include "core/usb/learn.hpp"
#include "core/planner/plan.hpp"
#include "host/act/executor.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// All that is known at one moment: observed, wanted, learned, done.
struct View {
  Snapshot snapshot;
  std::optional<Config> config;  ///< empty: not configured yet
  PortMap ports;
  Baseline baseline;
  std::optional<BootPlan> applied;
  HealthRecord health;
  std::optional<RungRecord> climbed;  ///< the rung that was climbed to, if one was
  std::set<PciAddress> released;      ///< lent to the host until the next boot
};

/// Reads everything, what processes have open and what guests are given included. Reads /etc/pve. \throws
/// Error(bad_input) for damaged files.
View look(const Root& root);

/// The same without what processes and guests use: neither does it wait for /etc/pve nor go through all processes. For
/// the loop of the service, which never acts on it itself. \throws Error(bad_input).
View look_for_service(const Root& root);

/// Reads what is needed to put back or keep true what was applied; configuration and port map stay empty. Works when
/// those are damaged, because the way back must not depend on them. \throws Error(bad_input).
View look_at_applied(const Root& root);

/// Plan for the configuration of the view; an empty plan with a finding `not-configured` without one.
/// \throws Error(bad_input) when the configuration does not fit the machine (no such node, CPUs outside the node).
Plan plan(const View& view);
/// Plan that puts the host back.
Plan undo_plan(const View& view);
/// What must be done again for the applied plan to hold; no steps when nothing was applied.
Plan repair_plan(const View& view);

/// Told while Proxmox VE starts a VM with huge pages and so holds the lock for pools: at once, every second, and `over`
/// at the end.
using Waiting = std::function<void(std::chrono::seconds waited, bool over)>;

/// What the acting operations need.
struct Actor {
  const Root& root;
  Effects& effects;
  AuditSink& audit;
  StopAsked stop_asked = {};
  Waiting waiting = {};
};

/// Runs a plan under the lock, after checking that the machine still is as planned. Refuses plans with error findings.
/// \throws Error if the lock is taken by another hostsplit, if the machine changed since, or on refusal.
Outcome apply(const Actor& actor, const Plan& plan, const Progress& progress = {});
/// Runs an undo plan and, when all went well, forgets the baseline entries that were restored.
Outcome undo(const Actor& actor, const Plan& plan, const Progress& progress = {});
/// Runs a repair plan; steps are independent of each other.
Outcome repair(const Actor& actor, const Plan& plan, const Progress& progress = {});

/// Counts the boot that has begun, once; to be called before the first effect on it. \return the count.
/// \throws Error when it cannot be written: then nothing may be done either.
HealthRecord begin_boot(const Actor& actor);
/// Writes down, once in each boot and for each of those who look first, which drivers the applied functions have before
/// anything is moved: what tells whether the rung in force has held. Where it cannot be written nothing is known.
/// \param file  names::first_look_early or names::first_look_service
void note_first_look(const Actor& actor, const View& view, const char* file);
/// Gives what early boot took back to the host: for a boot that is sat out.
Outcome sit_out(const Actor& actor, const View& view);

/// Every single touch of the machine that a plan would make, one line each; touches nothing.
std::vector<std::string> rehearse(const Root& root, const Plan& plan);

/// One controller as `status` shows it.
struct ControllerStatus {
  PciAddress address;
  ControllerKind kind;
  std::string driver, wanted_driver;  ///< wanted: vfio-pci for claimed ones, otherwise what the host uses
  std::optional<int> group, node, vm;
  std::vector<GroupHolder> holders;
  bool released = false;  ///< lent to the host until the next boot
};
/// How what was applied is enforced at boot.
struct BootStatus {
  bool initramfs = false;              ///< by the script in the initramfs; otherwise by the service alone
  std::map<std::string, bool> images;  ///< by kernel: it was seen to carry what was applied
  std::optional<EarlyNotes> early;     ///< what the script did at this boot
  unsigned unhealthy = 0;              ///< boots in a row not found healthy
  bool sitting_out = false;
  Rung rung = Rung::runtime;  ///< in force, or from the next boot on
  std::string rung_why;       ///< why it was climbed to; empty below `ids`
};
/// One learned or merely existing port.
struct PortStatus {
  std::string label;  ///< empty: not learned
  std::optional<PciAddress> controller;
  std::optional<std::string> usb2, usb3;  ///< port paths
  bool usb2_seen = false, usb3_seen = false, proven = false;
  std::string device;  ///< what is plugged, in words; empty: nothing
};
struct PoolStatus {
  int node = 0;
  PagePool pool;
  std::optional<std::uint64_t> wanted;
};
struct Status {
  std::vector<ControllerStatus> controllers;
  std::vector<PortStatus> ports;
  std::vector<PoolStatus> pools;
  std::map<int, NumaNode> nodes;
  BootStatus boot;
  std::vector<Finding> findings;
  bool configured = false, applied = false, pending_changes = false, pending_reboot = false, live = false;
};
Status status(const View& view);

}  // namespace hostsplit
