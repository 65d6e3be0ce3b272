#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/act/acting.hpp"
#include "core/base/error.hpp"
#include "core/base/number.hpp"
#include "host/effects/effects.hpp"
#include "host/system/forked.hpp"
#include "operations/hook.hpp"
#include "service/journal/journal_audit.hpp"

namespace hostsplit::cli {
namespace {

/// Less than config/pve/hostsplit-hook gives us, which can end this process but none that hangs in the kernel.
constexpr std::chrono::milliseconds hook_patience{50000};

HookAnswer answer_to(const Options& options, int vm) {
  const std::string& phase = options.words.at(1);
  // Opened here: its readers are left behind sooner than we are.
  const Root root(options.root);
  LiveEffects effects(root);
  JournalAudit audit;
  const Context context{root, effects, audit};
  if (phase == "pre-start") return before_start(context, vm);
  if (phase == "post-start") return after_start(context, vm);
  return {};
}

std::string to_packet(const Options& options, int vm) {
  using Json = nlohmann::json;
  Json packet;
  try {
    const HookAnswer answer = answer_to(options, vm);
    packet = {{"veto", answer.veto}, {"notes", answer.notes}};
  } catch (const Error& error) {
    packet = {{"veto", ""}, {"notes", {error.what()}}};
  }
  return packet.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

/// Proxmox VE runs it as root with the number of the VM and pre-start, post-start, pre-stop or post-stop. Whoever reads
/// its output waits for the end of every process that has it, so none of those may hang.
int hookscript_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("hookscript", root);
  const LiveEffects live(root);  // a recorded machine is no place for a hook
  const auto vm = parse_number<int>(options.words.at(0));
  if (!vm)
    throw Error("answer a hook for", options.words.at(0), "it is not the number of a VM",
                "Proxmox VE gives VMID and PHASE.", Error::Kind::bad_input);
  const auto packet = answer_within(hook_patience, -1, [&] { return to_packet(options, *vm); });
  if (!packet) {
    std::cout << "hostsplit: the machine could not be looked at in time; the VM starts all the same\n";
    return Exit::fine;
  }
  const auto answer = nlohmann::json::parse(*packet);
  for (const auto& note : answer.at("notes")) std::cout << "hostsplit: " << note.get<std::string>() << "\n";
  const std::string veto = answer.at("veto");
  if (veto.empty()) return Exit::fine;
  std::cout << std::flush;
  std::cerr << "hostsplit: " << veto << "\n";
  return Exit::findings;
}

}  // namespace hostsplit::cli
