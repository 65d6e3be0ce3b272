#include <unistd.h>

#include <iostream>

#include "cli/verbs.hpp"
#include "core/error.hpp"
#include "host/effects.hpp"
#include "host/lock.hpp"
#include "host/store.hpp"
#include "operations/learning.hpp"
#include "operations/operations.hpp"
#include "operations/report.hpp"
#include "text/paint.hpp"

namespace hostsplit::cli {

int exit_for(const std::vector<Finding>& found) { return has_errors(found) ? Exit::findings : Exit::fine; }

void require_root_user(const std::string& verb, const Root& root) {
  if (!root.live() || geteuid() == 0) return;
  throw Error("run", "hostsplit " + verb, "it changes this machine, which needs root", "Run: sudo hostsplit " + verb,
              Error::Kind::bad_input);
}

int status_verb(const Options& options) {
  const Root root(options.root);
  const Status now = status(look(root));
  std::cout << (options.json ? status_json(now) : status_text(now, Paint::for_stdout()));
  return exit_for(now.findings);
}

int plan_verb(const Options& options) {
  const Root root(options.root);
  const Plan planned = plan(look(root));
  std::cout << (options.json ? plan_json(planned) : plan_text(planned, Paint::for_stdout()));
  if (has_errors(planned.findings)) return Exit::findings;
  return options.check && !planned.steps.empty() ? Exit::something_to_do : Exit::fine;
}

int ports_verb(const Options& options) {
  const Root root(options.root);
  const Status now = status(look(root));
  std::cout << (options.json ? ports_json(now.ports) : ports_text(now.ports, Paint::for_stdout()));
  return Exit::fine;
}

namespace {

int change_map(const Options& options, const std::string& verb, const std::function<PortMap(const PortMap&)>& change,
               const std::string& said) {
  const Root root(options.root);
  require_root_user(verb, root);
  LiveEffects effects(root);
  const Lock lock(root);
  save_port_map(root, effects, change(load_port_map(root)));
  std::cout << said << "\n";
  return Exit::fine;
}

}  // namespace

int rename_verb(const Options& options) {
  const std::string &from = options.words.at(0), &to = options.words.at(1);
  return change_map(
      options, "ports rename", [&](const PortMap& map) { return rename_port(map, from, to); },
      from + " is called " + to + " now. Where the configuration names " + from + ", change it there too.");
}

int forget_verb(const Options& options) {
  const std::string& label = options.words.at(0);
  return change_map(
      options, "ports forget", [&](const PortMap& map) { return forget_port(map, label); }, label + " is forgotten.");
}

int log_verb(const Options& options) {
  std::vector<char*> arguments;
  std::vector<std::string> command{"journalctl", "-t", "hostsplit"};
  command.insert(command.end(), options.words.begin(), options.words.end());
  for (auto& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  throw Error("run", "journalctl", "it is not installed", "The audit trail is in the systemd journal.");
}

}  // namespace hostsplit::cli
