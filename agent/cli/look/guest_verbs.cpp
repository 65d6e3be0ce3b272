#include <iostream>

#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/number.hpp"
#include "operations/doctor.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/doctor_report.hpp"
#include "operations/report/verify_report.hpp"

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
  const Root root(options.root);
  std::vector<int> vms;
  for (const auto& word : options.words) vms.push_back(vm_number(word));
  const Proof proof = verify(root, vms, options.force);
  std::cout << (options.json ? proof_json(proof) : proof_text(proof, Paint::for_stdout()));
  return proof.ok() ? Exit::fine : Exit::findings;
}

int doctor_verb(const Options& options) {
  const Root root(options.root);
  const Diagnosis diagnosis = diagnose(root);
  std::cout << (options.json ? diagnosis_json(diagnosis) : diagnosis_text(diagnosis, Paint::for_stdout()));
  return exit_for(diagnosis.findings);
}

}  // namespace hostsplit::cli
