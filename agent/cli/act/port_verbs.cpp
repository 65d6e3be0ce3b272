#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/act/acting.hpp"
#include "cli/act/backend.hpp"
#include "cli/act/password_agent.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "formats/toml/documents.hpp"
#include "host/effects/effects.hpp"
#include "host/store/store.hpp"
#include "operations/port_changes.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
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

namespace {

PortMap read_ports(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    throw Error("read", file, std::strerror(errno), "Name a file that hostsplit ports export wrote.",
                Error::Kind::bad_input);
  PortMap map = parse_port_map(text.str(), file);
  if (map.ports.empty())
    throw Error("import", file, "there are no ports in it", "Name a file that hostsplit ports export wrote.",
                Error::Kind::bad_input);
  return map;
}

/// \return what there is to do; the rest of the lines are for the user.
bool show_changes(const PortMap& before, const PortMap& after, const std::vector<Finding>& findings) {
  const auto changes = port_map_changes(before, after);
  for (const auto& line : changes) std::cout << line << "\n";
  if (changes.empty()) std::cout << "The ports are as they are in the file.\n";
  if (!findings.empty()) std::cout << "\n" << findings_text(findings, Paint::for_stdout());
  return !changes.empty();
}

}  // namespace

int import_ports_verb(const Options& options) {
  const Root root(options.root);
  const std::string& file = options.words.at(0);
  const PortMap after = read_ports(file), before = load_port_map(root);
  const auto findings = check_imported_ports(root, after);
  if (!show_changes(before, after, findings) || options.dry_run) return exit_for(findings);
  require_root_user("ports import", root);
  LiveEffects effects(root);
  if (!confirmed(options, "ports import")) {
    std::cerr << "Nothing was changed.\n";
    return Exit::failed;
  }
  JournalAudit audit;
  import_learned_ports({root, effects, audit}, before, after);
  std::cout << after.ports.size() << " ports were imported.";
  if (!before.ports.empty())
    std::cout << " The ones before are kept: hostsplit ports import /" << names::port_map_before << " takes them back.";
  std::cout << "\n";
  return exit_for(findings);
}

}  // namespace hostsplit::cli
