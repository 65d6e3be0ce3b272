#include "cli/complete.hpp"

#include <algorithm>
#include <iostream>
#include <set>

#include "cli/command_line.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/store.hpp"

namespace hostsplit::cli {
namespace {

struct Candidate {
  std::string word, what;
};
using Candidates = std::vector<Candidate>;

/// What was typed so far, as far as it decides what may follow.
struct Typed {
  const CLI::App* verb = nullptr;
  const CLI::Option* waiting = nullptr;  ///< its value comes next
  std::size_t positionals = 0;
  std::string root = "/";
};

const CLI::App* sub_of(const CLI::App& verb, const std::string& name) {
  for (const CLI::App* sub : verb.get_subcommands([](const CLI::App*) { return true; }))
    if (sub->get_name() == name) return sub;
  return nullptr;
}

/// Of the verb, or of those it belongs to.
const CLI::Option* option_of(const CLI::App& verb, const std::string& name) {
  for (const CLI::App* app = &verb; app; app = app->get_parent())
    for (const CLI::Option* option : app->get_options())
      if (!option->get_positional() && option->check_name(name)) return option;
  return nullptr;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

Typed read_words(const CLI::App& app, const std::vector<std::string>& words) {
  Typed typed;
  typed.verb = &app;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (typed.waiting) {
      if (typed.waiting->check_name("--root")) typed.root = word;
      typed.waiting = nullptr;
    } else if (word.starts_with('-')) {
      const CLI::Option* option = option_of(*typed.verb, word);
      if (option && takes_value(*option)) typed.waiting = option;
    } else if (word == "help" && typed.verb == &app) {
      continue;
    } else if (const CLI::App* sub = sub_of(*typed.verb, word)) {
      typed.verb = sub;
    } else {
      ++typed.positionals;
    }
  }
  return typed;
}

void add_labels(const Root& root, const std::string& before, Candidates& candidates) {
  for (const auto& port : load_port_map(root).ports) candidates.push_back({before + port.label, place(port)});
}

void add_vms(const Root& root, Candidates& candidates) {
  std::map<int, std::string> vms;
  try {
    if (const auto config = load_config(root))
      for (const auto& [id, vm] : config->vms) vms[id] = vm.name;
  } catch (const Error&) {  // the VMs of Proxmox VE are there all the same
  }
  for (const auto& [id, vm] : read_pve(root).vms) vms[id] = vm.name;
  for (const auto& [id, name] : vms) candidates.push_back({std::to_string(id), name.empty() ? "VM" : "VM " + name});
}

void add_addresses(const Root& root, Candidates& candidates) {
  const Snapshot snapshot = inventory(root);
  for (const auto& [address, controller] : snapshot.controllers) {
    const std::string driver = snapshot.function(address)->driver;
    candidates.push_back({to_string(address), std::string(to_string(controller.kind)) + " controller, " +
                                                  (driver.empty() ? "no driver" : driver)});
  }
}

/// Values by the name of their type, as the verb table and the help have it.
Candidates values(const std::string& type, const Typed& typed, const std::string& word) {
  const auto has = [&](const char* part) { return type.find(part) != std::string::npos; };
  Candidates candidates;
  if (has("DIR")) return {{":directories", ""}};
  if (has("LEVEL"))
    for (const char* level : {"trace", "debug", "info", "warning", "error", "off"}) candidates.push_back({level, ""});
  const Root root(typed.root);
  const auto list = word.find_last_of("=,");
  if (has("VMID[=")) {
    if (list == std::string::npos)
      add_vms(root, candidates);
    else
      add_labels(root, word.substr(0, list + 1), candidates);
    return candidates;
  }
  if (has("VMID")) add_vms(root, candidates);
  if (has("LABEL") || (has("OLD") && typed.positionals == 0)) add_labels(root, "", candidates);
  if (has("ADDRESS")) add_addresses(root, candidates);
  return candidates;
}

void add_options(const CLI::App& verb, Candidates& candidates) {
  std::set<std::string> seen;
  for (const CLI::App* app = &verb; app; app = app->get_parent())
    for (const CLI::Option* option : app->get_options())
      for (const auto& name : option->get_lnames())
        if ((app == &verb || name == "root") && seen.insert(name).second)
          candidates.push_back({"--" + name, option->get_description()});
}

void add_verbs(const CLI::App& verb, Candidates& candidates) {
  for (const CLI::App* sub : verb.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_group().empty()) candidates.push_back({sub->get_name(), sub->get_description()});
  if (verb.get_parent()) return;
  candidates.push_back({"help", "Show help, also of a verb"});
  candidates.push_back({"version", "Show the version"});
}

Candidates candidates_for(const Typed& typed, const std::string& word) {
  if (typed.waiting) return values(typed.waiting->get_type_name(), typed, word);
  Candidates candidates;
  if (word.starts_with('-')) {
    const auto equals = word.find('=');
    const CLI::Option* option = equals == std::string::npos ? nullptr : option_of(*typed.verb, word.substr(0, equals));
    if (!option) {
      add_options(*typed.verb, candidates);
      return candidates;
    }
    candidates = values(option->get_type_name(), typed, word.substr(equals + 1));
    for (auto& each : candidates) each.word = word.substr(0, equals + 1) + each.word;
    return candidates;
  }
  add_verbs(*typed.verb, candidates);
  for (const CLI::Option* option : typed.verb->get_options())
    if (option->get_positional())
      for (auto& each : values(option->get_type_name(), typed, word)) candidates.push_back(std::move(each));
  if (candidates.empty() && word.empty()) add_options(*typed.verb, candidates);
  return candidates;
}

}  // namespace

int complete_words(const std::vector<std::string>& words) {
  const CommandLine line;
  const std::string word = words.empty() ? "" : words.back();
  try {
    for (const auto& each : candidates_for(read_words(line.app, words), word))
      if (each.word.starts_with(word) || each.word.starts_with(':'))
        std::cout << printable(each.word) << "\t" << printable(each.what) << "\n";
  } catch (const std::exception&) {  // nobody asked anything that could be answered by a message
    return Exit::failed;
  }
  return Exit::fine;
}

}  // namespace hostsplit::cli
