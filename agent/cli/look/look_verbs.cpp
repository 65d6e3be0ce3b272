#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/look/watch.hpp"
#include "cli/screen.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "formats/toml/documents.hpp"
#include "host/store/output_file.hpp"
#include "host/store/store.hpp"
#include "operations/advice.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
#include "operations/report/wrap.hpp"
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
  const auto look = [&]() -> Picture {
    State state;
    const auto damaged = observe_past_damage(root, state);
    const Status now = status(state, damaged);
    const int code = has_damage(damaged) ? Exit::bad_usage : exit_for(now.findings);
    if (options.json) return {status_json(now), code};
    const Paint paint = Paint::for_stdout();
    return {fit(status_text(now, paint), paint.width), code};
  };
  if (options.watch) return watch(look, options.json);
  const Picture picture = look();
  std::cout << picture.text;
  return picture.code;
}

int plan_verb(const Options& options) {
  const Root root(options.root);
  const State state = observe(root);
  const Plan planned = with_advice(root, state, plan_or_misfit(state));
  if (options.json)
    std::cout << plan_json(planned);
  else
    show(plan_text(planned, Paint::for_stdout(), options.verbose ? "" : "hostsplit plan --verbose"));
  if (has_errors(planned.findings)) return Exit::findings;
  return options.check && !planned.steps.empty() ? Exit::something_to_do : Exit::fine;
}

int ports_verb(const Options& options) {
  const Root root(options.root);
  State state;
  auto damaged = observe_past_damage(root, state);
  std::erase_if(damaged, [](const Finding& finding) { return finding.code != "ports-damaged"; });  // others: no matter
  const Status now = status(state, damaged);
  if (options.json) {
    std::cout << ports_json(now.ports, damaged);
  } else {
    show(ports_text(now.ports, Paint::for_stdout()));
    if (!damaged.empty()) show("\n" + findings_text(damaged, Paint::for_stdout()));
  }
  return damaged.empty() ? Exit::fine : Exit::bad_usage;
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

namespace {

bool names_priority(const std::string& argument) {
  return argument.starts_with("-p") || argument.starts_with("--priority");
}

}  // namespace

int log_verb(const Options& options) {
  std::vector<char*> arguments;
  std::vector<std::string> command{"journalctl", "-t", "hostsplit"};
  // The records that open a step have priority debug: with them each step would stand there twice, alike.
  if (std::none_of(options.words.begin(), options.words.end(), names_priority)) command.push_back("--priority=info");
  command.insert(command.end(), options.words.begin(), options.words.end());
  for (auto& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  throw Error("run", "journalctl", "it is not installed", "The audit trail is in the systemd journal.");
}

}  // namespace hostsplit::cli
