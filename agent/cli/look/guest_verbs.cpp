#include <iostream>

#include "cli/screen.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/number.hpp"
#include "operations/doctor.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/doctor_report.hpp"
#include "operations/report/verify_report.hpp"
#include "operations/state.hpp"

namespace hostsplit::cli {
namespace {

int vm_number(const std::string& word) {
  const auto number = parse_number<int>(word);
  if (number && *number >= 100) return *number;
  throw Error("verify", word, "it is not the number of a VM", "Write it as Proxmox VE shows it, 100 or above.",
              Error::Kind::bad_input);
}

}  // namespace

int verify_verb(const Options& options) {
  if (!options.plug.empty()) return plug_verb(options);
  const Root root(options.root);
  std::vector<int> vms;
  for (const auto& word : options.words) vms.push_back(vm_number(word));
  const Proof proof = verify(root, vms, options.force);
  if (options.json)
    std::cout << proof_json(proof);
  else
    show(proof_text(proof, Paint::for_stdout()));
  if (has_damage(proof.findings)) return Exit::bad_usage;
  return proof.ok() ? Exit::fine : Exit::findings;
}

int doctor_verb(const Options& options) {
  const Root root(options.root);
  const Diagnosis diagnosis = diagnose(root);
  if (options.json)
    std::cout << diagnosis_json(diagnosis);
  else
    show(diagnosis_text(diagnosis, Paint::for_stdout(), options.verbose));
  return exit_for(diagnosis.findings);
}

}  // namespace hostsplit::cli
