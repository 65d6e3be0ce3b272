#include <iostream>

#include "cli/act/acting.hpp"
#include "core/base/error.hpp"
#include "core/base/number.hpp"
#include "host/effects/effects.hpp"
#include "operations/hook.hpp"
#include "service/journal/journal_audit.hpp"

namespace hostsplit::cli {

/// Proxmox VE runs it as root with the number of the VM and pre-start, post-start, pre-stop or post-stop.
int hookscript_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("hookscript", root);
  const auto vm = parse_number<int>(options.words.at(0));
  if (!vm)
    throw Error("answer a hook for", options.words.at(0), "it is not the number of a VM",
                "Proxmox VE gives VMID and PHASE.", Error::Kind::bad_input);
  const std::string& phase = options.words.at(1);
  LiveEffects effects(root);
  JournalAudit audit;
  const Context context{root, effects, audit};
  HookAnswer answer;
  if (phase == "pre-start")
    answer = before_start(context, *vm);
  else if (phase == "post-start")
    answer = after_start(context, *vm);
  for (const auto& note : answer.notes) std::cout << "hostsplit: " << note << "\n";
  if (answer.veto.empty()) return Exit::fine;
  std::cout << std::flush;
  std::cerr << "hostsplit: " << answer.veto << "\n";
  return Exit::findings;
}

}  // namespace hostsplit::cli
