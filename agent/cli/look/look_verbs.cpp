#include <unistd.h>

#include <iostream>

#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "formats/toml/documents.hpp"
#include "host/store/store.hpp"
#include "operations/advice.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
#include "operations/status.hpp"

namespace hostsplit::cli {

int exit_for(const std::vector<Finding>& found) {
  return has_errors(found) ? Exit::findings : Exit::fine;
}

void require_root_user(const std::string& verb, const Root& root) {
  if (!root.live() || geteuid() == 0) return;
  throw Error("run", "hostsplit " + verb, "it changes this machine, which needs root", "Run: sudo hostsplit " + verb,
              Error::Kind::bad_input);
}

int status_verb(const Options& options) {
  const Root root(options.root);
  const Status now = status(observe(root));
  std::cout << (options.json ? status_json(now) : status_text(now, Paint::for_stdout()));
  return exit_for(now.findings);
}

int plan_verb(const Options& options) {
  const Root root(options.root);
  const State state = observe(root);
  const Plan planned = with_advice(root, state, plan_for(state, Apply{}));
  std::cout << (options.json ? plan_json(planned) : plan_text(planned, Paint::for_stdout()));
  if (has_errors(planned.findings)) return Exit::findings;
  return options.check && !planned.steps.empty() ? Exit::something_to_do : Exit::fine;
}

int ports_verb(const Options& options) {
  const Root root(options.root);
  const Status now = status(observe(root));
  std::cout << (options.json ? ports_json(now.ports) : ports_text(now.ports, Paint::for_stdout()));
  return Exit::fine;
}

int export_ports_verb(const Options& options) {
  const Root root(options.root);
  const PortMap map = load_port_map(root);
  if (map.ports.empty())
    throw Error("export", map.file, "no port is learned yet", "Learn them: sudo hostsplit learn",
                Error::Kind::bad_input);
  if (options.words.empty() || options.words.front() == "-") return std::cout << to_toml(map), Exit::fine;
  const std::string& file = options.words.front();
  write_new_file(file, to_toml(map), true);
  std::cout << "Wrote " << map.ports.size() << " ports to " << printable(file)
            << ". On the other installation: sudo hostsplit ports import " << shell_word(file) << "\n";
  return Exit::fine;
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
