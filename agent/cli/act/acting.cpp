#include "cli/act/acting.hpp"

#include <stdexcept>
#include <string_view>

#include "cli/recorded_machine.hpp"

namespace hostsplit::cli {
namespace {

struct Acting {
  std::string_view name;
  Run run;
};

constexpr Acting acting[] = {
    {"learn", learn_verb},     {"apply", apply_verb},         {"undo", undo_verb},     {"take", take_verb},
    {"release", release_verb}, {"boot", boot_verb},           {"daemon", daemon_verb}, {"work", work_verb},
    {"mapping", mapping_verb}, {"rename", rename_verb},       {"forget", forget_verb}, {"hookscript", hookscript_verb},
    {"setup", setup_verb},     {"import", import_ports_verb},
};

}  // namespace

int act(const Verb& verb, const Options& options) {
  for (const auto& entry : acting)
    if (entry.name == verb.name) return on_machine(options, entry.run);
  throw std::logic_error(std::string("no function for the verb ") + verb.name);
}

}  // namespace hostsplit::cli
