#include "core/boot/escalation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/names.hpp"
#include "core/boot/initramfs.hpp"
#include "core/boot/modprobe_conf.hpp"
#include "core/steps/files.hpp"
#include "core/usb/guards.hpp"

namespace hostsplit {
namespace {

std::string ids_of(const Fingerprint& function) {
  return id_pair(function.ids.vendor, function.ids.device);
}

/// The USB controllers of a target, and what can be said about their ids.
struct Assigned {
  std::set<PciAddress> all;                               ///< every claimed function
  std::map<PciAddress, std::string> ids;                  ///< of claimed USB controllers
  std::map<std::string, std::vector<std::string>> twins;  ///< by id: addresses of functions that stay with the host
  std::vector<ControllerKind> kinds;
};

Assigned assigned(const Snapshot& snapshot, const BootPlan& target) {
  Assigned found;
  std::set<ControllerKind> kinds;
  for (const auto& claim : target.claims) {
    const Located located = locate(snapshot, claim.function);
    if (located.kind != Located::Kind::found) continue;
    found.all.insert(*located.address);
    const auto kind = controller_kind(claim.function.pci_class);
    if (!kind) continue;
    kinds.insert(*kind);
    found.ids[*located.address] = ids_of(claim.function);
    found.twins[ids_of(claim.function)];
  }
  for (const auto& [address, function] : snapshot.functions)
    if (const auto twins = found.twins.find(ids_of(function.fingerprint));
        twins != found.twins.end() && !found.all.count(address))
      twins->second.push_back(to_string(address));
  found.kinds.assign(kinds.begin(), kinds.end());
  return found;
}

std::string conf_of(Rung rung, const Assigned& assigned) {
  std::vector<std::string> ids;
  for (const auto& [id, twins] : assigned.twins)
    if (twins.empty()) ids.push_back(id);
  return modprobe_conf(rung, ids, assigned.kinds);
}

/// Twins that keep the ids of these functions from being given to vfio-pci.
std::vector<std::string> twins_of(const std::vector<PciAddress>& functions, const Assigned& assigned) {
  std::set<std::string> twins;
  for (const auto& address : functions) {
    const auto& of_id = assigned.twins.at(assigned.ids.at(address));
    twins.insert(of_id.begin(), of_id.end());
  }
  return {twins.begin(), twins.end()};
}

/// Assigned controllers the host's driver had at this boot although the rung was in the image that booted; and how.
struct Lost {
  std::vector<PciAddress> functions;
  std::string how;  ///< sentence
};

/// True when the image of the running kernel was seen to carry this, during an earlier boot.
bool was_in_force(const LadderInput& in, const std::string& conf) {
  const ImageTouched* image = in.baseline.image(in.snapshot.kernel);
  const std::string plan = image_plan(in.target);
  return image && !plan.empty() && !image->boot_id.empty() && !in.snapshot.boot_id.empty() &&
         image->boot_id != in.snapshot.boot_id && image->stamp == image_stamp(plan, conf);
}

/// vfio-pci refused it although it was asked to look: whoever comes first makes no difference.
bool refused_by_vfio(const Snapshot& snapshot, const PciAddress& address) {
  const auto& early = snapshot.boot.early;
  return early && std::any_of(early->left.begin(), early->left.end(), [&](const EarlyLeft& left) {
           return left.code == "not-taken" && left.what == to_string(address);
         });
}

/// The host's driver is part of the kernel: it comes before all that could be climbed to; boot_rung() tells so.
bool driver_builtin(const Snapshot& snapshot, const PciAddress& address) {
  const PciFunction* function = snapshot.function(address);
  const auto kind = function ? controller_kind(function->fingerprint.pci_class) : std::nullopt;
  return kind && !builtin_drivers(snapshot, *kind).empty();
}

Lost lost(const LadderInput& in, const Assigned& assigned, Rung rung) {
  const auto& early = in.snapshot.boot.early;
  if (!was_in_force(in, conf_of(rung, assigned)) || (early && early->off)) return {};
  Lost found;
  std::vector<std::string> words;
  for (const auto& [address, ids] : assigned.ids) {
    const auto first = in.snapshot.boot.first_drivers.find(address);
    if (first == in.snapshot.boot.first_drivers.end() || first->second == names::vfio_driver) continue;
    if (first->second.empty() || refused_by_vfio(in.snapshot, address)) continue;
    if (driver_builtin(in.snapshot, address)) continue;
    found.functions.push_back(address);
    words.push_back(first->second + " had " + to_string(address));
  }
  if (!found.functions.empty())
    found.how = fmt::format("at this boot {} before vfio-pci, although rung {} was in the initramfs{}",
                            fmt::join(words, ", "), to_string(rung), early ? "" : ", whose script did not run");
  return found;
}

std::vector<std::string> lifelines_on_xhci(const Snapshot& snapshot) {
  std::vector<std::string> found;
  for (const auto& [address, controller] : snapshot.controllers)
    if (controller.kind == ControllerKind::xhci)
      for (const auto& use : snapshot.uses)
        if (use.lifeline && std::count(use.functions.begin(), use.functions.end(), address) != 0)
          found.push_back(use.unknown.empty() ? use_text(use) : use.name + " may be on it");
  return found;
}

bool all_xhci(const Snapshot& snapshot, const std::vector<PciAddress>& functions) {
  return std::all_of(functions.begin(), functions.end(), [&](const PciAddress& address) {
    const Controller* controller = snapshot.controller(address);
    return controller && controller->kind == ControllerKind::xhci;
  });
}

/// One choice: looks at the rung in force, then at those above it.
class Choice {
 public:
  explicit Choice(const LadderInput& in) : in_(in), assigned_(assigned(in.snapshot, in.target)) {}

  Ladder make() {
    if (in_.climbed)
      ladder_.rung = in_.climbed->rung, ladder_.why = in_.climbed->why;
    else
      ladder_.rung = Rung::boot;
    leave_what_cannot_hold();
    const Lost lost = hostsplit::lost(in_, assigned_, ladder_.rung);
    if (!lost.functions.empty()) climb(lost);
    ladder_.modprobe = conf_of(ladder_.rung, assigned_);
    return std::move(ladder_);
  }

 private:
  void note(const char* code, Severity severity, std::string message, std::string remedy) {
    ladder_.findings.push_back({code, severity, "rung", std::move(message), std::move(remedy)});
  }

  void back_to_boot() { ladder_.rung = Rung::boot, ladder_.why.clear(); }

  void leave_what_cannot_hold() {
    if (ladder_.rung == Rung::blacklist) {
      if (in_.config.blacklist == BlacklistPolicy::never) {
        note("rung-left", Severity::warning, "blacklisting is not allowed any more", "");
        return back_to_boot();
      }
      if (const auto lifelines = lifelines_on_xhci(in_.snapshot); !lifelines.empty()) {
        note("rung-left", Severity::warning, "blacklisting xhci is not safe any more: " + lifelines.front(), "");
        return back_to_boot();
      }
    }
    if (ladder_.rung != Rung::ids) return;
    std::vector<PciAddress> all;
    for (const auto& [address, ids] : assigned_.ids) all.push_back(address);
    const auto twins = twins_of(all, assigned_);
    if (twins.empty()) return;
    note("rung-left", Severity::warning,
         fmt::format("rung ids would take {} too, which {} not assigned", fmt::join(twins, ", "),
                     twins.size() == 1 ? "is" : "are"),
         "Run hostsplit apply: it lowers the rung to boot, which can distinguish identical controllers, from the next "
         "boot on");
    back_to_boot();
  }

  void climb(const Lost& lost) {
    const auto twins = twins_of(lost.functions, assigned_);
    std::string how = lost.how;
    // Options in modprobe.d are for modules.
    const bool no_options = in_.snapshot.builtin_modules.count("vfio_pci") != 0;
    if (ladder_.rung < Rung::ids && twins.empty() && !no_options) return climb_to(Rung::ids, how);
    if (no_options) how += "; rung ids is left out, because vfio-pci is built in and takes no options from modprobe.d";
    if (!twins.empty())
      how += fmt::format("; rung ids is left out, because it would take {} from the host", fmt::join(twins, ", "));
    if (ladder_.rung == Rung::blacklist || !all_xhci(in_.snapshot, lost.functions)) return tell_exhausted(how);
    blacklist(how);
  }

  void climb_to(Rung rung, std::string how) {
    note("rung-climbs", Severity::warning, how,
         fmt::format(
             "hostsplit apply climbs to rung {}, for the next boot; the service has moved the functions meanwhile",
             to_string(rung)));
    ladder_.rung = rung;
    ladder_.why = std::move(how);
  }

  void tell_exhausted(const std::string& how) {
    note("rung-exhausted", Severity::warning, how + "; there is no rung above that helps",
         "See what loads the driver so early: scripts in /etc/initramfs-tools/scripts/init-top, install lines in "
         "/etc/modprobe.d; the service moves the functions meanwhile");
  }

  void blacklist(const std::string& how) {
    if (const auto lifelines = lifelines_on_xhci(in_.snapshot); !lifelines.empty())
      return note("rung-blacklist-unsafe", Severity::warning,
                  how + "; blacklisting xhci is left out, too: " + lifelines.front(),
                  "The service moves the functions at each boot, as now");
    switch (in_.config.blacklist) {
      case BlacklistPolicy::allow: return climb_to(Rung::blacklist, how);
      case BlacklistPolicy::never:
        return note("rung-blacklist-never", Severity::info, how + "; blacklisting xhci is not allowed", "");
      case BlacklistPolicy::ask:
        return note("rung-blacklist-asks", Severity::warning,
                    how +
                        "; what is left is to blacklist xhci at boot and to load it by name once vfio-pci has what "
                        "belongs to VMs. May it?",
                    "Write blacklist = \"allow\" under [enforce] and run hostsplit apply, or \"never\" to hear no more "
                    "of it; the service moves the functions meanwhile");
    }
  }

  const LadderInput& in_;
  Assigned assigned_;
  Ladder ladder_;
};

void add_steps(const LadderInput& in, Ladder& ladder) {
  const Rung from = in.climbed ? in.climbed->rung : Rung::boot;
  const Rung to = std::max(ladder.rung, Rung::boot);
  if (from != to) {
    const std::string why = !ladder.why.empty()       ? ladder.why
                            : ladder.findings.empty() ? "nothing is enforced by it any more"
                                                      : ladder.findings.front().message;
    ladder.steps.push_back({"rung", SetRung{from, to, ladder.why}, why});
  }
  const auto file = [&](const char* path, const std::string& content, const char* reason) {
    if (content.empty()) return restore_file(in.snapshot, in.baseline, path, ladder.steps);
    want_file(in.snapshot, path, {content, 0644}, reason, ladder.steps);
  };
  file(names::modprobe_conf, ladder.modprobe, "vfio-pci is to come before the host's driver, whoever loads that");
  file(names::modules_load_conf, modules_load_conf(ladder.rung), "vfio-pci is to be there at every boot");
}

}  // namespace

Ladder choose_rung(const LadderInput& input) {
  const bool early = input.config.boot == BootPolicy::initramfs && input.snapshot.boot.initramfs_tools &&
                     !input.snapshot.boot.kernels.empty() && !input.target.claims.empty();
  Ladder ladder;
  if (early) ladder = Choice(input).make();
  add_steps(input, ladder);
  return ladder;
}

std::vector<Step> leave_ladder(const Snapshot& snapshot, const Baseline& baseline) {
  std::vector<Step> steps;
  restore_file(snapshot, baseline, names::modprobe_conf, steps);
  restore_file(snapshot, baseline, names::modules_load_conf, steps);
  return steps;
}

std::vector<Step> forget_rung_steps(const std::optional<RungRecord>& climbed) {
  if (!climbed) return {};
  return {{"rung", SetRung{climbed->rung, Rung::boot, {}}, "nothing is enforced at boot any more"}};
}

}  // namespace hostsplit
