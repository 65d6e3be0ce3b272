// Times one rebinding xhci_hcd -> vfio-pci done three ways in turn, in one process and one run: the three raw attribute
// writes, hostsplit's bind_function() (identity check, writes, read-back), and `driverctl --nosave set-override` (one
// round of ten). Prints the median of each in microseconds as one line of JSON. The order is another in each round, and
// each starts from rest, because what a way finds in its caches or still running is not its own. That process is a
// disposable one as whoever applies has it; what having one costs is measured by itself.
//
// Usage: hostsplit-measure bind ADDRESS ROUNDS   (root, vfio-pci loaded, the controller on its host driver and unused)
//        hostsplit-measure process ROUNDS
//        hostsplit-measure pages NODE COUNT ROUNDS   (measure_pages.cpp)
//        hostsplit-measure drift ADDRESS ROUNDS   (the service running, the controller applied to a VM): gives it to
//        the host by raw writes, and times them and how long the service takes to have it back
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include "core/base/error.hpp"
#include "host/act/binding.hpp"
#include "host/inventory/inventory.hpp"
#include "measure.hpp"

namespace {

using namespace hostsplit;

void raw_bind(const std::string& address, const std::string& driver_override) {
  const std::string device = "/sys/bus/pci/devices/" + address;
  raw_write(device + "/driver_override", driver_override);
  raw_write(device + "/driver/unbind", address);
  raw_write("/sys/bus/pci/drivers_probe", address);
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

/// A multiple of the kernel's tick, whatever it is (CONFIG_HZ: 100, 250, 300 or 1000).
constexpr std::chrono::nanoseconds ticks = std::chrono::milliseconds(20);
/// After a bind the host driver's hubs and what hangs on them go on for a while by themselves, and an unbind waits for
/// them.
constexpr std::chrono::seconds rest(1);

/// An unbind also waits for the kernel's tick, several times.
/// \param phase  of the ticks at which it ends
void come_to_rest(std::chrono::nanoseconds phase) {
  using std::chrono::steady_clock;
  const auto rested = steady_clock::now() + rest;
  std::this_thread::sleep_until(rested - rested.time_since_epoch() % ticks + ticks + phase);
}

void require_driver(const Root& root, const std::string& address, const std::string& driver) {
  if (root.link_name("sys/bus/pci/devices/" + address + "/driver") != driver)
    throw std::runtime_error(address + " is not on " + driver);
}

/// In microseconds from the moment the host's driver is bound until vfio-pci is.
long until_back(const Root& root, const std::string& address) {
  return microseconds([&] {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (root.link_name("sys/bus/pci/devices/" + address + "/driver") != "vfio-pci") {
      if (std::chrono::steady_clock::now() > limit) throw std::runtime_error(address + " does not come back");
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  });
}

/// Pauses, so that the service does not take it for a storm and slows down.
std::string measure_drift(const Root& root, const std::string& address, int rounds) {
  std::vector<long> raw, service;
  for (int round = 0; round < rounds; ++round) {
    raw.push_back(microseconds([&] { raw_bind(address, "\n"); }));
    service.push_back(until_back(root, address));
    std::this_thread::sleep_for(std::chrono::seconds(15));
  }
  return fmt::format("{{\"raw\": {}, \"service\": {}}}", median(raw), median(service));
}

/// \pre a job of Effects::in_child(), as for whoever applies
std::string measure_bind(const Root& root, Effects& effects, const std::string& at, int rounds) {
  const auto address = parse_pci_address(at);
  const auto function = address ? read_function(root, *address) : std::nullopt;
  if (!function) throw std::runtime_error("no PCI function at that address");
  const std::string text = to_string(*address);
  const Bind bind{*address, function->fingerprint, function->driver, "vfio-pci", "vfio-pci", {}, {}, {}};
  std::vector<std::pair<std::string, std::function<void()>>> ways{
      {"raw", [&] { raw_bind(text, "vfio-pci"); }},
      {"hostsplit", [&] { bind_function(root, effects, bind); }},
      {"driverctl", [&] { run("driverctl --nosave set-override " + text + " vfio-pci"); }}};
  std::map<std::string, std::vector<long>> times;
  std::minstd_rand random;
  for (int round = 0; round < rounds; ++round) {
    // Each round at another moment of the tick, and the same for all ways: it costs up to a tick each time the kernel
    // waits for one, and that is nobody's own.
    const std::chrono::nanoseconds phase(random() % ticks.count());
    for (const auto& [name, work] : ways) {
      // It takes ten times as long and is as far away: a few rounds tell.
      if (name == "driverctl" && round % 10 != 0) continue;
      require_driver(root, text, function->driver);
      come_to_rest(phase);
      times[name].push_back(microseconds(work));
      require_driver(root, text, "vfio-pci");
      raw_bind(text, "\n");
    }
    std::shuffle(ways.begin(), ways.end(), random);
  }
  return fmt::format("{{\"raw\": {}, \"hostsplit\": {}, \"driverctl\": {}}}", median(times["raw"]),
                     median(times["hostsplit"]), median(times["driverctl"]));
}

/// How long it takes to have a process for jobs and to see its end, which is there once for all functions in a row.
std::string measure_process(Effects& effects, int rounds) {
  std::vector<long> times;
  for (int round = 0; round < rounds; ++round) {
    std::this_thread::sleep_for(rest);
    times.push_back(microseconds([&] {
      effects.in_child(
          1, [](std::size_t) { return ChildProcess::Report(); }, [](std::size_t, const std::string&) { return true; });
    }));
  }
  return fmt::format("{{\"process\": {}}}", median(times));
}

/// \return what `measure` says in a job. \throws std::runtime_error with its message.
std::string in_job(Effects& effects, const std::function<std::string()>& measure) {
  std::string failure, said;
  effects.in_child(
      1,
      [&](std::size_t) -> ChildProcess::Report {
        try {
          return {"=" + measure()};
        } catch (const std::exception& error) {
          return {error.what()};
        }
      },
      [&](std::size_t, const std::string& text) {
        (text.starts_with('=') ? said : failure) = text;
        return true;
      });
  if (said.empty()) throw std::runtime_error(failure);
  return said.substr(1);
}

std::string measured(const std::vector<std::string>& words) {
  const Root root;
  LiveEffects effects(root);
  const auto number = [&](std::size_t at) { return std::atoi(words[at].c_str()); };
  if (words.size() == 4 && words[0] == "pages")
    return in_job(effects, [&] { return measure_pages(root, effects, number(1), number(2), number(3)); });
  if (words.size() == 3 && words[0] == "drift") return measure_drift(root, words[1], number(2));
  if (words.size() == 2 && words[0] == "process") return measure_process(effects, number(1));
  if (words.size() == 3 && words[0] == "bind")
    return in_job(effects, [&] { return measure_bind(root, effects, words[1], number(2)); });
  throw std::runtime_error(
      "usage: bind ADDRESS ROUNDS | process ROUNDS | pages NODE COUNT ROUNDS | drift ADDRESS ROUNDS");
}

}  // namespace

int main(int argc, char** argv) try {
  std::cout << measured({argv + 1, argv + argc}) << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "hostsplit-measure: " << error.what() << "\n";
  return 1;
}
