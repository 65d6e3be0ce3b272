#include <iostream>

#include "cli/act/acting.hpp"
#include "cli/screen.hpp"
#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/effects/effects.hpp"
#include "operations/mapping.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
#include "service/journal/journal_audit.hpp"

namespace hostsplit::cli {
namespace {

std::string what_was_done(const MappingChange& change, bool wanted, bool written) {
  const std::string file = "/" + std::string(names::pci_mapping_file);
  if (written) return "Written to " + file + ", for every node of the cluster to see.\n";
  if (change.before == change.after) return "Nothing to do: " + file + " is as wanted.\n";
  return wanted ? "" : "Nothing was written. hostsplit mapping --write puts this into " + file + ".\n";
}

}  // namespace

int mapping_verb(const Options& options) {
  const Root root(options.root);
  const bool wanted = options.write || options.remove;
  if (wanted) require_root_user("mapping", root);
  const MappingChange change = mapping_change(root, options.remove);
  const bool writes = wanted && change.before != change.after;
  if (writes) {
    LiveEffects effects(root);
    JournalAudit audit;
    write_mappings({root, effects, audit}, change);
  }
  if (options.json) {
    std::cout << mapping_json(change, writes);
  } else {
    if (!options.remove) std::cout << mapping_text(change) << "\n";
    show(findings_text(change.findings, Paint::for_stdout()) + what_was_done(change, wanted, writes));
  }
  return exit_for(change.findings);
}

}  // namespace hostsplit::cli
