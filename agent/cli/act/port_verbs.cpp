#include <iostream>

#include "cli/act/acting.hpp"
#include "cli/act/password_agent.hpp"
#include "cli/verbs.hpp"
#include "host/effects/effects.hpp"
#include "operations/port_changes.hpp"
#include "service/bus/client.hpp"
#include "service/journal/journal_audit.hpp"

namespace hostsplit::cli {
namespace {

/// Through the service where it runs, so that polkit decides; otherwise directly, as root.
template <class OverBus, class Directly>
int change_ports(const Options& options, const std::string& verb, OverBus over_bus, Directly directly) {
  const Root root(options.root);
  if (const auto service = root.live() ? ServiceClient::connect() : nullptr) {
    const PasswordAgent agent;
    over_bus(*service);
    return Exit::fine;
  }
  require_root_user(verb, root);
  LiveEffects effects(root);
  JournalAudit audit;
  directly(Context{root, effects, audit});
  return Exit::fine;
}

}  // namespace

int rename_verb(const Options& options) {
  const std::string &from = options.words.at(0), &to = options.words.at(1);
  change_ports(
      options, "ports rename", [&](ServiceClient& service) { service.rename(from, to); },
      [&](const Context& context) { rename_learned_port(context, from, to); });
  std::cout << from << " is called " << to << " now. Where the configuration names " << from
            << ", change it there too.\n";
  return Exit::fine;
}

int forget_verb(const Options& options) {
  const std::string& label = options.words.at(0);
  change_ports(
      options, "ports forget", [&](ServiceClient& service) { service.forget(label); },
      [&](const Context& context) { forget_learned_port(context, label); });
  std::cout << label << " is forgotten.\n";
  return Exit::fine;
}

}  // namespace hostsplit::cli
