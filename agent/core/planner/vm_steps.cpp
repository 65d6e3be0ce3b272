#include "core/planner/vm_steps.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "boot_texts.hpp"
#include "core/base/names.hpp"
#include "core/checks/host_pci.hpp"
#include "core/memory/pve_start.hpp"
#include "core/proxmox/values.hpp"
#include "core/proxmox/vm_settings.hpp"
#include "core/steps/files.hpp"
#include "core/usb/claims.hpp"

namespace hostsplit {
namespace {

constexpr unsigned hook_mode = 0755;

PveObject object_of(int vm) {
  return {PveObject::Kind::vm, std::to_string(vm)};
}

Step set_step(const PveObject& object, std::vector<PveKeyChange> changes, std::string digest, bool pending,
              std::string reason) {
  return {"set " + to_string(object), SetPve{object, std::move(changes), std::move(digest), pending},
          std::move(reason)};
}

const PveStorage* storage_of(const PveConfigs& pve, const std::string& id) {
  for (const auto& storage : pve.storages)
    if (storage.id == id) return &storage;
  return nullptr;
}

/// Where the start check is kept: a storage with snippets, or `local` once it has them. Not one that may be on the
/// network: the start of a VM would wait for the server.
const PveStorage* hook_storage(const PveConfigs& pve) {
  for (const auto& storage : pve.storages)
    if (storage.here && !storage.unseen && !storage.path.empty() && holds(storage, "snippets")) return &storage;
  const PveStorage* local = storage_of(pve, "local");
  return local && local->here && !local->unseen && !local->path.empty() ? local : nullptr;
}

/// Of a volume: "nas:snippets/hostsplit-hook".
bool is_unseen(const PveConfigs& pve, const std::string& volume) {
  const PveStorage* storage = storage_of(pve, volume.substr(0, volume.find(':')));
  return storage && storage->unseen;
}

std::string hook_volume(const PveStorage& storage) {
  return storage.id + ":snippets/" + names::hook_name;
}

bool is_own_hook(const std::string& volume) {
  return volume.ends_with(std::string(":snippets/") + names::hook_name);
}

/// What a key of a VM or a storage is, as far as Proxmox VE was read. \return an empty optional of the outer kind for
/// an object that is not there.
std::optional<std::optional<std::string>> value_now(const PveConfigs& pve, const PveObject& object,
                                                    const std::string& key) {
  if (object.kind == PveObject::Kind::storage) {
    const PveStorage* storage = storage_of(pve, object.id);
    if (!storage) return std::nullopt;
    return std::optional(storage->content);
  }
  const PveVm* vm = pve.vm(std::stoi(object.id));
  if (!vm) return std::nullopt;
  return next_value(*vm, key);
}

/// What hostsplit set, or had set before it was interrupted.
bool is_ours(const PveKeyBefore& key, const std::optional<std::string>& now) {
  return same_pve_value(key.key, now, key.ours) || (key.earlier && same_pve_value(key.key, now, key.earlier));
}

Step restore_step(const PveConfigs* pve, const PveObject& object, std::vector<PveKeyChange> changes) {
  std::string digest;
  bool running = false;
  if (pve && object.kind == PveObject::Kind::storage) digest = pve->storages_digest;
  if (pve && object.kind == PveObject::Kind::vm)
    if (const PveVm* vm = pve->vm(std::stoi(object.id))) digest = vm->digest, running = vm->running;
  return set_step(object, std::move(changes), std::move(digest), running, "it was like this before hostsplit");
}

std::vector<std::string> why_no_start(PveStart start) {
  start.refusals.insert(start.refusals.end(), start.other_refusals.begin(), start.other_refusals.end());
  return std::move(start.refusals);
}

bool hook_differs(const PveConfigs& pve, const FileBefore& before) {
  for (const auto& storage : pve.storages)
    if (!storage.path.empty() && hook_path(storage) == before.path)
      return storage.unseen || storage.hook != before.file;
  return true;  // the storage is gone, the file may not be
}

Step restore_hook(const FileBefore& before) {
  if (before.file)
    return {"write " + before.path, WriteFile{before.path, before.file->content, before.file->mode},
            "it was like this before hostsplit"};
  return {"remove " + before.path, RemoveFile{before.path}, "it was not there before hostsplit"};
}

std::string text_of(const std::optional<std::string>& value) {
  return value ? "\"" + *value + "\"" : "not there";
}

Finding changed_since(const PveKeyBefore& key, const std::optional<std::string>& now) {
  return {"vm-key-changed", Severity::warning, to_string(key.object),
          fmt::format("{} is {} and not {} as hostsplit set it, so somebody else wants it so and it stays", key.key,
                      text_of(now), text_of(key.ours)),
          fmt::format("It was {} before hostsplit", text_of(key.before))};
}

/// Plans the changes of one configuration.
class Setter {
 public:
  explicit Setter(const VmStepsInput& in) : in_(in), next_(in.pve) { next_.vms = in.pve.next; }

  VmSteps run() {
    const auto host_pci = host_pci_settings({next_, in_.snapshot, in_.claims, std::nullopt});
    const auto orders = start_orders(next_, starting_together());
    for (const auto& [id, wish] : in_.config.vms) {
      const PveVm* vm = next_.vm(id);
      if (!vm) {
        done_.findings.push_back(*vm_obstacle(in_.pve, id));
        continue;
      }
      PveSettings wanted = vm_settings(*vm, wish, in_.snapshot, chose(*vm, "affinity"), chose(*vm, "vcpus"));
      if (const auto lines = host_pci.find(id); lines != host_pci.end())
        for (const auto& line : lines->second) wanted.insert(line);
      for (const auto& order : orders)
        if (order.set == id) wanted["startup"] = order.value;
      want_hook(*vm, wanted);
      restore_unwanted(*vm, wanted);
      set(*vm, wish, wanted);
    }
    restore_other_objects();
    install_hook();
    return std::move(done_);
  }

 private:
  std::set<int> starting_together() const {
    std::set<int> together;
    for (const auto& [id, wish] : in_.config.vms)
      if (const PveVm* vm = next_.vm(id);
          vm && vm->on_boot && !next_.managed.count(id) && !memory_by_node(wish).empty())
        together.insert(id);
    return together;
  }

  /// True when somebody gave it another affinity, or other vcpus, after hostsplit did: fewer CPUs are a choice then,
  /// and not how the VM was made.
  bool chose(const PveVm& vm, const char* name) const {
    const PveKeyBefore* key = in_.baseline.pve_key(object_of(vm.id), name);
    const auto now = next_value(vm, name);
    return key && !is_ours(*key, now) && !same_pve_value(name, now, key->before);
  }

  void want_hook(const PveVm& vm, PveSettings& wanted) {
    const PveStorage* storage = hook_storage(next_);
    if (!vm.hookscript.empty() && !is_own_hook(vm.hookscript)) {
      done_.findings.push_back({"vm-own-hook", Severity::info, vm_text(vm.id, in_.config),
                                "has a hook script of its own (" + vm.hookscript +
                                    "), so nothing holds its start back when its controllers or pages are not ready",
                                "Call /usr/share/hostsplit/hostsplit-hook from that script"});
    } else if (is_unseen(next_, vm.hookscript)) {
      wanted["hookscript"] = vm.hookscript;  // nobody knows whether the script is there, so it stays
    } else if (storage) {
      wanted["hookscript"] = vm.hookscript.empty() ? hook_volume(*storage) : vm.hookscript;
      needs_hook_ = true;
    } else if (!std::exchange(told_no_snippets_, true)) {
      done_.findings.push_back({"pve-no-snippets", Severity::info, "storages",
                                "no storage on a disk of this node can have snippets, so VMs start without a check of "
                                "what belongs to them",
                                "Add a directory storage on a disk of this node, with the content type Snippets: "
                                "Datacenter, Storage, Add"});
    }
  }

  /// Keys set earlier that the configuration says nothing about any more, where they are still as they were set.
  void restore_unwanted(const PveVm& vm, PveSettings& wanted) const {
    for (const auto& key : in_.baseline.pve_keys) {
      // What hostsplit took away it would take away again.
      if (key.object != object_of(vm.id) || !key.ours || wanted.count(key.key) || keeps_line(vm, key.key)) continue;
      // What is only written where it has to change: an order, the number of cores and of sockets.
      if (key.key == "startup" || key.key == "cores" || key.key == "sockets") continue;
      if (is_ours(key, next_value(vm, key.key))) wanted[key.key] = key.before;
    }
  }

  /// A hostpciN line that names something the VM is to have is wanted, though nothing about it has to change.
  bool keeps_line(const PveVm& vm, const std::string& key) const {
    for (const auto& line : vm.host_pci) {
      if (key != fmt::format("hostpci{}", line.index)) continue;
      for (const auto& address : addresses_of(line, next_))
        for (const auto& claim : in_.claims)
          if (claim.vm == vm.id && means(address, claim.address)) return true;
    }
    return false;
  }

  void set(const PveVm& vm, const VmWish& wish, const PveSettings& wanted) {
    auto changes = changed_keys(vm, wanted);
    if (changes.empty()) return;
    if (auto against = vm_obstacle(in_.pve, vm.id)) return done_.findings.push_back(std::move(*against));
    if (auto against = start_obstacle(vm, wish)) return done_.findings.push_back(std::move(*against));
    if (vm.running)
      done_.findings.push_back({"vm-running", Severity::info, vm_text(vm.id, in_.config),
                                "is running, so what is set now takes effect when it is shut down and started again",
                                ""});
    done_.steps.push_back(set_step(object_of(vm.id), std::move(changes), vm.digest, vm.running,
                                   "what the configuration says about " + vm_text(vm.id, in_.config)));
  }

  /// Why it would not start any more once it is set. What keeps it from starting already is lint_pve()'s to tell, and
  /// where no VM can be is check_placeable()'s.
  std::optional<Finding> start_obstacle(const PveVm& vm, const VmWish& wish) const {
    if (!why_not_placeable(wish).empty()) return std::nullopt;
    const auto& nodes = in_.snapshot.nodes;
    const auto before = why_no_start(judge_start(vm, nodes));
    const PveVm after = set_vm(vm, wish, nodes, chose(vm, "affinity"), chose(vm, "vcpus"));
    for (const auto& why : why_no_start(judge_start(after, nodes)))
      if (std::find(before.begin(), before.end(), why) == before.end())
        return Finding{"vm-no-start", Severity::error, vm_text(vm.id, in_.config),
                       "Proxmox VE would refuse to start it with what is to be set: " + why,
                       fmt::format("Change that in its configuration (qm config {}), or its part in hostsplit.toml; "
                                   "vms = \"print\" under [proxmox] leaves VMs as they are",
                                   vm.id)};
    return std::nullopt;
  }

  /// VMs that are no longer in the configuration.
  void restore_other_objects() {
    Baseline others;
    for (const auto& key : in_.baseline.pve_keys)
      if (key.object.kind == PveObject::Kind::vm && !in_.config.vms.count(std::stoi(key.object.id)))
        others.pve_keys.push_back(key);
    VmSteps restored = restore_vm_steps(&in_.pve, others);
    for (auto& step : restored.steps) done_.steps.push_back(std::move(step));
    for (auto& finding : restored.findings) done_.findings.push_back(std::move(finding));
  }

  /// First of all steps: Proxmox VE takes no hook script that is not there.
  void install_hook() {
    const PveStorage* storage = needs_hook_ ? hook_storage(next_) : nullptr;
    if (!storage) return;
    const bool same_script =
        storage->hook && storage->hook->content == texts::hook_script && (storage->hook->mode & hook_mode) == hook_mode;
    std::vector<Step> first;
    if (!holds(*storage, "snippets"))
      first.push_back(set_step(
          {PveObject::Kind::storage, storage->id},
          {{"content", storage->content, storage->content + (storage->content.empty() ? "" : ",") + "snippets"}},
          in_.pve.storages_digest, false, "the start check of the VMs is kept there"));
    if (!same_script)
      first.push_back({"write " + hook_path(*storage),
                       WriteFile{hook_path(*storage), std::string(texts::hook_script), hook_mode},
                       "it holds a VM back whose controllers or pages are not ready"});
    done_.steps.insert(done_.steps.begin(), first.begin(), first.end());
  }

  const VmStepsInput& in_;
  PveConfigs next_;  ///< VMs as their next start will have them
  VmSteps done_;
  bool needs_hook_ = false, told_no_snippets_ = false;
};

}  // namespace

std::string hook_path(const PveStorage& storage) {
  return storage.path + "/snippets/" + names::hook_name;
}

bool is_hook(const std::string& path) {
  return path.ends_with(std::string("/snippets/") + names::hook_name);
}

std::optional<Finding> vm_obstacle(const PveConfigs& pve, int id) {
  const std::string subject = fmt::format("VM {}", id);
  const PveVm* vm = pve.vm(id);
  if (!pve.known)
    return Finding{"vm-missing", Severity::error, subject, "/etc/pve is not there or empty, so it cannot be set",
                   "On a Proxmox VE host: systemctl status pve-cluster"};
  if (const auto other = pve.elsewhere.find(id); !vm && other != pve.elsewhere.end())
    return Finding{
        "vm-elsewhere", Severity::error, subject,
        fmt::format("it is on the node {} of the cluster, and only a VM of this node can be set here", other->second),
        fmt::format("Migrate it here first, or run hostsplit on {}", other->second)};
  if (!vm)
    return Finding{"vm-missing", Severity::error, subject, "Proxmox VE has no VM of that number on this node",
                   "Create it first, or correct the number: qm list"};
  if (vm->is_template)
    return Finding{"vm-template", Severity::error, subject, "it is a template, which never starts",
                   fmt::format("Clone it and give the clone its part: qm clone {} NEWID --full", id)};
  if (!vm->lock.empty())
    return Finding{"vm-locked", Severity::error, subject,
                   fmt::format("Proxmox VE has locked it ({}), so it cannot be changed now", vm->lock),
                   "Wait until that task has ended, then run this again"};
  if (pve.quorate && !*pve.quorate)
    return Finding{"pve-no-quorum", Severity::error, subject,
                   "the cluster has no quorum, so /etc/pve takes no changes and the VM cannot be set",
                   "See pvecm status and try again when the cluster has quorum"};
  return std::nullopt;
}

VmSteps set_vm_steps(const VmStepsInput& input) {
  if (input.config.guests != GuestPolicy::set) return {};
  return Setter(input).run();
}

VmSteps restore_vm_steps(const PveConfigs* pve, const Baseline& baseline) {
  VmSteps done;
  std::map<PveObject, std::vector<PveKeyChange>> changes;
  for (const auto& key : baseline.pve_keys) {
    if (!pve || !pve->known) {
      changes[key.object].push_back({key.key, key.ours, key.before});
      continue;
    }
    const auto now = value_now(*pve, key.object, key.key);
    if (!now || same_pve_value(key.key, *now, key.before)) continue;
    if (is_ours(key, *now))
      changes[key.object].push_back({key.key, *now, key.before});
    else
      done.findings.push_back(changed_since(key, *now));
  }
  for (auto& [object, keys] : changes) done.steps.push_back(restore_step(pve, object, std::move(keys)));
  for (const auto& before : baseline.files)
    if (is_hook(before.path) && (!pve || !pve->known || hook_differs(*pve, before)))
      done.steps.push_back(restore_hook(before));
  return done;
}

void recognise_hooks(const PveConfigs& pve, Baseline& baseline) {
  for (const auto& [id, vm] : pve.next)
    if (is_own_hook(vm.hookscript) && !baseline.pve_key(object_of(id), "hookscript"))
      baseline.pve_keys.push_back({object_of(id), "hookscript", std::nullopt, vm.hookscript});
  for (const auto& storage : pve.storages) {
    if (storage.path.empty() || !storage.hook || !is_ours(storage.hook->content)) continue;
    if (baseline.file(hook_path(storage))) continue;
    baseline.files.push_back({hook_path(storage), std::nullopt});
    note_written(baseline.files.back(), storage.hook->content);
  }
}

}  // namespace hostsplit
