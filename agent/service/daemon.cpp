#include "service/daemon.hpp"

#include <sys/epoll.h>

#include <csignal>
#include <cstdint>
#include <list>
#include <optional>

#include "core/names.hpp"
#include "host/effects.hpp"
#include "operations/report.hpp"
#include "service/burst.hpp"
#include "service/bus.hpp"
#include "service/directory_watch.hpp"
#include "service/event_loop.hpp"
#include "service/journal_audit.hpp"
#include "service/keeper.hpp"
#include "service/notify.hpp"
#include "service/udev_monitor.hpp"

namespace hostsplit {
namespace {

using Time = Keeper::Time;

// Safety net for events that never came: udev not running, a driver that sends none.
constexpr std::chrono::seconds rescan_period{30};
constexpr std::chrono::seconds rescan_accuracy{10};
constexpr std::chrono::milliseconds look_accuracy{1};

Time now() {
  return std::chrono::steady_clock::now();
}

/// sd-event's CLOCK_MONOTONIC is libstdc++'s steady clock.
std::uint64_t usec(Time::duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::string parent_directory(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

EventLoop default_loop() {
  sd_event* loop = nullptr;
  require(sd_event_default(&loop), "set up", "the event loop");
  return {loop, &sd_event_unref};
}

/// Signals must be blocked before sd-event can take them.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
}

/// The loop around a Keeper: one thread, and every source leads to a look.
class Daemon {
 public:
  explicit Daemon(const Root& root);
  int run();

 private:
  void watch_udev();
  void watch_time();
  void watch_files();
  void watch_signals();
  void join_bus();
  BusHandlers bus_handlers();

  void event(const std::string& what);
  void look();
  void after_look();
  void arm();
  void reload();
  std::string apply_now();
  std::string undo_now();

  void name(sd_event_source* source, const char* description, std::int64_t priority);
  static int on_udev(sd_event_source*, int, std::uint32_t, void* self);
  static int on_time(sd_event_source*, std::uint64_t, void* self);
  static int on_stop(sd_event_source*, const signalfd_siginfo*, void* self);
  static int on_reload(sd_event_source*, const signalfd_siginfo*, void* self);

  const Root& root_;
  LiveEffects effects_;
  JournalAudit audit_;
  UdevMonitor monitor_;  // opened before the first look, so that nothing is lost in between
  Keeper keeper_;
  EventLoop loop_ = default_loop();
  std::list<EventSource> sources_;
  sd_event_source* look_timer_ = nullptr;
  sd_event_source* rescan_timer_ = nullptr;
  std::list<DirectoryWatch> watches_;
  std::unique_ptr<Bus> bus_;
  Burst burst_;
  std::optional<Time> burst_due_;
  std::string told_status_;
};

Daemon::Daemon(const Root& root)
    : root_(root),
      effects_(root),
      keeper_({root, effects_, audit_}, {[this](const PortEvent& port) {
                                           if (bus_) bus_->port_changed(port.label, port.controller, port.device);
                                         },
                                         [this](const std::string& controller) {
                                           if (bus_) bus_->drift_repaired(controller);
                                         }}) {}

int Daemon::run() {
  block_signals();
  keeper_.look(now());
  watch_udev();
  watch_time();
  watch_files();
  watch_signals();
  join_bus();
  require(sd_event_set_watchdog(loop_.get(), true), "set up", "the watchdog");
  after_look();
  notify_ready(told_status_);
  return require(sd_event_loop(loop_.get()), "run", "the event loop");
}

void Daemon::name(sd_event_source* source, const char* description, std::int64_t priority) {
  sources_.push_back(own(source));
  (void)sd_event_source_set_description(source, description);
  (void)sd_event_source_set_priority(source, priority);
}

void Daemon::watch_udev() {
  sd_event_source* source = nullptr;
  require(sd_event_add_io(loop_.get(), &source, monitor_.descriptor(), EPOLLIN, &on_udev, this), "watch", "udev");
  name(source, "udev", SD_EVENT_PRIORITY_NORMAL - 10);
}

void Daemon::watch_time() {
  const auto add = [this](Time::duration accuracy, const char* what) {
    sd_event_source* source = nullptr;
    require(sd_event_add_time(loop_.get(), &source, CLOCK_MONOTONIC, 0, usec(accuracy), &on_time, this), "set up",
            what);
    require(sd_event_source_set_enabled(source, SD_EVENT_OFF), "set up", what);
    name(source, what, SD_EVENT_PRIORITY_NORMAL);
    return source;
  };
  look_timer_ = add(look_accuracy, "look timer");
  rescan_timer_ = add(rescan_accuracy, "rescan timer");
}

void Daemon::watch_files() {
  for (const auto* file : {names::config_file, names::boot_plan_file, names::port_map_file})
    watches_.emplace_back(loop_.get(), root_.display(parent_directory(file)), [this] { event("files changed"); });
  // A pid file comes and goes with each VM; after its start Proxmox VE may have trimmed the pools.
  watches_.emplace_back(loop_.get(), root_.display(names::guest_pid_directory), [this] { event("a VM came or went"); });
}

void Daemon::watch_signals() {
  for (const int signal : {SIGTERM, SIGINT}) {
    sd_event_source* source = nullptr;
    require(sd_event_add_signal(loop_.get(), &source, signal, &on_stop, this), "watch", "signals");
    name(source, "stop signal", SD_EVENT_PRIORITY_IMPORTANT);
  }
  sd_event_source* source = nullptr;
  require(sd_event_add_signal(loop_.get(), &source, SIGHUP, &on_reload, this), "watch", "signals");
  name(source, "reload signal", SD_EVENT_PRIORITY_NORMAL);
}

void Daemon::join_bus() {
  try {
    bus_ = std::make_unique<Bus>(loop_.get(), bus_handlers());
  } catch (const Error& error) {
    spdlog::warn("{}; going on without the bus", error.what());
  }
}

BusHandlers Daemon::bus_handlers() {
  return {.describe = [this] { return status_json(status(keeper_.view())); },
          .plan = [this] { return plan_json(hostsplit::plan(hostsplit::look(root_))); },
          .apply = [this] { return apply_now(); },
          .undo = [this] { return undo_now(); },
          .reload = [this] { reload(); },
          .configured = [this] { return keeper_.view().config.has_value(); },
          .applied = [this] { return keeper_.view().applied.has_value(); },
          .drift_repairs = [this] { return keeper_.repairs(); }};
}

std::string Daemon::apply_now() {
  const LongWork patience;
  const Plan wanted = hostsplit::plan(hostsplit::look(root_));
  const Outcome outcome = apply({root_, effects_, audit_}, wanted);
  event("applied over the bus");
  return outcome_json(outcome, wanted);
}

std::string Daemon::undo_now() {
  const LongWork patience;
  const Plan wanted = undo_plan(look_at_applied(root_));
  const Outcome outcome = undo({root_, effects_, audit_}, wanted);
  event("undone over the bus");
  return outcome_json(outcome, wanted);
}

void Daemon::event(const std::string& what) {
  spdlog::debug("look again: {}", what);
  burst_due_ = burst_.event(now());
  arm();
}

void Daemon::look() {
  burst_.over();
  burst_due_.reset();
  guarded("look", [this] { keeper_.look(now()); });
  after_look();
}

void Daemon::after_look() {
  arm();
  (void)sd_event_source_set_time(rescan_timer_, usec((now() + rescan_period).time_since_epoch()));
  (void)sd_event_source_set_enabled(rescan_timer_, SD_EVENT_ONESHOT);
  for (auto& watch : watches_) guarded("directory watch", [&watch] { watch.ensure(); });
  if (bus_) bus_->properties_changed();
  if (const auto line = keeper_.status_line(); line != told_status_) {
    told_status_ = line;
    notify_status(line);
    spdlog::info("{}", line);
  }
}

void Daemon::arm() {
  auto due = burst_due_;
  if (const auto retry = keeper_.next_look(); retry && (!due || *retry < *due)) due = retry;
  if (due) (void)sd_event_source_set_time(look_timer_, usec(due->time_since_epoch()));
  (void)sd_event_source_set_enabled(look_timer_, due ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

void Daemon::reload() {
  notify_reloading();
  keeper_.try_all_again();
  look();
  notify_ready(told_status_);
}

int Daemon::on_udev(sd_event_source*, int, std::uint32_t, void* self) {
  return guarded("udev", [self] {
    auto* daemon = static_cast<Daemon*>(self);
    const auto drained = daemon->monitor_.drain();
    if (drained.overrun) spdlog::warn("udev events were lost; ignoring, the next look sees everything");
    for (const auto& event : drained.events) daemon->event(describe(event));
    if (drained.overrun) daemon->event("udev overrun");
  });
}

int Daemon::on_time(sd_event_source*, std::uint64_t, void* self) {
  return guarded("timer", [self] { static_cast<Daemon*>(self)->look(); });
}

int Daemon::on_stop(sd_event_source* source, const signalfd_siginfo*, void*) {
  return guarded("stop signal", [source] {
    notify_stopping();
    (void)sd_event_exit(sd_event_source_get_event(source), 0);
  });
}

int Daemon::on_reload(sd_event_source*, const signalfd_siginfo*, void* self) {
  return guarded("reload signal", [self] { static_cast<Daemon*>(self)->reload(); });
}

}  // namespace

int run_daemon(const Root& root, const DaemonOptions& options) {
  set_up_diagnostics(options.log_target, options.log_level);
  Daemon daemon(root);
  return daemon.run();
}

}  // namespace hostsplit
