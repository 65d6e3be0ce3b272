#include "operations/plug_proof.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/base/suggestion.hpp"
#include "core/base/utf8.hpp"
#include "core/proxmox/values.hpp"
#include "host/guests/guests.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/store.hpp"

namespace hostsplit {
namespace {

/// Between two rounds. A question to a guest takes a second by itself.
constexpr std::chrono::milliseconds between_rounds{500};

Error cannot_prove(const std::string& label, const std::string& reason, const std::string& remedy,
                   Error::Kind kind = Error::Kind::failed) {
  return {"verify the plug of", label, reason, remedy, kind};
}

const LearnedPort& known_port(const PortMap& map, const std::string& label) {
  if (const auto* port = map.find(label)) return *port;
  if (map.ports.empty())
    throw cannot_prove(label, "no socket has a name yet", "Learn them: sudo hostsplit learn", Error::Kind::bad_input);
  std::vector<std::string> labels;
  for (const auto& port : map.ports) labels.push_back(port.label);
  const auto meant = nearest(label, labels);
  throw cannot_prove(
      label, "no socket has that name",
      (meant ? fmt::format("Did you mean {}? ", *meant) : "") + fmt::format("Known: {}", fmt::join(labels, ", ")),
      Error::Kind::bad_input);
}

/// \throws Error unless the VM runs and was started with the controller.
void require_started_with(const Root& root, const GivenSocket& socket) {
  const auto process = guest_process(root, socket.vm);
  const std::string vm = fmt::format("VM {}", socket.vm);
  if (!process.distrust.empty())
    throw cannot_prove(socket.label, process.distrust, fmt::format("Look with qm status {}", socket.vm));
  if (!process.pid)
    throw cannot_prove(socket.label, vm + " is not running", fmt::format("Start it: qm start {}", socket.vm));
  const auto& functions = process.command.functions;
  if (std::find(functions.begin(), functions.end(), socket.controller) == functions.end())
    throw cannot_prove(socket.label, fmt::format("{} was started without {}", vm, to_string(socket.controller)),
                       fmt::format("See hostsplit verify {}", socket.vm));
}

/// What this host has plugged in, by the same rules as a guest.
PlugWatch::Devices host_devices(const Root& root) {
  constexpr std::string_view directory = "sys/bus/usb/devices/";
  PlugWatch::Devices devices;
  for (const auto& name : root.list("sys/bus/usb/devices")) {
    if (name.find('-') == std::string::npos || name.find(':') != std::string::npos) continue;
    const auto text = [&](const char* attribute) {
      return root.read_in_time(std::string(directory) + name + "/" + attribute, 1024).value_or("");
    };
    const std::string vendor = text("idVendor");
    if (vendor.empty()) continue;  // unplugged while we looked
    devices.push_back({name + "#" + text("devnum"), vendor + ":" + text("idProduct"), text("serial"), text("product")});
  }
  return devices;
}

bool agent_is_on(const PveVm& vm) {
  const auto agent = vm.values.find("agent");
  if (agent == vm.values.end()) return false;
  const auto properties = pve_properties(agent->second, "enabled");
  const auto enabled = properties.find("enabled");
  return enabled != properties.end() && pve_boolean(enabled->second).value_or(false);
}

/// Why the agent of the VM that must see the stick cannot be asked. What is switched off and what is silent have
/// different remedies.
Error no_agent(const Root& root, const GivenSocket& socket, const std::string& why_not) {
  const int id = socket.vm;
  const PveConfigs pve = read_pve(root);
  const PveVm* vm = pve.vm(id);
  const std::string install = "install qemu-guest-agent in the guest (Windows: the guest tools of virtio-win)";
  const std::string restart = fmt::format("shut VM {} down and start it", id);
  if (vm && !agent_is_on(*vm) && vm->pending.contains("agent"))
    return cannot_prove(socket.label, fmt::format("the guest agent of VM {} is switched on at its next start", id),
                        fmt::format("With qemu-guest-agent in the guest, {}", restart));
  if (vm && !agent_is_on(*vm))
    return cannot_prove(socket.label, fmt::format("nobody can ask VM {} what it sees: its guest agent is off", id),
                        fmt::format("Run qm set {} --agent 1, {}, then {}", id, install, restart));
  return cannot_prove(
      socket.label, fmt::format("the guest agent of VM {} does not answer ({})", id, why_not),
      fmt::format("If it is not there, {}. If it was switched on while the VM ran, {}", install, restart));
}

/// Host and VMs, asked again and again.
class Round {
 public:
  Round(const Root& root, const GivenSocket& socket, const Ask& ask) : root_(root), watch_(socket) {
    GuestAgent own(socket.vm, ask);
    if (!own.answers()) throw no_agent(root, socket, own.why_not());
    agents_.push_back(std::move(own));
    for (const int vm : guests_with_pid_file(root)) {
      if (vm == socket.vm || !guest_process(root, vm).pid) continue;
      GuestAgent other(vm, ask);
      if (other.answers())
        agents_.push_back(std::move(other));
      else
        watch_.see(vm, {}, other.why_not());
    }
  }

  void look() {
    watch_.see(PlugWatch::host, host_devices(root_));
    for (auto agent = agents_.begin(); agent != agents_.end();) {
      const auto devices = agent->usb_devices();
      watch_.see(agent->vm(), devices, agent->why_not());
      // Another VM that hangs would cost its deadline in every round.
      const bool given_up = !devices && agent != agents_.begin();
      agent = given_up ? agents_.erase(agent) : agent + 1;
    }
  }

  /// \throws Error when the VM did not list its devices: commands may be forbidden to the agent.
  void require_list() const {
    const GuestAgent& own = agents_.front();
    if (own.why_not().empty()) return;
    throw cannot_prove(watch_.socket().label,
                       fmt::format("VM {} does not list its USB devices ({})", own.vm(), own.why_not()),
                       "Its guest agent must be allowed guest-exec (on Red Hat systems /etc/sysconfig/qemu-ga)");
  }

  PlugWatch& watch() { return watch_; }

 private:
  const Root& root_;
  PlugWatch watch_;
  std::vector<GuestAgent> agents_;  ///< that answer; first of the VM that must see the stick
};

}  // namespace

GivenSocket given_socket(const Root& root, const std::string& label) {
  const PortMap map = load_port_map(root);
  const LearnedPort& port = known_port(map, label);
  const auto applied = load_boot_plan(root);
  if (!applied || applied->claims.empty())
    throw cannot_prove(label, "nothing is applied, so every socket is the host's", "Run: sudo hostsplit setup");
  const Snapshot snapshot = inventory(root);
  const auto claims = present_claims(*applied, snapshot);
  const auto claim =
      std::find_if(claims.begin(), claims.end(), [&](const Claim& each) { return each.function == port.controller; });
  if (claim == claims.end())
    throw cannot_prove(label, "this socket is the host's: its controller was applied to no VM, or is not there",
                       "See who has which: hostsplit ports", Error::Kind::bad_input);
  const std::string& driver = snapshot.function(claim->address)->driver;
  if (!is_vfio_driver(driver))
    throw cannot_prove(label,
                       fmt::format("the host has {} now, with {}", to_string(claim->address),
                                   driver.empty() ? "no driver" : "driver " + driver),
                       load_released(root).contains(claim->address)
                           ? "Give it back: sudo hostsplit take " + shell_word(label)
                           : "Run: sudo hostsplit apply");
  GivenSocket socket{label, claim->address, claim->vm, {}};
  const PveConfigs pve = read_pve(root);
  if (const auto* vm = pve.vm(socket.vm)) socket.name = vm->name;
  require_started_with(root, socket);
  return socket;
}

bool PlugProof::wrong() const {
  return std::any_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.kind == Verdict::Kind::wrong; });
}

bool PlugProof::proven() const {
  return !sticks.empty() && !wrong();
}

PlugProof prove_plug(const Root& root, const GivenSocket& socket, const PlugScene& scene) {
  Round round(root, socket, scene.ask);
  round.look();
  round.require_list();
  scene.plug_now(socket);
  const auto begin = scene.now();
  for (;;) {
    scene.pause(between_rounds);
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(scene.now() - begin);
    scene.waiting(passed);
    round.look();
    if (round.watch().round_ended() || passed >= scene.timeout) break;
  }
  return {socket, round.watch().came(socket.vm), round.watch().verdicts()};
}

}  // namespace hostsplit
