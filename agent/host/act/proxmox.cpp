#include "host/act/proxmox.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "core/planner/vm_steps.hpp"
#include "core/proxmox/values.hpp"
#include "host/inventory/proxmox.hpp"

namespace hostsplit {
namespace {

/// qm waits 10 s for a task that holds the VM, and pmxcfs may be slow in a large cluster.
constexpr std::chrono::milliseconds set_deadline{60000};

bool is_vm(const SetPve& action) {
  return action.object.kind == PveObject::Kind::vm;
}

std::string file_of(const PveObject& object) {
  return object.kind == PveObject::Kind::vm ? fmt::format("etc/pve/qemu-server/{}.conf", object.id)
                                            : std::string(names::storages_file);
}

std::vector<std::string> command_of(const SetPve& action) {
  std::vector<std::string> command{is_vm(action) ? "qm" : "pvesm", "set", action.object.id};
  if (!action.digest.empty()) command.insert(command.end(), {"--digest", action.digest});
  std::string removed;
  for (const auto& change : action.changes) {
    if (change.to)
      command.insert(command.end(), {"--" + change.key, *change.to});
    else
      removed += (removed.empty() ? "" : ",") + change.key;
  }
  if (!removed.empty()) command.insert(command.end(), {"--delete", removed});
  return command;
}

/// \throws Error when Proxmox VE would not take the change, as far as its files tell.
void refuse_obstacle(const PveConfigs& pve, const SetPve& action) {
  const std::string object = to_string(action.object);
  if (is_vm(action))
    if (const auto against = vm_obstacle(pve, std::stoi(action.object.id)))
      throw Error("set", object, against->message, against->remedy + ". Nothing of it was changed");
  const PveVm* vm = is_vm(action) ? pve.vm(std::stoi(action.object.id)) : nullptr;
  const std::string& digest = vm ? vm->digest : pve.storages_digest;
  if (!action.digest.empty() && digest != action.digest)
    throw Error("set", object, "somebody has edited it since it was read",
                "See hostsplit plan and run this again. Nothing of it was changed");
}

std::optional<std::string> value_of(const PveConfigs& pve, const PveObject& object, const std::string& key) {
  if (object.kind == PveObject::Kind::vm) {
    const PveVm* vm = pve.vm(std::stoi(object.id));
    return vm ? next_value(*vm, key) : std::nullopt;
  }
  for (const auto& storage : pve.storages)
    if (storage.id == object.id) return storage.content;
  return std::nullopt;
}

void require_set(const PveConfigs& pve, const SetPve& action) {
  for (const auto& change : action.changes) {
    const auto now = value_of(pve, action.object, change.key);
    if (!same_pve_value(change.key, now, change.to))
      throw Error("set", to_string(action.object),
                  fmt::format("{} reads back as {}", change.key, now ? "\"" + *now + "\"" : "not there"));
  }
}

}  // namespace

std::string set_pve(const Root& root, Effects& effects, const SetPve& action) {
  refuse_obstacle(read_pve(root), action);
  try {
    effects.run(command_of(action), set_deadline);
  } catch (const Error& error) {
    refuse_obstacle(read_pve(root), action);  // what has come up since is the better reason
    throw Error("set", to_string(action.object), error.reason(),
                "What Proxmox VE said is above, or in hostsplit log. Then run this again");
  }
  effects.read_back(file_of(action.object), [&] { require_set(read_pve(root), action); });
  return action.pending ? "pending until the VM is shut down and started" : "";
}

void refuse_used_hook(const Root& root, const std::string& path) {
  const PveConfigs pve = read_pve(root);
  for (const auto& storage : pve.storages) {
    if (storage.path.empty() || hook_path(storage) != path) continue;
    for (const auto& [id, vm] : pve.next)
      if (vm.hookscript == storage.id + ":snippets/" + names::hook_name)
        throw Error("remove", root.display(path),
                    fmt::format("VM {} still has it as its hook script and would not start without it", id),
                    fmt::format("Run: qm set {} --delete hookscript", id));
  }
}

}  // namespace hostsplit
