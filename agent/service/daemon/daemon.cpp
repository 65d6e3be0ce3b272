#include "service/daemon/daemon.hpp"

#include <fmt/format.h>

#include <sys/epoll.h>

#include <csignal>
#include <cstdint>
#include <list>
#include <optional>

#include "core/base/names.hpp"
#include "host/effects/effects.hpp"
#include "service/bus/bus.hpp"
#include "service/daemon/bus_service.hpp"
#include "service/daemon/metrics.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/journal/log.hpp"
#include "service/loop/burst.hpp"
#include "service/loop/directory_watch.hpp"
#include "service/loop/event_loop.hpp"
#include "service/loop/notify.hpp"
#include "service/loop/udev_monitor.hpp"
#include "service/reconciler/host_health.hpp"
#include "service/reconciler/reconciler.hpp"
#include "service/work/worker_link.hpp"

namespace hostsplit {
namespace {

using Time = Reconciler::Time;

// Safety net for events that never came: udev not running, a driver that sends none. Done on a beat of the watchdog, so
// that an idle machine is not woken for it.
constexpr std::chrono::seconds rescan_period{30};
constexpr std::chrono::seconds beat_accuracy{3};
constexpr std::chrono::milliseconds look_accuracy{1};
// A bus that was restarted is joined again; until it is there, so often.
constexpr std::chrono::seconds rejoin_pause{2};
constexpr int most_rejoins = 15;
constexpr std::chrono::milliseconds settle_patience{1000};

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

/// The loop around a Reconciler: one thread, every source leads to a look, and nothing in it waits.
class Daemon {
 public:
  explicit Daemon(const Root& root);
  int run();

 private:
  Reconciler::Listener listener();
  void watch_udev();
  void watch_time();
  void watch_files();
  void watch_signals();
  void join_bus();
  void without_bus(const std::string& why);

  void event(const std::string& what);
  void look();
  void after_look();
  void arm();
  void beat();
  std::chrono::seconds watched() const;
  void reload();
  void start_repair(const Plan& due);
  void ready();

  void name(sd_event_source* source, const char* description, std::int64_t priority);
  static int on_udev(sd_event_source*, int, std::uint32_t, void* self);
  static int on_time(sd_event_source*, std::uint64_t, void* self);
  static int on_beat(sd_event_source*, std::uint64_t, void* self);
  static int on_stop(sd_event_source*, const signalfd_siginfo*, void* self);
  static int on_reload(sd_event_source*, const signalfd_siginfo*, void* self);

  const Root& root_;
  LiveEffects effects_;
  JournalAudit audit_;
  UdevMonitor monitor_;  // opened before the first look, so that nothing is lost in between
  EventLoop loop_ = default_loop();
  WorkerLink worker_;
  SideProcesses aside_;
  Reconciler reconciler_;
  BusService requests_;
  Metrics metrics_;
  std::list<EventSource> sources_;
  sd_event_source* look_timer_ = nullptr;
  sd_event_source* beat_timer_ = nullptr;
  std::list<DirectoryWatch> watches_;
  std::unique_ptr<Bus> bus_;
  int rejoins_left_ = most_rejoins;
  std::optional<Time> rejoin_;
  Burst burst_;
  const Time started_ = now();
  std::optional<Time> burst_due_;
  Time last_look_;
  bool ready_ = false;
  bool overrun_told_ = false;
  std::string told_status_;
};

Daemon::Daemon(const Root& root)
    : root_(root),
      effects_(root),
      worker_(loop_.get(), root.display(names::work_socket)),
      aside_(loop_.get(), root.descriptor()),
      reconciler_({root, effects_, audit_}, listener()),
      requests_(
          {root, effects_, audit_}, reconciler_, worker_, aside_, [this](const std::string& why) { event(why); },
          [this] { reload(); }),
      metrics_({root, effects_, audit_}) {}

Reconciler::Listener Daemon::listener() {
  return {[this](const PortEvent& port) {
            if (bus_) bus_->port_changed(port.label, port.controller, port.device);
          },
          [this](const std::string& controller) {
            if (bus_) bus_->drift_repaired(controller);
          },
          [this](const Finding& finding) {
            if (bus_) bus_->finding_raised(finding);
          },
          [this](const Plan& due) { start_repair(due); }};
}

int Daemon::run() {
  block_signals();
  watch_udev();
  watch_time();
  watch_files();
  watch_signals();
  last_look_ = now();
  reconciler_.look(last_look_);
  join_bus();
  // Whoever waits for READY wants to ask right after it.
  if (bus_) bus_->settle(settle_patience);
  after_look();
  // No guest starts before the first enforcement has ended.
  if (reconciler_.repairing())
    notify_start_takes_long();
  else
    ready();
  return require(sd_event_loop(loop_.get()), "run", "the event loop");
}

void Daemon::ready() {
  if (ready_) return;
  ready_ = true;
  notify_ready(told_status_);
}

void Daemon::start_repair(const Plan& due) {
  WorkRequest request{repair_of(due), {}};
  const auto end = [this](const WorkResult& result) {
    reconciler_.lost_audit(result.lost_audit);
    if (result.error.empty())
      reconciler_.repair_ended(result.outcome.results, now());
    else
      reconciler_.repair_postponed(result.error, now());
    after_look();
    ready();
  };
  try {
    worker_.start(request, {{}, end});
  } catch (const Error& error) {
    reconciler_.repair_postponed(error.what(), now());
  }
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
  const auto add = [this](Time::duration accuracy, const char* what, sd_event_time_handler_t handler) {
    sd_event_source* source = nullptr;
    require(sd_event_add_time(loop_.get(), &source, CLOCK_MONOTONIC, 0, usec(accuracy), handler, this), "set up", what);
    require(sd_event_source_set_enabled(source, SD_EVENT_OFF), "set up", what);
    name(source, what, SD_EVENT_PRIORITY_NORMAL);
    return source;
  };
  look_timer_ = add(look_accuracy, "look timer", &on_time);
  beat_timer_ = add(beat_accuracy, "beat", &on_beat);
  beat();
}

/// Half the watchdog's period, so that one late beat is no catastrophe.
void Daemon::beat() {
  notify_alive();
  const auto period = watchdog_period();
  const Time next = now() + (period ? Time::duration(*period / 2) : Time::duration(rescan_period));
  (void)sd_event_source_set_time(beat_timer_, usec(next.time_since_epoch()));
  (void)sd_event_source_set_enabled(beat_timer_, SD_EVENT_ONESHOT);
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
  if (bus_ && bus_->connected()) {
    if (bus_->joined()) rejoins_left_ = most_rejoins;
    return;
  }
  const auto refused = bus_ && !bus_->joined() ? bus_->lost() : std::string();
  requests_.tell(nullptr);
  bus_.reset();
  rejoin_.reset();
  if (!refused.empty()) return without_bus(refused);
  try {
    bus_ = std::make_unique<Bus>(loop_.get(), requests_.handlers());
    requests_.tell(bus_.get());
  } catch (const Error& error) {
    without_bus(error.what());
  }
}

/// Told once; the safety net's looks go on trying.
void Daemon::without_bus(const std::string& why) {
  if (rejoins_left_ == most_rejoins) log(LogLevel::warning, fmt::format("{}; going on without the bus", why));
  if (rejoins_left_ > 0) --rejoins_left_, rejoin_ = now() + rejoin_pause;
}

void Daemon::event(const std::string& what) {
  log(LogLevel::debug, fmt::format("observing again: {}", what));
  burst_due_ = burst_.event(now());
  arm();
}

void Daemon::look() {
  burst_.over();
  burst_due_.reset();
  overrun_told_ = false;
  last_look_ = now();
  guarded("look", [this] { reconciler_.look(last_look_); });
  after_look();
}

void Daemon::after_look() {
  requests_.looked();
  guarded("metrics", [this] { metrics_.update(reconciler_.state(), reconciler_.damaged(), reconciler_.repairs()); });
  for (auto& watch : watches_) guarded("directory watch", [&watch] { watch.ensure(); });
  if (!reconciler_.health_checked()) guarded("health", [this] { reconciler_.check_health(host_signs(watched())); });
  guarded("mail", [this] { reconciler_.send_mail(now()); });
  join_bus();
  if (bus_) bus_->properties_changed();
  arm();
  if (const auto line = reconciler_.status_line(); line != told_status_) {
    told_status_ = line;
    notify_status(line);
    log(LogLevel::info, line);
  }
}

std::chrono::seconds Daemon::watched() const {
  return std::chrono::duration_cast<std::chrono::seconds>(now() - started_);
}

void Daemon::arm() {
  auto due = burst_due_;
  for (const auto& other : {reconciler_.next_look(), rejoin_})
    if (other && (!due || *other < *due)) due = other;
  if (due) (void)sd_event_source_set_time(look_timer_, usec(due->time_since_epoch()));
  (void)sd_event_source_set_enabled(look_timer_, due ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

void Daemon::reload() {
  notify_reloading();
  reconciler_.try_all_again();
  look();
  notify_ready(told_status_);
}

int Daemon::on_udev(sd_event_source*, int, std::uint32_t, void* self) {
  return guarded("udev", [self] {
    auto* daemon = static_cast<Daemon*>(self);
    const bool each = logs(LogLevel::debug);
    const auto drained =
        daemon->monitor_.drain(each ? [](const UdevEvent& event) { log(LogLevel::debug, describe(event)); }
                                    : std::function<void(const UdevEvent&)>());
    if (drained.overrun && !daemon->overrun_told_) {
      daemon->overrun_told_ = true;  // once for each look that follows
      log(LogLevel::warning, "udev events were lost; ignored, the next observation sees everything");
    }
    if (drained.any()) daemon->event("udev");
  });
}

int Daemon::on_time(sd_event_source*, std::uint64_t, void* self) {
  return guarded("timer", [self] { static_cast<Daemon*>(self)->look(); });
}

int Daemon::on_beat(sd_event_source*, std::uint64_t, void* self) {
  return guarded("beat", [self] {
    auto* daemon = static_cast<Daemon*>(self);
    daemon->beat();
    if (now() - daemon->last_look_ >= rescan_period - beat_accuracy) daemon->look();
  });
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

int run_daemon(const Root& root, const std::string& log_level) {
  set_up_log(log_level);
  Daemon daemon(root);
  return daemon.run();
}

}  // namespace hostsplit
